"""The prior grid of STATISTICS, section 6, and the posterior of a published hazard ratio under each prior, in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.evidence.normal import below, exp
from bayes_rrmm.priors import Z975, HazardRatioPrior, NormalPrior, parse_statement

FLAT = "flat"
NEUTRAL_SD, VAGUE_SD = 1.0, 2.5
Z95 = 1.645
"""A sceptic gives the alternative, or more, 5 %."""


@dataclass(frozen=True)
class GridPrior:
    """log HR ~ Normal(mean, sd); an infinite sd is the flat prior."""

    name: str
    mean: float
    sd: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the hazard ratio: 0 to infinity where the prior is flat."""
        return exp(self.mean - Z975 * self.sd), exp(self.mean + Z975 * self.sd)


@dataclass(frozen=True)
class GridPosterior:
    """The hazard ratio under one prior: posterior median, 95 % interval, P(HR < 1), P(HR < a ratio asked for).

    `prior_share` is the prior's share of the information, (1/sd^2) / (1/sd^2 + 1/se^2) = se^2/(se^2 + sd^2).
    """

    prior: GridPrior
    hr: float
    lower: float
    upper: float
    p_below_1: float
    p_below_ratio: float
    prior_share: float


def sceptical_sd(alternative: float) -> float:
    """The sd of the sceptical prior, |log HR_alt| / 1.645. Raises AnalysisError where the alternative is 1, or no hazard ratio."""
    if not (math.isfinite(alternative) and alternative > 0 and alternative != 1):
        raise AnalysisError(f"alternative = {alternative:g}: must be a hazard ratio above 0 other than 1, such as 0.5.")
    return abs(math.log(alternative)) / Z95


def prior_grid(alternative: float = 0.5, own: Mapping[str, Any] | None = None) -> tuple[GridPrior, ...]:
    """Sceptical, enthusiastic, neutral, vague and flat priors, then the user's own by their names.

    `own` maps a name to a statement, as in an analysis file: { hazard_ratio = 0.8, upper95 = 1.5 } or { normal = [mean, sd] }.
    Raises AnalysisError where a statement is none of these.
    """
    sd = sceptical_sd(alternative)
    grid = [
        GridPrior("sceptical", 0.0, sd),
        GridPrior("enthusiastic", math.log(alternative), sd),
        GridPrior("neutral", 0.0, NEUTRAL_SD),
        GridPrior("vague", 0.0, VAGUE_SD),
        GridPrior(FLAT, 0.0, math.inf),
    ]
    taken = [prior.name for prior in grid]
    for name, statement in (own or {}).items():
        if name in taken:
            raise AnalysisError(f"priors: {name!r} is a prior of the grid already; give yours another name.")
        grid.append(_own(name, statement))
    return tuple(grid)


def posterior_of(log_hr: float, se: float, prior: GridPrior, ratio: float) -> GridPosterior:
    """Normal prior, normal likelihood: the precision-weighted mean; `ratio` is the hazard ratio of the second probability."""
    share = 0.0 if math.isinf(prior.sd) else se**2 / (se**2 + prior.sd**2)
    mean, sd = share * prior.mean + (1 - share) * log_hr, se * math.sqrt(1 - share)
    limits = (exp(mean - Z975 * sd), exp(mean + Z975 * sd))
    return GridPosterior(prior, exp(mean), *limits, below(-mean / sd), below((math.log(ratio) - mean) / sd), share)


def _own(name: str, value: Any) -> GridPrior:
    try:
        statement = parse_statement(value, "coefficient")
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise AnalysisError(f"priors: {name}: {message}.") from None
    except ValueError as error:
        raise AnalysisError(f"priors: {name}: {error}.") from None
    if not isinstance(statement, HazardRatioPrior | NormalPrior):
        raise AnalysisError(
            f"priors: {name}: a Student t prior has no posterior in closed form here; write "
            "{ hazard_ratio = 1.0, upper95 = 5.0 } or { normal = [0, 1] }."
        )
    return GridPrior(name, statement.mean, statement.sd)
