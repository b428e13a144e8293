"""Prior statements made into the numbers a model takes, on the scale that is reported. Source: STATISTICS, section 2.

What the data taught (the default's centre, the sd behind a clinical statement on a continuous covariate) is in here
and frozen: a refit with other rows keeps it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.encoding import Column, Encoding
from bayes_rrmm.errors import DataError
from bayes_rrmm.pooled_terms import PooledTerm
from bayes_rrmm.priors import HazardRatioPrior, MedianPrior, NormalPrior, Statement, StudentTPrior
from bayes_rrmm.specification.analysis import Analysis

DEFAULT_LOG_HR_SD = 1.0
DEFAULT_LOG_SHAPE = NormalPrior(normal=(0.0, 0.5))
DEFAULT_MEDIAN_LOG_SD = 1.5
DEFAULT_TAU_SD = 0.5
DEFAULT_SIGMA_SD = 0.5
DEFAULT_FRAILTY_SD = 1.0
DEFAULT_NONZERO = 1.0
DEFAULT_SLAB_SCALE = DEFAULT_LOG_HR_SD
DEFAULT_SLAB_DF = 4.0
INTERVAL_SD = 0.5
"""sd of a log hazard around their common level, where a piecewise baseline is stated through its median."""

BaselineKind = Literal["median", "log_rate", "log_scale", "log_hazards"]


@dataclass(frozen=True)
class Location:
    """A normal, or with finite `nu` a Student t, prior: mean (or location) and sd (or scale)."""

    mean: float
    sd: float
    nu: float | None = None
    is_default: bool = False

    @property
    def is_student(self) -> bool:
        """Whether the prior is a Student t."""
        return self.nu is not None


@dataclass(frozen=True)
class Horseshoe:
    """The regularised horseshoe of Piironen and Vehtari (Electronic Journal of Statistics 2017;11:5018) of D effects.

    effect = tau l z, z ~ Normal(0, 1), l^2 = c^2 lambda^2 / (c^2 + tau^2 lambda^2), lambda ~ half-Cauchy(0, 1), tau ~
    half-Cauchy(0, `tau`), c^2 ~ inverse gamma(`slab_df` / 2, `slab_df` `slab_scale`^2 / 2): an effect that is not shrunk comes
    from a Student t of `slab_df` degrees of freedom and scale `slab_scale`. Their equation 3.12 gives
    `tau` = nonzero / (D - nonzero) / sqrt(events / D): an effect known from `events / D` events has about that standard error.
    """

    tau: float
    slab_scale: float
    slab_df: float
    nonzero: float
    events: float


@dataclass(frozen=True)
class ResolvedPriors:
    """Every prior of one model, as numbers.

    `baseline` is on log median (kind median), log rate, log scale or each log hazard, by `baseline_kind`.
    `coefficients` are in the order of the encoding's columns, on the reported scale; `tau_sd` in that of its pooled terms
    under a normal distribution, and `horseshoes` in that of the terms under a horseshoe, which come after these.
    `frailty_sd` is that of the half-normal on theta (gamma) or tau (log-normal), None without a frailty.
    """

    baseline_kind: BaselineKind
    baseline: Location
    log_shape: Location
    coefficients: tuple[Location, ...]
    tau_sd: tuple[float, ...]
    sigma_sd: float
    frailty_sd: float | None = None
    horseshoes: tuple[Horseshoe, ...] = ()

    def to_json(self) -> str:
        """All of it as JSON, for a run folder."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ResolvedPriors:
        """The priors that `to_json` wrote."""
        raw: dict[str, Any] = json.loads(text)
        return cls(
            baseline_kind=raw["baseline_kind"],
            baseline=Location(**raw["baseline"]),
            log_shape=Location(**raw["log_shape"]),
            coefficients=tuple(Location(**item) for item in raw["coefficients"]),
            tau_sd=tuple(raw["tau_sd"]),
            sigma_sd=raw["sigma_sd"],
            frailty_sd=raw.get("frailty_sd"),
            horseshoes=tuple(Horseshoe(**item) for item in raw.get("horseshoes", ())),
        )

    def coefficient_arrays(self) -> tuple[Floats, Floats, Floats]:
        """Means, sds and degrees of freedom (infinity for a normal) of the coefficients, each of shape (P,)."""
        return (
            np.array([item.mean for item in self.coefficients]),
            np.array([item.sd for item in self.coefficients]),
            np.array([np.inf if item.nu is None else item.nu for item in self.coefficients]),
        )


