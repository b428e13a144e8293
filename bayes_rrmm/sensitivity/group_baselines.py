"""The group's hazard ratio under other baseline hazards (families, cut rules, smoothings), by refit and by maximum likelihood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.agreement.counterparts import FAMILY, Counterparts
from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import AnalysisError, DataError, FitError, listed
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import parametric
from bayes_rrmm.hazards.cuts import cut_points
from bayes_rrmm.plan import Plan, interval_events
from bayes_rrmm.reading.contrasts import hazard_ratio_contrasts
from bayes_rrmm.resolved_priors import DEFAULT_MEDIAN_LOG_SD, Location, default_median
from bayes_rrmm.sensitivity.group_question import GroupQuestion
from bayes_rrmm.sensitivity.group_tables import ANALYSED, read_columns, shift_of
from bayes_rrmm.sensitivity.refits import Refitted
from bayes_rrmm.specification.analysis import Baseline, CutRule
from bayes_rrmm.specification.checks import TAKES

PIECEWISE: Baseline = "piecewise-exponential"
WHOLE: dict[str, Baseline] = {"exponential": "exponential", "weibull": "weibull"}
"""Baselines without intervals."""
RULES = ("equal-events", "equal-width")
SMOOTHINGS = ("independent", "random-walk")
FORMS = "exponential, weibull, equal-events:8, equal-width:8 or cuts=6,12, the last three also with :random-walk at the end"
COLUMNS = [
    "baseline", "cuts", "intervals", "smoothing", "prior", "hr", "lower", "upper", "p_below_1", "p_error", "log_mean", "log_sd",
    "passed", "failed", "shift", "hr_ml", "lower_ml", "upper_ml", "events", "note",
]  # fmt: skip


@dataclass(frozen=True)
class BaselineChoice:
    """One baseline: its family and, of a piecewise one, how its cuts were found, where they are, and the smoothing.

    `prior` says where the prior of its level came from.
    """

    family: Baseline
    rule: str = ""
    cuts: tuple[float, ...] = ()
    smoothing: str = ""
    prior: str = ""

    @property
    def name(self) -> str:
        """How the baseline is called."""
        return name_of(self.family, self.rule, len(self.cuts) + 1, self.smoothing)


def name_of(family: str, rule: str, intervals: int, smoothing: str) -> str:
    """How a baseline is called."""
    if family != PIECEWISE:
        return family
    return f"{rule}, {intervals} intervals" + (", random walk" if smoothing == "random-walk" else "")


def analysed_choice(plan: Plan) -> BaselineChoice:
    """The baseline of the analysis."""
    rule = plan.analysis.model.cuts
    how = "" if plan.family != PIECEWISE else "listed" if isinstance(rule, tuple) else rule.rule if rule else RULES[0]
    return BaselineChoice(plan.analysis.model.baseline, how, plan.cuts, plan.smoothing if plan.cuts else "", ANALYSED)


def choices_of(plan: Plan, cohort: Cohort, asked: Sequence[str] | None) -> list[BaselineChoice]:
    """The baselines asked for, without the analysis' own; None asks for the usual ones.

    These are the other families; equal events in the default number of intervals J, in half and in twice as many; equal widths; a
    random walk over J intervals of either; and the analysis' own cuts under the other smoothing. Raises AnalysisError.
    """
    texts = usual(plan, cohort) if asked is None else tuple(asked)
    own = analysed_choice(plan)
    found = [_read(text, cohort) for text in texts]
    if asked is None and own.cuts:
        (other,) = (smoothing for smoothing in SMOOTHINGS if smoothing != own.smoothing)
        found.append(replace(own, smoothing=other))
    kept: dict[tuple[Any, ...], BaselineChoice] = {}
    for choice in found:
        key = (choice.family, choice.cuts, choice.smoothing)
        if key != (own.family, own.cuts, own.smoothing):
            kept.setdefault(key, replace(choice, prior=_prior(plan, choice.family, cohort)[1]))
    return list(kept.values())


def usual(plan: Plan, cohort: Cohort) -> tuple[str, ...]:
    """The texts of the usual baselines, as `choices_of` reads them."""
    size = len(_cuts(None, cohort)) + 1
    numbers = sorted({size, max(2, size // 2), 2 * size})
    pieces = [f"equal-events:{number}" for number in numbers] + [f"equal-width:{size}"]
    walks = [f"{rule}:{size}:random-walk" for rule in RULES] if size > 2 else []
    return (*(family for family in WHOLE if family != plan.family), *pieces, *walks)


def plans_of(plan: Plan, cohort: Cohort, choices: Sequence[BaselineChoice]) -> list[Plan]:
    """A plan a baseline; encoding, effects, every other prior and everything learnt from the data stay as they are.

    Independent intervals after the last exit change nothing of the posterior (no row is at risk in them, and their hazards are
    independent of the others given the level), so plans of fewer intervals get some, and share one compilation.
    """
    loose = [choice for choice in choices if choice.family == PIECEWISE and choice.smoothing != "random-walk"]
    own = len(plan.cuts) if plan.family == PIECEWISE and plan.smoothing == "independent" else 0
    most = max((len(choice.cuts) for choice in loose), default=0)
    made = []
    for choice in choices:
        cuts = choice.cuts
        if choice in loose:
            cuts = _with_room(cuts, own if len(cuts) <= own else most, float(cohort.time.max()))
        model = plan.analysis.model.model_copy(
            update={"baseline": choice.family, "cuts": cuts or None, "smoothing": choice.smoothing or None}
        )
        (kind, location), _ = _prior(plan, choice.family, cohort)
        priors = replace(plan.priors, baseline_kind=kind, baseline=location)
        made.append(replace(plan, analysis=plan.analysis.model_copy(update={"model": model}), priors=priors, cuts=cuts))
    return made


def baselines_table(
    question: GroupQuestion,
    fit: Fit,
    cohort: Cohort,
    choices: Sequence[BaselineChoice],
    analysed: Refitted,
    found: Sequence[Refitted],
) -> pd.DataFrame:
    """A row a baseline, as analysed first: the refit, its shift in posterior sds, maximum likelihood, events by interval."""
    if not choices:
        return pd.DataFrame(columns=COLUMNS)
    known = Counterparts(fit, cohort)
    (contrast,) = hazard_ratio_contrasts(fit.plan, question.estimand)
    weights = known.weights_of(contrast)
    rows = []
    for choice, item in zip([analysed_choice(fit.plan), *choices], [analysed, *found], strict=True):
        ratio, note = _by_likelihood(known, weights, choice)
        events = interval_events(replace(fit.plan, cuts=choice.cuts), cohort) if choice.cuts else np.array([cohort.events])
        rows.append(
            {
                "baseline": choice.family,
                "cuts": choice.rule,
                "intervals": len(choice.cuts) + 1,
                "smoothing": choice.smoothing,
                "prior": choice.prior,
                **read_columns(item),
                "shift": shift_of(item, analysed),
                **dict(zip(("hr_ml", "lower_ml", "upper_ml"), ratio, strict=True)),
                "events": " ".join(f"{number:g}" for number in events),
                "note": "; ".join(part for part in (_without_events(choice, events), note) if part),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _read(text: str, cohort: Cohort) -> BaselineChoice:
    """The baseline that a text names."""
    family, *rest = str(text).split(":")
    if family in WHOLE and not rest:
        return BaselineChoice(WHOLE[family])
    smoothing = rest.pop() if rest and rest[-1] in SMOOTHINGS else SMOOTHINGS[0]
    rule: CutRule | tuple[float, ...]
    try:
        if family in RULES and len(rest) < 2:
            rule = CutRule(rule=family, intervals=int(rest[0]) if rest else None)
            cuts = _cuts(rule, cohort)
            return BaselineChoice(PIECEWISE, family, cuts, smoothing if cuts else "")  # one interval has no neighbour
        if family.startswith("cuts=") and not rest:
            rule = tuple(float(value) for value in family.removeprefix("cuts=").split(","))
            if rule[0] > 0 and math.isfinite(rule[-1]) and all(np.diff(rule) > 0):
                return BaselineChoice(PIECEWISE, "listed", rule, smoothing)
    except ValueError:
        pass
    raise AnalysisError(f"baseline {text!r}: write one of {FORMS}; intervals are 1 to 100, cuts above 0 and increasing.")


def _cuts(rule: CutRule | None, cohort: Cohort) -> tuple[float, ...]:
    return tuple(cut_points(rule, cohort.time, cohort.event, cohort.weight).tolist())


def _with_room(cuts: tuple[float, ...], size: int, last: float) -> tuple[float, ...]:
    """The cuts and, up to `size` of them, others after the last exit."""
    end = max(last, *cuts) if cuts else last
    return (*cuts, *(end * (2.0 + extra) for extra in range(size - len(cuts))))


def _prior(plan: Plan, family: str, cohort: Cohort) -> tuple[tuple[Any, Location], str]:
    """The prior of a baseline's level: that of the analysis where it has a meaning for the family, else the default."""
    kind, location = plan.priors.baseline_kind, plan.priors.baseline
    if kind == "median" or kind in TAKES[family]:
        return (kind, location), ANALYSED
    centre = default_median(cohort)
    default = Location(math.log(centre), DEFAULT_MEDIAN_LOG_SD, is_default=True)
    return ("median", default), f"default, median {centre:.3g} {cohort.unit}: {kind} is no parameter of this baseline"


