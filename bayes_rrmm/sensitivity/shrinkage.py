"""What pooling does to the effects of one term: unpooled, pooled, Cox and Firth side by side, and the shrinkage between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.diagnostics import check_sampler
from bayes_rrmm.diagnostics.checks import checks_of, measure_quantity
from bayes_rrmm.errors import AnalysisError, DataError, listed
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plan import Plan
from bayes_rrmm.reading import estimate
from bayes_rrmm.reading.contrasts import hazard_ratio_contrasts
from bayes_rrmm.sensitivity.refits import FAILURES, Progress, Refit, Sample, compiled_sample, persevere, told
from bayes_rrmm.sensitivity.shrinkage_frequentist import counted_level, without_prior
from bayes_rrmm.sensitivity.shrinkage_plans import HORSESHOE, POOLED, POOLING, UNPOOLED, ShrunkTerm, find_term, with_pooling
from bayes_rrmm.sensitivity.shrinkage_record import COX, FIRTH, LEVELS, Shrinkage, Spread

NEXT_TO_NOTHING = 0.25
"""Posterior sds from no effect below which a share of the effect has no meaning."""


@dataclass(frozen=True)
class _Read:
    """One fit read: log hazard ratios, shape (chains, draws, comparisons), tau, shape (chains, draws), where there is one."""

    kind: str
    plan: Plan
    log_hr: Floats
    tau: Floats | None
    failed: tuple[str, ...]
    attempts: int = 1
    seconds: float = 0.0


def shrinkage(
    fit: Fit,
    cohort: Cohort | None = None,
    of: str | None = None,
    *,
    versus: str | None = None,
    progress: Progress | None = None,
    sample: Sample = compiled_sample,
) -> Shrinkage:
    """The effects of the term `of` pooled and unpooled (and under a horseshoe, where the fit has one), beside Cox and Firth.

    `of` is a group, or two crossed, `regimen:extramedullary`: then the hazard ratio of the first is read in each level of the
    second. The default is the term that is pooled, or the one group with three levels or more. Hazard ratios are against
    `versus` (default: the reference). What the fit is not is refitted, everything else frozen: a compilation and a second each.

    Raises AnalysisError where the term cannot be pooled or has no single hazard ratio, FitError where rows are missing,
    RunFolderError where they are others. Too few levels to pool, or a refit that fails, is no error: the record says so.
    """
    rows = fit.same_rows(cohort, "shrinkage")
    asked = find_term(fit.plan, of, versus)
    own = next(name for name, pooling in POOLING.items() if pooling == fit.analysis.pooling(asked.term))
    read, notes = {own: _reading(own, fit, asked)}, []
    wanted = [name for name in (UNPOOLED, POOLED) if name != own]
    for done, kind in enumerate(wanted):
        try:
            plan, note = with_pooling(fit.plan, rows, asked, kind)
        except (DataError, AnalysisError) as error:
            notes.append(f"{kind}: not fitted: {str(error).removeprefix('[model] effects: ')}")
            continue
        if progress is not None:
            progress(done, len(wanted), kind)
        found = _sampled(kind, plan, rows, asked, sample)
        notes += [note] if note else []
        if isinstance(found, str):
            notes.append(f"{kind}: not fitted: {found}")
        else:
            read[kind] = found
    if progress is not None:
        progress(len(wanted), len(wanted), "")
    kinds = [name for name in POOLING if name in read]
    return Shrinkage(
        title=fit.analysis.title,
        term=asked.term.name,
        of=asked.of,
        versus=asked.versus,
        by=asked.by or "",
        fitted=own,
        kinds=tuple(kinds),
        prob=fit.analysis.sampling.interval.prob,
        table=_table(fit, rows, asked, {kind: read[kind] for kind in kinds}),
        tau=_spread(read.get(POOLED), asked, fit.analysis.sampling.interval.prob),
        unpooled_prior=_prior_of(read.get(UNPOOLED), asked),
        refits=pd.DataFrame(
            [{"fit": item.kind, "refitted": item.kind != own, "attempts": item.attempts, "seconds": item.seconds,
              "failed": listed(item.failed), "passed": not item.failed} for item in read.values()]
        ),
        notes=(*notes, *_about(fit, rows, asked)),
        mark=fit.mark,
    )  # fmt: skip


def _sampled(kind: str, plan: Plan, rows: Cohort, asked: ShrunkTerm, sample: Sample) -> _Read | str:
    """The refit read; where its diagnostics fail once more, with more patience. The error's text where there are no draws."""

    def once(tried: Refit) -> _Read | str:
        try:
            return _reading(kind, sample(tried), asked)
        except FAILURES as error:
            return told(error)

    def passed(found: _Read | str) -> bool:
        return isinstance(found, _Read) and not found.failed

    found, attempts, seconds = persevere(Refit(kind, plan, rows), once, passed)
    return replace(found, attempts=attempts, seconds=seconds) if isinstance(found, _Read) else found


