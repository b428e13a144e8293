"""What a fit is about to be: rows, events, person-time, what was left out, the encoding and the priors, in words."""

from __future__ import annotations

import numpy as np

from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import listed
from bayes_rrmm.plan import Plan, interval_events
from bayes_rrmm.prior_words import prior_lines


def overview(plan: Plan, cohort: Cohort) -> str:
    """The text that `bayes-rrmm validate` prints. Samples nothing."""
    sections = [_head(plan), _rows(plan, cohort), _groups(plan, cohort), _cells(plan, cohort), _continuous(plan)]
    sections += [_gaps(plan, cohort), _baseline(plan, cohort), _frailty(plan, cohort), _priors(plan)]
    return "\n".join(line for section in sections for line in section)


def overview_record(plan: Plan, cohort: Cohort) -> dict[str, object]:
    """The same as data, for JSON."""
    return {
        "title": plan.analysis.title,
        "endpoint": plan.analysis.endpoint.name,
        "baseline": plan.family,
        "landmark": plan.analysis.model.landmark,
        **cohort_record(cohort),
        "groups": [
            {"name": group.name, "levels": list(group.levels), "rows": list(group.counts), "events": list(group.events)}
            for group in plan.encoding.groups
        ],
        "columns": [column.name for column in plan.encoding.columns],
        "marginalised": {} if plan.covariates is None else {item.name: item.gaps for item in plan.covariates.variables},
        "pooled": [pooled.term for pooled in plan.encoding.pooled],
        "cuts": list(plan.cuts),
        "frailty": None if plan.analysis.model.frailty is None else plan.analysis.model.frailty.model_dump(),
        "priors": [line.__dict__ for line in prior_lines(plan)],
    }


def cohort_record(cohort: Cohort) -> dict[str, object]:
    """What was analysed, as data: rows, events, person-time, what was left out and why, the fingerprint."""
    return {
        "origin": cohort.origin,
        "fingerprint": cohort.fingerprint,
        "rows_read": cohort.rows_read,
        "rows": len(cohort),
        "patients": cohort.patients,
        "events": cohort.events,
        "person_time": cohort.person_time,
        "unit": cohort.unit,
        "delayed_entry": cohort.has_delayed_entry,
        **({} if cohort.cluster is None else {"clusters": int(cohort.cluster_numbers.max()) + 1}),
        "dropped": [{"reason": item.reason, "rows": len(item.rows), "first_rows": list(item.rows[:10])} for item in cohort.dropped],
        "notes": list(cohort.notes),
    }


def _head(plan: Plan) -> list[str]:
    analysis = plan.analysis
    lines = [analysis.title, *([f"  {analysis.question}"] if analysis.question else [])]
    landmark = analysis.model.landmark
    from_then = "" if landmark is None else f", followed from the landmark of {landmark:g} {analysis.endpoint.unit}"
    return [*lines, f"  {analysis.endpoint.name}{from_then}, {plan.family} baseline, formula: {analysis.model.formula}"]


def _rows(plan: Plan, cohort: Cohort) -> list[str]:
    lines = [f"Rows: {len(cohort)} analysed of {cohort.rows_read} read from {cohort.origin}"]
    for item in cohort.dropped:
        lines.append(f"  left out {len(item.rows)}: {item.reason} (rows {listed(item.rows)})")
    if cohort.endpoint.weight is not None:
        lines.append(f"  frequency weights: they stand for {cohort.patients:g} patients")
    lines.append(f"Events: {cohort.events:g} in {cohort.person_time:.1f} {_singular(cohort.unit)}s at risk")
    if cohort.has_delayed_entry and plan.analysis.model.landmark is None:
        late = int((cohort.entry > 0).sum())
        lines.append(f"Delayed entry: {late} rows enter after time 0 (the latest at {cohort.entry.max():.1f} {cohort.unit})")
    if plan.start and plan.analysis.model.landmark is None:
        lines.append(f"Curves start at {plan.start:.4g} {cohort.unit}, where enough are at risk, given survival to it")
    return [*lines, *(f"Note: {note}" for note in cohort.notes)]


