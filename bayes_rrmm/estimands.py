"""What is asked of a fit: frozen questions, which know nothing of draws or data.

Definitions: STATISTICS, section 3. Times are in the endpoint's unit.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.messages import explain
from bayes_rrmm.priors import Positive

Contrast = Literal["none", "difference", "ratio"]

ENTERERS = "enterers"
"""The population of those who entered late or early, in time since each one's own entry."""


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _increasing(value: tuple[float, ...]) -> tuple[float, ...]:
    if any(later <= earlier for earlier, later in itertools.pairwise(value)):
        raise ValueError("must increase")
    return value


Times = Annotated[tuple[Positive, ...], BeforeValidator(_as_tuple), AfterValidator(_increasing), Field(min_length=1)]
Thresholds = Annotated[tuple[Positive, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class Estimand(BaseModel):
    """What every estimand shares: it is frozen and takes no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **keys: Any) -> None:
        try:
            super().__init__(**keys)
        except ValidationError as error:
            raise AnalysisError(explain(error, type(self))) from None


class HazardRatio(Estimand):
    """exp(log-hazard contrast) of one term: a group against another, all pairs, or one step of a continuous covariate.

    `by` names the covariate whose levels are the subgroups when the term interacts with it. P(HR < threshold) is
    reported for each threshold.
    """

    kind: Literal["hazard-ratio"] = "hazard-ratio"
    of: str
    group: str | None = None
    versus: str | None = None
    pairs: Literal["reference", "all"] = "reference"
    threshold: Thresholds = (1.0,)
    by: str | None = None

    def __init__(self, of: str | None = None, group: str | None = None, **rest: Any) -> None:
        named = {"of": of, "group": group}
        super().__init__(**{key: value for key, value in named.items() if value is not None}, **rest)

    @model_validator(mode="after")
    def _one_question(self) -> HazardRatio:
        if self.pairs == "all" and (self.group is not None or self.versus is not None):
            raise ValueError("pairs = 'all' already compares every group with every other: leave out group and versus")
        return self


class Curve(Estimand):
    """An estimand read off a survival curve: of each group of `by`, in a population.

    `population` is "cohort" (standardised over those free of the event where curves start: time 0, a landmark, or under delayed
    entry where enough are at risk), "average" (the average patient), "enterers" (those who entered, in time since their own
    entry), or a named population of the analysis. Curves are given survival to their start. `versus` is the group that
    contrasts subtract or divide by (default: the reference).
    """

    by: str | None = None
    population: str = "cohort"
    contrast: Contrast = "none"
    versus: str | None = None


class Survival(Curve):
    """S(t), the probability of being free of the event at each time of `at`; given freedom at `given` (default: at the start of
    the curves, where that is after time 0), S(t)/S(given)."""

    kind: Literal["survival"] = "survival"
    at: Times
    given: Positive | None = None

    @model_validator(mode="after")
    def _after_given(self) -> Survival:
        if self.given is not None and min(self.at) <= self.given:
            raise ValueError(f"conditional survival needs every time of 'at' after given = {self.given:g}")
        return self


class Median(Curve):
    """The smallest t with S(t) <= 1/2, S given survival to the start of the curves. Beyond `horizon` it counts as not reached.

    The default horizon is the group's last follow-up; `horizon = inf` asks for the model's median wherever it lies,
    labelled as extrapolated beyond follow-up.
    """

    kind: Literal["median"] = "median"
    horizon: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _contrast_is_defined(self) -> Median:
        if self.contrast != "none" and self.horizon != float("inf"):
            raise ValueError(
                "a contrast of medians is undefined where one is not reached: set horizon = inf "
                "(extrapolates, and says so) or ask for kind = 'rmst'"
            )
        return self


class Rmst(Curve):
    """Restricted mean survival time: the integral of S from the start of the curves (0 unless a landmark or delayed entry moves it)
    to `upto`."""

    kind: Literal["rmst"] = "rmst"
    upto: Positive


class Rank(Estimand):
    """The rank of each group of a term: 1 is best, the lowest hazard or, with `upto`, the longest RMST.

    Reported with P(best), P(worst) and SUCRA, the surface under the cumulative ranking curve.
    """

    kind: Literal["rank"] = "rank"
    of: str
    upto: Positive | None = None
    population: str = "cohort"


AnyEstimand = HazardRatio | Survival | Median | Rmst | Rank
KINDS: dict[str, type[HazardRatio] | type[Survival] | type[Median] | type[Rmst] | type[Rank]] = {
    "hazard-ratio": HazardRatio,
    "median": Median,
    "survival": Survival,
    "rmst": Rmst,
    "rank": Rank,
}