def _reading(kind: str, fit: Fit, asked: ShrunkTerm) -> _Read:
    """Every hazard ratio of a fit and its tau, with the diagnostics of each and of the sampler."""
    ratios = estimate(fit, asked.estimand).draws.transpose("chain", "draw", "comparison")
    log_hr = np.log(ratios.to_numpy())
    tau = None
    terms = [pooled.term for pooled in fit.plan.encoding.pooled]
    if kind == POOLED and asked.term.name in terms:
        tau = fit.draws["tau"][:, terms.index(asked.term.name)].reshape(fit.shape)
    statistics = fit.tree["sample_stats"].to_dataset()
    checks = check_sampler(statistics["diverging"].to_numpy(), statistics["energy"].to_numpy())
    for index, label in enumerate(ratios["comparison"].to_numpy().tolist()):
        checks += checks_of(measure_quantity(f"log HR {label}", log_hr[:, :, index]))
    checks += [] if tau is None else checks_of(measure_quantity("tau", tau))
    failed = tuple(f"{check.check} of {check.of} {check.measure:.3g}" for check in checks if check.verdict == "failed")
    return _Read(kind, fit.plan, log_hr, tau, failed)


def _table(fit: Fit, rows: Cohort, asked: ShrunkTerm, read: dict[str, _Read]) -> pd.DataFrame:
    """A row a level (the one others are compared with first), or a cell, in the order of the model."""
    known = Counterparts(fit, rows)
    contrasts = hazard_ratio_contrasts(fit.plan, asked.estimand)
    subgroups = list(dict.fromkeys(contrast.subgroup for contrast in contrasts))
    tail = 0.5 - 0.5 * known.prob
    found: list[dict[str, Any]] = []
    for subgroup in subgroups:
        found.append({**counted_level(rows, asked, asked.versus, subgroup), "note": "compared with"})
        if asked.by is None:
            found[-1] |= _to_mean(read, [None, *range(len(contrasts))], None)
        for index, contrast in enumerate(contrasts):
            if contrast.subgroup != subgroup:
                continue
            row = counted_level(rows, asked, contrast.group, subgroup)
            frequentist, note = without_prior(known, contrast)
            for kind, item in read.items():
                lower, middle, upper = np.quantile(item.log_hr[:, :, index], [tail, 0.5, 1 - tail])
                row |= {f"{kind}_hr": math.exp(middle), f"{kind}_lower": math.exp(lower), f"{kind}_upper": math.exp(upper)}
            alike = [i for i, other in enumerate(contrasts) if asked.by is None or other.group == contrast.group]
            around = _to_mean(read, [*([None] if asked.by is None else []), *alike], index)
            found.append({**row, **frequentist, **_shrunk(read, index, (tail, 1 - tail)), **around, "note": note})
    return pd.DataFrame(found, columns=[*LEVELS, *_columns(list(read)), "note"])


def _columns(kinds: list[str]) -> list[str]:
    columns = [f"{method}_{value}" for method in (COX, FIRTH, *kinds) for value in ("hr", "lower", "upper")]
    pooled = [kind for kind in kinds if kind != UNPOOLED] if UNPOOLED in kinds else []
    columns += [f"{kind}_{value}" for kind in pooled for value in ("shrinkage", "width_ratio")]
    return [*columns, *(f"{kind}_from_mean" for kind in kinds), *(f"{kind}_shrinkage_to_mean" for kind in pooled)]


