"""Survival, medians and RMST, and their contrasts, beside Kaplan-Meier, standardised Cox survival and maximum likelihood."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.agreement.curve_answers import of_kaplan_meier, of_standardised, why_none, wide_step
from bayes_rrmm.agreement.explain import Without, explanation, prior_reasons
from bayes_rrmm.agreement.row import NOTHING, Comparison, Row, posterior_answer
from bayes_rrmm.agreement.standardised_side import Curves, standardised_curves
from bayes_rrmm.agreement.verdict import Answer, Reason, Transform, few_events, standard_error
from bayes_rrmm.agreement.without_prior import METHODS, WithoutPrior, estimate_and_limits, read_as, unbounded
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.estimands import ENTERERS, Curve, Median, Rmst, Survival
from bayes_rrmm.reading import Estimates
from bayes_rrmm.reading.scales import TRANSFORMS
from bayes_rrmm.reading.summary import quantile_of
from bayes_rrmm.reading.table import labelled_draws

MOVES = 0.1
"""Standard errors by which something must move a number to be a reason."""


@dataclass(frozen=True)
class Quantity:
    """One number of an estimand: of `group` (against `versus` where there is a contrast), at `time` where it is survival."""

    estimand: Curve
    estimates: Estimates
    group: str
    versus: str
    time: float
    identity: dict[str, Any]
    bayes: Answer
    without: Without
    emptied: float | None = None
    """Its posterior median without hazard in intervals that have no event."""

    @property
    def scale(self) -> Transform:
        """The scale of comparison."""
        return TRANSFORMS[self.estimates.scale]

    @property
    def goes_by_steps(self) -> bool:
        """Whether a step function gives it as one of its steps."""
        return isinstance(self.estimand, Median) and self.estimates.contrast == "none"

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups it is about."""
        return (self.group, self.versus) if self.versus else (self.group,)



def curve_rows(known: Counterparts, alone: WithoutPrior, estimand: Curve, estimates: Estimates) -> list[Row]:
    """The rows of every group and time of the estimand, the main counterpart of each first."""
    assert isinstance(estimand, Survival | Median | Rmst)
    by = estimates.by or None
    others = [name for name in known.fit.analysis.formula.variables if name != by]
    standard = standardised_curves(known, estimates) if others else None
    about_others = estimates.population not in ("cohort", ENTERERS) and (estimates.population != "average" or bool(others))
    asks_km_first = not others or (by is None and not about_others)
    compared: list[Row] = []
    for quantity in _quantities(alone, estimand, estimates):
        sides = [_kaplan_meier(known, quantity, others, about_others)]
        if standard is not None:
            sides.insert(len(sides) if asks_km_first else 0, _standardised(known, quantity, standard))
        compared += [*sides, *_likelihood(known, quantity, bool(others))]
    return compared


def _quantities(alone: WithoutPrior, estimand: Survival | Median | Rmst, estimates: Estimates) -> Iterator[Quantity]:
    sides = [
        None if fit is None else _draws_of(estimand, read_as(fit, asked, estimates))
        for fit, asked in (
            (alone.prior_fit, unbounded(estimand)),
            (alone.likelihood_fit, estimand),
            (alone.combined_fit, estimand),
            (alone.emptied_fit, unbounded(estimand)),
        )
    ]
    for index, (_, labels, draws) in enumerate(labelled_draws(estimand, estimates)):
        group, versus = str(labels.get(estimates.by, "")) if estimates.by else "", str(labels.get("versus", ""))
        time = float(labels.get("time", math.nan))
        identity: dict[str, Any] = {
            "estimand": estimates.estimand,
            "term": estimates.by,
            "group": group,
            "versus": versus,
            "contrast": estimates.contrast,
            "population": estimates.population,
            "at": time if isinstance(estimand, Survival) else _horizon(estimand, math.nan),
            "given": math.nan if estimates.given is None else estimates.given,
            "unit": estimates.unit,
        }
        before, at_maximum, both, emptied = (None if side is None else side[index] for side in sides)
        without = Without(
            before,
            None if at_maximum is None else estimate_and_limits(at_maximum, estimates.interval.prob),
            None if both is None else estimate_and_limits(both, estimates.interval.prob, centre=0.5),
        )
        bayes = posterior_answer(draws, estimates.interval, estimates.scale)
        without_empty = None if emptied is None else quantile_of(np.asarray(emptied).ravel(), 0.5)
        yield Quantity(estimand, estimates, group, versus, time, identity, bayes, without, without_empty)


