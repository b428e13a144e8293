"""The frequentist wing: Kaplan-Meier, log-rank and Cox on plain arrays. Sole owner of lifelines, and knows no Fit.

Everywhere, a patient is at risk at t if entry < t <= exit, entry 0 means from the start, and weights are whole
numbers: a row of weight w stands for w patients.
"""

from bayes_rrmm.frequentist.cox import Cox, cox
from bayes_rrmm.frequentist.follow_up import median_follow_up
from bayes_rrmm.frequentist.independent_entry import IndependentEntry, independent_entry
from bayes_rrmm.frequentist.kaplan_meier import KaplanMeier, kaplan_meier
from bayes_rrmm.frequentist.log_rank import LogRank, log_rank
from bayes_rrmm.frequentist.rows import at_risk

__all__ = [
    "Cox",
    "IndependentEntry",
    "KaplanMeier",
    "LogRank",
    "at_risk",
    "cox",
    "independent_entry",
    "kaplan_meier",
    "log_rank",
    "median_follow_up",
]
