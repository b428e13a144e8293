"""From when, and for whom, a group's follow-up counts: as analysed, from treatment on, by time-dependent group, from landmarks.

Where the group is defined by a treatment that comes after time 0, its patients survived until then: months that are immortal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.clusters import several_subjects
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plan import Plan
from bayes_rrmm.sensitivity.group_frequentist import counted, cox_alone
from bayes_rrmm.sensitivity.group_question import GroupQuestion
from bayes_rrmm.sensitivity.group_tables import read_columns, shift_of
from bayes_rrmm.sensitivity.group_treatment import delayed, landmarks_of, on_landmark, time_dependent, treatment_times
from bayes_rrmm.sensitivity.refits import Refit, Refitted

NAIVE, DELAYED, DEPENDENT = "as analysed", "delayed entry", "time-dependent"
COLUMNS = [
    "reading", "landmark", "patients", "events", "person_time", "others", "other_events", "moved", "hr", "lower", "upper",
    "p_below_1", "p_error", "log_mean", "log_sd", "passed", "failed", "shift", "method", "hr_cox", "lower_cox", "upper_cox",
    "p_cox", "log_hr_cox", "se_cox", "note",
]  # fmt: skip
IMMORTAL = ["method", "naive", "delayed", "difference", "ratio", "in_se", "immortal_time", "group_time", "share", "unit"]


@dataclass(frozen=True)
class Reading:
    """One way to count follow-up: its rows; `refit` is False where it cannot be sampled, and `note` says why.

    `moved` counts patients of the group whose time, or part of it, counts for the level compared with.
    """

    name: str
    cohort: Cohort
    landmark: float = math.nan
    moved: float = 0.0
    refit: bool = True
    note: str = ""

    def plan_of(self, plan: Plan) -> Plan:
        """The plan of its refit: a frailty is counted from its landmark."""
        return plan if plan.frailty is None or math.isnan(self.landmark) else plan.at_landmark(self.landmark)


@dataclass(frozen=True)
class FollowUp:
    """The readings, that of the analysis first; the times of treatment of the rows, None where they are not known; notes."""

    readings: tuple[Reading, ...]
    treated: Floats | None = None
    notes: tuple[str, ...] = ()

    def refits(self, fit: Fit) -> list[Refit]:
        """A refit for each reading that can be sampled, but the first."""
        return [Refit(f"follow-up: {item.name}", item.plan_of(fit.plan), item.cohort) for item in self.readings[1:] if item.refit]


def follow_up_of(question: GroupQuestion, fit: Fit, cohort: Cohort, treated_at: Any, landmarks: Sequence[float] | None) -> FollowUp:
    """The readings of a cohort. Raises DataError for bad times of treatment, AnalysisError for landmarks that cannot be."""
    treated = None if treated_at is None else treatment_times(treated_at, question, cohort)
    times, chosen = landmarks_of(question, cohort, treated, landmarks)
    found = [Reading(NAIVE, cohort)]
    members = cohort.select(question.is_in_group(cohort)).patients
    if treated is not None:
        found.append(_sampled(question, fit, Reading(DELAYED, delayed(cohort, treated))))
        split = Reading(DEPENDENT, time_dependent(question, cohort, treated), moved=members)
        found.append(_sampled(question, fit, split))
    for time in times:
        rows, moved = on_landmark(question, cohort, treated, time)
        found.append(_sampled(question, fit, Reading(f"landmark {time:g}", rows, time, moved)))
    notes = (chosen, _who_is_in(question, treated)) if times else ()
    return FollowUp(tuple(found), treated, tuple(note for note in notes if note))


def follow_up_table(
    question: GroupQuestion, fit: Fit, follow_up: FollowUp, analysed: Refitted, found: Sequence[Refitted]
) -> pd.DataFrame:
    """A row a reading: patients, events, the refit and its shift in posterior sds, Cox. Empty where nothing but the analysis is."""
    if len(follow_up.readings) == 1:
        return pd.DataFrame(columns=COLUMNS)
    left = iter([analysed, *found])
    rows = []
    for reading in follow_up.readings:
        item = next(left) if reading.refit else Refitted(reading.name)
        cox = cox_alone(question, fit, reading.cohort) if len(reading.cohort) else None
        rows.append(
            {
                "reading": reading.name,
                "landmark": reading.landmark,
                **_sizes(question, reading.cohort),
                "moved": reading.moved,
                **read_columns(item),
                "shift": shift_of(item, analysed),
                "method": "" if cox is None else cox["method"],
                **{f"{name}_cox": math.nan if cox is None else cox[name] for name in ("hr", "lower", "upper", "p", "log_hr", "se")},
                "note": "; ".join(note for note in (reading.note, "" if cox is None else f"{cox['note']}") if note),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def immortal_table(question: GroupQuestion, cohort: Cohort, follow_up: FollowUp, table: pd.DataFrame) -> pd.DataFrame:
    """What the group's months before treatment do to its hazard ratio: as analysed against delayed entry, a row a method.

    `difference` is of log HR, and `in_se` in standard errors (posterior sds) of the one with delayed entry; the two come from
    the same patients, so that it is a size and no test. `immortal_time` is person-time, `share` that of the group's.
    """
    if follow_up.treated is None:
        return pd.DataFrame(columns=IMMORTAL)
    before = np.clip(np.minimum(follow_up.treated, cohort.time) - cohort.entry, 0.0, None)
    immortal = float(np.nansum(cohort.weight * before))
    whole = cohort.select(question.is_in_group(cohort)).person_time
    rows = []
    naive, later = (table[table["reading"] == name].to_dict("records")[0] for name in (NAIVE, DELAYED))
    for method, hr, log_hr, se in (("posterior", "hr", "log_mean", "log_sd"), (later["method"], "hr_cox", "log_hr_cox", "se_cox")):
        same = method in ("posterior", naive["method"])
        difference = naive[log_hr] - later[log_hr] if same else math.nan
        rows.append(
            {
                "method": method,
                "naive": naive[hr],
                "delayed": later[hr],
                "difference": difference,
                "ratio": math.exp(difference),
                "in_se": difference / later[se],
                "immortal_time": immortal,
                "group_time": whole,
                "share": immortal / whole,
                "unit": cohort.unit,
            }
        )
    return pd.DataFrame(rows, columns=IMMORTAL)


def _sampled(question: GroupQuestion, fit: Fit, reading: Reading) -> Reading:
    """The reading, and why it cannot be sampled where that is so."""
    rows, plan = reading.cohort, fit.plan
    why = ""
    if not question.is_in_group(rows).any():
        why = f"nobody of {question.group} is at risk"
    elif not question.is_in_group(rows, question.versus).any():
        why = f"nobody of {question.versus} is at risk"
    elif not rows.events:
        why = "no event follows"
    elif _is_unidentified(plan, reading):
        why = "not refitted: late entry of single members of a cluster says nothing of its frailty that could be used"
    elif reading.name == DEPENDENT and plan.covariates is not None and not rows.select(_split(rows)).is_complete().all():
        why = "not refitted: a patient with a gap to be marginalised would have a value before treatment and another after"
    return Reading(reading.name, rows, reading.landmark, reading.moved, refit=not why, note=why)


def _is_unidentified(plan: Plan, reading: Reading) -> bool:
    """Whether subjects enter late into clusters of which others are not seen, or under a frailty without closed form given that."""
    if plan.frailty is None:
        return False
    late = reading.plan_of(plan).survived_before(reading.cohort) > 0
    return bool(np.any(late & (several_subjects(reading.cohort) | (plan.frailty == "log-normal"))))


def _split(rows: Cohort) -> Any:
    """Rows of subjects with several."""
    return np.bincount(rows.subject_numbers)[rows.subject_numbers] > 1


def _sizes(question: GroupQuestion, cohort: Cohort) -> dict[str, float]:
    if not len(cohort):
        return dict.fromkeys(("patients", "events", "person_time", "others", "other_events"), 0.0)
    sizes = counted(question, cohort)
    return {
        "patients": sizes.patients,
        "events": sizes.events,
        "person_time": cohort.select(question.is_in_group(cohort)).person_time,
        "others": sizes.others,
        "other_events": sizes.other_events,
    }


def _who_is_in(question: GroupQuestion, treated: Floats | None) -> str:
    if treated is None:
        return (
            f"At a landmark everybody is in the group that was recorded. Where {question.group} is a treatment that began after "
            "time 0, time before it is immortal, and some of that remains: give the times of treatment as treated_at."
        )
    return f"At a landmark {question.group} is who was treated by then; who was treated later counts as {question.versus} there."
