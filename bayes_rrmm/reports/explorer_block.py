"""The interactive prior explorer of a dossier: every position of the slider with its numbers as text, made here and not in the
browser, so that they are rounded as everywhere."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from bayes_rrmm.priors import Z975
from bayes_rrmm.reports.blocks import Block
from bayes_rrmm.rounding import figure_of, interval_words, kind_words, prob_words
from bayes_rrmm.sensitivity.explorer import Explorer

WIDTH = 600.0
TICKS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


def explorer_block(name: str, found: Explorer) -> Block:
    """The block of one explorer; `name` is its id on the page."""
    limits = _limits(found)
    points = [_point(found, index, limits) for index in range(len(found.positions))]
    failed = f"Left out, since they failed their diagnostics: {', '.join(found.failed)}." if found.failed else ""
    return {
        "kind": "explorer",
        "name": name,
        "about": found.about,
        "alternative": figure_of(found.alternative, "ratio"),
        "refits": sum(found.refitted),
        "error": found.error_in_words,
        "interval": interval_words("eti", found.prob),
        "interval_kind": f"{prob_words(found.prob)} {kind_words('eti')}",
        "ends": found.ends_in_words,
        "mark": failed,
        "points": points,
        "ticks": [{"x": f"{_x(tick, limits):.1f}", "text": f"{tick:g}"} for tick in TICKS if limits[0] <= tick <= limits[1]],
        "one": f"{_x(1.0, limits):.1f}",
        "data": json.dumps(points).replace("</", "<\\/"),
    }


def _limits(found: Explorer) -> tuple[float, float]:
    """The hazard ratios at both ends of the axis: all that is drawn lies inside."""
    drawn = [*found.lower, *found.upper, *(limit for centre in found.centre for limit in _prior_limits(centre, found.sd)), 1.0]
    return 0.9 * min(drawn), 1.1 * max(drawn)


def _prior_limits(centre: float, sd: float) -> tuple[float, float]:
    return centre * math.exp(-Z975 * sd), centre * math.exp(Z975 * sd)


def _x(ratio: float, limits: Sequence[float]) -> float:
    """Where a hazard ratio stands on the axis, which is logarithmic."""
    low, high = math.log(limits[0]), math.log(limits[1])
    return WIDTH * (math.log(ratio) - low) / (high - low)


def _point(found: Explorer, index: int, limits: tuple[float, float]) -> dict[str, object]:
    centre, hr, lower, upper = (values[index] for values in (found.centre, found.hr, found.lower, found.upper))
    prior = _prior_limits(centre, found.sd)
    how = "a refit of the model" if found.refitted[index] else "interpolated between neighbouring refits"
    return {
        "hr": figure_of(hr, "ratio"),
        "interval": f"[{figure_of(lower, 'ratio')}, {figure_of(upper, 'ratio')}]",
        "p": figure_of(found.p_below_1[index], "probability"),
        "prior": figure_of(centre, "ratio"),
        "prior_interval": f"[{figure_of(prior[0], 'ratio')}, {figure_of(prior[1], 'ratio')}]",
        "how": how,
        "refitted": bool(found.refitted[index]),
        "x": {
            "prior": [round(_x(value, limits), 1) for value in (prior[0], centre, prior[1])],
            "posterior": [round(_x(value, limits), 1) for value in (lower, hr, upper)],
        },
    }