def _draws_of(estimand: Survival | Median | Rmst, read: Estimates | None) -> list[Floats] | None:
    return None if read is None else [draws for _, _, draws in labelled_draws(estimand, read)]


def _horizon(estimand: Curve, otherwise: float) -> float:
    """The time that an RMST or a median runs to, as in estimates.csv; `otherwise` where none was stated."""
    stated = getattr(estimand, "upto", getattr(estimand, "horizon", None))
    return stated if stated is not None and math.isfinite(stated) else otherwise


def _kaplan_meier(known: Counterparts, quantity: Quantity, others: list[str], about_others: bool) -> Row:
    by, given = quantity.estimates.by or None, quantity.estimates.given
    own_clock = quantity.estimates.population == ENTERERS
    curves = [known.kaplan_meier(by, level, given, since_entry=own_clock) for level in quantity.groups]
    late = max(curve.start for curve in curves) > (given or 0.0)
    same_start = len({curve.start for curve in curves}) == 1
    answer = of_kaplan_meier(quantity.estimand, quantity.estimates, curves, quantity.time) if same_start else NOTHING
    why = why_none(answer, quantity.scale, curves, steps=quantity.goes_by_steps)
    missing = [_late(max(curve.start for curve in curves))] if late else why
    not_same = [Reason("different-population")] if about_others else []
    not_same += [Reason("different-adjustment")] if by is not None and others else []
    not_same += known.clustered_rows(quantity.groups, by)
    reasons = [] if by is None or known.rows.is_complete((by,)).all() else [Reason("different-rows")]
    reasons += few_events({curve.label: curve.events for curve in curves})
    reasons += wide_step(curves[0], answer, known.prob) if isinstance(quantity.estimand, Median) and len(curves) == 1 else []
    convention = _convention(quantity, f"{known.interval} interval", "Greenwood's variance")
    side = Side("Kaplan-Meier", convention, False, sum(curve.rows for curve in curves), answer)
    return _row(known, quantity, side, [*not_same, *missing], reasons)


def _standardised(known: Counterparts, quantity: Quantity, standard: Curves | Reason) -> Row:
    """Cox survival of the quantity's own population with the group set for everyone."""
    ties, rows = f"{known.ties.capitalize()} ties", float(known.complete.weight.sum())
    convention = _convention(quantity, f"{ties}, log-log interval", f"{ties}, delta method")
    reasons = [*known.left_out, *_few_events(known, quantity)]
    if isinstance(standard, Reason):
        return _row(known, quantity, Side("Cox, standardised", convention, True, rows, NOTHING), [standard], reasons)
    curves = [standard[level] for level in quantity.groups]
    answer = of_standardised(quantity.estimand, quantity.estimates, curves, quantity.time)
    late = curves[0].start > (quantity.estimates.given or 0.0)
    missing = [_late(curves[0].start)] if late else why_none(answer, quantity.scale, curves, steps=quantity.goes_by_steps)
    missing = [Reason("different-model"), *missing] if known.fit.plan.frailty is not None else missing
    return _row(known, quantity, Side("Cox, standardised", convention, True, rows, answer), missing, reasons)


def _likelihood(known: Counterparts, quantity: Quantity, adjusted: bool) -> Iterator[Row]:
    answer = quantity.without.likelihood
    if answer is None:
        return
    convention, rows = "maximum likelihood of the same model, limits by simulation", float(known.complete.weight.sum())
    side = Side(METHODS[known.fit.plan.family], convention, adjusted, rows, answer)
    reasons = [*known.left_out, *_few_events(known, quantity)]
    other = [Reason("different-model")] if known.fit.plan.frailty is not None else []
    yield _row(known, quantity, side, [*other, *why_none(answer, quantity.scale, [], steps=quantity.goes_by_steps)], reasons)


