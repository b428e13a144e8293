"""How far an answer depends on what was chosen: refits of one analysis under other choices, side by side."""

from bayes_rrmm.sensitivity.group_dossier import SmallGroup
from bayes_rrmm.sensitivity.missing import MissingReadings, compare_missing
from bayes_rrmm.sensitivity.small_groups import small_group

__all__ = ["MissingReadings", "SmallGroup", "compare_missing", "small_group"]
