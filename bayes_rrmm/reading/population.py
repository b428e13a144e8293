"""Whom a curve is about: the log relative hazards, and weights, of each group in a population.

Standardised (g-computation): every member of the population is given the group, and curves are averaged. Average: one
patient whose covariate columns have the population's means. Source: STATISTICS, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import AnalysisError, FitError, nearest
from bayes_rrmm.fitted import Fit
from bayes_rrmm.hazards.collapse import patterns
from bayes_rrmm.parameters import log_relative_hazard

EVERYONE = "all"


@dataclass(frozen=True)
class GroupCurve:
    """One group: eta of shape (S, K) for K distinct covariate patterns, their weights (K,) summing to 1."""

    label: str
    eta: Floats
    weight: Floats
    last_follow_up: float


@dataclass(frozen=True)
class Members:
    """The rows of a population: covariates, weights, and what it is called."""

    covariates: pd.DataFrame
    weight: Floats
    name: str


def members(fit: Fit, population: str | Cohort) -> Members:
    """The rows of the named population (or of a cohort given). Raises AnalysisError, FitError where there are none."""
    if isinstance(population, Cohort):
        missing = set(fit.analysis.formula.variables) - set(population.covariates.columns)
        if missing:
            raise FitError(f"the population has no column {sorted(missing)[0]!r}; read it with the fit's analysis.")
        same = fit.cohort is not None and population.fingerprint == fit.cohort.fingerprint
        return Members(population.covariates, _weight(population), "cohort" if same else population.origin)
    known = ("cohort", "average", *fit.analysis.populations)
    if population not in known:
        raise AnalysisError(f"population {population!r} is unknown; {nearest(population, known)}")
    if not fit.analysis.formula.variables:
        return Members(pd.DataFrame(index=[0]), np.ones(1), population)
    cohort = fit.require_cohort(f"population {population!r}")
    if population in ("cohort", "average"):
        return Members(cohort.covariates, _weight(cohort), population)
    filters = fit.analysis.populations[population]
    keep = cohort.mask({name: tuple(str(level) for level in levels) for name, levels in filters.items()})
    if not keep.any():
        raise FitError(f"population {population!r} has no member among the {len(cohort)} analysed rows; widen its levels.")
    return Members(cohort.covariates.loc[keep], _weight(cohort)[keep], population)


def _weight(cohort: Cohort) -> Floats:
    """Every patient counts once, however many spells the rows split them into."""
    return cohort.weight * cohort.share_of_subject


def group_curves(fit: Fit, by: str | None, population: str | Cohort, average: bool) -> tuple[list[GroupCurve], Members]:
    """A GroupCurve for each level of `by` (one for everyone when None)."""
    who = members(fit, population)
    encoding = fit.plan.encoding
    labels = [EVERYONE] if by is None else list(encoding.group(by).levels)
    ends = [fit.plan.last_follow_up] if by is None else list(encoding.group(by).last_follow_up)
    curves = []
    for label, end in zip(labels, ends, strict=True):
        frame = who.covariates if by is None else who.covariates.assign(**{by: label})
        design, indicators = encoding.design(frame), encoding.indicators(frame)
        weight = who.weight / who.weight.sum()
        if average:
            design, indicators = (weight @ design)[None, :], (weight @ indicators)[None, :]
            weight = np.ones(1)
        first, pattern = patterns(np.concatenate([design, indicators], axis=1))
        eta = log_relative_hazard(fit.draws, design[first], indicators[first])
        curves.append(GroupCurve(label, eta, np.bincount(pattern, weights=weight, minlength=len(first)), end))
    return curves, who


def empty_cells(fit: Fit, by: str | None, who: Members) -> tuple[str, ...]:
    """Positivity: the cells of `by` and another group that no member has, where standardising rests on the model alone."""
    if by is None or by not in who.covariates:
        return ()
    notes = []
    for other in fit.plan.encoding.groups:
        if other.name == by:
            continue
        counts = pd.crosstab(who.covariates[by], who.covariates[other.name])
        for level in fit.plan.encoding.group(by).levels:
            for value in counts.columns:
                if level not in counts.index or counts.loc[level, value] == 0:
                    notes.append(f"no patient has {by} = {level} and {other.name} = {value}: there the model alone speaks")
    return tuple(notes)
