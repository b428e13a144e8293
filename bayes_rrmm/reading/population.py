"""Whom a curve is about: the patterns of covariates, and their weights, of each group in a population at the curve's start.

Standardised (g-computation): every member of the population is given the group, and curves are averaged. Average: one
patient whose covariate columns have the population's means. A gap to be marginalised is drawn for each member and each
draw from P(value | the member's data), once for all groups and estimands.

Curves begin at the plan's `start`, and their population is that of those who are free of the event then. Whoever is under
observation at the start counts once; of those like a later entrant only S(entry) / S(start) were still there to enter, so a later
entrant stands for S(start) / S(entry), under the group they have. Who left before the start is not in it. The population
"enterers" is those who entered, each from their own entry on. Source: STATISTICS, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.record import ENTRY, Cohort, Floats, distinct_rows, with_levels
from bayes_rrmm.errors import AnalysisError, FitError, nearest
from bayes_rrmm.estimands import ENTERERS
from bayes_rrmm.fitted import Fit
from bayes_rrmm.hazards.collapse import patterns
from bayes_rrmm.parameters import log_relative_hazard
from bayes_rrmm.reading.averaged_curve import AveragedCurve

EVERYONE = "all"

BLOCK = 4_000_000
"""Numbers held at once while late entrants are weighted: draws x rows."""

LARGE_SHARE = 0.1
"""Of one patient in the weights of a population, above which its curves say so."""


@dataclass(frozen=True)
class GroupCurve:
    """One group: its averaged curve, and the follow-up beyond which the model alone speaks, on the curve's clock."""

    label: str
    curve: AveragedCurve
    last_follow_up: float


@dataclass(frozen=True)
class Members:
    """The rows of a population: covariates without gaps, weights (N,) or (S, N), from when each is under observation, (N,), at the
    earliest the start of its curves, and what it is called.

    `known` has the covariates as read, gaps and all. `sharing` says how unevenly late entrants make the weights, None where nobody
    enters after the start.
    """

    covariates: pd.DataFrame
    weight: Floats
    entry: Floats
    name: str
    known: pd.DataFrame
    sharing: Sharing | None = None


@dataclass(frozen=True)
class Sharing:
    """How the weight of a population is shared among its `patients`: Kish's effective number, and the largest share of one
    patient; medians over draws."""

    patients: float
    kish: float
    largest: float


def members(fit: Fit, population: str | Cohort) -> Members:
    """The rows of the named population (or of a cohort given). Raises AnalysisError, FitError where there are none."""
    if isinstance(population, Cohort):
        missing = set(fit.analysis.formula.variables) - set(population.covariates.columns)
        if missing:
            raise FitError(f"the population has no column {sorted(missing)[0]!r}; read it with the fit's analysis.")
        same = fit.cohort is not None and population.fingerprint == fit.cohort.fingerprint
        if same and fit.cohort is not None:
            return _followed(fit, fit.cohort, "cohort")
        return _followed(fit, population, population.origin)
    known = ("cohort", "average", ENTERERS, *fit.analysis.populations)
    if population not in known:
        raise AnalysisError(f"population {population!r} is unknown; {nearest(population, known)}")
    if not fit.analysis.formula.variables and population != ENTERERS:
        return Members(pd.DataFrame(index=[0]), np.ones(1), np.array([fit.plan.start]), population, pd.DataFrame(index=[0]))
    cohort = fit.require_cohort(f"population {population!r}")
    everyone = _followed(fit, cohort, population)
    if population in ("cohort", "average", ENTERERS):
        return everyone
    filters = {name: tuple(str(level) for level in levels) for name, levels in fit.analysis.populations[population].items()}
    keep = with_levels(everyone.covariates, filters)
    weight = everyone.weight[..., keep]
    if not keep.any() or not np.all(weight.sum(axis=-1) > 0):
        raise FitError(f"population {population!r} has no member among the {len(cohort)} analysed rows; widen its levels.")
    inside = with_levels(everyone.known, filters)
    return Members(everyone.covariates.loc[keep], weight, everyone.entry[keep], population, everyone.known.loc[inside])


def _followed(fit: Fit, cohort: Cohort, name: str) -> Members:
    """Who is, or comes, under observation after the start, every patient once however many spells the rows split them into; of
    the enterers everybody, from their own entry."""
    entry = first_entry(cohort)
    if name == ENTERERS:
        if not np.any(entry > 0):
            raise AnalysisError(f'population "{ENTERERS}": nobody enters after time 0, so they are the cohort; ask for "cohort".')
        return _filled(fit, cohort, entry, name)
    there = _by_subject(cohort, cohort.time, np.maximum) > fit.plan.start
    if not there.all():
        cohort, entry = cohort.select(there), entry[there]
    return _filled(fit, cohort, np.maximum(entry, fit.plan.start), name)


