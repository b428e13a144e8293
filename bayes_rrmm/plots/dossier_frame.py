"""What figures of a small group's dossier share: whose it is, its frame, the side that is asked about, refits that failed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import RunFolderError
from bayes_rrmm.plots.frame import Frame, frame_of
from bayes_rrmm.plots.ratio_axis import Look
from bayes_rrmm.plots.ratio_blocks import NAMELESS
from bayes_rrmm.plots.style import FAILED
from bayes_rrmm.results import Source, results_of
from bayes_rrmm.rounding import prob_words
from bayes_rrmm.sensitivity.dossier_folder import Dossier, DossierSource, read_dossier

REFIT_FAILED = "refit failed its diagnostics"
HOLLOW: Any = {"markerfacecolor": "white", "markeredgecolor": FAILED, "markeredgewidth": 1.0}
"""How a refit that failed is drawn: an empty marker."""
UNSOUND = Look(FAILED, "o", "white", 0.8, (0, (1, 1)), ink=FAILED)
"""The same in a row of hazard ratios."""


def framed(dossier: DossierSource, source: Source, column: str, title: str | None, what: str) -> tuple[Dossier, Frame]:
    """The dossier and the frame of its figure, which has the title, mark and data of the fit. Raises RunFolderError where the
    dossier says that it is another fit's."""
    found, results = read_dossier(dossier), results_of(source)
    if found.fit and not found.belongs_to(results.fit):
        raise RunFolderError(
            f"the dossier of {found.label} is not of this fit; draw it with the fit it was made beside, or make it again with "
            f"`bayes-rrmm sensitivity DIR --group {found.group}`."
        )
    return found, frame_of(results, column, title, what)


def asked(dossier: Dossier) -> str:
    """The probability that is asked about."""
    return f"P(HR {'<' if dossier.side == 'below' else '>'} 1)"


def on_side(dossier: Dossier, table: pd.DataFrame) -> Floats:
    """P(HR on its side of 1), row by row."""
    below = table["p_below_1"].to_numpy(dtype=float)
    return below if dossier.side == "below" else 1 - below


def passed(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows come from a refit that passed its diagnostics and has numbers."""
    return np.asarray(table["passed"].astype(bool) & table["hr"].notna(), dtype=np.bool_)


def failed_handle(marker: str = "o") -> Line2D:
    """The legend's entry for refits that failed."""
    return Line2D([], [], linestyle="none", marker=marker, markersize=4, label=REFIT_FAILED, **HOLLOW)


def sides(dossier: Dossier) -> tuple[str, str]:
    """Whom either side of a hazard ratio of 1 favours."""
    about = f"{dossier.of} = " if dossier.versus.lower() in NAMELESS else ""
    return f"favours {about}{dossier.group}", f"favours {about}{dossier.versus}"


def interval_of(dossier: Dossier) -> str:
    """The probability of the refits' equal-tailed intervals, such as `95%`."""
    return prob_words(dossier.prob)


def round_ticks(low: float, high: float, most: int) -> Floats:
    """At most so many round numbers from `low` to `high`, evenly spread on a logarithmic axis; both ends where none is inside."""
    for digits in ((1, 2, 5), (1, 3), (1,)):
        found = [digit * 10.0**power for power in range(-4, 5) for digit in digits]
        inside = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if 2 <= len(inside) <= most:
            return np.array(inside)
    return np.array([low, high])
