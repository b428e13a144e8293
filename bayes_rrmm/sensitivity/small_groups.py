"""The dossier of a small group: what its hazard ratio owes to the prior, to the data, and to whom. STATISTICS, section 6."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.diagnostics.leave_one_out import TOO_HIGH
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.evidence.prior_grid import FLAT, GridPrior, prior_grid
from bayes_rrmm.evidence.tipping import check_threshold
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import estimate, reported_estimands
from bayes_rrmm.sensitivity.crossing import CENTRES, SCALES
from bayes_rrmm.sensitivity.explorer import between, line_table
from bayes_rrmm.sensitivity.group_answer import side_of
from bayes_rrmm.sensitivity.group_baselines import BaselineChoice, baselines_table, choices_of, plans_of
from bayes_rrmm.sensitivity.group_dossier import SmallGroup
from bayes_rrmm.sensitivity.group_follow_up import FollowUp, follow_up_of, follow_up_table, immortal_table
from bayes_rrmm.sensitivity.group_frequentist import Counted, counted, data_error, frequentist_table
from bayes_rrmm.sensitivity.group_question import GroupQuestion, ask
from bayes_rrmm.sensitivity.group_tables import ANALYSED, crossings_table, prior_table, read_columns, refit_rows, who, without_one
from bayes_rrmm.sensitivity.patients import Patient, flipped, patients_of, without
from bayes_rrmm.sensitivity.power_scaling import power_scaling
from bayes_rrmm.sensitivity.refits import Progress, Refit, Refitted, Sample, compiled_sample, read_off, run_refits, workers_for
from bayes_rrmm.sensitivity.reweighted import Reweighted, without_each
from bayes_rrmm.sensitivity.shrinkage import shrinkage

MOST_REWEIGHTED = 5000
"""Patients outside the group who are left out one by one, by reweighting: with more, none of them says anything."""


@dataclass(frozen=True)
class _Asked:
    """Everything the refits are made of."""

    question: GroupQuestion
    fit: Fit
    cohort: Cohort
    grid: tuple[GridPrior, ...]
    scales: tuple[float, ...]
    centres: tuple[float, ...]
    threshold: float
    baselines: tuple[BaselineChoice, ...]
    follow_up: FollowUp

    @property
    def contour_scales(self) -> tuple[float, ...]:
        return self.scales[::2]

    def prior(self, name: str, mean: float, sd: float) -> Refit:
        return Refit(name, self.question.under(mean, sd), self.cohort)

    def on_rows(self, name: str, cohort: Cohort) -> Refit:
        return Refit(name, self.fit.plan, cohort)


def small_group(
    fit: Fit,
    cohort: Cohort | None,
    group: str,
    *,
    of: str | None = None,
    versus: str | None = None,
    alternative: float = 0.5,
    priors: Mapping[str, Any] | None = None,
    threshold: float = 0.975,
    scales: Sequence[float] = SCALES,
    centres: Sequence[float] = CENTRES,
    baselines: Sequence[str] | None = None,
    treated_at: ArrayLike | None = None,
    landmarks: Sequence[float] | None = None,
    pooling: bool = True,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    sample: Sample = compiled_sample,
) -> SmallGroup:
    """What the patients of one level can say of its hazard ratio against `versus` (default: the reference level).

    `alternative` is the hazard ratio that the sceptical and the enthusiastic prior are made of, `priors` maps names to
    further ones, as in an analysis file; `threshold` is the probability of a hazard ratio on its side of 1 at which a reader would
    say yes. `scales` (sds of log HR) and `centres` (hazard ratios) are the grids of the tipping point.

    `baselines` are texts such as "exponential", "equal-events:8" or "cuts=6,12:random-walk"; by default the usual ones, () none:
    each number of intervals and each smoothing is another model, compiled in 10 s or so the first time on a machine.
    `treated_at` is the time from origin to the treatment that defines the group, in the cohort's unit, NaN for others; an entry
    for each row of the cohort, or of the table it was read from. It adds the hazard ratio with delayed entry, that of a
    time-dependent group, and the immortal time.
    `landmarks` are times in the cohort's unit; by default two, chosen from the data, () none. With `pooling` the levels of the
    variable are also shown pooled (or, where the fit pools them, unpooled), if there are three or more: one more compilation.

    About 150 refits and two for each patient of the group, a third of a second each for 257 rows; with a `folder` an
    interrupted run resumes.

    Raises AnalysisError where the group, a prior, a baseline or a landmark is none, DataError for a time of treatment that cannot
    be, FitError where rows are needed and missing; each before anything is sampled.
    """
    rows = fit.same_rows(cohort, "the dossier of a group")
    check_threshold(threshold)
    grid = tuple(prior for prior in prior_grid(alternative, priors) if prior.name != FLAT)
    question = ask(fit, rows, group, of, versus)
    grids = _increasing("scales", scales), _increasing("centres", centres)
    others = tuple(choices_of(fit.plan, rows, baselines))
    follow_up = follow_up_of(question, fit, rows, treated_at, landmarks)
    asked = _Asked(question, fit, rows, grid, *grids, threshold, others, follow_up)
    analysed = read_off(ANALYSED, fit, question.estimand)
    patients, outside, left_out = _left_out(asked, analysed)
    needed = [person for person, found in zip(outside, left_out[len(patients) :], strict=True) if found.pareto_k > TOO_HIGH]
    refits = _refits(asked, patients, needed)
    flat = [refit for part in refits.values() for refit in part]
    into, workers = None if folder is None else Path(folder), workers_for(fit.analysis.sampling.chains)
    read = iter(run_refits(flat, sample, question.estimand, folder=into, progress=progress, workers=workers))
    found = {name: [next(read) for _ in part] for name, part in refits.items()}
    dossier = _dossier(asked, analysed, found, (patients, outside, needed), left_out)
    reported = (question.estimand, *(item for item in reported_estimands(fit) if item != question.estimand))
    several = pooling and len(fit.plan.encoding.group(question.of).levels) > 2
    scaled = power_scaling(fit, rows, reported)
    if not several:
        return replace(dossier, power_scaling=scaled)
    shrunk = shrinkage(fit, rows, question.of, versus=question.versus, sample=sample, progress=progress)
    refitted = pd.concat([dossier.refits, refit_rows(shrunk.refits, f"levels of {question.of}")], ignore_index=True)
    return replace(dossier, power_scaling=scaled, shrinkage=shrunk, refits=refitted)


def _increasing(name: str, values: Sequence[float]) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    if len(found) < 2 or found[0] <= 0 or not math.isfinite(found[-1]) or any(b <= a for a, b in itertools.pairwise(found)):
        raise AnalysisError(f"{name} = {list(found)}: give two or more numbers above 0 that increase.")
    return found


def _refits(asked: _Asked, patients: list[Patient], needed: list[Patient]) -> dict[str, list[Refit]]:
    """Every refit of the dossier, by section."""
    cohort = asked.cohort
    return {
        "priors": [asked.prior(f"prior: {prior.name}", prior.mean, prior.sd) for prior in asked.grid],
        "explorer": [asked.prior(*prior) for prior in between(*asked.grid[:2])],
        "curve": [asked.prior(f"prior centred at 1, sd {sd:.3g}", 0.0, sd) for sd in asked.scales],
        "contour": [
            asked.prior(f"prior centred at {hr:.3g}, sd {sd:.3g}", math.log(hr), sd)
            for sd in asked.contour_scales
            for hr in asked.centres
        ],
        "left_out": [asked.on_rows(f"without {person.label}", without(cohort, person)) for person in patients],
        "flipped": [asked.on_rows(f"{person.label} flipped", flipped(cohort, person)) for person in patients],
        "others": [asked.on_rows(f"without {person.label}", without(cohort, person)) for person in needed],
        "baselines": [
            Refit(f"baseline: {choice.name}", plan, cohort)
            for choice, plan in zip(asked.baselines, plans_of(asked.fit.plan, cohort, asked.baselines), strict=True)
        ],
        "follow_up": asked.follow_up.refits(asked.fit),
    }


def _left_out(asked: _Asked, analysed: Refitted) -> tuple[list[Patient], list[Patient], list[Reweighted]]:
    """The group's patients, the others (none where they are many), and each left out by reweighting, the group's first."""
    inside = asked.question.is_in_group(asked.cohort)
    patients, everyone = patients_of(asked.cohort, inside), patients_of(asked.cohort)
    members = {person.rows for person in patients}
    outside = [person for person in everyone if person.rows not in members] if len(everyone) <= MOST_REWEIGHTED else []
    log_hr: Floats = np.log(estimate(asked.fit, asked.question.estimand).draws.transpose("chain", "draw").to_numpy().ravel())
    efficiency = min(1.0, analysed.ess_bulk / len(log_hr)) if math.isfinite(analysed.ess_bulk) else 1.0
    return patients, outside, without_each(asked.fit, asked.cohort, [*patients, *outside], log_hr, analysed.prob, efficiency)


def _dossier(
    asked: _Asked,
    analysed: Refitted,
    found: dict[str, list[Refitted]],
    people: tuple[list[Patient], list[Patient], list[Patient]],
    left_out: list[Reweighted],
) -> SmallGroup:
    question, sizes = asked.question, counted(asked.question, asked.cohort)
    frequentist = frequentist_table(question, asked.fit, asked.cohort)
    log_hr, se, method = data_error(frequentist)
    patients, outside, needed = people
    again = zip([*patients, *needed], [*found["left_out"], *found["others"]], strict=True)
    by_refit = {person.rows: refitted for person, refitted in again}
    without_each_one = [
        without_one(person, analysed, item, by_refit.get(person.rows), person in patients)
        for person, item in zip([*patients, *outside], left_out, strict=True)
    ]
    curve = pd.DataFrame([{"sd": sd, **read_columns(item)} for sd, item in zip(asked.scales, found["curve"], strict=True)])
    side = side_of(curve, analysed.log_mean)
    cells = [(sd, hr) for sd in asked.contour_scales for hr in asked.centres]
    grid = zip(cells, found["contour"], strict=True)
    contour = pd.DataFrame([{"sd": sd, "centre": hr, **read_columns(item)} for (sd, hr), item in grid])
    refits = [{"section": name, **asdict(item), "passed": item.passed} for name, part in found.items() for item in part]
    follow_up = follow_up_table(question, asked.fit, asked.follow_up, analysed, found["follow_up"])
    statuses = [{**who(person), **read_columns(item)} for person, item in zip(patients, found["flipped"], strict=True)]
    return SmallGroup(
        title=asked.fit.analysis.title,
        question=question,
        sizes=sizes,
        threshold=asked.threshold,
        side=side,
        baseline=asked.fit.plan.family,
        data_from=method,
        analysed=analysed,
        frequentist=frequentist,
        priors=prior_table(question.own, asked.grid, analysed, found["priors"], sizes, se),
        explorer=line_table(asked.grid[:2], found["priors"][:2], found["explorer"]),
        curve=curve,
        contour=contour,
        crossings=crossings_table(curve, contour, side, asked.threshold, log_hr, se),
        left_out=pd.DataFrame(without_each_one),
        flipped=pd.DataFrame(statuses),
        baselines=baselines_table(question, asked.fit, asked.cohort, asked.baselines, analysed, found["baselines"]),
        follow_up=follow_up,
        immortal=immortal_table(question, asked.cohort, asked.follow_up, follow_up),
        refits=pd.DataFrame(refits),
        notes=tuple(note for note in _notes(asked, outside, sizes) if note),
        mark=asked.fit.mark,
        fit=asked.fit.identity,
        fingerprint=asked.cohort.fingerprint,
    )


def _notes(asked: _Asked, outside: list[Patient], sizes: Counted) -> tuple[str, ...]:
    interval = asked.fit.analysis.sampling.interval
    tails = f"Limits here are equal-tailed, of probability {interval.prob:g}; the analysis asks for highest density."
    lacking = float(asked.cohort.weight[~asked.cohort.is_complete()].sum())
    without = f"Frequentist numbers leave out {lacking:g} patients with gaps that the posterior marginalises." if lacking else ""
    emptied = [
        f"Without its only patient {level} has none: what is said of it then is the prior's."
        for level, size in ((asked.question.group, sizes.patients), (asked.question.versus, sizes.others))
        if size == 1
    ]
    tails = tails if interval.kind == "hdi" else ""
    return asked.question.note, *emptied, _many(asked, outside), without, *asked.follow_up.notes, tails


def _many(asked: _Asked, outside: list[Patient]) -> str:
    several = not outside and len(asked.cohort) > MOST_REWEIGHTED
    return f"Patients outside the group are more than {MOST_REWEIGHTED}, and were not left out one by one." if several else ""
