"""How sceptical may a prior be before the answer changes? The tipping points of STATISTICS, section 6, in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.evidence.normal import below, quantile
from bayes_rrmm.evidence.reverse_bayes import limit_text
from bayes_rrmm.priors import Z975


@dataclass(frozen=True)
class Tipping:
    """Where the probability that the hazard ratio is on the estimate's side of 1 crosses the threshold.

    `side` is "below" or "above" 1. `sd` is the prior sd, centred at 1, from which wider ones reach the threshold; NaN where none
    does, and then `p_flat`, the most that a prior centred at 1 allows, is short of it. `log_centre` is the centre that a prior of
    sd `at_sd` must have, or one further out on the estimate's side. P(HR < 1) crosses `threshold` below 1, and
    1 - `threshold` above 1.
    """

    side: str
    threshold: float
    sd: float
    p_flat: float
    at_sd: float
    log_centre: float


def tipping_point(log_hr: float, se: float, threshold: float, at_sd: float) -> Tipping:
    """With prior Normal(m, s^2) the probability is Phi((|log HR|/se^2 + m/s^2) / sqrt(1/se^2 + 1/s^2)), m towards the estimate."""
    check_threshold(threshold)
    z, size, side = quantile(threshold), abs(log_hr), -1.0 if log_hr <= 0 else 1.0
    room = size**2 - (z * se) ** 2
    sd = z * se**2 / math.sqrt(room) if room > 0 else math.nan
    centre = at_sd**2 * (z * math.sqrt(1 / se**2 + 1 / at_sd**2) - size / se**2)
    return Tipping("below" if side < 0 else "above", threshold, sd, below(size / se), at_sd, side * centre)


def check_threshold(threshold: float) -> None:
    """Raises AnalysisError where it is no probability that could settle a question."""
    if not 0.5 < threshold < 1:
        raise AnalysisError(f"threshold = {threshold:g}: must be a probability above 0.5 and below 1, such as 0.975.")


def tipping_words(found: Tipping) -> str:
    """The two tipping points as a sentence each."""
    asked = f"P(HR {'<' if found.side == 'below' else '>'} 1)"
    goal = f"{found.threshold:g}"
    if math.isnan(found.sd):
        first = f"no crossing: no prior centred at 1 brings {asked} to {goal}, for a flat one gives {found.p_flat:.3f}"
    else:
        reach = Z975 * found.sd
        first = (
            f"{asked} reaches {goal} under priors centred at 1 with an sd of {found.sd:.3g} or more (95 % within "
            f"{limit_text(-reach)} to {limit_text(reach)})"
        )
    most = "at most" if found.side == "below" else "at least"
    second = f"at an sd of {found.at_sd:.3g} the prior's centre must be {most} {limit_text(found.log_centre)}"
    return f"Tipping point: {first}; {second}."
