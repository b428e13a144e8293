"""Standardised Cox survival of an estimand's own population: the adjusted counterpart of the model's standardised curves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.agreement.verdict import Reason
from bayes_rrmm.errors import AnalysisError, FitError
from bayes_rrmm.estimands import ENTERERS
from bayes_rrmm.frequentist import StandardisedSurvival, standardised_survival
from bayes_rrmm.reading import Estimates
from bayes_rrmm.reading.population import members

Curves = dict[str, StandardisedSurvival]


def standardised_curves(known: Counterparts, estimates: Estimates) -> Curves | Reason:
    """A curve for each group ("" for everyone), from the fit's `cox`, over the population without gaps; or why there are none."""
    fitted = known.cox_with_baseline
    if isinstance(fitted, Reason):
        return fitted
    model, baseline = fitted
    if estimates.population == ENTERERS:
        return Reason("different-population", "Cox's curves are not in time since entry")
    try:
        who = members(replace(known.fit, cohort=known.complete), estimates.population)
    except (AnalysisError, FitError):
        return Reason("different-population")
    levels = known.encoding.group(estimates.by).levels if estimates.by else ("",)
    curves = {}
    for level in levels:
        frame = who.covariates.assign(**{estimates.by: level}) if estimates.by else who.covariates
        design, weight = known.design(frame), who.weight
        if estimates.population == "average":
            one = np.average(design, axis=0, weights=weight)[None, :]
            curves[level] = standardised_survival(model, baseline, one, np.ones(1), label=level or "all", prob=known.prob)
            continue
        own = known.design(who.covariates)
        curves[level] = standardised_survival(
            model, baseline, design, weight, entry=who.entry, actual=own, label=level or "all", prob=known.prob
        )
    return curves
