"""What a terminal shows of published hazard ratios: a block a contrast, poolings, findings, notes."""

from __future__ import annotations

import math
import textwrap

from bayes_rrmm.evidence.classical import Ratio
from bayes_rrmm.evidence.contrast import Contrast
from bayes_rrmm.evidence.normal import exp
from bayes_rrmm.evidence.pooling import TAU_SD, Pooled
from bayes_rrmm.evidence.prior_grid import GridPosterior, GridPrior
from bayes_rrmm.evidence.tipping import tipping_words
from bayes_rrmm.evidence.words import conclusion, percent
from bayes_rrmm.rounding import figure_of

WIDTH = 124
PRIOR, RANGE, POSTERIOR, CHANCE = 16, 22, 24, 14


def evidence_text(
    title: str,
    contrasts: tuple[Contrast, ...],
    pools: tuple[Pooled, ...],
    findings: tuple[str, ...],
    notes: tuple[str, ...],
    ratio: float,
) -> str:
    """All of it."""
    lines = [title]
    for contrast in contrasts:
        lines += ["", *_contrast(contrast, ratio)]
    for pooled in pools:
        lines += ["", *_pooled(pooled)]
    lines += ["", "Found in the published numbers:", *map(_wrapped, findings), "Notes:", *map(_wrapped, notes)]
    return "\n".join(lines)


def _contrast(found: Contrast, ratio: float) -> list[str]:
    item, precision = found.published, found.precision
    lower, upper = found.interval
    stated = f"p = {item.p:g}" if item.p is not None else f"p < {item.p_below:g}" if item.p_below is not None else "no p value"
    origin = "" if precision.source == "interval" else " (interval recovered from the p value)"
    shown = f"{lower:g}, {upper:g}" if item.ci is not None else f"{lower:.3g}, {upper:.3g}"
    head = f"prior{'':<{PRIOR - 5}}{'its hazard ratio':>{RANGE}}{'posterior hazard ratio':>{POSTERIOR}}"
    head += f"{'P(HR < 1)':>{CHANCE}}{f'P(HR < {ratio:g})':>{CHANCE}}{'prior has':>{CHANCE}}"
    recovered = figure_of(found.p, "p")
    return [
        f"{found.about}: hazard ratio {item.hr:g} [{shown}], {stated}{origin}",
        f"  log HR {precision.log_hr:.3f}, se {precision.se:.3f}, z {found.z:.2f}; recovered p {recovered}: {_agreement(found)}",
        _wrapped(_weight(found)),
        f"  {head}",
        *(f"  {_posterior(line)}" for line in found.posteriors),
        _wrapped(found.limit_words),
        _wrapped(tipping_words(found.tipping)),
        _wrapped(f"In words: {conclusion(found)}"),
    ]


def _agreement(found: Contrast) -> str:
    item = found.published
    if item.ci is None:
        return "nothing is published to check it by"
    numbers = "interval and estimate" if item.p is None and item.p_below is None else "interval, estimate and p value"
    return f"{numbers} {'contradict each other, see below' if found.check.problems else 'agree'}"


def _weight(found: Contrast) -> str:
    weight = found.weight
    if not weight.share_from:
        return (
            f"Weighs as much as {weight.even:.0f} events in two even groups; sizes are not published: the smaller group has at "
            f"least {weight.own:.1f} events of its own, beside however many others"
        )
    if weight.share == 0.5:
        return f"Weighs as much as {weight.events:.0f} events, half of them on each side ({weight.share_from})"
    own = f"{weight.own:.0f}" if weight.own >= 10 else f"{weight.own:.1f}"
    text = f"Weighs as much as {weight.events:.0f} events ({weight.share_from}), {own} of them in the smaller group"
    return f"{text}; or {weight.even:.0f} in two even groups"


def _posterior(line: GridPosterior) -> str:
    chances = "".join(f"{figure_of(value, 'probability'):>{CHANCE}}" for value in (line.p_below_1, line.p_below_ratio))
    shown = ratio_text(Ratio(line.hr, line.lower, line.upper))
    share = percent(line.prior_share)
    return f"{line.prior.name:<{PRIOR}}{_prior(line.prior):>{RANGE}}{shown:>{POSTERIOR}}{chances}{share:>{CHANCE}}"


def _prior(prior: GridPrior) -> str:
    if math.isinf(prior.sd):
        return "anything"
    return ratio_text(Ratio(exp(prior.mean), *prior.interval))


def ratio_text(ratio: Ratio) -> str:
    """A hazard ratio with its interval, two decimals; more where that would show 0.00."""
    hr, lower, upper = map(_figure, (ratio.hr, ratio.lower, ratio.upper))
    return f"{hr} [{lower}, {upper}]"


def _figure(value: float) -> str:
    if 0.005 <= value < 99.995:
        return figure_of(value, "ratio")
    return f"{value:.0f}" if 99 < value < 1e5 else f"{value:.1g}"


def _pooled(found: Pooled) -> list[str]:
    other = found.classical
    pooled = f"P(HR < 1) {figure_of(found.p_below_1, 'probability')}"
    further = f"P(HR < 1) {figure_of(found.p_predicted_below_1, 'probability')}"
    tau = f"tau {found.tau:.2f} [{found.tau_lower:.2f}, {found.tau_upper:.2f}]"
    q = f"Q {other.q:.2f} on {other.df} df, I^2 {percent(other.i2)}, tau {other.tau:.2f}"
    each = [(f"shrunken: {item.about}", ratio_text(item.pooled), f"alone {ratio_text(item.alone)}") for item in found.shrunken]
    rows = [
        ("pooled, normal-normal", ratio_text(found.mean), f"{pooled}; {tau}"),
        ("a further contrast like these", ratio_text(found.predicted), further),
        *each,
        ("fixed effect, inverse variance", ratio_text(other.fixed), "as if one hazard ratio were behind all"),
        ("DerSimonian-Laird", ratio_text(other.random), q),
    ]
    label = max(len(name) for name, _, _ in rows) + 2
    lines = [_wrapped(f"Pooled (tau ~ HalfNormal({TAU_SD:g}), flat mean): {'; '.join(found.names)}").lstrip()]
    lines += [_wrapped(f"{name:<{label}}{shown:>{POSTERIOR - 2}}   {what}") for name, shown, what in rows]
    return [*lines, _wrapped(f"Warning: {found.warning}")]


def _wrapped(text: str) -> str:
    if len(text) + 2 <= WIDTH:
        return f"  {text}"
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
