"""What a terminal shows: one table with the Bayesian and the frequentist number side by side, checks, times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_rrmm.rounding import figure_of

if TYPE_CHECKING:
    import pandas as pd

    from bayes_rrmm.analysis import Run

RANKED = ("probability-best", "probability-worst", "sucra")


def run_text(run: Run) -> str:
    """All that `fit` prints after sampling."""
    from bayes_rrmm.agreement.text import agreement_text

    seconds = str(run.stopwatch)
    failed = [f"{run.fit.mark}: do not rely on these numbers before the checks pass."] if run.fit.mark else []
    agreement = agreement_text(run.agreement.table, run.agreement.conventions, run.estimates)
    lines = [*failed, agreement, *_ranks(run.estimates)]
    lines += [f"Note: {note}" for note in run.notes]
    lines.append(_leave_one_out(run))
    return "\n".join([*lines, *failed, f"Diagnostics {run.diagnosis}", f"Wall time: {seconds}", f"Run folder: {run.folder}", ""])


def _ranks(estimates: pd.DataFrame) -> list[str]:
    """A line a group of each ranked term: median rank with its interval, P(best), P(worst), SUCRA."""
    lines = []
    ranks = estimates[estimates["estimand"] == "rank"]
    for term in ranks["term"].unique():
        lines.append(f"Rank by {term}: median and interval")
        for _, rank in ranks[ranks["term"] == term].iterrows():
            same = estimates[(estimates["term"] == term) & (estimates["group"] == rank["group"])]
            best, worst, sucra = (figure_of(same.loc[same["estimand"] == name, "mean"].iloc[0], "probability") for name in RANKED)
            interval = f"{rank['median']:.0f} [{rank['lower']:.0f}, {rank['upper']:.0f}]"
            lines.append(f"  {rank['group']:<34} {interval:>22}   P(best) {best}, P(worst) {worst}, SUCRA {sucra}")
    return lines


def _leave_one_out(run: Run) -> str:
    loo = run.loo
    high = f"; Pareto k > 0.7 for {loo.n_high_k} of {loo.count.sum():g}: unreliable there" if loo.n_high_k else ""
    return f"Leave-one-out: elpd {loo.elpd:.1f} (se {loo.se:.1f}), {loo.p_loo:.1f} effective parameters{high}"


def run_record(run: Run) -> dict[str, Any]:
    """A run as data, for --json."""
    return {
        "folder": str(run.folder),
        "passed": run.diagnosis.passed,
        "notes": list(run.notes),
        "failed": [check.__dict__ for check in run.diagnosis.failed],
        "seconds": run.stopwatch.seconds,
        "estimates": records(run.estimates),
        "crosscheck": records(run.agreement.table),
    }


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as a list of objects."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict(orient="records")]
