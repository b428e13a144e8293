"""Everything that the hazard ratios of a publication support, each alone and those that are pooled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayes_rrmm.errors import AnalysisError, listed, nearest
from bayes_rrmm.evidence.consistency import named_hazard_ratios
from bayes_rrmm.evidence.contrast import Contrast, judge
from bayes_rrmm.evidence.pooling import Pooled, pool
from bayes_rrmm.evidence.prior_grid import prior_grid
from bayes_rrmm.evidence.result import PublishedEvidence
from bayes_rrmm.evidence.text import ratio_text
from bayes_rrmm.evidence.tipping import check_threshold
from bayes_rrmm.published_record import Published

ALL = "all"
Pools = Sequence[Sequence[str]]
"""Groups of names; the text "all", alone or as one of the groups, stands for every contrast."""

CONSISTENT = "Each published hazard ratio, interval and p value agree with each other, to rounding."


def assess(
    published: Published,
    title: str,
    *,
    alternative: float = 0.5,
    priors: Mapping[str, Any] | None = None,
    threshold: float = 0.975,
    below: float = 0.8,
    pools: Pools = (),
) -> PublishedEvidence:
    """Judge every hazard ratio of `published`, and pool each group of names that `pools` lists.

    Raises AnalysisError where there is no hazard ratio, two have one name, a name to pool is not there, or a number is none.
    """
    grid = prior_grid(alternative, priors)
    check_threshold(threshold)
    if not (math.isfinite(below) and below > 0):
        raise AnalysisError(f"below = {below:g}: must be a hazard ratio above 0, such as 0.8.")
    named = named_hazard_ratios(published)
    names = [about for about, _ in named]
    if not named:
        raise AnalysisError(f'{title}: has no hazard ratio; add `[[hazard_ratio]]` with contrast = "a against b", hr and ci.')
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise AnalysisError(f"{title}: two hazard ratios are called {twice[0]!r}; rename one, for example after its study.")
    judged = [judge(about, item, published, grid, threshold, below) for about, item in named]
    contrasts = tuple(item for item in judged if isinstance(item, Contrast))
    pooled = tuple(_pool(group, contrasts, names, published) for group in _groups(pools, names))
    problems = tuple(problem for contrast in contrasts for problem in contrast.problems)
    silent = tuple(item for item in judged if isinstance(item, str))
    agree = () if any(contrast.check.problems for contrast in contrasts) or not contrasts else (CONSISTENT,)
    heading = title if published.study.n is None else f"{title}: {published.study.n} patients"
    return PublishedEvidence(
        f"What the published hazard ratios support by themselves: {heading}",
        contrasts,
        pooled,
        agree + problems + silent,
        _notes(grid[0].sd, alternative),
        alternative,
        threshold,
        below,
    )


def _groups(pools: Pools, names: list[str]) -> list[list[str]]:
    groups = [pools] if isinstance(pools, str) else list(pools)
    wrong = [group for group in groups if isinstance(group, str) and group != ALL]
    if wrong:
        raise AnalysisError(f'pool: {wrong[0]!r} is one name; give a list of groups, [["{wrong[0]}", "another"]], or "all".')
    return [names if group == ALL else list(group) for group in groups]


def _pool(group: list[str], contrasts: tuple[Contrast, ...], names: list[str], published: Published) -> Pooled:
    for name in group:
        if name not in names:
            raise AnalysisError(f"pool: {name!r} is not a hazard ratio of this publication; {nearest(name, names)}")
        if group.count(name) > 1:
            raise AnalysisError(f"pool: {name!r} stands twice; name each contrast once.")
    by_name = {contrast.about: contrast for contrast in contrasts}
    lost = [name for name in group if name not in by_name]
    if lost:
        raise AnalysisError(f"pool: {lost[0]!r} has neither an interval nor a p value to recover one from; leave it out.")
    if len(group) < 2:
        raise AnalysisError(f"pool: {listed(group) or 'nothing'} stands alone; name two contrasts or more.")
    chosen = [by_name[name].precision for name in group]
    log_hr, se = (np.array([getattr(item, key) for item in chosen]) for key in ("log_hr", "se"))
    found = pool(tuple(group), log_hr, se)
    dependent = ratio_text(found.classical.dependent)
    if published.study.n is not None:
        warning = f"these contrasts are of the same {published.study.n} patients: not independent, as every line above assumes"
    else:
        warning = "every line above takes these contrasts to be independent; those that share patients are not"
    return Pooled(**{**found.__dict__, "warning": f"{warning}. Were they fully correlated, the fixed effect would be {dependent}."})


def _notes(sd: float, alternative: float) -> tuple[str, ...]:
    side = "below" if alternative < 1 else "above"
    return (
        "Each hazard ratio counts as Normal on the log scale, with the standard error (log U - log L) / 3.92: small samples, "
        "selection of what was published, and confounding are not in it.",
        f"Priors: sceptical: 5 % for a hazard ratio {side} {alternative:g}, centre 1, log sd {sd:.3f}; enthusiastic: centre "
        f"{alternative:g}, same sd; neutral: sd 1; vague: sd 2.5; flat: none. Intervals are 95 %, equal-tailed. "
        "'prior has': its share of the information.",
        "Sceptical and advocacy limits, and credible: Matthews, R Soc Open Sci 2018;5:171047. They take the interval, posteriors "
        "its width around the hazard ratio: their last digits may differ by rounding.",
    )
