"""One published hazard ratio, and all that it supports alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bayes_rrmm.evidence.consistency import Consistency, check_consistency, half_unit
from bayes_rrmm.evidence.normal import two_sided
from bayes_rrmm.evidence.prior_grid import GridPosterior, GridPrior, posterior_of
from bayes_rrmm.evidence.reverse_bayes import Credibility, credibility, credibility_words, rounding_decides
from bayes_rrmm.evidence.same_patients import too_wide_for_the_patients
from bayes_rrmm.evidence.standard_error import Precision, precision_of
from bayes_rrmm.evidence.tipping import Tipping, tipping_point
from bayes_rrmm.evidence.weight import Weight, share_of_group, unlikely_counts, weight_of
from bayes_rrmm.published_record import Published, WithHazardRatio


@dataclass(frozen=True)
class Contrast:
    """A published hazard ratio that has a precision.

    `p` is the two-sided p value that hazard ratio and standard error imply. `problems` are sentences on what does not fit
    together: interval, estimate, p value, events, patients.
    """

    about: str
    published: WithHazardRatio
    precision: Precision
    check: Consistency
    problems: tuple[str, ...]
    weight: Weight
    posteriors: tuple[GridPosterior, ...]
    credibility: Credibility
    tipping: Tipping

    @property
    def z(self) -> float:
        """log HR over its standard error."""
        return self.precision.log_hr / self.precision.se

    @property
    def p(self) -> float:
        """The p value recovered."""
        return two_sided(self.z)

    @property
    def interval(self) -> tuple[float, float]:
        """The interval as published, or as its p value implies it."""
        return self.published.ci or self.precision.interval

    @property
    def limit_words(self) -> str:
        """What the reverse-Bayes limit means."""
        low, high = self.precision.low, self.precision.high
        words = credibility_words(self.credibility, low, high)
        if self.published.ci is None:
            return words
        turns = rounding_decides(self.credibility, low, high, half_unit(self.published.hr, *self.published.ci))
        return f"{words} The rounding of the printed limits decides this." if turns else words

    def posterior(self, prior: str) -> GridPosterior:
        """The posterior under the prior of this name."""
        return next(found for found in self.posteriors if found.prior.name == prior)

    def rows(self) -> list[dict[str, Any]]:
        """A row a prior: what was published, what it implies, and the posterior."""
        item, weight, tip = self.published, self.weight, self.tipping
        lower, upper = self.interval
        shared: dict[str, Any] = {
            "contrast": self.about, "hr": item.hr, "lower": lower, "upper": upper, "p": item.p, "p_below": item.p_below,
            "log_hr": self.precision.log_hr, "se": self.precision.se, "se_from": self.precision.source, "z": self.z,
            "p_recovered": self.p, "consistent": not self.problems, "events_if_even": weight.even, "share": weight.share,
            "events": weight.events, "own_events": weight.own, "limit_kind": self.credibility.kind,
            "limit": self.credibility.limit, "limit_text": self.credibility.shown,
            "credible": self.credibility.credible, "threshold": tip.threshold,
            "tipping_sd": tip.sd, "tipping_centre_at_sd": tip.at_sd, "tipping_centre_log_hr": tip.log_centre,
        }  # fmt: skip
        return [
            shared
            | {
                "prior": found.prior.name, "prior_log_hr": found.prior.mean, "prior_sd": found.prior.sd,
                "prior_share": found.prior_share, "posterior_hr": found.hr, "posterior_lower": found.lower,
                "posterior_upper": found.upper, "p_below_1": found.p_below_1, "p_below_ratio": found.p_below_ratio,
            }
            for found in self.posteriors
        ]  # fmt: skip


def judge(
    about: str,
    item: WithHazardRatio,
    published: Published,
    grid: tuple[GridPrior, ...],
    threshold: float,
    below: float,
) -> Contrast | str:
    """All of STATISTICS, section 7, on one hazard ratio; or why it says nothing, where it has no precision."""
    precision = precision_of(item)
    if not precision.source:
        return f"{about}: {precision.why}: hazard ratio {item.hr:g} stands without any statement of precision."
    check = check_consistency(about, item)
    problems = [
        *check.problems,
        *unlikely_counts(about, precision.se, item),
        *too_wide_for_the_patients(about, precision.log_hr, precision.se, published),
    ]
    sceptical = grid[0]
    return Contrast(
        about,
        item,
        precision,
        check,
        tuple(problems),
        weight_of(precision.se, *share_of_group(about, item, published)),
        tuple(posterior_of(precision.log_hr, precision.se, prior, below) for prior in grid),
        credibility(precision.low, precision.high),
        tipping_point(precision.log_hr, precision.se, threshold, sceptical.sd),
    )
