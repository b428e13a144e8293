"""What a landmark asks of the rest of an analysis.

Time still runs from the origin, and so do every cut, prior and `at` of the file; curves begin at the landmark, given survival
to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_rrmm.errors import AnalysisError

if TYPE_CHECKING:
    from bayes_rrmm.specification.analysis import Analysis


def check_landmark(analysis: Analysis) -> None:
    """Raise AnalysisError, naming key, rule and remedy, where the landmark contradicts the rest of the analysis."""
    landmark = analysis.model.landmark
    if landmark is None:
        return
    where = f"[model] landmark = {landmark:g}"
    frailty = analysis.model.frailty
    if frailty is not None and frailty.distribution == "log-normal":
        raise AnalysisError(
            f"{where}: who is left at the landmark was not frail enough to have the event before, and a log-normal frailty has no "
            'closed form given that; set distribution = "gamma", or remove the frailty.'
        )
