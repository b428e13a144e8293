"""One or two sentences on a published hazard ratio, made from several of its numbers and naming them."""

from __future__ import annotations

import math

from bayes_rrmm.errors import listed
from bayes_rrmm.evidence.contrast import Contrast
from bayes_rrmm.evidence.prior_grid import FLAT
from bayes_rrmm.evidence.reverse_bayes import LARGE, as_wide_as, limit_text
from bayes_rrmm.rounding import figure_of

MUCH = 0.3
"""A prior weighs when it has more than this share of the information (STATISTICS, section 4)."""


def conclusion(found: Contrast) -> str:
    """What the probabilities under every prior of the grid say together, and what they rest on."""
    side = found.tipping.side
    probability = {item.prior.name: item.p_below_1 if side == "below" else 1 - item.p_below_1 for item in found.posteriors}
    goal = found.tipping.threshold
    reach = [name for name, value in probability.items() if value >= goal]
    short = [name for name in probability if name not in reach]
    low, high = (figure_of(value, "probability") for value in (min(probability.values()), max(probability.values())))
    span = low if low == high else f"{low} to {high}"
    what = f"that the hazard ratio is {side} 1"
    if not short:
        first = f"All {len(reach)} priors make it at least {goal:g} probable {what} ({span})"
    elif not reach:
        first = f"None of the {len(short)} priors makes it {goal:g} probable {what} ({span})"
    else:
        first = f"Whether it is {goal:g} probable {what} depends on the prior ({span}): yes with {_named(reach)}, no with "
        first += _named(short)
    return f"{first}; {_credible(found)}. {_rests_on(found)}"


def _credible(found: Contrast) -> str:
    limit, middle = found.credibility, limit_text(0.5 * (found.precision.low + found.precision.high))
    if limit.kind == "sceptical":
        mirrored = "" if found.tipping.side == "above" else f" ({limit_text(-limit.log_limit)} on its side of 1)"
        verb = "is beyond" if limit.credible else "is within"
        end = "credible by itself" if limit.credible else "in need of other evidence"
        return f"the estimate {middle} {verb} the sceptical limit of {limit.shown}{mirrored}, so it is {end}"
    if limit.kind == "advocacy" and abs(limit.log_limit) > math.log(LARGE):
        return f"the interval includes 1, but so narrowly that other evidence {as_wide_as(limit.log_limit)}, would exclude it"
    if limit.kind == "advocacy":
        return f"the interval includes 1, and needs other evidence, such as an interval within 1 and {limit.shown}, to exclude it"
    if limit.kind == "touching":
        return "the interval ends at 1 exactly, so that any doubt or support decides"
    return "the interval is centred at 1"


def _rests_on(found: Contrast) -> str:
    """The weight of data and sceptic, and whether the published numbers agree with each other."""
    weight, sceptic = found.weight, found.posteriors[0]
    if weight.share_from:
        events = f"{weight.events:.0f} events"
        events += ", half of them on each side" if weight.share == 0.5 else f", {_few(weight.own)} of them in the smaller group"
    else:
        events = f"{weight.even:.0f} events in two even groups"
    share = f"{percent(sceptic.prior_share)} of the information under the sceptical prior is the prior's"
    verb = "much" if sceptic.prior_share > MUCH else "little"
    change = f"{limit_text(found.precision.log_hr)} becomes {figure_of(sceptic.hr, 'ratio')}"
    text = f"It weighs as much as {events}, so the prior decides {verb}: {share}, and {change}."
    if found.check.problems:
        text += " But interval, estimate and p value contradict each other: look at the publication again first."
    elif found.problems:
        text += " But its width is not that of the patients said to be behind it: see what was found."
    return text


def _named(names: list[str]) -> str:
    texts = [f"the {name} one" if name == FLAT else name for name in names]
    return listed(texts, 6)


def percent(share: float) -> str:
    """A share as text, "< 1 %" where it rounds to none and is some."""
    return "< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def _few(number: float) -> str:
    return f"{number:.1f}" if number < 10 else f"{number:.0f}"
