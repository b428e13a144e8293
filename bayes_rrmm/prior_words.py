"""Priors in clinical words: the hazard ratios and medians they allow, and the events they weigh. STATISTICS, section 2."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy.special import stdtrit

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.covariate_model import COEFFICIENT_SD, INTERCEPT_SD
from bayes_rrmm.encoding import Column, Encoding
from bayes_rrmm.parameters import FRAILTY, draw_from_prior, log_median
from bayes_rrmm.plan import Plan
from bayes_rrmm.pooled_terms import PooledTerm
from bayes_rrmm.priors import Z975
from bayes_rrmm.resolved_priors import Horseshoe, Location

SIMULATED = 20_000
"""Prior draws behind an interval that has no closed form."""

TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class PriorLine:
    """One prior in words: what it is about, the 95 % interval it allows, and what it weighs."""

    about: str
    interval: str
    weight: str
    origin: str


def prior_lines(plan: Plan) -> list[PriorLine]:
    """Every prior of the plan."""
    lines = [_median_line(plan)]
    if plan.family == "weibull":
        prior = plan.priors.log_shape
        low, high = _limits(prior)
        lines.append(PriorLine("Weibull shape", _range(low, high), "", _origin(prior.is_default)))
    for column, prior in zip(plan.encoding.columns, plan.priors.coefficients, strict=True):
        step = column.clinical_step
        low, high = _limits(Location(prior.mean * step, prior.sd * step, prior.nu))
        kind = "ratio of hazard ratios" if ":" in column.term else "hazard ratio"
        about = f"{kind}, {_about(plan.encoding, column)}"
        lines.append(PriorLine(about, _range(low, high), _weight(plan.encoding, column, prior), _origin(prior.is_default)))
    draws = draw_from_prior(plan, SIMULATED, plan.analysis.sampling.seed)
    lines += _pooled_lines(plan, draws)
    if "sigma" in draws:
        steps = np.exp(np.diff(draws["log_hazard"][:, :2], axis=1)[:, 0])
        low, high = np.quantile(steps, (0.025, 0.975))
        about = f"hazard ratio of neighbouring intervals, sigma ~ HalfNormal({plan.priors.sigma_sd:g})"
        lines.append(PriorLine(about, _range(low, high), "", _origin(plan.analysis.priors.sigma is None)))
    return lines + _frailty_lines(plan, draws) + _covariate_lines(plan)


def _frailty_lines(plan: Plan, draws: dict[str, Floats]) -> list[PriorLine]:
    """What the frailty's prior allows: the hazard ratio of any two clusters, averaged over the spread."""
    frailty = plan.analysis.model.frailty
    if frailty is None:
        return []
    rng = np.random.default_rng([plan.analysis.sampling.seed, 4])
    name = FRAILTY[frailty.distribution]
    spread = draws[name][:, None]
    if frailty.distribution == "gamma":
        log_ratio = np.diff(np.log(np.maximum(rng.gamma(1.0 / spread, spread, (len(spread), 2)), TINY)))
    else:
        log_ratio = np.diff(spread * rng.normal(size=(len(spread), 2)))
    low, high = np.exp(np.clip(np.quantile(log_ratio, (0.025, 0.975)), -700.0, 700.0))
    about = f"hazard ratio, any two clusters ({frailty.cluster}), {frailty.distribution} frailty, {name} ~ HalfNormal"
    about += f"({plan.priors.frailty_sd:g})"
    return [PriorLine(about, _range(low, high), "", _origin(plan.analysis.priors.frailty is None))]


def _covariate_lines(plan: Plan) -> list[PriorLine]:
    """What the covariate model of marginalised gaps assumes before the data."""
    if plan.covariates is None:
        return []
    low, high = _limits(Location(0.0, COEFFICIENT_SD))
    lines = []
    for variable in plan.covariates.variables:
        if plan.covariates.kind == "independent":
            lines.append(PriorLine(f"shares of the levels of {variable.name}", "Dirichlet(1): any shares alike", "", "fixed"))
            continue
        if variable.predictors:
            lines.append(PriorLine(f"odds ratio of {variable.name} for each covariate", _range(low, high), "", "fixed"))
        at = special.expit(Z975 * INTERCEPT_SD)
        about = f"odds of each level of {variable.name} against {variable.levels[0]}, as a probability"
        lines.append(PriorLine(about, f"{1 - at:.2f} to {at:.2f}", "", "fixed"))
    return lines


def own_events(sd: float, other: float) -> float | None:
    """Events d of a small group with 1/d + 1/other = sd^2: what the prior weighs in the group's own events.

    None where the prior is tighter than the other group's events alone could make it.
    """
    left = sd**2 - (1.0 / other if other > 0 else math.inf)
    return 1.0 / left if left > 0 else None


def _median_line(plan: Plan) -> PriorLine:
    low, middle, high, how = _median_limits(plan)
    prior, unit = plan.priors.baseline, plan.analysis.endpoint.unit
    origin = "default, scaled by the data: log 2 x person-time / events" if prior.is_default else _origin(False)
    weight = "" if prior.is_student else f"as much as {1 / prior.sd**2:.2g} events"
    patient = "patient of a group with u = 0" if plan.encoding.pooled else "average patient"
    patient += "" if plan.frailty is None else " with frailty 1"
    about = f"median survival of the {patient}, {unit} ({how}centre {_figure(middle)})"
    return PriorLine(about, _range(low, high), weight if plan.priors.baseline_kind == "median" else "", origin)


