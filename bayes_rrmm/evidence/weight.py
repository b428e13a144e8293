"""What a published interval weighs in events, and whether that many can have been there. STATISTICS, sections 2 and 7."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from bayes_rrmm.evidence.consistency import TOO_WIDE
from bayes_rrmm.published_record import MultivariableCox, Published, WithHazardRatio

SAME_PATIENTS = "the same patients on both sides"
TERM_LEVELS = ("yes", "1", "true")


@dataclass(frozen=True)
class Weight:
    """Events that would give the published standard error.

    `even` is 4/se^2, of two even groups. Where the group's share pi of the events is known, `share`, `events` is
    1/(se^2 pi (1 - pi)) and `own` the smaller group's part of them, the d with 1/d + 1/d_other = se^2. Where it is not, both are
    NaN for `share` and `events`, and `own` is 1/se^2, which the smaller group has at least, beside however many others.
    """

    even: float
    share: float
    share_from: str
    events: float
    own: float


def weight_of(se: float, share: float, share_from: str) -> Weight:
    """What a standard error weighs where the group has this share of the events (NaN: unknown)."""
    if math.isnan(share):
        return Weight(4 / se**2, math.nan, "", math.nan, 1 / se**2)
    smaller = min(share, 1 - share)
    return Weight(4 / se**2, share, share_from, 1 / (se**2 * share * (1 - share)), 1 / (se**2 * (1 - smaller)))


def share_of_group(about: str, item: WithHazardRatio, published: Published) -> tuple[float, str]:
    """The group's share of the events and what tells it: stated, counted in events or in patients; NaN where nothing does."""
    if item.share is not None:
        return item.share, "stated"
    if item.events is not None:
        return item.events[0] / sum(item.events), f"{item.events[0]} of {sum(item.events)} events"
    sizes = item.n or _sizes_elsewhere(item, published)
    if sizes is not None:
        return sizes[0] / sum(sizes), f"{sizes[0]} of {sum(sizes)} patients"
    if endpoints_of(about, published) is not None:
        return 0.5, SAME_PATIENTS
    return math.nan, ""


def endpoints_of(about: str, published: Published) -> tuple[str, str] | None:
    """The two endpoints that a contrast "a against b" compares in the same patients; None where it compares groups."""
    parts = re.split(r"\s+(?:against|versus|vs\.?)\s+", about)
    known = {*published.endpoints, *(item.endpoint for item in published.overall)}
    return (parts[0], parts[1]) if len(parts) == 2 and set(parts) <= known and parts[0] != parts[1] else None


def unlikely_counts(about: str, se: float, item: WithHazardRatio) -> list[str]:
    """Sentences where the standard error is not that of the events or patients stated beside it; Cox has 1/d + 1/d_other."""
    if item.events is not None:
        first, second = item.events
        given = math.sqrt(1 / first + 1 / second)
        counted = f"the {first} and {second} events stated give {given:.3f}"
        if se > TOO_WIDE * given:
            return [
                f"{about}: the interval has a standard error of {se:.3f}, and {counted}: it is {se / given:.1f} times as wide as "
                "they allow. Adjusting for much, strata or fewer patients than stated would do that."
            ]
        if se < given / TOO_WIDE:
            return [f"{about}: the interval has a standard error of {se:.3f}, and {counted}: it is narrower than they allow."]
    elif item.n is not None and se < math.sqrt(sum(1 / size for size in item.n)) / TOO_WIDE:
        first, second = item.n
        return [
            f"{about}: the interval has a standard error of {se:.3f}, narrower than {first} and {second} patients give if "
            f"every one has the event ({math.sqrt(1 / first + 1 / second):.3f})."
        ]
    return []


def _sizes_elsewhere(item: WithHazardRatio, published: Published) -> tuple[int, int] | None:
    """Sizes of two groups compared elsewhere in the publication by the variable that is the term of a Cox model."""
    if not isinstance(item, MultivariableCox):
        return None
    for comparison in published.group_comparison:
        if comparison.variable != item.term or len(comparison.groups) != 2:
            continue
        groups = sorted(comparison.groups, key=lambda group: group.level.lower() not in TERM_LEVELS)
        first, second = groups[0].n, groups[1].n
        if groups[0].level.lower() in TERM_LEVELS and first is not None and second is not None:
            return first, second
    return None
