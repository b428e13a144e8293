"""What a landmark asks of the rest of an analysis: nobody is followed before it, so that no question may be about that time.

Time still runs from the origin, and so do every cut, prior and `at` of the file. What is asked of a survival curve is given
survival to the landmark; medians and restricted means, which run from time 0, would continue the hazard back to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import AnyEstimand, Median, Rank, Rmst, Survival

if TYPE_CHECKING:
    from bayes_rrmm.specification.analysis import Analysis


def given_landmark(analysis: Analysis) -> Analysis:
    """The analysis with every survival asked of it given survival to its landmark, where nothing else is given."""
    landmark = analysis.model.landmark
    if landmark is None:
        return analysis
    estimands = tuple(_given(item, landmark) for item in analysis.estimands)
    return analysis.model_copy(update={"estimands": estimands})


def check_landmark(analysis: Analysis) -> None:
    """Raise AnalysisError, naming key, rule and remedy, where the landmark contradicts the rest of the analysis."""
    landmark, unit = analysis.model.landmark, analysis.endpoint.unit
    if landmark is None:
        return
    where = f"[model] landmark = {landmark:g}"
    frailty = analysis.model.frailty
    if frailty is not None and frailty.distribution == "log-normal":
        raise AnalysisError(
            f"{where}: who is left at the landmark was not frail enough to have the event before, and a log-normal frailty has no "
            'closed form given that; set distribution = "gamma", or remove the frailty.'
        )
    if not analysis.estimands:
        raise AnalysisError(
            f"{where}: what is read when nothing is asked are medians and restricted means from time 0, where nobody is followed; "
            'write what is asked, such as [[estimands]] with kind = "hazard-ratio" and of.'
        )
    for index, item in enumerate(analysis.estimands, start=1):
        place = f"[[estimands]] number {index}"
        if isinstance(item, Median | Rmst) or (isinstance(item, Rank) and item.upto is not None):
            raise AnalysisError(
                f'{place}: kind = "{item.kind}" runs from time 0, and nobody is followed before the landmark '
                f'({landmark:g} {unit}); ask for kind = "survival" after it, or for the hazard ratio.'
            )
        if isinstance(item, Survival) and (item.given is None or item.given < landmark):
            key, value = ("given", item.given) if item.given is not None else ("at", min(item.at))
            raise AnalysisError(
                f"{place}: {key} = {value:g} is not after the landmark ({landmark:g} {unit}), before which nobody is followed; "
                "name a later time."
            )


def _given(item: AnyEstimand, landmark: float) -> AnyEstimand:
    if isinstance(item, Survival) and item.given is None and min(item.at) > landmark:
        return item.model_copy(update={"given": landmark})
    return item
