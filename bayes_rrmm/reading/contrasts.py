"""Hazard-ratio contrasts: the weights on coefficients and pooled effects that make a log hazard ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.encoding import Encoding
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.plan import Plan
from bayes_rrmm.pooled_terms import PooledTerm
from bayes_rrmm.specification.formula import Term


@dataclass(frozen=True)
class Contrast:
    """log HR = columns' beta + levels' effect; columns has shape (P,), levels (L,)."""

    group: str
    versus: str
    subgroup: str
    columns: Floats
    levels: Floats

    @property
    def label(self) -> str:
        """How the comparison is called, such as `pomalidomide / bortezomib`."""
        pair = f"{self.group} / {self.versus}" if self.versus else self.group
        return f"{pair} | {self.subgroup}" if self.subgroup else pair


def hazard_ratio_contrasts(plan: Plan, estimand: HazardRatio) -> list[Contrast]:
    """The comparisons an estimand asks for.

    Raises AnalysisError, with the remedy, where the term has no single hazard ratio: it is nonlinear, or interacts
    with a covariate that `by` does not name.
    """
    term = plan.analysis.formula.find(estimand.of)
    if term is None:
        names = ", ".join(term.name for term in plan.analysis.formula.terms)
        raise AnalysisError(f"{estimand.of!r} is no term of the formula; valid: {names}.")
    if len(term.factors) > 1:
        return _interaction(plan, term)
    if not term.is_variable:
        raise AnalysisError(f"{term.name!r} is not linear, so it has no single hazard ratio; ask for survival or rmst instead.")
    subgroups: list[str | None] = [None]
    if estimand.by is not None:
        subgroups = list(plan.encoding.group(estimand.by).levels)
    contrasts = []
    for subgroup in subgroups:
        fixed = {} if subgroup is None or estimand.by is None else {estimand.by: subgroup}
        label = "" if subgroup is None else f"{estimand.by}={subgroup}"
        for pair in _pairs(plan.encoding, estimand, term.variables[0]):
            contrasts.append(_contrast(plan, term, pair, fixed, label))
    return contrasts


def _pairs(encoding: Encoding, estimand: HazardRatio, variable: str) -> list[tuple[str, str]]:
    if not encoding.is_group(variable):
        if estimand.group is not None or estimand.versus is not None or estimand.pairs == "all":
            raise AnalysisError(f"{variable!r} is continuous, its hazard ratio is for a step: leave out group, versus and pairs.")
        return [("", "")]
    levels = encoding.group(variable).levels
    if estimand.pairs == "all":
        return [(a, b) for i, b in enumerate(levels) for a in levels[i + 1 :]]
    versus = encoding.group(variable).reference if estimand.versus is None else encoding.level(variable, estimand.versus)
    if estimand.group is not None:
        group = encoding.level(variable, estimand.group)
        if group == versus:
            raise AnalysisError(f"the hazard ratio of {group!r} against itself is 1; name another group or versus.")
        return [(group, versus)]
    return [(level, versus) for level in levels if level != versus]


def _contrast(plan: Plan, term: Term, pair: tuple[str, str], fixed: dict[str, str], subgroup: str) -> Contrast:
    variable = term.variables[0]
    grid = _probe_rows(plan.encoding, fixed)
    if plan.encoding.is_group(variable):
        first, second = grid.assign(**{variable: pair[0]}), grid.assign(**{variable: pair[1]})
        group, versus = pair
    else:
        step = next(item.per for item in plan.encoding.continuous if item.name == variable)
        first, second = grid.assign(**{variable: grid[variable] + step}), grid
        group, versus = f"{variable} + {step:g}", ""
    columns = plan.encoding.design(first) - plan.encoding.design(second)
    levels = plan.encoding.indicators(first) - plan.encoding.indicators(second)
    both = np.concatenate([columns, levels], axis=1)
    if np.max(np.ptp(both, axis=0)) > 1e-9 * max(1.0, float(np.abs(both).max())):
        partners = [name for other in plan.analysis.formula.terms if variable in other.variables for name in other.variables]
        others = [name for name in dict.fromkeys(partners) if name != variable and name not in fixed]
        by_subgroup = len(others) == 1 and not fixed and plan.encoding.is_group(others[0])
        remedy = f"by = {others[0]!r}" if by_subgroup else "survival or rmst by group instead"
        depends = ", ".join(others) or "its own value"
        raise AnalysisError(f"the hazard ratio of {variable!r} depends on {depends}: it has no single value; ask for {remedy}.")
    return Contrast(group, versus, subgroup, columns[0], levels[0])


def _interaction(plan: Plan, term: Term) -> list[Contrast]:
    """An interaction's own columns: each a ratio of hazard ratios. Of a pooled one, each level against the first two by two."""
    contrasts = []
    for pooled in plan.encoding.pooled:
        if pooled.term == term.name:
            return _pooled_interaction(plan, pooled)
    for index, column in enumerate(plan.encoding.columns):
        if column.term == term.name:
            weights = np.zeros(len(plan.encoding.columns))
            weights[index] = 1.0
            contrasts.append(Contrast(column.name, "", "", weights, np.zeros(len(plan.encoding.pooled_levels))))
    return contrasts


def _pooled_interaction(plan: Plan, pooled: PooledTerm) -> list[Contrast]:
    """u_ab - u_a0 - u_0b + u_00, 0 being the reference of each group."""
    first = pooled.cells[0]
    start = plan.encoding.pooled_levels.index(f"{pooled.term}={pooled.levels[0]}")
    contrasts = []
    for cell in pooled.cells:
        if any(level == reference for level, reference in zip(cell, first, strict=True)):
            continue
        weights = np.zeros(len(plan.encoding.pooled_levels))
        for corner, sign in ((cell, 1.0), ((cell[0], first[1]), -1.0), ((first[0], cell[1]), -1.0), (first, 1.0)):
            weights[start + pooled.cells.index(corner)] = sign
        name = ":".join(f"{variable}={level}" for variable, level in zip(pooled.variables, cell, strict=True))
        contrasts.append(Contrast(name, "", "", np.zeros(len(plan.encoding.columns)), weights))
    return contrasts


def _probe_rows(encoding: Encoding, fixed: dict[str, str]) -> pd.DataFrame:
    """Rows that vary each covariate on its own, to see whether a contrast depends on it.

    A continuous one moves by a hundredth of its sd: a spline knows nothing outside the range it was learnt on.
    """
    centre: dict[str, object] = {group.name: group.reference for group in encoding.groups}
    centre |= {variable.name: variable.mean for variable in encoding.continuous}
    centre |= fixed
    rows = [centre]
    for group in encoding.groups:
        if group.name not in fixed:
            rows += [{**centre, group.name: level} for level in group.levels[1:]]
    for variable in encoding.continuous:
        rows.append({**centre, variable.name: variable.mean + 0.01 * variable.sd})
    return pd.DataFrame(rows)
