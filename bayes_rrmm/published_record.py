"""The numbers of a publication as frozen records: what a file such as `west_china_rrmm1.toml` holds, and nothing else.

Times are in months. An interval is a 95 % confidence interval, an absent key was not published, and the text "NR" stands for
a median that was not reached; it is read as infinity.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.messages import explain
from bayes_rrmm.priors import Positive

SCHEMA = 1
NOT_REACHED = "NR"


class PublishedPart(BaseModel):
    """What every part shares: it is frozen and takes no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _reached(value: Any) -> Any:
    return float("inf") if value == NOT_REACHED else value


def _increasing(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] >= value[1]:
        raise ValueError("the lower limit of an interval must be below the upper one")
    return value


def _month(value: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
        raise ValueError('must be a month written as "2014-02"')
    return value


def _day(value: Any) -> Any:
    try:
        return value if not isinstance(value, str) else date.fromisoformat(value)
    except ValueError:
        raise ValueError('must be a day written as "2025-03-31"') from None


Months = Annotated[Annotated[float, Field(gt=0)], BeforeValidator(_reached)]
Interval = Annotated[tuple[Positive, Positive], AfterValidator(_increasing)]
MedianInterval = Annotated[tuple[Positive, Months], AfterValidator(_increasing)]
Probability = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0)]
Month = Annotated[str, AfterValidator(_month)]


class Enrolment(PublishedPart):
    """First and last month of enrolment."""

    from_: Annotated[Month, Field(alias="from")]
    to: Month


class PublishedStudy(PublishedPart):
    """The study: its size, design and population, follow-up and calendar, as far as they are known."""

    n: Count | None = None
    design: str = ""
    population: str = ""
    enrolled: Enrolment | None = None
    data_cutoff: Annotated[date, BeforeValidator(_day)] | None = None
    median_follow_up: Positive | None = None
    regimens: tuple[str, ...] = ()


class Overall(PublishedPart):
    """The median of an endpoint in the whole cohort."""

    endpoint: str
    median: Months
    ci: MedianInterval | None = None


class WithP(PublishedPart):
    """A test: its p value, or the bound it is below."""

    p: Probability | None = None
    p_below: Probability | None = None

    @model_validator(mode="after")
    def _one(self) -> WithP:
        if self.p is not None and self.p_below is not None:
            raise ValueError("p and p_below exclude each other: leave one out")
        return self


class WithHazardRatio(WithP):
    """A hazard ratio with its interval, and how many it compares where that is known.

    `n` and `events` are of the two groups, the one the ratio is about first; `share` is the share of the events in that group.
    """

    hr: Positive
    ci: Interval | None = None
    n: tuple[Count, Count] | None = None
    events: tuple[Count, Count] | None = None
    share: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _counted_once(self) -> WithHazardRatio:
        if self.share is not None and self.events is not None:
            raise ValueError("events and share exclude each other: leave one out")
        if self.n is not None and self.events is not None and any(d > n for d, n in zip(self.events, self.n, strict=True)):
            raise ValueError("a group has more events than patients; mend `n` or `events`")
        return self


class PublishedHazardRatio(WithHazardRatio):
    """A hazard ratio between two endpoints or groups, named by `contrast` ("a against b")."""

    contrast: str
    method: str = ""


class PublishedGroup(PublishedPart):
    """One group of a comparison."""

    level: str
    n: Count | None = None
    median: Months | None = None
    ci: MedianInterval | None = None


def _compared(groups: tuple[PublishedGroup, ...]) -> tuple[PublishedGroup, ...]:
    if len(groups) < 2:
        raise ValueError("a comparison needs two groups or more; add the others")
    if len({group.level for group in groups}) < len(groups):
        raise ValueError("each level stands once; rename or remove the copies")
    return groups


class GroupComparison(WithP):
    """Groups of one variable compared on one endpoint."""

    endpoint: str
    variable: str
    groups: Annotated[tuple[PublishedGroup, ...], AfterValidator(_compared)]


class MultivariableCox(WithHazardRatio):
    """One term of a multivariable Cox model."""

    endpoint: str
    term: str


class NotReached(PublishedPart):
    """Regimens whose medians were not reached, on each of the endpoints."""

    endpoints: tuple[str, ...]
    regimens: tuple[str, ...]
    note: str = ""

    @property
    def follow_up(self) -> tuple[str, float] | None:
        """The regimen, and its median follow-up in months, that the note states; None where it states none."""
        found = re.search(r"median follow-up of the (\S+) group (\d+(?:\.\d+)?) months", self.note)
        return (found.group(1), float(found.group(2))) if found else None


class Published(PublishedPart):
    """Every number of a publication. `source` is the text it was read from."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    study: PublishedStudy = PublishedStudy()
    endpoints: dict[str, str] = {}
    overall: tuple[Overall, ...] = ()
    hazard_ratio: tuple[PublishedHazardRatio, ...] = ()
    group_comparison: tuple[GroupComparison, ...] = ()
    multivariable_cox: tuple[MultivariableCox, ...] = ()
    not_reached: tuple[NotReached, ...] = ()
    source: Annotated[str, Field(exclude=True, repr=False)] = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the text the numbers were read from."""
        return hashlib.sha256(self.source.encode()).hexdigest()


def parse_published(text: str, origin: str = "the published numbers") -> Published:
    """The published numbers written in `text` (TOML).

    Raises AnalysisError naming the file, the key, its value, the rule, and the nearest valid key.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AnalysisError(f"{origin}: not valid TOML: {error}. Mend that line and try again.") from None
    if "schema" not in raw:
        raise AnalysisError(f"{origin}: schema: is required and missing; write `schema = {SCHEMA}` on the first line.")
    if "source" in raw:
        raise AnalysisError(f"{origin}: source: unknown key; remove it, and cite the source in a comment.")
    try:
        return Published.model_validate({**raw, "source": text})
    except ValidationError as error:
        raise AnalysisError(f"{origin}: {explain(error, Published)}") from None
