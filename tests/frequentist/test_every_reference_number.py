"""Every number of R's result files is matched to 1e-6, matched by a named convention, or named with the reason why not.

The table of all of them is written to the file that REFERENCE_FREQUENTIST names: tests/full/reference_frequentist.csv.
"""

from __future__ import annotations

import fnmatch
import math
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from r_results import DATASETS, study
from reference_curves import curves_of, follow_up_of, log_rank_of
from reference_models import cox_of, frailty_of, parametric_of, piecewise_of

EXACT = "1e-6"
R_INNER = 1e-9
"""coxph's default eps, at which the frailty fits ended: sqrt(2e-9 * |log-likelihood|) < 6.1e-4 standard errors from the maximum."""

CONVENTIONS = (
    ("*/horizon", "*", "an input of both"),
    ("*/landmarks/time*", "*", "an input of both"),
    ("*/basehaz_*/time*", "*", "an input of both"),
    ("cuts*", "*", "an input of both"),
    ("pe/cuts*", "*", "an input of both"),
    ("*/landmarks/n_risk*", "*", "R counts at risk at t those at the next exit"),
    ("km/overall/ci_log/median?1?", "aml", "R sorts a limit that rises again"),
    ("*/wald_test/test", "*", "R's summary rounds it to two decimals"),
    ("frailty/gamma/variance_of_random_effect", "kidney", "R stops at 5e-9, ours is 0"),
    ("frailty/gaussian/variance_of_random_effect", "kidney", "R stops within sqrt(1e-9)"),
    ("frailty/*/coef*", "kidney", "R stops within 6.1e-4 standard errors"),
    ("frailty/gaussian/se*", "kidney", "R stops within 6.1e-4 standard errors"),
    ("frailty/gaussian/loglik?1?", "kidney", "R stops within 6.1e-4 standard errors"),
)
"""Path, data set, and the name of the convention; the first that fits. Some numbers get one from their value: `_by_value`."""

NOT_COMPUTED = (
    ("*/ci_plain/*", "the specification has the log-log and the log interval"),
    ("logrank/peto_rho1_chisq", "the specification has no weighted log-rank test"),
    ("cox_*/concordance*", "the specification has no concordance"),
    ("cox_*/means_used_for_centering*", "how R centres its columns: an input of its basehaz"),
    ("weibull/*/max_abs_gradient", "R's record of its own convergence"),
    ("weibull/*/iterations", "R's record of its own convergence"),
    ("weibull/check_survreg_vs_own/*", "R's record of its own convergence"),
)


