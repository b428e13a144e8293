"""The model of marginalised covariates, P(x): what is learnt of it once, and its probabilities at given draws.

Sequential: each covariate with gaps has logits (against its reference level) linear in the covariates with gaps before
it and in the complete ones, continuous ones standardised, indicators centred. Independent: each has shares of its own.
Gaps are assumed missing at random. Under delayed entry P(x) is that of those who entered, one for all entry times: it costs width
and no bias, as simulated in tests/test_gaps_of_late_entrants.py. Source: STATISTICS, section 2; Ibrahim, Chen and Lipsitz,
Biometrics 1999;55:591.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.encoding import Encoding
from bayes_rrmm.errors import DataError, listed
from bayes_rrmm.specification.analysis import Analysis

INTERCEPT_SD = 1.5
"""sd of an intercept's normal prior, on the logit scale: nearly flat on the probability of two levels."""
COEFFICIENT_SD = 1.0
INTERCEPT = "intercept"
MOST_COMBINATIONS = 1000
"""Ways to fill the gaps of one row up to which they are added up."""


@dataclass(frozen=True)
class Predictor:
    """A column that a logit is linear in: (value - centre) / scale, of the indicator of a level where one is named."""

    variable: str
    level: str | None
    centre: float
    scale: float

    @property
    def label(self) -> str:
        """Its name, such as `regimen=pomalidomide`."""
        return self.variable if self.level is None else f"{self.variable}={self.level}"


@dataclass(frozen=True)
class IncompleteVariable:
    """A covariate with gaps; the first level is the reference. `gaps` counts its patients without a value."""

    name: str
    levels: tuple[str, ...]
    predictors: tuple[Predictor, ...]
    gaps: float

    def columns(self, frame: pd.DataFrame) -> Floats:
        """A column of ones and the predictors, shape (N, 1 + Q), of rows without gaps."""
        columns: list[Floats] = [np.ones(len(frame))]
        for predictor in self.predictors:
            values = frame[predictor.variable]
            raw = (values == predictor.level) if predictor.level is not None else values
            columns.append(np.asarray((raw.to_numpy(dtype=np.float64) - predictor.centre) / predictor.scale))
        return np.column_stack(columns)

    def membership(self, frame: pd.DataFrame) -> Floats:
        """0/1 indicators of the levels, shape (N, L)."""
        values = frame[self.name].to_numpy(dtype=object)
        return np.asarray(values[:, None] == np.array(self.levels, dtype=object)[None, :], dtype=np.float64)


@dataclass(frozen=True)
class Candidates:
    """Rows with their gaps filled in every way, those of one row together.

    `frame` has T rows without gaps; `owner`, shape (T,), is the position of the row that each may be, and `starts`,
    shape (N,), the position of each row's first.
    """

    frame: pd.DataFrame
    owner: NDArray[np.int64]
    starts: NDArray[np.int64]

    def added_up(self, log_values: Floats) -> Floats:
        """log of the sum of exp(log_values) over each row's candidates: shape (S, T) in, (S, N) out."""
        return np.asarray(np.logaddexp.reduceat(log_values, self.starts, axis=1))