def _median_limits(plan: Plan) -> tuple[float, float, float, str]:
    """2.5, 50 and 97.5 % points of the median: exact where it is what is stated, else simulated from the prior."""
    prior = plan.priors.baseline
    if plan.priors.baseline_kind == "median" and plan.family != "piecewise-exponential":
        return (*_limits(prior)[:1], float(np.exp(prior.mean)), _limits(prior)[1], "")
    draws = draw_from_prior(plan, SIMULATED, plan.analysis.sampling.seed)
    with np.errstate(over="ignore"):
        low, middle, high = np.exp(np.quantile(log_median(plan, draws), (0.025, 0.5, 0.975)))
    return float(low), float(middle), float(high), "simulated; "


def _pooled_lines(plan: Plan, draws: dict[str, Floats]) -> list[PriorLine]:
    lines, start = [], 0
    normal, horseshoes = iter(plan.priors.tau_sd), iter(plan.priors.horseshoes)
    for pooled in plan.encoding.pooled:
        difference = draws["effect"][:, start] - draws["effect"][:, start + 1]
        low, high = np.exp(np.clip(np.quantile(difference, (0.025, 0.975)), -700.0, 700.0))
        start += len(pooled.cells)
        which = f"cells of {pooled.term} beyond the effects of both groups" if pooled.is_interaction else f"groups of {pooled.term}"
        if pooled.is_horseshoe:
            lines += _horseshoe_lines(plan, pooled, next(horseshoes), which, _range(low, high))
            continue
        about = f"hazard ratio, any two {which} (pooled), tau ~ HalfNormal({next(normal):g})"
        lines.append(PriorLine(about, _range(low, high), "", _origin(pooled.term not in plan.analysis.priors.tau)))
    return lines


def _horseshoe_lines(plan: Plan, pooled: PooledTerm, prior: Horseshoe, which: str, between: str) -> list[PriorLine]:
    """What a horseshoe allows between any two effects, and of one that it does not shrink."""
    term = plan.analysis.formula.find(pooled.term)
    stated = None if term is None else plan.analysis.effect(term)
    expected = f"{prior.nonzero:g} of {len(pooled.cells)} expected not to be next to nothing"
    about = f"hazard ratio, any two {which} (horseshoe, {expected}), tau ~ HalfCauchy({prior.tau:.2g})"
    scaled = f"scaled by the data: {prior.events:g} events"
    origin = f"default, {scaled}" if stated is None or stated.nonzero is None else f"stated, {scaled}"
    low, high = _limits(Location(0.0, prior.slab_scale, prior.slab_df))
    slab = f"hazard ratio of an effect of {pooled.term} that is not shrunk, Student t({prior.slab_df:g})"
    slab += f" of scale {prior.slab_scale:g}"
    slab_default = stated is None or (stated.slab_scale is None and stated.slab_df is None)
    return [PriorLine(about, between, "", origin), PriorLine(slab, _range(low, high), "", _origin(slab_default))]


def _weight(encoding: Encoding, column: Column, prior: Location) -> str:
    """1/(s^2 pi (1 - pi)) events for a group against its reference; 1/(s^2 variance) for other columns."""
    if prior.is_student:
        return ""
    pair = _pair(encoding, column)
    if pair is None:
        variance = column.centre * (1 - column.centre) if column.is_indicator else column.scale**2
        return f"as much as {1 / (prior.sd**2 * variance):.2g} events"
    own, other = pair
    share = own / (own + other) if own + other else 0.0
    if not 0 < share < 1:
        return "a group without events: the prior decides"
    alone = own_events(prior.sd, other)
    beside = f"{alone:.2g} of the group's own" if alone is not None else "more than any number of the group's own"
    return f"as much as {1 / (prior.sd**2 * share * (1 - share)):.2g} events in both groups, or {beside} (it has {own:g})"


def _pair(encoding: Encoding, column: Column) -> tuple[float, float] | None:
    """Events of the column's group and of the reference, for the main effect of a group."""
    if not encoding.is_group(column.term):
        return None
    group = encoding.group(column.term)
    events = dict(zip(group.levels, group.events, strict=True))
    return events[column.name.removeprefix(f"{column.term}=")], events[group.reference]


def _about(encoding: Encoding, column: Column) -> str:
    if encoding.is_group(column.term):
        return f"{column.name} against {encoding.group(column.term).reference}"
    if column.is_indicator:
        return column.name
    if column.clinical_step == 1.0:
        return f"{column.name}, {column.per:g} more"
    return f"{column.name}, 1 sd ({column.clinical_step * column.per:.3g}) more"


def _limits(prior: Location) -> tuple[float, float]:
    """95 % limits on the natural scale of a prior on a log scale."""
    reach = Z975 if prior.nu is None else float(stdtrit(prior.nu, 0.975))
    with np.errstate(over="ignore"):
        return float(np.exp(prior.mean - reach * prior.sd)), float(np.exp(prior.mean + reach * prior.sd))


def _range(low: float, high: float) -> str:
    return f"{_figure(low)} to {_figure(high)}"


def _figure(value: float) -> str:
    return f"{value:.3g}" if 1e-3 <= value < 1e5 else f"{value:.1e}"


def _origin(is_default: bool) -> str:
    return "default" if is_default else "stated"
