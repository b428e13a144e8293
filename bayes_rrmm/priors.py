"""Prior statements: what a clinician says, or a raw distribution, on the log scale of the parameter it names.

A statement is frozen and knows nothing of the data. `resolved_priors` turns statements into the numbers a model
takes, once the encoding of the data is known. Source: STATISTICS, section 2.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Z975 = 1.959963984540054
"""97.5 % point of the standard normal distribution."""


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


Finite = Annotated[float, AfterValidator(_finite)]
Positive = Annotated[float, AfterValidator(_finite), Field(gt=0)]


class Statement(BaseModel):
    """What every prior statement shares: it is frozen and takes no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HazardRatioPrior(Statement):
    """log HR ~ Normal(log centre, sd), where `upper95` is the 97.5 % point of the hazard ratio."""

    hazard_ratio: Positive
    upper95: Positive

    @model_validator(mode="after")
    def _ordered(self) -> HazardRatioPrior:
        if self.upper95 <= self.hazard_ratio:
            raise ValueError(
                f"upper95 = {self.upper95:g} must lie above hazard_ratio = {self.hazard_ratio:g}: "
                "it is the hazard ratio exceeded with probability 2.5 %"
            )
        return self

    @property
    def mean(self) -> float:
        """Mean of the log hazard ratio."""
        return math.log(self.hazard_ratio)

    @property
    def sd(self) -> float:
        """Standard deviation of the log hazard ratio."""
        return (math.log(self.upper95) - self.mean) / Z975


class MedianPrior(Statement):
    """The average patient's median survival is log-normal; `upper95` is its 97.5 % point. In the endpoint's unit."""

    median_survival: Positive
    upper95: Positive

    @model_validator(mode="after")
    def _ordered(self) -> MedianPrior:
        if self.upper95 <= self.median_survival:
            raise ValueError(
                f"upper95 = {self.upper95:g} must lie above median_survival = {self.median_survival:g}: "
                "it is the median exceeded with probability 2.5 %"
            )
        return self

    @property
    def mean(self) -> float:
        """Mean of the log median."""
        return math.log(self.median_survival)

    @property
    def sd(self) -> float:
        """Standard deviation of the log median."""
        return (math.log(self.upper95) - self.mean) / Z975


class NormalPrior(Statement):
    """`normal = [mean, sd]`, raw, on the log scale of the parameter it names."""

    normal: tuple[Finite, Positive]

    @property
    def mean(self) -> float:
        """Mean."""
        return self.normal[0]

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return self.normal[1]


class StudentTPrior(Statement):
    """`student_t = [nu, mean, sd]`, raw: nu degrees of freedom, a location and a scale."""

    student_t: tuple[Positive, Finite, Positive]

    @property
    def nu(self) -> float:
        """Degrees of freedom."""
        return self.student_t[0]

    @property
    def mean(self) -> float:
        """Location."""
        return self.student_t[1]

    @property
    def sd(self) -> float:
        """Scale (not the standard deviation of the distribution)."""
        return self.student_t[2]


class HalfNormalPrior(Statement):
    """`half_normal = sd`, for standard deviations."""

    half_normal: Positive

    @property
    def sd(self) -> float:
        """Scale: the standard deviation of the normal that is folded."""
        return self.half_normal


STATEMENTS: dict[frozenset[str], type[Statement]] = {
    frozenset({"hazard_ratio", "upper95"}): HazardRatioPrior,
    frozenset({"median_survival", "upper95"}): MedianPrior,
    frozenset({"normal"}): NormalPrior,
    frozenset({"student_t"}): StudentTPrior,
    frozenset({"half_normal"}): HalfNormalPrior,
}

FORMS: dict[type[Statement], str] = {
    HazardRatioPrior: "{ hazard_ratio = 1.0, upper95 = 5.0 }",
    MedianPrior: "{ median_survival = 24, upper95 = 120 }",
    NormalPrior: "{ normal = [0, 1] }",
    StudentTPrior: "{ student_t = [4, 0, 1] }",
    HalfNormalPrior: "{ half_normal = 0.5 }",
}

Kind = Literal["coefficient", "baseline", "location", "scale"]
ALLOWED: dict[Kind, tuple[type[Statement], ...]] = {
    "coefficient": (HazardRatioPrior, NormalPrior, StudentTPrior),
    "baseline": (MedianPrior,),
    "location": (NormalPrior, StudentTPrior),
    "scale": (HalfNormalPrior,),
}


def parse_statement(value: Any, kind: Kind) -> Statement:
    """A prior statement from its TOML table.

    Raises ValueError with a sentence that names the forms allowed there, when the table has none of them.
    """
    if isinstance(value, Statement):
        if not isinstance(value, ALLOWED[kind]):
            raise ValueError(f"a prior here is one of {_forms(kind)}, not {type(value).__name__}")
        return value
    if not isinstance(value, dict):
        raise ValueError(f"a prior is a table such as {_forms(kind)}, not {value!r}")
    found = STATEMENTS.get(frozenset(value))
    if found is None or found not in ALLOWED[kind]:
        raise ValueError(f"{{ {', '.join(value)} }} is no prior for it; write one of {_forms(kind)}")
    return found.model_validate(value)


def _forms(kind: Kind) -> str:
    return " or ".join(FORMS[form] for form in ALLOWED[kind])
