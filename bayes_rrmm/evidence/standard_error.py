"""What a published hazard ratio says of its own precision: from its interval, or else from its p value."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bayes_rrmm.evidence.normal import exp, quantile
from bayes_rrmm.priors import Z975
from bayes_rrmm.published_record import WithHazardRatio

NO_PRECISION = "neither an interval nor a p value from which to recover one is published"


@dataclass(frozen=True)
class Precision:
    """log HR ~ Normal(log hr, se), with the limits of its 95 % interval on the log scale; `source` says what gave the se.

    `source` is "interval", "p value" (Altman and Bland, BMJ 2011;343:d2090: se = |log HR| / z), or "" where nothing did, and
    then the numbers are NaN and `why` says why.
    """

    log_hr: float
    se: float
    low: float
    high: float
    source: str
    why: str = ""

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the hazard ratio."""
        return exp(self.low), exp(self.high)


def precision_of(published: WithHazardRatio) -> Precision:
    """The standard error of the log hazard ratio that was published, (log U - log L) / 3.919928, or that p implies."""
    log_hr = math.log(published.hr)
    if published.ci is not None:
        low, high = (math.log(limit) for limit in published.ci)
        return Precision(log_hr, (high - low) / (2 * Z975), low, high, "interval")
    if published.p is None:
        bound = "" if published.p_below is None else f" (p < {published.p_below:g} is only a bound)"
        return _nothing(log_hr, NO_PRECISION + bound)
    if not 0 < published.p / 2 < 0.5 or log_hr == 0:
        return _nothing(log_hr, f"p = {published.p:g} beside a hazard ratio of {published.hr:g} leaves the precision open")
    se = abs(log_hr) / -quantile(published.p / 2)
    return Precision(log_hr, se, log_hr - Z975 * se, log_hr + Z975 * se, "p value")


def _nothing(log_hr: float, why: str) -> Precision:
    return Precision(log_hr, math.nan, math.nan, math.nan, "", why)
