"""Two endpoints of the same patients: is the published interval wider than so many patients allow?"""

from __future__ import annotations

import math

from bayes_rrmm.evidence.weight import endpoints_of
from bayes_rrmm.published_record import Published

NEARLY = 1.1
"""The widest that medians reached allow is taken with a tenth more: patients censored before a median lower its events."""


def too_wide_for_the_patients(about: str, log_hr: float, se: float, published: Published) -> list[str]:
    """One sentence or more where the interval of one endpoint against another is wider than the study's n patients allow.

    An endpoint has at most n events, and where its median is published as reached about n/2 at least. Taken as different
    patients that gives standard errors of log HR of sqrt(2/n) to sqrt(4/n). Cox stratified by patient has
    1/wins + 1/losses = (1 + HR)^2 / (HR se^2) pairs in which one endpoint is seen to end first.
    """
    n, pair = published.study.n, endpoints_of(about, published)
    medians = {item.endpoint: item.median for item in published.overall}
    if n is None or pair is None or not all(math.isfinite(medians.get(name, math.inf)) for name in pair):
        return []
    all_of_both, widest = math.sqrt(2 / n), math.sqrt(4 / n)
    if se <= NEARLY * widest:
        return []
    half = math.sqrt(3 / n)
    ratio = math.exp(log_hr)
    pairs = (1 + ratio) ** 2 / (ratio * se**2)
    text = (
        f"{about}: the published interval has a standard error of {se:.3f} of the log hazard ratio, that of about {4 / se**2:.0f} "
        f"events in all, though each of the {n} patients is on both sides. Both medians are reached, so about {n / 2:.0f} to {n} "
        f"have each event: {all_of_both:.3f} to {widest:.3f} if they were different patients, and about "
        f"{0.5 * (all_of_both + half):.2f} ({all_of_both:.3f} to {half:.3f}) where everyone has one of the events, as in "
        f"a cohort selected by it. The interval is {se / widest:.1f} to {se / all_of_both:.1f} times as wide as "
        f"{n} pairs taken so allow. "
    )
    if pairs <= n:
        text += (
            "Cox stratified by patient, which learns only from pairs in which one of the two is seen to end first, has this width "
            f"with {pairs:.0f} such pairs: an analysis of that kind, or of fewer patients, would be as wide."
        )
    else:
        text += f"Cox stratified by patient would be wider still, even with all {n} pairs; fewer patients would be as wide."
    return [text]
