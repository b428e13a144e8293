"""The frequentist wing: Kaplan-Meier, log-rank and Cox on plain arrays. Sole owner of lifelines, and knows no Fit.

Everywhere, a patient is at risk at t if entry < t <= exit, entry 0 means from the start, and weights are whole
numbers: a row of weight w stands for w patients.
"""

from bayes_rrmm.frequentist.baseline_test import BaselineTest, baseline_test
from bayes_rrmm.frequentist.contrasts import (
    median_difference,
    median_ratio,
    rmst_difference,
    rmst_ratio,
    survival_difference,
    survival_ratio,
)
from bayes_rrmm.frequentist.cox import Cox, Ties, cox
from bayes_rrmm.frequentist.cox_baseline import CoxBaseline, at_its_limit, cox_baseline
from bayes_rrmm.frequentist.firth import FirthCox, ProfileContrast, firth_cox
from bayes_rrmm.frequentist.follow_up import median_follow_up
from bayes_rrmm.frequentist.frailty import SharedFrailty, shared_frailty
from bayes_rrmm.frequentist.independent_entry import IndependentEntry, independent_entry
from bayes_rrmm.frequentist.kaplan_meier import Interval, KaplanMeier, kaplan_meier
from bayes_rrmm.frequentist.log_rank import LogRank, log_rank
from bayes_rrmm.frequentist.parametric import Parametric, parametric
from bayes_rrmm.frequentist.permutation import PermutationTest, permutation_log_rank
from bayes_rrmm.frequentist.rows import at_risk
from bayes_rrmm.frequentist.schoenfeld import SchoenfeldTest, TermTest, schoenfeld_test
from bayes_rrmm.frequentist.standardised import standardised_survival
from bayes_rrmm.frequentist.standardised_curve import StandardisedSurvival

__all__ = [
    "BaselineTest",
    "Cox",
    "CoxBaseline",
    "FirthCox",
    "IndependentEntry",
    "Interval",
    "KaplanMeier",
    "LogRank",
    "Parametric",
    "PermutationTest",
    "ProfileContrast",
    "SchoenfeldTest",
    "SharedFrailty",
    "StandardisedSurvival",
    "TermTest",
    "Ties",
    "at_its_limit",
    "at_risk",
    "baseline_test",
    "cox",
    "cox_baseline",
    "firth_cox",
    "independent_entry",
    "kaplan_meier",
    "log_rank",
    "median_difference",
    "median_follow_up",
    "median_ratio",
    "parametric",
    "permutation_log_rank",
    "rmst_difference",
    "rmst_ratio",
    "schoenfeld_test",
    "shared_frailty",
    "standardised_survival",
    "survival_difference",
    "survival_ratio",
]
