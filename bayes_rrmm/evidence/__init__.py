"""Evidence known only as published numbers: what hazard ratios, intervals and p values support by themselves.

Nothing here is fitted or sampled: normal approximations in closed form, and one integral. STATISTICS, section 7.
"""

from bayes_rrmm.evidence.assess import Pools, assess
from bayes_rrmm.evidence.result import PublishedEvidence

__all__ = ["Pools", "PublishedEvidence", "assess"]
