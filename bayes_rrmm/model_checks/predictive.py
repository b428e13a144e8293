"""Posterior predictive check: Kaplan-Meier curves of cohorts that the fitted model makes, against that of the patients.

Source: STATISTICS, section 5; Gelman, Meng and Stern, Statistica Sinica 1996;6:733.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import KaplanMeier, at_risk, kaplan_meier, median_follow_up
from bayes_rrmm.model_checks.replicates import each_a_patient, potential_follow_up, replicated_times

REPLICATES, POINTS = 200, 121
FEW = 5
"""Patients at risk below which a curve is a matter of one or two of them."""


@dataclass(frozen=True)
class Compared:
    """A number of the data, and the same number of each replicate, shape (R,)."""

    observed: float
    replicated: Floats

    @property
    def p(self) -> float:
        """The posterior predictive p: the share of replicates above the data, the data counted among them and ties by half, so
        that it is never 0 or 1. Since the fit has seen the data it lies nearer to 1/2 than a uniform p would (Robins, van der
        Vaart and Ventura 2000): a small one says more than a middling one."""
        above = float(np.sum(self.replicated > self.observed)) + 0.5 * float(np.sum(self.replicated == self.observed))
        return (above + 0.5) / (len(self.replicated) + 1)


@dataclass(frozen=True)
class Predicted:
    """One group: its patients, its Kaplan-Meier curve and, at `time` of shape (T,), those of R replicates, of shape (R, T).

    All start at `observed.start`; a replicate's curve keeps its last value where nobody of it is left. `time` is empty where the
    observed curve has too few at risk; from `few_left` on fewer than 5 patients are at risk. `events` compares numbers of
    events, None where nobody is censored and the number is given by the patients'; `survival` S at `follow_up`, the group's median
    follow-up (reverse Kaplan-Meier; the median time of exit where that is not reached), None where S is not known then.
    """

    label: str
    patients: float
    observed: KaplanMeier
    time: Floats
    replicates: Floats
    few_left: float
    events: Compared | None
    follow_up: float
    survival: Compared | None


def predict(fit: Fit, cohort: Cohort | None = None, by: str | None = None, replicates: int = REPLICATES) -> tuple[Predicted, ...]:
    """The check for everyone, or for each level of the group variable `by` that has patients.

    Each replicate takes one draw of the posterior, evenly spaced over all of them, and gives every patient a new event time by
    `replicated_times`, which says what becomes of gaps, frailties and delayed entry; it is censored at the patient's
    `potential_follow_up`, whose strata are the groups. The seed is the fit's own. A patient whose group is unknown is in no
    group. Raises AnalysisError where `by` is no group, FitError where rows are needed that the fit was saved without, DataError
    where rows are spells that continue each other.
    """
    rows = each_a_patient(cohort if cohort is not None else fit.require_cohort("the posterior predictive check"))
    levels = () if by is None else fit.plan.encoding.group(by).levels
    strata = np.zeros(len(rows), dtype=np.int64)
    for number, level in enumerate(levels, start=1):
        strata[(rows.covariates[by] == level).to_numpy()] = number
    rng = np.random.default_rng([int(fit.provenance.get("seed", fit.analysis.sampling.seed)), 5])
    total = fit.shape[0] * fit.shape[1]
    draws = np.round(np.linspace(0, total - 1, min(replicates, total))).astype(np.int64)
    ends = potential_follow_up(rows, strata, len(draws), rng)
    times = np.stack(list(replicated_times(fit, rows, draws, rng)))
    known = [(0, "all")] if by is None else list(enumerate(levels, start=1))
    chosen = [(label, strata == number) for number, label in known]
    return tuple(_predicted(label, rows.select(own), times[:, own], ends[:, own]) for label, own in chosen if own.any())


def product_limit(time: Floats, event: Floats, entry: Floats, start: float, at: Floats) -> Floats:
    """S(t | start) at the times `at`, shape (T,), by Kaplan-Meier; the last value is kept where nobody is left."""
    after = time > start
    time, event, entry = time[after], event[after], np.where(entry[after] <= start, -math.inf, entry[after])
    deaths, count = np.unique(time[event > 0], return_counts=True)
    exposed = np.searchsorted(np.sort(entry), deaths, side="left") - np.searchsorted(np.sort(time), deaths, side="left")
    curve = np.append(1.0, np.cumprod(1.0 - count / exposed))
    return np.asarray(curve[np.searchsorted(deaths, at, side="right")])


def _predicted(label: str, own: Cohort, times: Floats, ends: Floats) -> Predicted:
    observed = kaplan_meier(own.time, own.event, own.entry, label=label)
    exits, events = np.minimum(times, ends), (times <= ends).astype(np.float64)
    grid = np.linspace(observed.start, observed.last_follow_up, POINTS) if math.isfinite(observed.start) else np.empty(0)
    follow_up = median_follow_up(own.time, own.event, own.entry)[0]
    follow_up = follow_up if math.isfinite(follow_up) else float(np.median(own.time))
    at_middle = observed.survival_at(follow_up)[0]
    at = np.append(grid, follow_up)
    curves = np.stack([product_limit(exits[i], events[i], own.entry, observed.start, at) for i in range(len(exits))])
    return Predicted(
        label=label,
        patients=own.patients,
        observed=observed,
        time=grid,
        replicates=curves[:, :-1],
        few_left=_few_left(own, observed.start),
        events=None if own.event.all() else Compared(own.events, events.sum(axis=1)),
        follow_up=follow_up,
        survival=None if math.isnan(at_middle) else Compared(at_middle, curves[:, -1]),
    )


def _few_left(own: Cohort, start: float) -> float:
    """The last exit, after the start, at which 5 are at risk; the start where there is none."""
    exits = np.unique(own.time[own.time > start])
    enough = exits[at_risk(exits, own.time, own.entry) >= FEW] if len(exits) else exits
    return float(enough[-1]) if len(enough) else start
