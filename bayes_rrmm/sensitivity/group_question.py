"""Which hazard ratio a small group's dossier is about, and the model in which that ratio has a prior of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.encoding import Encoding
from bayes_rrmm.errors import AnalysisError, nearest
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plan import Plan, make_plan
from bayes_rrmm.reading.contrasts import hazard_ratio_contrasts
from bayes_rrmm.resolved_priors import Location
from bayes_rrmm.specification.analysis import Variable


@dataclass(frozen=True)
class GroupQuestion:
    """The hazard ratio of `group` against `versus`, two levels of the variable `of`.

    `plan` is the fit's. `prior_plan` is the model in which log HR is one coefficient, in position `column`: the fit's own where
    `versus` is the reference and nothing is pooled; else the same with that reference, or with this term's effects
    independent. `own` is the ratio's prior as analysed, None where it is no single statement.
    """

    of: str
    group: str
    versus: str
    plan: Plan
    prior_plan: Plan
    column: int
    own: Location | None
    note: str = ""

    @property
    def estimand(self) -> HazardRatio:
        """The hazard ratio as an estimand."""
        return HazardRatio(of=self.of, group=self.group, versus=self.versus)

    @property
    def label(self) -> str:
        """How the ratio is called."""
        return f"{self.group} / {self.versus}"

    def under(self, mean: float, sd: float) -> Plan:
        """The plan with log HR ~ Normal(mean, sd) and every other prior as it was."""
        priors = self.prior_plan.priors
        changed = [*priors.coefficients]
        changed[self.column] = Location(mean, sd)
        return self.prior_plan.with_priors(replace(priors, coefficients=tuple(changed)))

    def is_in_group(self, cohort: Cohort, level: str | None = None) -> Any:
        """Which rows have the group's level (or another), shape (N,)."""
        return (cohort.covariates[self.of] == (self.group if level is None else level)).to_numpy(dtype=bool)


def ask(fit: Fit, cohort: Cohort, group: str, of: str | None = None, versus: str | None = None) -> GroupQuestion:
    """The question, checked. Raises AnalysisError where the level is none, or of several variables, or has no single ratio."""
    encoding, group = fit.plan.encoding, str(group)
    of = of if of is not None else _variable_of(encoding, group)
    encoding.level(of, group)
    versus = encoding.group(of).reference if versus is None else encoding.level(of, str(versus))
    estimand = HazardRatio(of=of, group=group, versus=versus)
    if group == versus:
        raise AnalysisError(f"{group!r} is the level others are compared with: name another `versus`, or another group.")
    hazard_ratio_contrasts(fit.plan, estimand)  # raises where the ratio is no single number
    plan, note = _with_reference(fit.plan, cohort, of, versus)
    (contrast,) = hazard_ratio_contrasts(plan, estimand)
    column = _only_column(contrast.columns)
    return GroupQuestion(of, group, versus, fit.plan, plan, column, None if note else plan.priors.coefficients[column], note)


def _variable_of(encoding: Encoding, group: str) -> str:
    having = [variable.name for variable in encoding.groups if group in variable.levels]
    if len(having) == 1:
        return having[0]
    if having:
        raise AnalysisError(f"{group!r} is a level of {' and of '.join(map(repr, having))}: say which with `of`.")
    levels = [level for variable in encoding.groups for level in variable.levels]
    raise AnalysisError(f"{group!r} is no level of a group of this model; {nearest(group, levels)}")


def _with_reference(plan: Plan, cohort: Cohort, of: str, versus: str) -> tuple[Plan, str]:
    """A plan in which `of` has independent effects against `versus`, and what was changed for it; all else stays frozen."""
    analysis, encoding = plan.analysis, plan.encoding
    pooled = any(item.term == of for item in encoding.pooled)
    if not pooled and encoding.group(of).reference == versus:
        return plan, ""
    declared = analysis.variables.get(of, Variable()).model_copy(update={"reference": versus})
    effects = {name: effect for name, effect in analysis.model.effects.items() if name != of}
    changed = analysis.model_copy(
        update={
            "variables": {**analysis.variables, of: declared},
            "model": analysis.model.model_copy(update={"effects": effects}),
        }
    )
    made = make_plan(changed, cohort).frozen_as(plan)
    what = "effects independent" if pooled else f"{versus} as the reference"
    return made, f"Priors of the grid are on log HR itself: these refits have {of} with {what}."


def _only_column(weights: Floats) -> int:
    """The one column of a contrast. Raises AnalysisError where there are several."""
    used = np.flatnonzero(np.abs(weights) > 1e-9)
    if len(used) != 1 or not math.isclose(weights[used[0]], 1.0, rel_tol=1e-9):
        raise AnalysisError("this hazard ratio is made of several coefficients, so no prior can be put on it alone.")
    return int(used[0])
