"""Whether to believe the numbers: convergence of every quantity, the sampler's behaviour, leave-one-out; what failed first."""

from __future__ import annotations

import pandas as pd

from bayes_rrmm.diagnostics.checks import E_BFMI, ESS, MCSE_SHARE, R_HAT
from bayes_rrmm.diagnostics.leave_one_out import TOO_HIGH
from bayes_rrmm.results import TABLES, Results, Source, results_of
from bayes_rrmm.rounding import measure_of
from bayes_rrmm.tables.line import Line
from bayes_rrmm.tables.table import Table
from bayes_rrmm.tables.wording import caption, filled

MEASURES = ("r_hat", "ess_bulk", "ess_tail", "mcse")
HEADS = ("Quantity", "R-hat", "Bulk ESS", "Tail ESS", "MCSE / sd", "Verdict")
SAMPLER = "sampler"


def diagnostics(source: Source) -> Table:
    """The diagnostics gate of a fit, a run folder or its results, as in checks.csv and loo.csv: quantities that failed first, then
    the sampler, leave-one-out, and the quantities that passed. Raises RunFolderError where the folder is not whole.
    """
    results = results_of(source)
    checks = filled(results.checks)
    inside = checks[checks["of"] != SAMPLER]
    failed = inside["of"].isin(inside["of"][inside["verdict"] == "failed"])
    lines = [*_section("Quantities that failed", inside[failed]), *_sampler(checks[checks["of"] == SAMPLER])]
    lines += [*_left_out(results), *_section("Quantities that passed", inside[~failed])]
    advice = dict.fromkeys(zip(checks["check"], checks["advice"], strict=True))
    notes = (
        f"Limits: R-hat below {R_HAT:g}, bulk and tail effective sample size (ESS) above {ESS:g}, Monte Carlo error (MCSE) of the "
        f"mean below {100 * MCSE_SHARE:g}% of the posterior sd, no divergence, E-BFMI above {E_BFMI:g}, Pareto k to {TOO_HIGH:g}. "
        "-: the measure has no meaning there (some draws are not reached, or all are the same).",
        *(f"Where {check} failed: {text}." for check, text in advice if text),
    )
    return Table("diagnostics", caption("Diagnostics", results), HEADS, tuple(lines), "lrrrrl", notes, results.mark)


def _section(title: str, checks: pd.DataFrame) -> list[Line]:
    """A line a quantity, under a heading; none where there is no quantity."""
    lines = [Line.heading(title)] if len(checks) else []
    for name, rows in checks.groupby("of", sort=False):
        measured = dict(zip(rows["check"], rows["measure"].astype(float), strict=True))
        shown = [measure_of(measured[check], check) if check in measured else "-" for check in MEASURES]
        failing = rows["check"][rows["verdict"] == "failed"]
        lines.append(Line((str(name), *shown, f"FAILED: {', '.join(failing)}" if len(failing) else "passed"), 1))
    return lines


def _sampler(checks: pd.DataFrame) -> list[Line]:
    lines = [Line.heading("Sampler")] if len(checks) else []
    for _, row in checks.iterrows():
        name = {"divergences": "Divergences", "e_bfmi": "Smallest E-BFMI of a chain"}.get(row["check"], row["check"])
        shown = measure_of(float(row["measure"]), "e_bfmi" if row["check"] == "e_bfmi" else "count")
        lines.append(Line((f"{name}: {shown}", "", "", "", "", "FAILED" if row["verdict"] == "failed" else row["verdict"]), 1))
    return lines


def _left_out(results: Results) -> list[Line]:
    """Leave-one-out, where it is in the folder or the rows it needs are at hand."""
    fit = results.fit
    written = results.folder is not None and (results.folder / TABLES["loo"]).is_file()
    needs_ids = fit.analysis.endpoint.id is not None and results.has_rows and results.rows.id is None
    if not written and (not results.has_rows or needs_ids):
        return []
    loo = results.loo.iloc[0]
    high = float(loo[f"n_pareto_k_above_{TOO_HIGH:g}"])
    texts = {
        f"elpd {measure_of(loo['elpd_loo'], 'elpd')}, standard error {measure_of(loo['se'], 'elpd')}": "",
        f"Effective parameters (p_loo) {measure_of(loo['p_loo'], 'elpd')}": "",
        f"Largest Pareto k {measure_of(loo['pareto_k_max'], 'pareto_k')}; above {TOO_HIGH:g}: {measure_of(high, 'count')} of "
        f"{measure_of(loo['units'], 'count')}": "passed" if high == 0 else "unreliable",
    }
    unit = str(loo["unit"])
    return [
        Line.heading(f"Leave-one-out, by {unit}"),
        *(Line((text, "", "", "", "", verdict), 1) for text, verdict in texts.items()),
    ]