def _groups(plan: Plan, cohort: Cohort) -> list[str]:
    lines = []
    pooled = {item.term: item.pooling for item in plan.encoding.pooled}
    for group in plan.encoding.groups:
        kind = f"{pooled[group.name]}, no reference in the model" if group.name in pooled else f"reference {group.reference}"
        lines.append(f"Group {group.name} ({kind}):")
        width = max(len(level) for level in group.levels)
        for level, count, events, end in zip(group.levels, group.counts, group.events, group.last_follow_up, strict=True):
            lines.append(f"  {level:<{width}}  {count:>6g} patients, {events:>5g} events, followed to {end:.1f} {cohort.unit}")
    return lines


def _cells(plan: Plan, cohort: Cohort) -> list[str]:
    """The cells of each pooled interaction; of one without patients the effect is the prior's."""
    lines = []
    for pooled in plan.encoding.pooled:
        if not pooled.is_interaction:
            continue
        lines.append(f"Cells of {pooled.term} ({pooled.pooling}, beside the effects of both groups):")
        width = max(map(len, pooled.levels))
        for name, cell in zip(pooled.levels, pooled.cells, strict=True):
            inside = cohort.mask({variable: (level,) for variable, level in zip(pooled.variables, cell, strict=True)})
            own = cohort.select(inside)
            patients = own.patients if inside.any() else 0
            empty = "" if patients else "  <- no patient: the prior decides here"
            lines.append(f"  {name:<{width}}  {patients:>6g} patients, {own.events:>5g} events{empty}")
    return lines


def _continuous(plan: Plan) -> list[str]:
    lines = []
    for variable in plan.encoding.continuous:
        lines.append(f"Continuous {variable.name}: mean {variable.mean:.4g}, sd {variable.sd:.4g}; effects per {variable.per:g}")
    return lines


def _gaps(plan: Plan, cohort: Cohort) -> list[str]:
    if plan.covariates is None:
        return []
    lines = ["Gaps to be marginalised, assumed missing at random given the covariates of the formula and the outcome:"]
    for variable in plan.covariates.variables:
        known = ", ".join(dict.fromkeys(predictor.variable for predictor in variable.predictors)) or "nothing"
        how = "with shares of its own" if plan.covariates.kind == "independent" else f"logit given {known}"
        lines.append(f"  {variable.name}: unknown in {variable.gaps:g} patients, {how}")
    if np.any(cohort.survived_before > plan.start):
        lines.append("  the covariates' model is of those who entered, whenever they did")
    lines.append(f"  {cohort.is_complete().sum()} of {len(cohort)} rows have no gap")
    return lines


def _frailty(plan: Plan, cohort: Cohort) -> list[str]:
    frailty = plan.analysis.model.frailty
    if frailty is None:
        return []
    numbers = cohort.cluster_numbers
    rows, events = np.bincount(numbers), np.bincount(numbers, weights=cohort.event)
    size = f"{rows.min()} to {rows.max()} rows" if rows.min() < rows.max() else f"{rows.max()} rows"
    return [
        f"Frailty ({frailty.distribution}) of clusters ({frailty.cluster}): {len(rows)} of {size} each, "
        f"{(events > 1).sum()} with more than one event"
    ]


def _baseline(plan: Plan, cohort: Cohort) -> list[str]:
    if plan.family != "piecewise-exponential":
        return []
    events = interval_events(plan, cohort)
    bounds = [0.0, *plan.cuts]
    lines = [f"Intervals of constant hazard ({plan.smoothing}), right closed, {cohort.unit}:"]
    for index, low in enumerate(bounds):
        high = f"{bounds[index + 1]:g}]" if index + 1 < len(bounds) else "end)"
        empty = "  <- no event: the prior decides here" if events[index] == 0 else ""
        lines.append(f"  ({low:g}, {high}  {events[index]:g} events{empty}")
    return lines


def _priors(plan: Plan) -> list[str]:
    lines = ["Priors, 95 % intervals:"]
    for line in prior_lines(plan):
        weight = f"; weighs {line.weight}" if line.weight else ""
        lines.append(f"  {line.about}: {line.interval} ({line.origin}){weight}")
    return lines


def _singular(unit: str) -> str:
    return f"person-{unit.removesuffix('s')}"