@dataclass(frozen=True)
class CovariateModel:
    """P(x) of the marginalised covariates; draws of its parameters are `gamma` (sequential) or `share` (independent)."""

    kind: str
    variables: tuple[IncompleteVariable, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates with gaps."""
        return tuple(variable.name for variable in self.variables)

    @property
    def parameter(self) -> str:
        """The name of its parameter."""
        return "share" if self.kind == "independent" else "gamma"

    @property
    def labels(self) -> list[str]:
        """Labels of its parameter: `relapse_pattern=clinical | intercept`, or of a share `relapse_pattern=clinical`."""
        if self.kind == "independent":
            return [f"{variable.name}={level}" for variable in self.variables for level in variable.levels]
        return [
            f"{variable.name}={level} | {label}"
            for variable in self.variables
            for level in variable.levels[1:]
            for label in (INTERCEPT, *(predictor.label for predictor in variable.predictors))
        ]

    @property
    def gamma_sd(self) -> Floats:
        """Prior sds of `gamma`, in the order of `labels`."""
        rows = [(item, (INTERCEPT_SD, *(COEFFICIENT_SD for _ in item.predictors))) for item in self.variables]
        return np.array([sd for item, row in rows for _ in item.levels[1:] for sd in row])

    def candidates(self, frame: pd.DataFrame) -> Candidates:
        """Every way to fill the gaps of the rows; a row without gaps is its own one candidate."""
        if not len(frame):
            return Candidates(frame, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        missing = frame[list(self.names)].isna().to_numpy()
        blocks, owners = [], []
        for pattern in np.unique(missing, axis=0):
            rows = np.flatnonzero((missing == pattern).all(axis=1))
            gaps = [variable for variable, absent in zip(self.variables, pattern, strict=True) if absent]
            ways = list(product(*(variable.levels for variable in gaps)))
            block = frame.iloc[np.repeat(rows, len(ways))]
            values = zip(*ways, strict=True)
            filled = {gap.name: np.tile(np.array(value, dtype=object), len(rows)) for gap, value in zip(gaps, values, strict=True)}
            blocks.append(block.assign(**filled))
            owners.append(np.repeat(rows, len(ways)))
        owner = np.concatenate(owners).astype(np.int64)
        order = np.argsort(owner, kind="stable")
        owner = owner[order]
        return Candidates(pd.concat(blocks).iloc[order], owner, np.searchsorted(owner, np.arange(len(frame))).astype(np.int64))

    def log_probability(self, draws: Mapping[str, Floats], frame: pd.DataFrame) -> Floats:
        """log P(x) of rows without gaps, shape (S, N)."""
        total, start = np.zeros((len(draws[self.parameter]), len(frame))), 0
        for variable in self.variables:
            member, levels = variable.membership(frame), len(variable.levels)
            if self.kind == "independent":
                total += np.log(draws["share"][:, start : start + levels]) @ member.T
                start += levels
                continue
            columns = variable.columns(frame)
            width = columns.shape[1] * (levels - 1)
            gamma = draws["gamma"][:, start : start + width].reshape(-1, levels - 1, columns.shape[1])
            logits = np.einsum("slq,nq->lsn", gamma, columns)
            total += np.einsum("lsn,nl->sn", logits, member[:, 1:])
            total -= np.logaddexp.reduce(logits, axis=0, initial=0.0)
            start += width
        return total

    def draw_from_prior(self, rng: np.random.Generator, size: int) -> dict[str, Floats]:
        """`size` draws of its parameter: normal logits, or shares from Dirichlet(1)."""
        if self.kind == "independent":
            return {"share": np.column_stack([rng.dirichlet(np.ones(len(item.levels)), size) for item in self.variables])}
        return {"gamma": rng.normal(0.0, self.gamma_sd, (size, len(self.labels)))}

    def to_json(self) -> str:
        """All of it as JSON, for a run folder."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CovariateModel:
        """The covariate model that `to_json` wrote."""
        raw: dict[str, Any] = json.loads(text)
        variables = tuple(
            IncompleteVariable(
                item["name"], tuple(item["levels"]), tuple(Predictor(**one) for one in item["predictors"]), item["gaps"]
            )
            for item in raw["variables"]
        )
        return cls(raw["kind"], variables)


def learn_covariate_model(analysis: Analysis, encoding: Encoding, cohort: Cohort) -> CovariateModel | None:
    """The model of the covariates that have gaps among the analysed rows, in the order of the formula; None without any."""
    incomplete = [name for name in analysis.formula.variables if not cohort.is_complete((name,)).all()]
    if not incomplete:
        return None
    ways = math.prod(len(encoding.group(name).levels) for name in incomplete)
    if ways > MOST_COMBINATIONS:
        raise DataError(
            f"[model] missing: the gaps of {listed(map(repr, incomplete))} can be filled in {ways} ways, and more than "
            f'{MOST_COMBINATIONS} are not added up; set missing = "drop" or "level" for one of them, or merge levels.'
        )
    kind = analysis.model.covariate_model or "sequential"
    complete = [name for name in analysis.formula.variables if name not in incomplete]
    variables = []
    for position, name in enumerate(incomplete):
        known = [*complete, *incomplete[:position]] if kind == "sequential" else []
        variables.append(
            IncompleteVariable(
                name=name,
                levels=encoding.group(name).levels,
                predictors=tuple(one for other in known for one in _predictors(other, encoding)),
                gaps=float(cohort.weight[~cohort.is_complete((name,))].sum()),
            )
        )
    return CovariateModel(kind, tuple(variables))


def _predictors(name: str, encoding: Encoding) -> list[Predictor]:
    if not encoding.is_group(name):
        variable = next(item for item in encoding.continuous if item.name == name)
        return [Predictor(name, None, variable.mean, variable.sd)]
    group = encoding.group(name)
    total = sum(group.counts)
    return [
        Predictor(name, level, count / total, 1.0) for level, count in zip(group.levels[1:], group.counts[1:], strict=True)
    ]
