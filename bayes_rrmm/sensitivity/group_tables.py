"""The tables of a small group's dossier, from what its refits said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.evidence.prior_grid import GridPrior
from bayes_rrmm.evidence.tipping import tipping_point
from bayes_rrmm.prior_words import own_events
from bayes_rrmm.resolved_priors import Location
from bayes_rrmm.sensitivity.crossing import crossing
from bayes_rrmm.sensitivity.group_frequentist import Counted
from bayes_rrmm.sensitivity.patients import Patient
from bayes_rrmm.sensitivity.refits import Refitted
from bayes_rrmm.sensitivity.reweighted import Reweighted

ANALYSED = "as analysed"


def read_columns(found: Refitted) -> dict[str, Any]:
    """The columns of a refit that every section has."""
    kept = ("hr", "lower", "upper", "p_below_1", "p_error", "log_mean", "log_sd")
    return {**{name: getattr(found, name) for name in kept}, "passed": found.passed, "failed": found.failed}


def shift_of(found: Refitted, analysed: Refitted) -> float:
    """How far the hazard ratio is from that of the analysis, in its posterior sds of log HR; NaN where there is none."""
    return math.log(found.hr / analysed.hr) / analysed.log_sd


def refit_rows(made: pd.DataFrame, of: str) -> pd.DataFrame:
    """The refits that shrinkage made, as rows of the table of refits; what they say is in its own table."""
    made = made[made["refitted"].astype(bool)]
    names = [f"{of}: {kind}" for kind in made["fit"]]
    return made[["attempts", "seconds", "failed", "passed"]].assign(section="shrinkage", name=names)


def who(person: Patient) -> dict[str, Any]:
    """The columns that say which patient a row is about."""
    return {"patient": person.label, "time": person.time, "event": int(person.event), "count": person.count}


def without_one(
    person: Patient, analysed: Refitted, by_psis: Reweighted, refitted: Refitted | None, is_member: bool
) -> dict[str, Any]:
    """One patient left out: by refit where there is one, else reweighted; `shift` in posterior sds of log HR."""
    reweighted = {"hr": by_psis.hr, "lower": by_psis.lower, "upper": by_psis.upper, "p_below_1": by_psis.p_below_1}
    shown = reweighted if refitted is None else {name: getattr(refitted, name) for name in reweighted}
    return {
        **who(person),
        "in_group": is_member,
        "method": "PSIS" if refitted is None else "refit",
        **shown,
        "p_error": analysed.p_error if refitted is None else refitted.p_error,
        "shift": math.log(shown["hr"] / analysed.hr) / analysed.log_sd,
        "pareto_k": by_psis.pareto_k,
        "psis_hr": by_psis.hr,
        "psis_p_below_1": by_psis.p_below_1,
        "passed": refitted is None or refitted.passed,
        "failed": "" if refitted is None else refitted.failed,
    }


def prior_table(
    own: Location | None, grid: Sequence[GridPrior], analysed: Refitted, found: Sequence[Refitted], sizes: Counted, se: float
) -> pd.DataFrame:
    """A row a prior: the prior, the posterior, and what the prior weighs; the prior as analysed (`own`) first.

    `se` is the data's own standard error of log HR.
    """
    stated = own is not None and not own.is_student
    as_stated = GridPrior(ANALYSED, own.mean, own.sd) if stated and own is not None else GridPrior(ANALYSED, math.nan, math.nan)
    rows = [_prior_row(prior, item, sizes, se) for prior, item in zip([as_stated, *grid], [analysed, *found], strict=True)]
    return pd.DataFrame(rows)


def _prior_row(prior: GridPrior, item: Refitted, sizes: Counted, se: float) -> dict[str, Any]:
    stated = not math.isnan(prior.sd)
    low, high = prior.interval if stated else (math.nan, math.nan)
    alone = own_events(prior.sd, sizes.other_events) if stated else math.nan
    both = 1 / (prior.sd**2 * sizes.share * (1 - sizes.share)) if stated and 0 < sizes.share < 1 else math.nan
    return {
        "prior": prior.name,
        "centre": math.exp(prior.mean) if stated else math.nan,
        "sd": prior.sd,
        "prior_lower": low,
        "prior_upper": high,
        **read_columns(item),
        "prior_events": both,
        "prior_own_events": math.inf if alone is None else alone,
        "own_events": sizes.events,
        "prior_share": se**2 / (se**2 + prior.sd**2),
    }


def crossings_table(
    curve: pd.DataFrame, contour: pd.DataFrame, side: str, threshold: float, log_hr: float, se: float
) -> pd.DataFrame:
    """Where P(HR on its side of 1) crosses the threshold: along the sd of priors centred at 1, then along the centre at each sd.

    Refits that failed are left out. `normal` is what a normal likelihood with Cox's (or Firth's) estimate and error gives.
    """

    def along(table: pd.DataFrame, x: Floats) -> dict[str, float]:
        below = table["p_below_1"].where(table["passed"]).to_numpy(dtype=float)
        found = crossing(x, below if side == "below" else 1 - below, table["p_error"].to_numpy(dtype=float), threshold)
        return {"at": found.at, "low": found.low, "high": found.high, "p_start": found.start, "p_end": found.end}

    def normal(sd: float) -> tuple[float, float]:
        if not se > 0 or (log_hr <= 0) != (side == "below"):
            return math.nan, math.nan
        tipping = tipping_point(log_hr, se, threshold, sd)
        return tipping.sd, math.exp(min(tipping.log_centre, 700.0))

    scale = along(curve, np.log(curve["sd"].to_numpy(dtype=float)))
    scale |= {name: math.exp(scale[name]) for name in ("at", "low", "high")}
    rows: list[dict[str, Any]] = [{"along": "sd", "given": 1.0, **scale, "normal": normal(1.0)[0]}]
    for sd in sorted(set(contour["sd"].tolist())):
        part = contour[contour["sd"] == sd]
        centre = along(part, np.log(part["centre"].to_numpy(dtype=float)))
        centre |= {name: math.exp(centre[name]) for name in ("at", "low", "high")}
        rows.append({"along": "centre", "given": sd, **centre, "normal": normal(sd)[1]})
    return pd.DataFrame(rows)