def _shrunk(read: dict[str, _Read], index: int, limits: tuple[float, float]) -> dict[str, float]:
    """1 - log HR / log HR unpooled, NaN where the latter is next to nothing; and the widths of the intervals of log HR."""
    if UNPOOLED not in read:
        return {}
    free, found = read[UNPOOLED].log_hr[:, :, index], {}
    for kind, item in read.items():
        if kind != UNPOOLED:
            held = item.log_hr[:, :, index]
            found[f"{kind}_shrinkage"] = _share_lost(free, held)
            widths = [np.diff(np.quantile(values, limits))[0] for values in (held, free)]
            found[f"{kind}_width_ratio"] = float(widths[0] / widths[1])
    return found


def _share_lost(free: Floats, held: Floats) -> float:
    middle = float(np.median(free))
    return math.nan if abs(middle) < NEXT_TO_NOTHING * free.std(ddof=1) else 1.0 - float(np.median(held)) / middle


def _to_mean(read: dict[str, _Read], alike: list[int | None], index: int | None) -> dict[str, float]:
    """How far log hazards lie from their mean over levels (of a cell: its log HR from the mean over subgroups), and what of
    that distance is lost. `None` is the level compared with, whose log HR is 0."""

    def deviation(item: _Read) -> Floats:
        def one(which: int | None) -> Floats:
            return np.zeros(item.log_hr.shape[:2]) if which is None else item.log_hr[:, :, which]

        return np.asarray(one(index) - np.mean([one(which) for which in alike], axis=0))

    found = {f"{kind}_from_mean": float(np.median(deviation(item))) for kind, item in read.items()}
    if UNPOOLED in read:
        free = deviation(read[UNPOOLED])
        pooled = {kind: item for kind, item in read.items() if kind != UNPOOLED}
        found |= {f"{kind}_shrinkage_to_mean": _share_lost(free, deviation(item)) for kind, item in pooled.items()}
    return found


def _spread(read: _Read | None, asked: ShrunkTerm, prob: float) -> Spread | None:
    """tau and its prior: the sd of log hazards between levels, or of cells beyond both main effects."""
    if read is None or read.tau is None:
        return None
    normal = [pooled.term for pooled in read.plan.encoding.pooled if not pooled.is_horseshoe]
    sd = read.plan.priors.tau_sd[normal.index(asked.term.name)]
    at = np.array([0.5, 0.5 - 0.5 * prob, 0.5 + 0.5 * prob])
    median, lower, upper = (float(value) for value in np.quantile(read.tau, at))
    return Spread(median, lower, upper, sd, tuple((sd * ndtri(0.5 + 0.5 * at)).tolist()))


def _prior_of(read: _Read | None, asked: ShrunkTerm) -> str:
    """What the unpooled fit itself takes for granted of the term's effects."""
    if read is None:
        return ""
    pairs = zip(read.plan.encoding.columns, read.plan.priors.coefficients, strict=True)
    stated = {(prior.mean, prior.sd, prior.nu, prior.is_default) for column, prior in pairs if column.term == asked.term.name}
    reference = read.plan.encoding.group(asked.of).reference
    what = f"log HR against {reference}" if asked.by is None else "log ratio of hazard ratios"
    if len(stated) != 1:
        return f"{what} under the analysis's own priors"
    ((mean, sd, nu, default),) = stated
    family = "Normal" if nu is None else f"Student t({nu:g})"
    return f"{what} ~ {family}({mean:.2g}, {sd:.2g}), {'the default' if default else 'as stated'}"


def _about(fit: Fit, rows: Cohort, asked: ShrunkTerm) -> list[str]:
    notes = []
    variables = (asked.of,) if asked.by is None else (asked.of, asked.by)
    lacking = float(rows.weight[~rows.is_complete(variables)].sum())
    if lacking:
        notes.append(
            f"{lacking:g} patients without a known {' or '.join(variables)} are in the Bayesian fits and counted in no row"
        )
    if fit.plan.frailty is not None:
        notes.append("Cox and Firth are without the frailty")
    return notes


__all__ = ["HORSESHOE", "POOLED", "UNPOOLED", "Shrinkage", "shrinkage"]