def _few_events(known: Counterparts, quantity: Quantity) -> list[Reason]:
    """Groups with few events among the rows without gaps."""
    by, happened = quantity.estimates.by, known.complete.weight * known.complete.event
    return few_events({level or "all": _events_in(known, by, level, happened) for level in quantity.groups})


def _events_in(known: Counterparts, by: str, level: str, happened: Floats) -> float:
    return float(happened.sum() if not by else happened[(known.complete.covariates[by] == level).to_numpy()].sum())


@dataclass(frozen=True)
class Side:
    """The frequentist half of a row."""

    method: str
    convention: str
    adjusted: bool
    rows: float
    answer: Answer


def _row(known: Counterparts, quantity: Quantity, side: Side, prevented: list[Reason], reasons: list[Reason]) -> Row:
    """One row: not comparable where something prevents it, because the questions differ or an answer is missing."""
    by = quantity.estimates.by
    form = [*_pooled(known, by), *known.reasons_of_form((by,) if by else ()), *_empty_interval(known, quantity, side.answer)]
    if prevented:
        unprinted = {"too-wide"} & {reason.code for reason in prevented}
        comparison = Comparison.refused(quantity.bayes, NOTHING if unprinted else side.answer, [*prevented, *reasons, *form])
    else:
        prior = prior_reasons(quantity.without.prior, side.answer, quantity.scale, known.prob)
        why = explanation(quantity.bayes, side.answer, quantity.scale, known.prob, quantity.without, known.left_out_share)
        found = [*prior, *reasons, *form]
        comparison = Comparison.between(quantity.bayes, side.answer, quantity.scale, known.prob, found, why)
    return Row(quantity.identity, comparison, side.method, side.convention, side.adjusted, side.rows)


def _empty_interval(known: Counterparts, quantity: Quantity, freq: Answer) -> list[Reason]:
    """Whether the prior's hazard in intervals without events moves this number: by a tenth of a standard error or more."""
    if quantity.emptied is None:
        return []
    ours = quantity.bayes.on(quantity.scale)
    without = Answer(*(quantity.emptied,) * 3).on(quantity.scale)
    unit = freq.on(quantity.scale) or ours
    if ours is None or without is None or unit is None:
        return []
    error = standard_error(unit if unit.width > 0 else ours, known.prob)
    moved = (ours.estimate - without.estimate) / error if error > 0 else 0.0
    if abs(moved) < MOVES:
        return []
    starts = np.append(0.0, known.fit.plan.cut_array)[known.empty_intervals]
    where = ", ".join(f"from {start:g}" for start in starts)
    return [Reason("empty-interval", f"{where}; it moves this by {moved:+.1f} standard errors")]


def _pooled(known: Counterparts, by: str) -> list[Reason]:
    return [Reason("pooled")] if any(by in ("", *pooled.variables) for pooled in known.encoding.pooled) else []


def _late(start: float) -> Reason:
    return Reason("late-start", f"it starts at {start:g}, given survival to it" if math.isfinite(start) else "never")


def _convention(quantity: Quantity, of_survival: str, of_area: str) -> str:
    """How the frequentist number of a quantity is made, in few words."""
    contrast = quantity.estimates.contrast
    if isinstance(quantity.estimand, Median):
        how = {"none": of_survival, "difference": f"{of_survival}s combined", "ratio": f"{of_survival}s combined on the log scale"}
        return f"first t with S(t) <= 1/2, {how[contrast]}"
    if isinstance(quantity.estimand, Rmst):
        return f"area under the curve, {of_area}" + (", on the log scale" if contrast == "ratio" else "")
    return {"none": of_survival, "difference": f"{of_area}, Wald interval", "ratio": f"{of_area}, on the log scale"}[contrast]