def first_entry(cohort: Cohort) -> Floats:
    """When each row's subject first comes under observation, (N,)."""
    return _by_subject(cohort, cohort.entry, np.minimum)


def _by_subject(cohort: Cohort, values: Floats, which: np.ufunc) -> Floats:
    """The first or last of the times of each row's subject."""
    found = np.full(int(cohort.subject_numbers.max(initial=0)) + 1, -np.inf if which is np.maximum else np.inf)
    which.at(found, cohort.subject_numbers, values)
    return np.asarray(found[cohort.subject_numbers])


def _filled(fit: Fit, cohort: Cohort, entry: Floats, name: str) -> Members:
    """With gaps drawn. Where all enter at one time the rows are the distinct patterns of covariates, else those of covariates and
    entry."""
    if fit.plan.covariates is None or cohort.is_complete().all() or name == "average":
        return Members(cohort.covariates, cohort.weight * cohort.share_of_subject, entry, name, cohort.covariates)
    if np.ptp(entry) == 0:
        frame, weight = fit.filled_patterns if cohort is fit.cohort else fit.fill_gaps(cohort)
        return Members(frame, weight, np.full(len(frame), entry[0]), name, cohort.covariates)
    frame, weight = fit.fill_gaps(replace(cohort, covariates=cohort.covariates.assign(**{ENTRY: entry})))
    return Members(frame.drop(columns=ENTRY), weight, frame[ENTRY].to_numpy(dtype=np.float64), name, cohort.covariates)


def group_curves(fit: Fit, by: str | None, population: str | Cohort, average: bool) -> tuple[list[GroupCurve], Members]:
    """A GroupCurve for each level of `by` (one for everyone when None)."""
    who = members(fit, population)
    who = who if average or who.name == ENTERERS else at_start(fit, who)
    encoding = fit.plan.encoding
    labels = [EVERYONE] if by is None else list(encoding.group(by).levels)
    weight = who.weight / who.weight.sum(axis=-1, keepdims=True)
    curves = []
    for label, end in zip(labels, _ends(fit, by, who.name), strict=True):
        frame = who.covariates if by is None else who.covariates.assign(**{by: label})
        if average:
            eta, share = log_relative_hazard(fit.draws, *_average_row(fit, frame, weight)), np.ones(1)
            curves.append(GroupCurve(label, _curve(fit, eta, share, fit.plan.start), end))
            continue
        own = who.name == ENTERERS
        columns = [encoding.design(frame), encoding.indicators(frame), *([who.entry[:, None]] if own else [])]
        first, pattern = patterns(np.concatenate(columns, axis=1))
        eta = log_relative_hazard(fit.draws, columns[0][first], columns[1][first])
        start = who.entry[first] if own else fit.plan.start
        curves.append(GroupCurve(label, _curve(fit, eta, _by_pattern(weight, pattern, len(first)), start, own), end))
    return curves, who


def _curve(fit: Fit, eta: Floats, weight: Floats, start: float | Floats, own_clock: bool = False) -> AveragedCurve:
    return AveragedCurve(fit.baseline, eta, weight, fit.new_member, start, own_clock, fit.plan.frailty_is_anew)


def _ends(fit: Fit, by: str | None, name: str) -> list[float]:
    """The last follow-up of each group, since entry where that is the clock."""
    if name != ENTERERS:
        return [fit.plan.last_follow_up] if by is None else list(fit.plan.encoding.group(by).last_follow_up)
    cohort = fit.require_cohort(f"population {name!r}")
    since = cohort.time - first_entry(cohort)
    if by is None:
        return [float(since.max())]
    own = [since[(cohort.covariates[by] == level).to_numpy()] for level in fit.plan.encoding.group(by).levels]
    return [float(times.max(initial=0.0)) for times in own]


