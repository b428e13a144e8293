"""From a sceptical to an enthusiastic prior: what the posterior says on the way, from refits on the line between the two.

The priors are Normal(w log HR_alt, s), s = |log HR_alt| / 1.645, w from 0 (sceptical) to 1 (enthusiastic). Between neighbouring
refits log HR, its limits and the probit of P(HR < 1) are interpolated along the prior's mean by monotone cubics (Fritsch and
Carlson 1980, PCHIP), which never overshoot what they go through.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr, ndtri

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.evidence.prior_grid import GridPrior
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.crossing import NEAREST_TO_CERTAIN
from bayes_rrmm.sensitivity.dossier_folder import DossierSource, read_dossier
from bayes_rrmm.sensitivity.group_tables import read_columns
from bayes_rrmm.sensitivity.refits import Refitted

STEPS = 6
"""Refits stand at every sixth of the way; both ends are priors of the grid."""
POSITIONS = 61
SHOWN = ("hr", "lower", "upper", "p_below_1")


@dataclass(frozen=True)
class Line:
    """What the posterior says under priors of one sd as their centre (a hazard ratio) moves; an entry for each position.

    `hr`, `lower`, `upper` are the posterior's median hazard ratio and limits, `refitted` says where they are those of a refit and
    not interpolated; NaN where the centre lies outside the refits. `prior_events` is what such a prior weighs, in events of both
    groups. `failed` names the refits that failed their diagnostics: they are left out. `error_log_hr` and `error_p` are the largest
    misses when each inner refit is left out and interpolated from its neighbours, so from twice the distance and with the Monte
    Carlo errors of all three: NaN with fewer than three refits.
    """

    sd: float
    prior_events: float
    centre: tuple[float, ...]
    hr: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    p_below_1: tuple[float, ...]
    refitted: tuple[bool, ...]
    failed: tuple[str, ...]
    error_log_hr: float
    error_p: float


@dataclass(frozen=True)
class Explorer(Line):
    """The line from the sceptical to the enthusiastic prior, and beside it, at the same centres, those of other sds (`by_sd`: the
    contour's, whose refits stand elsewhere).

    `positions` go from 0 (sceptical) to 1 (enthusiastic), `alternative` is the hazard ratio at which the latter is centred, `about`
    names the ratio. `prob` is the probability of the refits' intervals, which are equal-tailed whatever the analysis asks for.
    """

    about: str
    alternative: float
    positions: tuple[float, ...]
    prob: float
    by_sd: tuple[Line, ...]

    @property
    def error_in_words(self) -> str:
        """What may stand behind 'interpolated': how far that may be off; '' where it is not known."""
        if math.isnan(self.error_log_hr):
            return ""
        percent, p = 100 * (math.exp(self.error_log_hr) - 1), figure_of(self.error_p, "probability")
        shown = f"{percent:.1f}" if percent >= 0.05 else "<0.1"
        return (
            f": each inner refit, left out and interpolated from its neighbours, is met within {shown} % in the hazard "
            f"ratio and {p} in P(HR < 1), Monte Carlo error included"
        )

    @property
    def ends_in_words(self) -> tuple[str, str]:
        """Where the positions begin and end: the priors' centres, and whether those are the sceptical and the enthusiastic one."""
        ends = (("sceptical", 0, 0.0), ("enthusiastic", -1, 1.0))
        first, last = (
            f"HR {figure_of(self.centre[at], 'ratio')} "
            f"({name if math.isclose(self.positions[at], place, abs_tol=1e-9) else f'the {name} refit failed'})"
            for name, at, place in ends
        )
        return first, last

    def record(self) -> dict[str, Any]:
        """The explorer fit for JSON: NaN is null, `lines` are those of other sds."""
        own = {"about": self.about, "alternative": self.alternative, "positions": list(self.positions), "prob": self.prob}
        return {**own, **_record(self), "lines": [_record(line) for line in self.by_sd]}


def weights() -> tuple[float, ...]:
    """How far along the line its own refits stand; its ends are priors of the grid."""
    return tuple(step / STEPS for step in range(1, STEPS))


def between(sceptical: GridPrior, enthusiastic: GridPrior) -> list[tuple[str, float, float]]:
    """Name, mean and sd of the priors between two of the same sd."""
    return [
        (f"prior {step}/{STEPS} of the way to {enthusiastic.name}", _mean(weight, sceptical, enthusiastic), sceptical.sd)
        for step, weight in enumerate(weights(), 1)
    ]


def line_table(ends: Sequence[GridPrior], at_ends: Sequence[Refitted], inner: Sequence[Refitted]) -> pd.DataFrame:
    """A row a refit of the line, sceptical first: its weight, the prior's centre and sd, and what the refit says."""
    found = [at_ends[0], *inner, at_ends[1]]
    places = [0.0, *weights(), 1.0]
    return pd.DataFrame(
        [
            {"weight": weight, "centre": math.exp(_mean(weight, *ends)), "sd": ends[0].sd, **read_columns(item)}
            for weight, item in zip(places, found, strict=True)
        ]
    )


def explorer(source: DossierSource) -> Explorer | None:
    """The prior explorer of a dossier. None where it has no refits on the line (one made before there were any; made again it has
    them, and its other refits are kept), or fewer than two that passed. Raises RunFolderError where there is no whole dossier."""
    dossier = read_dossier(source)
    table = dossier.to_dataframe("explorer")
    if not len(table) or _passed(table).sum() < 2:
        return None
    known = table[_passed(table)]
    places = np.linspace(0.0, 1.0, POSITIONS)
    places = places[(places >= known["weight"].min() - 1e-9) & (places <= known["weight"].max() + 1e-9)]
    alternative, sd = float(table["centre"].iloc[-1]), float(table["sd"].iloc[0])
    means = places * math.log(alternative)
    priors = dossier.to_dataframe("priors")
    weighs = float(priors[priors["prior"] == "sceptical"]["prior_events"].iloc[0]) * sd**2
    own = _line(table, means, weighs)
    contour = dossier.to_dataframe("contour")
    parts = [contour[contour["sd"] == value] for value in sorted(set(contour["sd"].tolist()))]
    by_sd = tuple(_line(part, means, weighs) for part in parts if _passed(part).sum() >= 2)
    return Explorer(
        **vars(own), about=dossier.label, alternative=alternative, positions=_tuple(places), prob=dossier.prob, by_sd=by_sd
    )


def _line(table: pd.DataFrame, means: Floats, weighs: float) -> Line:
    """The line through the refits of a table (of one sd) at these means of the prior."""
    passed = _passed(table)
    known, sd = table[passed], float(table["sd"].iloc[0])
    nodes, values = np.log(known["centre"].to_numpy(dtype=float)), known[list(SHOWN)].to_numpy(dtype=float)
    order = np.argsort(nodes)
    nodes, values = nodes[order], values[order]
    found = _interpolated(nodes, values, means)
    at = np.argmin(np.abs(means[:, None] - nodes), axis=1)
    refitted = np.abs(means - nodes[at]) < 1e-9
    found[refitted] = values[at[refitted]]
    error_log_hr, error_p = _misses(nodes, values, means)
    hr, lower, upper, p = (_tuple(column) for column in found.T)
    failed = [f"prior centred at {centre:.2f}, sd {sd:.2g}" for centre in table[~passed]["centre"]]
    centre, is_refit = _tuple(np.exp(means)), tuple(map(bool, refitted))
    return Line(sd, weighs / sd**2, centre, hr, lower, upper, p, is_refit, tuple(failed), error_log_hr, error_p)


def _interpolated(nodes: Floats, values: Floats, means: Floats) -> Floats:
    """HR, limits and P at each mean, shape (means, 4); NaN outside the nodes."""
    certain = np.clip(values[:, 3], NEAREST_TO_CERTAIN, 1 - NEAREST_TO_CERTAIN)
    scaled = np.column_stack([np.log(values[:, :3]), ndtri(certain)])
    found = np.asarray(PchipInterpolator(nodes, scaled, extrapolate=False)(np.where(_inside(nodes, means), means, np.nan)))
    return np.column_stack([np.exp(found[:, :3]), ndtr(found[:, 3])])


def _inside(nodes: Floats, means: Floats) -> Any:
    return (means >= nodes[0]) & (means <= nodes[-1])


def _misses(nodes: Floats, values: Floats, means: Floats) -> tuple[float, float]:
    """The largest misses of |log HR| and P over the inner nodes that a mean asked for lies next to."""
    low, high = np.searchsorted(nodes, [means.min() - 1e-9, means.max() + 1e-9])
    inner = range(max(1, int(low) - 1), min(len(nodes) - 1, int(high) + 1))
    misses = []
    for k in inner:
        (again,) = _interpolated(np.delete(nodes, k), np.delete(values, k, axis=0), nodes[[k]])
        misses.append((abs(math.log(again[0] / values[k, 0])), abs(float(again[3] - values[k, 3]))))
    return (max(miss[0] for miss in misses), max(miss[1] for miss in misses)) if misses else (math.nan, math.nan)


def _record(line: Line) -> dict[str, Any]:
    numbers = {name: [_or_none(value) for value in getattr(line, name)] for name in ("centre", *SHOWN)}
    return {
        "sd": line.sd,
        **numbers,
        "refitted": list(line.refitted),
        "prior_events": [_or_none(line.prior_events)] * len(line.centre),
        "failed": list(line.failed),
        "error": {"log_hr": _or_none(line.error_log_hr), "p": _or_none(line.error_p)},
    }


def _mean(weight: float, sceptical: GridPrior, enthusiastic: GridPrior) -> float:
    return sceptical.mean + weight * (enthusiastic.mean - sceptical.mean)


def _passed(table: pd.DataFrame) -> pd.Series[bool]:
    return table["passed"].astype(bool) & table["hr"].notna()


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(map(float, values))


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