def _without_events(choice: BaselineChoice, events: Any) -> str:
    bounds = [f"{value:.3g}" for value in (0.0, *choice.cuts)] + ["end"]
    empty = [f"({bounds[j]}, {bounds[j + 1]}]" for j in np.flatnonzero(events == 0)]
    return f"no event in {listed(empty)}: the prior decides there" if empty else ""


def _by_likelihood(known: Counterparts, weights: Any, choice: BaselineChoice) -> tuple[tuple[float, ...], str]:
    """Maximum likelihood on the same design and rows (of a random walk: its intervals, not smoothed), or why there is none."""
    rows, nothing = known.complete, (math.nan, math.nan, math.nan)
    if known.fit.plan.frailty is not None:
        return nothing, ""
    outcome = (rows.time, rows.event, rows.entry, rows.weight)
    try:
        model = parametric(FAMILY[choice.family], known.design(rows.covariates), known.names, *outcome, cuts=choice.cuts)
    except (DataError, FitError):
        return nothing, "no maximum-likelihood estimate"
    estimate, error, lower, upper = model.contrast(weights, known.prob)
    if not (math.isfinite(estimate) and math.isfinite(error)):
        return nothing, "no finite maximum-likelihood estimate"
    return (math.exp(estimate), math.exp(lower), math.exp(upper)), ""
