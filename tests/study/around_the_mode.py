"""A sampler that compiles nothing: draws around the posterior mode."""

from __future__ import annotations

import fits
import numpy as np

from bayes_rrmm.cohort import Cohort
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plan import make_plan
from bayes_rrmm.specification import Analysis


def at_the_mode(analysis: Analysis, cohort: Cohort) -> Fit:
    """A sampler that draws around the posterior mode; of a model with a gamma frailty around that without it, and its variance
    about 0.05."""
    plan = make_plan(analysis, cohort)
    if plan.frailty is None:
        return fits.laplace_fit(plan, cohort, size=2000)
    without = analysis.model_copy(
        update={
            "model": analysis.model.model_copy(update={"frailty": None}),
            "priors": analysis.priors.model_copy(update={"frailty": None}),
        }
    )
    draws = fits.laplace_draws(make_plan(without, cohort), cohort, 2000)
    return fits.fit_with(plan, cohort, {**draws, "theta": np.random.default_rng(1).gamma(4.0, 0.0125, 2000)})
