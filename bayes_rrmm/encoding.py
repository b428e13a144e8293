"""What the data taught about the covariates: levels, reference, centring, scale. Learnt once, reused for new data.

A design column is reported on the data's own units: of a group, against the reference; of a continuous covariate, for
the step the user names (`per`). Columns are centred at their weighted mean over the analysed rows, so the baseline is
that of the average patient; columns with gaps at the mean of the rows where they are known. Indicators of pooled
effects are never centred. Source: STATISTICS, section 1.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.design_matrix import Designs, column_moments, materialise, with_whole_keys
from bayes_rrmm.encoding_checks import check_columns, check_finite, check_levels
from bayes_rrmm.errors import AnalysisError, DataError, listed, nearest, shortened
from bayes_rrmm.pooled_terms import PooledTerm, pooled_term
from bayes_rrmm.specification.analysis import Analysis
from bayes_rrmm.specification.formula import parse_formula


@dataclass(frozen=True)
class GroupVariable:
    """A categorical covariate; the first level is the reference. `counts` and `events` are by level, weights counted."""

    name: str
    levels: tuple[str, ...]
    counts: tuple[float, ...]
    events: tuple[float, ...]
    last_follow_up: tuple[float, ...]

    @property
    def reference(self) -> str:
        """The level others are compared with."""
        return self.levels[0]


@dataclass(frozen=True)
class ContinuousVariable:
    """A continuous covariate: effects are for `per` units of the column (1 when the user names no step).

    `centre` is taken off before products are formed, so that a main effect beside an interaction is that of a patient
    with the average value: the mean, or 0 where a function needs the value itself or the column holds only 0 and 1.
    `clinical_step` is what a clinical prior statement is about, in reported steps: one sd, or 1 for a named step or 0/1.
    """

    name: str
    per: float
    mean: float
    sd: float
    centre: float
    clinical_step: float


@dataclass(frozen=True)
class Column:
    """One design column. `scale` is its sd, 1 for an indicator; `per` the product of the steps of its continuous factors,
    and `clinical_step` of their clinical steps (of a function of a covariate: one sd of the column)."""

    name: str
    term: str
    centre: float
    scale: float
    is_indicator: bool
    per: float
    clinical_step: float


@dataclass(frozen=True)
class Encoding:
    """Turns rows into design columns. Frozen: every refit and every prediction reuses what was learnt here.

    Terms under a horseshoe come last among the pooled ones.
    """

    formula: str
    groups: tuple[GroupVariable, ...]
    continuous: tuple[ContinuousVariable, ...]
    columns: tuple[Column, ...]
    pooled: tuple[PooledTerm, ...]
    transforms: dict[str, Any] = field(default_factory=dict)

    @property
    def pooled_levels(self) -> list[str]:
        """`term=level` of every pooled effect, in the order of the model."""
        return [f"{pooled.term}={level}" for pooled in self.pooled for level in pooled.levels]

    @property
    def normal_levels(self) -> int:
        """How many of `pooled_levels` are not under a horseshoe; they come first."""
        return sum(len(pooled.cells) for pooled in self.pooled if not pooled.is_horseshoe)

    def group(self, variable: str) -> GroupVariable:
        """The categorical covariate of that name. Raises AnalysisError when there is none."""
        for candidate in self.groups:
            if candidate.name == variable:
                return candidate
        names = [candidate.name for candidate in self.groups]
        raise AnalysisError(f"{variable!r} is not a group of this model; {nearest(variable, names)}")

    def level(self, variable: str, level: str) -> str:
        """The level, checked to exist. Raises AnalysisError with the nearest valid one."""
        levels = self.group(variable).levels
        if level not in levels:
            raise AnalysisError(f"{level!r} is no level of {variable!r}; {nearest(level, levels)}")
        return level

    def is_group(self, variable: str) -> bool:
        """Whether the covariate is categorical."""
        return any(group.name == variable for group in self.groups)

    def design(self, frame: pd.DataFrame) -> Floats:
        """Centred design columns of the rows, shape (N, P), for coefficients on the reported scale.

        Raises DataError for a level the model has not seen, and for a gap. The array is read-only: that of the same rows is
        made once, since every estimand asks for it again and the formula library takes its time.
        """
        variables = [*(group.name for group in self.groups), *(variable.name for variable in self.continuous)]
        return self._designs.of(frame, variables, self._design)

    def _design(self, frame: pd.DataFrame) -> Floats:
        raw = materialise(self._independent_text, self.typed(frame), self.transforms)[0]
        check_finite(raw, [column.term for column in self.columns], frame.index.to_numpy())
        return np.asarray(raw - np.array([column.centre for column in self.columns]))

    @cached_property
    def _designs(self) -> Designs:
        return Designs()

    def indicators(self, frame: pd.DataFrame) -> Floats:
        """0/1 indicators of the pooled levels, shape (N, L), in the order of `pooled_levels`."""
        blocks = [np.zeros((len(frame), 0))]
        for pooled in self.pooled:
            inside = np.ones((len(frame), len(pooled.cells)), dtype=bool)
            for variable, levels in zip(pooled.variables, zip(*pooled.cells, strict=True), strict=True):
                inside &= self._known(variable, frame)[:, None] == np.array(levels, dtype=object)[None, :]
            blocks.append(inside.astype(np.float64))
        return np.concatenate(blocks, axis=1)

    def typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The covariates as the formula library takes them: categories in order, continuous columns in steps."""
        typed: dict[str, Any] = {}
        for group in self.groups:
            typed[group.name] = pd.Categorical(self._known(group.name, frame), categories=list(group.levels))
        for variable in self.continuous:
            typed[variable.name] = (self._measured(variable.name, frame) - variable.centre) / variable.per
        return pd.DataFrame(typed, index=frame.index)

    def filled(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The covariates with each gap in a group filled by its reference, for columns that the gap does not touch."""
        gaps = {group.name: group.reference for group in self.groups if frame[group.name].isna().any()}
        return frame.fillna(gaps) if gaps else frame

    def to_json(self) -> str:
        """All of it as JSON, for a run folder."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Encoding:
        """The encoding that `to_json` wrote."""
        raw = json.loads(text)
        return cls(
            formula=raw["formula"],
            groups=tuple(
                GroupVariable(group["name"], *(tuple(group[key]) for key in ("levels", "counts", "events", "last_follow_up")))
                for group in raw["groups"]
            ),
            continuous=tuple(ContinuousVariable(**variable) for variable in raw["continuous"]),
            columns=tuple(Column(**column) for column in raw["columns"]),
            pooled=tuple(PooledTerm.from_record(item) for item in raw["pooled"]),
            transforms=with_whole_keys(raw["transforms"]),
        )

    @property
    def _independent_text(self) -> str:
        terms = parse_formula(self.formula).terms
        pooled = {item.term for item in self.pooled}
        return " + ".join(["1", *(term.text for term in terms if term.name not in pooled)])

    def _measured(self, variable: str, frame: pd.DataFrame) -> Floats:
        values = np.asarray(pd.to_numeric(_present(variable, frame), errors="coerce"), dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            value = frame[variable].iloc[bad[0]]
            shown = "missing" if pd.isna(value) else shortened(repr(str(value)))
            raise DataError(
                f"row {frame.index[bad[0]]}, column {variable!r} is {shown}: "
                "a continuous covariate must be a finite number; complete or correct it, or leave the row out."
            )
        return values

    def _known(self, variable: str, frame: pd.DataFrame) -> NDArray[np.object_]:
        levels = self.group(variable).levels
        present = _present(variable, frame)
        if present.isna().any():
            raise DataError(
                f"row {frame.index[present.isna()][0]}, column {variable!r} is missing; complete it, or leave the row out."
            )
        values = present.astype(str).to_numpy(dtype=object)
        unseen = sorted({str(value) for value in values} - set(levels))
        if unseen:
            raise DataError(
                f"column {variable!r}: the model has not seen {listed(map(repr, unseen))}; it knows {listed(levels, 12)}."
            )
        return cast("NDArray[np.object_]", values)


def _present(variable: str, frame: pd.DataFrame) -> pd.Series[Any]:
    if variable not in frame.columns:
        raise DataError(f"column {variable!r} (a covariate) is not in the data; {nearest(variable, map(str, frame.columns))}")
    return frame[variable]


def learn_encoding(analysis: Analysis, cohort: Cohort) -> Encoding:
    """The encoding of `analysis` on the analysed rows.

    Raises DataError for an empty group, a reference nobody has, a constant column, or collinear terms (named).
    """
    groups, continuous = [], []
    for name in analysis.formula.variables:
        declared = analysis.variables.get(name)
        values = cohort.covariates[name]
        if values.dtype == object:
            levels = check_levels(name, values, declared, analysis.missing_rule(name))
            groups.append(_group(name, levels, cohort))
            continue
        continuous.append(_continuous(analysis, name, cohort))
    of_groups = {group.name: group.levels for group in groups}
    terms = [term for term in analysis.formula.terms if analysis.is_pooled(term)]
    found = (pooled_term(term, of_groups, analysis.pooling(term)) for term in terms)
    pooled = tuple(sorted(found, key=lambda term: term.is_horseshoe))
    draft = Encoding(analysis.model.formula, tuple(groups), tuple(continuous), (), pooled)
    columns, transforms = _columns(analysis, cohort, draft)
    return Encoding(analysis.model.formula, tuple(groups), tuple(continuous), columns, pooled, transforms)


def _group(name: str, levels: tuple[str, ...], cohort: Cohort) -> GroupVariable:
    values = cohort.covariates[name].to_numpy(dtype=object)
    inside = [values == level for level in levels]
    return GroupVariable(
        name=name,
        levels=levels,
        counts=tuple(_patients(cohort, mask) for mask in inside),
        events=tuple(float((cohort.weight * cohort.event)[mask].sum()) for mask in inside),
        last_follow_up=tuple(float(cohort.time[mask].max()) for mask in inside),
    )


def _patients(cohort: Cohort, mask: NDArray[np.bool_]) -> float:
    """Patients among the marked rows: weights added up, or different subjects where rows are spells."""
    return float(cohort.weight[mask].sum()) if cohort.id is None else float(len(np.unique(cohort.id[mask])))


def _continuous(analysis: Analysis, name: str, cohort: Cohort) -> ContinuousVariable:
    values = cohort.covariates[name].to_numpy(dtype=np.float64)
    declared = analysis.variables.get(name)
    step = declared.per if declared else None
    (mean,), (sd,) = column_moments(values[:, None], cohort.weight[:, None])
    is_indicator = bool(np.isin(values, (0.0, 1.0)).all())
    in_function = any(f.is_function for term in analysis.formula.terms for f in term.factors if f.variable == name)
    return ContinuousVariable(
        name=name,
        per=step or 1.0,
        mean=float(mean),
        sd=float(sd),
        centre=0.0 if is_indicator or in_function else float(mean),
        clinical_step=1.0 if is_indicator or step is not None else float(sd),
    )


def _columns(analysis: Analysis, cohort: Cohort, draft: Encoding) -> tuple[tuple[Column, ...], dict[str, Any]]:
    raw, names, transforms = materialise(draft._independent_text, draft.typed(draft.filled(cohort.covariates)), {})
    terms = {term.text.replace("`", ""): term for term in analysis.formula.terms}
    owners = [terms[term.replace("`", "")] for term, _ in names]
    labels = [_label(column, draft) for _, column in names]
    known = np.column_stack([cohort.is_complete(term.variables) for term in owners] or [np.empty((len(cohort), 0), dtype=bool)])
    check_columns(raw, labels, [term.name for term in owners], cohort, known)
    mean, sd = column_moments(raw, cohort.weight[:, None] * known)
    steps = {variable.name: variable for variable in draft.continuous}
    columns = []
    for index, term in enumerate(owners):
        inside = [steps[factor.variable] for factor in term.factors if factor.variable in steps and not factor.is_function]
        in_function = any(factor.is_function for factor in term.factors)
        is_indicator = bool(np.isin(raw[known[:, index], index], (0.0, 1.0)).all())
        columns.append(
            Column(
                name=labels[index],
                term=term.name,
                centre=float(mean[index]),
                scale=1.0 if is_indicator else float(sd[index]),
                is_indicator=is_indicator,
                per=float(np.prod([variable.per for variable in inside])),
                clinical_step=float(sd[index] if in_function else np.prod([variable.clinical_step for variable in inside])),
            )
        )
    return tuple(columns), transforms


def _label(column: str, encoding: Encoding) -> str:
    for group in encoding.groups:
        for level in group.levels:
            for written in (f"{group.name}[T.{level}]", f"{group.name}[{level}]"):
                column = column.replace(written, f"{group.name}={level}")
    return column