def at_start(fit: Fit, who: Members) -> Members:
    """The population at the start of the curves: its distinct patterns of covariates, each late entrant weighted by
    S(start) / S(entry) in each draw. Unchanged where nobody enters later, or all are alike."""
    late = who.entry > fit.plan.start
    if not late.any() or not len(who.covariates.columns):
        return who
    size, start = fit.shape[0] * fit.shape[1], fit.plan.start
    first, pattern = distinct_rows(who.covariates)
    own = log_relative_hazard(fit.draws, *_columns(fit, who.covariates.iloc[first]))
    total, kish, largest = np.empty((size, len(first))), np.empty(size), np.empty(size)
    step = max(1, BLOCK // len(late))
    for begin in range(0, size, step):
        part = slice(begin, begin + step)
        log_worth = _survived_since(fit, own[part][:, pattern[late]], who.entry[late], start, part)
        most = np.maximum(log_worth.max(axis=1, keepdims=True), 0.0)
        worth = np.tile(np.exp(-most), (1, len(late)))
        worth[:, late] = np.exp(log_worth - most)
        counts = who.weight if who.weight.ndim == 1 else who.weight[part]
        each = worth * counts
        total[part] = _by_pattern(each, pattern, len(first))
        everyone = each.sum(axis=1)
        kish[part], largest[part] = everyone**2 / np.sum(each * worth, axis=1), _largest(worth, counts) / everyone
    sharing = Sharing(float(np.mean(who.weight.sum(axis=-1))), float(np.median(kish)), float(np.median(largest)))
    total /= total.sum(axis=1, keepdims=True)
    return replace(who, covariates=who.covariates.iloc[first], weight=total, entry=np.full(len(first), start), sharing=sharing)


def _columns(fit: Fit, frame: pd.DataFrame) -> tuple[Floats, Floats]:
    return fit.plan.encoding.design(frame), fit.plan.encoding.indicators(frame)


def _survived_since(fit: Fit, eta: Floats, entry: Floats, start: float, part: slice) -> Floats:
    """log S(start) - log S(entry) of rows that enter later, shape (s, N), of a member of a new cluster where there is a frailty."""
    baseline, relative = fit.baseline.take(part), np.exp(eta)
    at_entry, before = (baseline.cumulative_hazard(time[None, :]) * relative for time in (entry, np.array([start])))
    if fit.new_member is None:
        return np.asarray(at_entry - before)
    frailty = fit.new_member.take(part)
    if fit.plan.frailty_is_anew:
        return frailty.population_hazard(at_entry - before)
    return np.asarray(frailty.population_hazard(at_entry) - frailty.population_hazard(before))


def _largest(worth: Floats, counts: Floats) -> Floats:
    """The largest weight of one patient among the rows that have any, shape (s,)."""
    return np.asarray(np.where(counts > 0, worth, 0.0).max(axis=1))


def _average_row(fit: Fit, frame: pd.DataFrame, weight: Floats) -> tuple[Floats, Floats]:
    """Mean design columns and pooled indicators, each over the rows where they are known, shapes (1, P) and (1, L)."""
    encoding, formula = fit.plan.encoding, fit.analysis.formula
    filled = encoding.filled(frame)
    owners = [formula.find(column.term) for column in encoding.columns]
    variables = [term.variables if term is not None else () for term in owners]
    pooled = [item.variables for item in encoding.pooled for _ in item.cells]
    return (
        _known_mean(encoding.design(filled), [frame[list(names)].notna().all(axis=1) for names in variables], weight),
        _known_mean(encoding.indicators(filled), [frame[list(names)].notna().all(axis=1) for names in pooled], weight),
    )


def _known_mean(columns: Floats, known: list[pd.Series[bool]], weight: Floats) -> Floats:
    shares = [weight * inside.to_numpy() for inside in known]
    means = [share @ values / share.sum() for share, values in zip(shares, columns.T, strict=True)]
    return np.array(means, dtype=np.float64).reshape(1, -1)


def _by_pattern(weight: Floats, pattern: NDArray[np.int64], size: int) -> Floats:
    """Weights added up over the rows of each pattern."""
    if weight.ndim == 1:
        return np.bincount(pattern, weights=weight, minlength=size)
    order = np.argsort(pattern, kind="stable")
    starts = np.searchsorted(pattern[order], np.arange(size))
    return np.asarray(np.add.reduceat(weight[:, order], starts, axis=1))


def empty_cells(fit: Fit, by: str | None, who: Members) -> tuple[str, ...]:
    """Positivity: the cells of `by` and another group that no member has, where standardising rests on the model alone."""
    if by is None or by not in who.covariates:
        return ()
    notes = []
    for other in fit.plan.encoding.groups:
        if other.name == by:
            continue
        counts = pd.crosstab(who.known[by], who.known[other.name])
        for level in fit.plan.encoding.group(by).levels:
            for value in counts.columns:
                if level not in counts.index or counts.loc[level, value] == 0:
                    notes.append(f"no patient has {by} = {level} and {other.name} = {value}: there the model alone speaks")
    return tuple(notes)
