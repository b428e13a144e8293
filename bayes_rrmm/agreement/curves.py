"""curves.csv: posterior S(t) by group over Kaplan-Meier, with the numbers at risk. The survival figure is drawn from it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.estimands import Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import KaplanMeier, at_risk, kaplan_meier
from bayes_rrmm.reading import estimate, summarise

COLUMNS = ["source", "term", "group", "time", "survival", "lower", "upper", "at_risk", "extrapolated"]
POINTS = 101


def curves_table(fit: Fit, cohort: Cohort, by: str | None = None) -> pd.DataFrame:
    """A row a point: source `posterior` (standardised median S(t) and its interval) or `kaplan-meier` (a row a step).

    `by` None takes each group variable of the formula in turn, or everyone where there is none. Times are in the
    endpoint's unit; `at_risk` counts patients with entry < time <= exit. Posterior curves begin at the plan's `start`, given
    survival to it: at a landmark, or under delayed entry where enough are at risk. Kaplan-Meier begins there too, or where enough
    of the group are at risk.
    """
    groups = [by] if by is not None else [group.name for group in fit.plan.encoding.groups]
    if not groups:
        return everyone_table(fit, cohort)
    parts = [part for name in groups for part in (_posterior(fit, cohort, name), _kaplan_meier(fit, cohort, name))]
    return pd.concat(parts, ignore_index=True)


def everyone_table(fit: Fit, cohort: Cohort) -> pd.DataFrame:
    """The same for the whole cohort as one group, `all`."""
    return pd.concat([_posterior(fit, cohort, None), _kaplan_meier(fit, cohort, None)], ignore_index=True)


def time_grid(cohort: Cohort) -> Floats:
    """Times at which a posterior curve is drawn, from just after 0 to the last follow-up."""
    return np.asarray(np.linspace(0.0, float(cohort.time.max()), POINTS))[1:]


def _posterior(fit: Fit, cohort: Cohort, by: str | None) -> pd.DataFrame:
    times = time_grid(cohort)
    times = times[times > fit.plan.start]
    summary = summarise(estimate(fit, Survival(at=tuple(times.tolist())), by=by, population=cohort))
    group = summary[by].astype(str) if by is not None else "all"
    table = pd.DataFrame(
        {
            "source": "posterior",
            "term": by or "",
            "group": group,
            "time": summary["time"],
            "survival": summary["median"],
            "lower": summary["lower"],
            "upper": summary["upper"],
            "at_risk": math.nan,
            "extrapolated": summary["extrapolated"],
        }
    )
    return table[COLUMNS]


def _kaplan_meier(fit: Fit, cohort: Cohort, by: str | None) -> pd.DataFrame:
    levels = fit.plan.encoding.group(by).levels if by is not None else ("all",)
    parts = []
    for level in levels:
        keep = np.ones(len(cohort), dtype=bool) if by is None else (cohort.covariates[by] == level).to_numpy()
        outcome = (cohort.time[keep], cohort.event[keep], cohort.entry[keep], cohort.weight[keep])
        parts.append(_steps(kaplan_meier(*outcome, prob=fit.analysis.sampling.interval.prob, label=level), outcome, by, level))
    drawn = [part for part in parts if len(part)]
    return pd.concat(drawn, ignore_index=True)[COLUMNS] if drawn else pd.DataFrame(columns=COLUMNS)


def _steps(curve: KaplanMeier, outcome: tuple[Floats, Floats, Floats, Floats], by: str | None, level: str) -> pd.DataFrame:
    """The curve from 1 at its start, a row a step, to the last follow-up; no row where too few are ever at risk.

    Under delayed entry it starts late, and is S(t | start).
    """
    if not math.isfinite(curve.start):
        return pd.DataFrame(columns=COLUMNS)
    last = (curve.survival[-1], curve.lower[-1], curve.upper[-1]) if len(curve.time) else (1.0, math.nan, math.nan)
    times = np.concatenate([[curve.start], curve.time, [curve.last_follow_up]])
    values = [np.concatenate([[first], steps, [end]]) for first, steps, end in zip(
        (1.0, math.nan, math.nan), (curve.survival, curve.lower, curve.upper), last, strict=True
    )]
    table = {"source": "kaplan-meier", "term": by or "", "group": level, "time": times}
    table |= dict(zip(("survival", "lower", "upper"), values, strict=True))
    counts = at_risk(times, outcome[0], outcome[2], outcome[3])
    return pd.DataFrame({**table, "at_risk": counts, "extrapolated": False})[COLUMNS]
