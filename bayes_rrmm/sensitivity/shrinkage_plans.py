"""One analysis with the effects of one term related in another way, everything else as it was."""

from __future__ import annotations

from dataclasses import dataclass

from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import AnalysisError, nearest
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.plan import Plan, make_plan
from bayes_rrmm.pooled_terms import pooled_term
from bayes_rrmm.reading.contrasts import hazard_ratio_contrasts
from bayes_rrmm.specification.analysis import Analysis, EffectTable, Pooling
from bayes_rrmm.specification.formula import Term

UNPOOLED, POOLED, HORSESHOE = "unpooled", "pooled", "horseshoe"
POOLING: dict[str, Pooling] = {UNPOOLED: "independent", POOLED: "pooled", HORSESHOE: "horseshoe"}
"""The names of the fits, and what an analysis file calls each."""


@dataclass(frozen=True)
class ShrunkTerm:
    """The term whose effects are related in several ways: the levels of `of`, or, with `by`, the cells of both."""

    term: Term
    of: str
    versus: str
    by: str | None = None

    @property
    def estimand(self) -> HazardRatio:
        """Every hazard ratio of a level of `of` against `versus`; of two groups crossed, in each level of `by`."""
        return HazardRatio(of=self.of, versus=self.versus, by=self.by)


def find_term(plan: Plan, of: str | None, versus: str | None) -> ShrunkTerm:
    """The term asked for; without a name the one that is pooled, or the one group with three levels or more.

    Raises AnalysisError where it is no group of the model, nor two crossed, or where several could be meant.
    """
    formula = plan.analysis.formula
    if of is None:
        of = _only_term(plan)
    term = formula.find(of)
    if term is None:
        raise AnalysisError(f"{of!r} is no term of the formula; {nearest(of, [item.name for item in formula.terms])}")
    if len(term.factors) > 2 or any(factor.is_function or not plan.encoding.is_group(factor.text) for factor in term.factors):
        raise AnalysisError(f"{of!r} is neither a group nor two groups crossed, so its effects cannot be pooled; name one that is.")
    names = sorted(term.variables, key=lambda name: not of.startswith(name))  # as asked for: the first is read by the second
    first, by = names[0], names[1] if len(names) > 1 else None
    versus = plan.encoding.group(first).reference if versus is None else plan.encoding.level(first, str(versus))
    asked = ShrunkTerm(term, first, versus, by)
    hazard_ratio_contrasts(plan, asked.estimand)  # raises where the ratio is no single number
    return asked


def _only_term(plan: Plan) -> str:
    pooled = [item.term for item in plan.encoding.pooled]
    wide = [group.name for group in plan.encoding.groups if len(group.levels) >= 3]
    for found in (pooled, wide):
        if len(found) == 1:
            return found[0]
    choices = pooled or wide or [group.name for group in plan.encoding.groups]
    if len(choices) == 1:
        return choices[0]
    if not choices:
        raise AnalysisError("the model has no groups, so nothing can be pooled.")
    raise AnalysisError(f"several terms could be meant: {', '.join(choices)}; say which with `of`.")


def with_pooling(plan: Plan, cohort: Cohort, asked: ShrunkTerm, kind: str) -> tuple[Plan, str]:
    """The plan under `kind` (unpooled, pooled, horseshoe), and what else had to change; all that can be stays frozen.

    Raises DataError where the term has too few levels to pool, or, unpooled, a cell that no patient is in.
    """
    analysis, term = plan.analysis, asked.term
    if analysis.pooling(term) == POOLING[kind]:
        return plan, ""
    if kind != UNPOOLED:
        pooled_term(term, {group.name: group.levels for group in plan.encoding.groups}, POOLING[kind])
    formula = analysis.formula
    effects = {name: effect for name, effect in analysis.model.effects.items() if formula.find(name) != term}
    note = ""
    if kind == UNPOOLED and asked.by is not None:
        mains = [name for name in effects if (main := formula.find(name)) is not None and main.key < term.key]
        effects = {name: effect for name, effect in effects.items() if name not in mains}
        note = f"unpooled also has the main effects of {' and '.join(mains)} independent" if mains else ""
    elif kind != UNPOOLED:
        effects[term.name] = EffectTable(pooling=POOLING[kind])
    changed = analysis.model_copy(update={"model": analysis.model.model_copy(update={"effects": effects})})
    stated = analysis.priors
    terms = {name: item for name, item in stated.terms.items() if kind == UNPOOLED or formula.find(name) != term}
    spreads = {name: item for name, item in stated.tau.items() if _is_normal(changed, formula.find(name))}
    changed = changed.model_copy(update={"priors": stated.model_copy(update={"terms": terms, "tau": spreads})})
    return make_plan(changed, cohort).frozen_as(plan), note


def _is_normal(analysis: Analysis, term: Term | None) -> bool:
    return term is not None and analysis.pooling(term) == "pooled"