def resolve_priors(analysis: Analysis, encoding: Encoding, cohort: Cohort) -> ResolvedPriors:
    """The statements of `analysis` on the scales that `encoding` learnt; defaults where nothing is stated."""
    kind, baseline = _baseline(analysis, cohort)
    stated = analysis.priors
    tau = {name: statement.sd for name, statement in stated.tau.items()}  # type: ignore[attr-defined]  # half-normals only
    sigma = stated.sigma.sd if stated.sigma is not None else DEFAULT_SIGMA_SD  # type: ignore[attr-defined]  # likewise
    return ResolvedPriors(
        baseline_kind=kind,
        baseline=baseline,
        log_shape=_location(stated.log_shape) if stated.log_shape else _location(DEFAULT_LOG_SHAPE, default=True),
        coefficients=tuple(_coefficient(column, stated.terms.get(column.term)) for column in encoding.columns),
        tau_sd=tuple(tau.get(pooled.term, DEFAULT_TAU_SD) for pooled in encoding.pooled if not pooled.is_horseshoe),
        sigma_sd=sigma,
        frailty_sd=_frailty(analysis),
        horseshoes=tuple(_horseshoe(analysis, pooled, cohort) for pooled in encoding.pooled if pooled.is_horseshoe),
    )


def _horseshoe(analysis: Analysis, pooled: PooledTerm, cohort: Cohort) -> Horseshoe:
    term = analysis.formula.find(pooled.term)
    assert term is not None
    effect, size = analysis.effect(term), len(pooled.cells)
    nonzero = DEFAULT_NONZERO if effect.nonzero is None else effect.nonzero
    if nonzero >= size:
        raise DataError(
            f"[model] effects: nonzero = {nonzero:g} of {pooled.term!r}, which has {size} effects; "
            'expect fewer than there are, or set pooling = "pooled".'
        )
    events = float(cohort.events)
    return Horseshoe(
        tau=nonzero / (size - nonzero) / math.sqrt(events / size),
        slab_scale=DEFAULT_SLAB_SCALE if effect.slab_scale is None else effect.slab_scale,
        slab_df=DEFAULT_SLAB_DF if effect.slab_df is None else effect.slab_df,
        nonzero=nonzero,
        events=events,
    )


def _frailty(analysis: Analysis) -> float | None:
    if analysis.model.frailty is None:
        return None
    stated = analysis.priors.frailty
    return DEFAULT_FRAILTY_SD if stated is None else stated.sd  # type: ignore[attr-defined]  # a half-normal


def default_median(cohort: Cohort) -> float:
    """log 2 times person-time over events: the median of an exponential fitted to the cohort, in its unit."""
    return math.log(2.0) * cohort.person_time / cohort.events


def _baseline(analysis: Analysis, cohort: Cohort) -> tuple[BaselineKind, Location]:
    priors = analysis.priors
    kinds: tuple[BaselineKind, ...] = ("log_rate", "log_scale", "log_hazards")
    for kind in kinds:
        statement = getattr(priors, kind)
        if statement is not None:
            return kind, _location(statement)
    if isinstance(priors.baseline, MedianPrior):
        return "median", Location(priors.baseline.mean, priors.baseline.sd)
    return "median", Location(math.log(default_median(cohort)), DEFAULT_MEDIAN_LOG_SD, is_default=True)


def _location(statement: Statement, default: bool = False) -> Location:
    if isinstance(statement, StudentTPrior):
        return Location(statement.mean, statement.sd, statement.nu, default)
    assert isinstance(statement, NormalPrior)
    return Location(statement.mean, statement.sd, None, default)


def _coefficient(column: Column, statement: Statement | None) -> Location:
    """The prior of a column's coefficient for one reported step.

    Raw: stated per unit of the column as given. Clinical: per sd, or per the step the user names.
    """
    if isinstance(statement, NormalPrior | StudentTPrior):
        raw = _location(statement)
        return Location(raw.mean * column.per, raw.sd * column.per, raw.nu)
    if isinstance(statement, HazardRatioPrior):
        return Location(statement.mean / column.clinical_step, statement.sd / column.clinical_step)
    return Location(0.0, DEFAULT_LOG_HR_SD / column.clinical_step, is_default=True)