def numbers(tree: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a tree of results by its path; None, R's missing value, is NaN. Texts and flags are no numbers."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from numbers(value, f"{path}/{key}" if path else key)
    elif isinstance(tree, list | tuple | np.ndarray):
        for k, value in enumerate(tree):
            yield from numbers(value, f"{path}[{k}]")
    elif tree is None:
        yield path, math.nan
    elif not isinstance(tree, str | bool | np.bool_):
        yield path, float(tree)


def ours(name: str) -> dict[str, float]:
    """Our number for every path of a data set's file."""
    data = study(name)
    found: dict[str, Any] = {
        "n": len(data.time),
        "events": data.event.sum(),
        "cuts": data.r["cuts"],
        "km": curves_of(data),
        "reverse_km": follow_up_of(data),
        "logrank": log_rank_of(data),
    }
    found |= {f"cox_{ties}": cox_of(data, ties) for ties in ("efron", "breslow") if f"cox_{ties}" in data.r}
    found |= {"weibull": parametric_of(data), "pe": piecewise_of(data)} if "pe" in data.r else {}
    found |= {"frailty": frailty_of(data), "n_subjects": 38} if "frailty" in data.r else {}
    return dict(numbers(found))


def _named(path: str, patterns: tuple[tuple[str, ...], ...], name: str = "*") -> str | None:
    """What the first pattern that fits says."""
    escaped = path.replace("[", "(").replace("]", ")")
    fits = (entry for entry in patterns if fnmatch.fnmatchcase(escaped, entry[0]) and entry[1:-1] in ((), ("*",), (name,)))
    return next((entry[-1] for entry in fits), None)


def _by_value(name: str, path: str, value: float, found: float) -> str | None:
    """Conventions that a number shows: where R has none, and where it goes on beyond the follow-up."""
    r = study(name).r
    if path.startswith("reverse_km/ci") and name == "myeloma_gep_zero":
        return "S falls from above 1/2 to 0 at once: R has no lower limit there"
    if math.isnan(value) and found == 1.0:
        return "R has no interval at S = 1 once a censoring has been passed; ours is [1, 1]"
    if math.isnan(value) and not math.isfinite(found):
        return "missing in both, or not reached"
    if "/rmst/" in path:
        curve = r["km"]["overall"] if "overall" in path else r["km"]["by_group"][path.split("/")[2]]
        return "R extends the last value of S beyond the follow-up" if curve["horizon_beyond_followup"] else None
    return None


def _agrees(path: str, value: float, found: float, standard: str, se: float) -> bool:
    """Whether a pair of numbers meets its standard: 1e-6 whatever the convention, but for where R stopped early."""
    if standard.startswith(("R has no interval", "missing")):
        return math.isnan(value)
    if standard.startswith("S falls"):
        return math.isnan(value) and found == (math.inf if path.endswith("[1]") else 4.0)
    if standard == "R stops at 5e-9, ours is 0":
        return found == 0.0 and value < 1e-8
    if standard == "R stops within sqrt(1e-9)":
        return abs(found - value) < math.sqrt(R_INNER)
    if standard.startswith("R stops within 6.1e-4"):
        reach = 6.1e-4 * se if "coef" in path else 6.1e-4 * abs(value)
        return abs(found - value) < reach
    return bool(np.isclose(found, value, rtol=1e-6, atol=1e-9))


def table_of(name: str) -> pd.DataFrame:
    """A row a number of R's file: ours by its convention, the relative difference, the standard, and whether it is met."""
    r, computed, rows = study(name).r, ours(name), []
    reference = dict(numbers(r))
    for path, value in reference.items():
        reason = _named(path, NOT_COMPUTED)
        found = computed.get(path, math.nan)
        if reason is not None:
            standard, met = f"not computed: {reason}", path not in computed
        elif path not in computed:
            standard, met = "escaped", False
        else:
            standard = _by_value(name, path, value, found) or _named(path, CONVENTIONS, name) or EXACT
            met = _agrees(path, value, found, standard, reference.get(path.replace("coef", "se"), math.nan))
        difference = abs(found - value) / abs(value) if value and math.isfinite(found) else abs(found - value)
        row = {"dataset": name, "number": path, "r": value, "ours": found, "difference": difference}
        rows.append(row | {"standard": standard, "met": met})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def tables() -> Iterator[dict[str, pd.DataFrame]]:
    """The table of each data set, written when the last test is done and a file is named for it."""
    made = {name: table_of(name) for name in DATASETS}
    yield made
    target = os.environ.get("REFERENCE_FREQUENTIST")
    if target:
        table = pd.concat(made.values())
        table["difference"] = table["difference"].map(lambda value: float(f"{value:.1e}"))
        table["date"] = datetime.now(UTC).date().isoformat()
        table.drop(columns="met").to_csv(Path(target), index=False, float_format="%.9g", lineterminator="\n")


@pytest.mark.parametrize("name", DATASETS)
def test_no_number_escapes(tables, name):
    """Each number of R's is computed here, or named with the reason why not, and not both."""
    table = tables[name]
    assert table.loc[table["standard"] == "escaped", "number"].tolist() == []
    computed = table["standard"].str.startswith("not computed")
    assert table.loc[computed & ~table["met"], "number"].tolist() == []


@pytest.mark.parametrize("name", DATASETS)
def test_every_number_meets_its_standard(tables, name):
    """Every computed number is R's to 1e-6, by its named convention where it has one."""
    table = tables[name]
    assert table.loc[~table["met"], ["number", "r", "ours", "standard"]].to_dict("records") == []


def test_no_name_is_idle(tables):
    """Every convention and every reason is used, and most numbers need none: more than 9 in 10 of the computed ones."""
    table = pd.concat(tables.values())
    used = set(table["standard"])
    named = {entry[-1] for entry in CONVENTIONS} | {f"not computed: {entry[-1]}" for entry in NOT_COMPUTED}
    assert named <= used
    exact = (table["standard"] == EXACT).sum()
    conventions = table["standard"].str.startswith(("R ", "R's", "S falls")).sum()
    assert exact > 9 * conventions
    assert len(table) > 3000
