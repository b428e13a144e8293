"""Do a published hazard ratio, its interval and its p value say one thing? STATISTICS, section 7."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from decimal import Decimal

from bayes_rrmm.evidence.normal import two_sided
from bayes_rrmm.priors import Z975
from bayes_rrmm.published_record import Published, WithHazardRatio

TOO_WIDE = 1.2
"""A published standard error this many times the one that the counted events give is wider than they allow."""


@dataclass(frozen=True)
class Consistency:
    """What a published interval implies: standard error of the log hazard ratio, its centre as a hazard ratio, p, and events.

    `events` is 4 / se^2, which as many events in two even groups give. `problems` are sentences; none where interval, point
    estimate and p value agree within their rounding. NaN throughout where no interval was published.
    """

    about: str
    se: float
    centre: float
    p: float
    events: float
    problems: tuple[str, ...]


def check_consistency(about: str, published: WithHazardRatio) -> Consistency:
    """Interval against point estimate and p value, by the normal approximation of log HR, allowing for rounding."""
    if published.ci is None:
        return Consistency(about, math.nan, math.nan, math.nan, math.nan, ())
    low, high = published.ci
    unit = half_unit(published.hr, low, high)
    ends = [(math.log(max(limit - unit, 1e-12)), math.log(limit), math.log(limit + unit)) for limit in (published.hr, low, high)]
    se = (ends[2][1] - ends[1][1]) / (2 * Z975)
    centre = math.exp(0.5 * (ends[1][1] + ends[2][1]))
    p = two_sided(math.log(published.hr) / se)
    problems = []
    implied = "p < 0.001" if p < 0.0005 else f"p = {p:.3f}"
    least, most = (0.5 * (ends[1][k] + ends[2][k]) for k in (0, 2))
    if least > ends[0][2] or most < ends[0][0]:
        problems.append(
            f"{about}: the interval {low:g} to {high:g} is centred at {centre:.3f} on the log scale, not at {published.hr:g}"
        )
    rounded = itertools.product(*ends)
    possible = [two_sided(hr * 2 * Z975 / (upper - lower)) for hr, lower, upper in rounded if upper > lower]
    if published.p is not None:
        slack = half_unit(published.p)
        if published.p + slack < min(possible) or published.p - slack > max(possible):
            problems.append(f"{about}: the interval implies {implied}, and p = {published.p:g} is published")
    elif published.p_below is not None and min(possible) > published.p_below:
        problems.append(f"{about}: the interval implies {implied}, and p < {published.p_below:g} is published")
    return Consistency(about, se, centre, p, 4.0 / se**2, tuple(problems))


def named_hazard_ratios(published: Published) -> list[tuple[str, WithHazardRatio]]:
    """Each hazard ratio of a publication with its name: the contrast, or the endpoint and the term of a Cox model."""
    found: list[tuple[str, WithHazardRatio]] = [(item.contrast, item) for item in published.hazard_ratio]
    return found + [(f"{item.endpoint} {item.term}", item) for item in published.multivariable_cox]


def every_hazard_ratio(published: Published) -> list[Consistency]:
    """The check of each hazard ratio of a publication."""
    return [check_consistency(about, item) for about, item in named_hazard_ratios(published)]


def half_unit(*values: float) -> float:
    """Half a unit of the last decimal that any of the values has: trailing zeros are lost in a number."""
    decimals = max(0, *(-int(Decimal(repr(value)).as_tuple().exponent) for value in values))
    return 0.5 * 10.0**-decimals
