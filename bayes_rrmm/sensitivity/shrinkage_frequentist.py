"""The frequentist side of shrinkage: how many there are of a level, and what Cox and Firth say of it without a prior."""

from __future__ import annotations

import math
from typing import Any

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.agreement.verdict import Reason
from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.reading.contrasts import Contrast
from bayes_rrmm.sensitivity.shrinkage_plans import ShrunkTerm
from bayes_rrmm.sensitivity.shrinkage_record import COX, FIRTH


def counted_level(rows: Cohort, asked: ShrunkTerm, level: str, subgroup: str) -> dict[str, Any]:
    """Whose row it is: patients and events of a level, of a cell where there is a subgroup; frequency weights are counted."""
    filters: dict[str, tuple[str, ...]] = {asked.of: (level,)}
    if asked.by is not None:
        filters[asked.by] = (subgroup.removeprefix(f"{asked.by}="),)
    part = rows.select(rows.mask(filters))
    return {"level": level, "versus": asked.versus, "subgroup": subgroup, "patients": part.patients, "events": part.events}


def without_prior(known: Counterparts, contrast: Contrast) -> tuple[dict[str, float], str]:
    """Cox and Firth of one contrast, and why either has no estimate."""
    silent = known.dummies.why_not_estimable(contrast)
    if silent:
        return {}, f"no Cox: {silent[0].code}"
    weights, note = known.weights_of(contrast), ""
    found: dict[str, float] = {}
    if isinstance(known.cox, Reason):
        note = f"no Cox: {known.cox.code}"
    else:
        estimate_, error, lower, upper = known.cox.contrast(weights, known.prob)
        if math.isfinite(estimate_) and math.isfinite(error):
            found |= _exponentials(COX, estimate_, lower, upper)
        else:
            note = "Cox: no finite estimate, the likelihood is monotone"
    if known.firth is not None:
        firth = known.firth.contrast(weights, known.prob)
        found |= _exponentials(FIRTH, firth.estimate, firth.lower, firth.upper)
    return found, note


def _exponentials(method: str, *log: float) -> dict[str, float]:
    values = [math.inf if value > 700 else math.exp(value) for value in log]
    return dict(zip((f"{method}_hr", f"{method}_lower", f"{method}_upper"), values, strict=True))
