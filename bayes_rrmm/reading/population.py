"""Whom a curve is about: the log relative hazards, and weights, of each group in a population.

Standardised (g-computation): every member of the population is given the group, and curves are averaged. Average: one
patient whose covariate columns have the population's means. A gap to be marginalised is drawn for each member and each
draw from P(value | the member's data), once for all groups and estimands. Source: STATISTICS, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Cohort, Floats, with_levels
from bayes_rrmm.errors import AnalysisError, FitError, nearest
from bayes_rrmm.fitted import Fit
from bayes_rrmm.hazards.collapse import patterns
from bayes_rrmm.parameters import log_relative_hazard

EVERYONE = "all"


@dataclass(frozen=True)
class GroupCurve:
    """One group: eta of shape (S, K) for K distinct covariate patterns, their weights (K,) or (S, K) summing to 1."""

    label: str
    eta: Floats
    weight: Floats
    last_follow_up: float


@dataclass(frozen=True)
class Members:
    """The rows of a population: covariates without gaps, weights (N,) or (S, N), and what it is called.

    `known` has the covariates as read, gaps and all.
    """

    covariates: pd.DataFrame
    weight: Floats
    name: str
    known: pd.DataFrame


def members(fit: Fit, population: str | Cohort) -> Members:
    """The rows of the named population (or of a cohort given). Raises AnalysisError, FitError where there are none."""
    if isinstance(population, Cohort):
        missing = set(fit.analysis.formula.variables) - set(population.covariates.columns)
        if missing:
            raise FitError(f"the population has no column {sorted(missing)[0]!r}; read it with the fit's analysis.")
        same = fit.cohort is not None and population.fingerprint == fit.cohort.fingerprint
        if same and fit.cohort is not None:
            return _filled(fit, fit.cohort, "cohort")
        return _filled(fit, population, population.origin)
    known = ("cohort", "average", *fit.analysis.populations)
    if population not in known:
        raise AnalysisError(f"population {population!r} is unknown; {nearest(population, known)}")
    if not fit.analysis.formula.variables:
        return Members(pd.DataFrame(index=[0]), np.ones(1), population, pd.DataFrame(index=[0]))
    cohort = fit.require_cohort(f"population {population!r}")
    everyone = _filled(fit, cohort, population)
    if population in ("cohort", "average"):
        return everyone
    filters = {name: tuple(str(level) for level in levels) for name, levels in fit.analysis.populations[population].items()}
    keep = with_levels(everyone.covariates, filters)
    weight = everyone.weight[..., keep]
    if not keep.any() or not np.all(weight.sum(axis=-1) > 0):
        raise FitError(f"population {population!r} has no member among the {len(cohort)} analysed rows; widen its levels.")
    return Members(everyone.covariates.loc[keep], weight, population, cohort.covariates.loc[cohort.mask(filters)])


def _filled(fit: Fit, cohort: Cohort, name: str) -> Members:
    """Every patient counts once, however many spells the rows split them into."""
    if fit.plan.covariates is None or cohort.is_complete().all() or name == "average":
        return Members(cohort.covariates, cohort.weight * cohort.share_of_subject, name, cohort.covariates)
    return Members(*(fit.filled_patterns if cohort is fit.cohort else fit.fill_gaps(cohort)), name, cohort.covariates)


def group_curves(fit: Fit, by: str | None, population: str | Cohort, average: bool) -> tuple[list[GroupCurve], Members]:
    """A GroupCurve for each level of `by` (one for everyone when None)."""
    who = members(fit, population)
    encoding = fit.plan.encoding
    labels = [EVERYONE] if by is None else list(encoding.group(by).levels)
    ends = [fit.plan.last_follow_up] if by is None else list(encoding.group(by).last_follow_up)
    weight = who.weight / who.weight.sum(axis=-1, keepdims=True)
    curves = []
    for label, end in zip(labels, ends, strict=True):
        frame = who.covariates if by is None else who.covariates.assign(**{by: label})
        if average:
            curves.append(GroupCurve(label, log_relative_hazard(fit.draws, *_average_row(fit, frame, weight)), np.ones(1), end))
            continue
        design, indicators = encoding.design(frame), encoding.indicators(frame)
        first, pattern = patterns(np.concatenate([design, indicators], axis=1))
        eta = log_relative_hazard(fit.draws, design[first], indicators[first])
        curves.append(GroupCurve(label, eta, _by_pattern(weight, pattern, len(first)), end))
    return curves, who


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


def _by_pattern(weight: Floats, pattern: np.ndarray[tuple[int], np.dtype[np.int64]], size: int) -> Floats:
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
