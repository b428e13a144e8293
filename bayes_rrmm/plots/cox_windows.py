"""Cox in windows of time beside a fit: which windows, on which design, and the hazard ratio of a comparison in each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.agreement.verdict import LARGEST_SPAN
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.frequentist.windows import WindowedCox, windowed_cox
from bayes_rrmm.hazards.cuts import cut_points
from bayes_rrmm.plots.ratio_rows import Answer
from bayes_rrmm.reading.contrasts import Contrast
from bayes_rrmm.specification.analysis import CutRule

MOST_WINDOWS, EVENTS = 4, 15
"""Windows of the Cox model: one for so many events, up to so many."""


@dataclass(frozen=True)
class Window:
    """Cox in one window of time: its bounds, and the hazard ratio with its limits."""

    start: float
    end: float
    answer: Answer


def window_cuts(known: Counterparts) -> Floats:
    """Cuts between windows of about as many events each among the rows without gaps: one window for 15 events, four at most."""
    rows = known.complete
    windows = min(MOST_WINDOWS, int(rows.events) // EVENTS)
    if windows < 2:
        return np.empty(0)
    return cut_points(CutRule(rule="equal-events", intervals=windows), rows.time, rows.event, rows.weight)


def cox_in_windows(known: Counterparts, of: str) -> WindowedCox | str:
    """Cox in windows, on the model's design; errors by cluster where it has a frailty. Or why there is none, in words."""
    rows = known.complete
    if not rows.events:
        return "no events among the rows without gaps"
    outcome = (rows.time, rows.event, rows.entry, rows.weight)
    changing = known.terms.get(of, [])
    try:
        return windowed_cox(
            known.design(rows.covariates), known.names, changing, *outcome,
            cuts=window_cuts(known), ties=known.ties, cluster=rows.cluster,
        )  # fmt: skip
    except FitError:
        return "its fit does not converge"
    except DataError:
        return "its columns are constant or collinear among the rows without gaps"


def windows_of(known: Counterparts, windowed: WindowedCox, of: str, contrast: Contrast, until: float) -> tuple[Window, ...]:
    """Cox's ratio in each window in which both groups compared have an event; `until` is when one of them is no longer followed."""
    rows, own = known.complete, np.isin(known.names, known.terms[of])
    weights = known.weights_of(contrast)[own]
    labels = rows.covariates[of].to_numpy(dtype=object)
    found = []
    for index, (start, end) in enumerate(zip(windowed.start.tolist(), windowed.end.tolist(), strict=True)):
        inside = rows.weight * rows.event * (rows.time > start) * (rows.time <= end)
        if min(float(inside[labels == level].sum()) for level in (contrast.group, contrast.versus)) == 0:
            continue
        point, error, lower, upper = windowed.contrast(index, weights, known.prob)
        if math.isfinite(point) and math.isfinite(error) and upper - lower < math.log(LARGEST_SPAN):
            found.append(Window(start, min(end, until), (math.exp(point), math.exp(lower), math.exp(upper))))
    return tuple(found)
