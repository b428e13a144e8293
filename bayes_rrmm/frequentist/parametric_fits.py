"""The fits behind `parametric`: on columns in standard deviations, and their way back to the columns' own scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from bayes_rrmm.errors import FitError
from bayes_rrmm.frequentist.newton import climb
from bayes_rrmm.frequentist.parametric_likelihood import Poisson, WeibullLikelihood
from bayes_rrmm.frequentist.recession import Recession, recession
from bayes_rrmm.frequentist.rows import Flags, Floats, Rows
from bayes_rrmm.hazards.collapse import by_interval
from bayes_rrmm.hazards.piecewise import interval_bounds


@dataclass(frozen=True)
class Fitted:
    """The maximum over Q parameters: coefficients of columns in standard deviations, then the baseline at their mean.

    `ends` knows which of the first `ends.basis.shape[0]` have finite estimates; a log shape comes after those and always has one.
    """

    estimates: Floats
    covariance: Floats
    log_likelihood: float
    ends: Recession
    log_reference: float = 0.0


@dataclass(frozen=True)
class OwnScale:
    """A fit on the columns' own scale, (Q,) and (Q, Q), with the derivatives (Q, Q) that lead there and what is finite in it.

    Of parameters without a finite estimate it holds the finite part: contrasts that `determines` are read off it.
    """

    estimates: Floats
    covariance: Floats
    jacobian: Floats
    ends: Recession

    @classmethod
    def of(cls, fitted: Fitted, scale: Floats, shift: Floats) -> OwnScale:
        """`scale`, (P,), are the standard deviations, and `shift` the point of the baseline in them, from the mean."""
        columns, linear = len(scale), fitted.ends.basis.shape[0]
        jacobian = np.eye(len(fitted.estimates))
        jacobian[:columns, :columns] = np.diag(1.0 / scale)
        jacobian[columns:linear, :columns] = shift
        estimates = jacobian @ fitted.estimates
        if len(fitted.estimates) > linear:
            # H0 = exp(b) (t / reference)^k is exp(b - k log reference) t^k, with derivative -k log reference in log k.
            moved = math.exp(fitted.estimates[-1]) * fitted.log_reference
            estimates[columns] -= moved
            jacobian[columns, -1] = -moved
        return cls(estimates, jacobian @ fitted.covariance @ jacobian.T, jacobian, fitted.ends)

    def reported(self) -> tuple[Floats, Flags]:
        """The estimates, with infinity, minus infinity or NaN for those without a finite one, and which these are; both (Q,)."""
        axes = np.eye(len(self.estimates))
        unbounded = np.array([not self.determines(axis) for axis in axes], dtype=bool)
        beyond = [self.direction(axis) if lost else 0.0 for axis, lost in zip(axes, unbounded, strict=True)]
        return np.where(unbounded, np.array(beyond), self.estimates), unbounded

    def determines(self, contrast: Floats) -> bool:
        """Whether contrast' estimates is finite."""
        return self.ends.determines(self._inner(contrast))

    def direction(self, contrast: Floats) -> float:
        """The estimate of a contrast without a finite one: infinity, minus infinity or NaN."""
        return self.ends.direction(self._inner(contrast))

    def _inner(self, contrast: Floats) -> Floats:
        return np.asarray((self.jacobian.T @ contrast)[: self.ends.basis.shape[0]])


def fit_piecewise(columns: Floats, rows: Rows, cuts: Floats) -> Fitted:
    """Constant hazards between the cuts, J - 1 of them (none: an exponential model), for columns in standard deviations."""
    table = by_interval(columns, cuts, rows.time, rows.event, rows.entry, rows.weight)
    pattern, interval = np.nonzero(table.exposure > 0)
    cells = np.hstack([columns[table.first_row][pattern], np.eye(len(cuts) + 1)[interval]])
    events, exposure = table.events[pattern, interval], table.exposure[pattern, interval]
    ends = recession(cells, events > 0)
    likelihood = Poisson(cells[ends.kept] @ ends.basis, events[ends.kept], exposure[ends.kept])
    start = np.append(np.zeros(columns.shape[1]), np.full(len(cuts) + 1, math.log(events.sum() / exposure.sum())))
    peak = climb(likelihood, ends.basis.T @ start, "piecewise-exponential model" if len(cuts) else "exponential model")
    return Fitted(ends.basis @ peak.point, ends.basis @ peak.covariance() @ ends.basis.T, peak.value, ends)


def fit_weibull(columns: Floats, rows: Rows, cuts: Floats) -> Fitted:
    """h0(t) = exp(b_j) k t^(k - 1) between the cuts, J - 1 of them (none: a Weibull model), for columns in standard deviations.

    About a reference time inside the data that decorrelates it: the J parameters of the baseline are log H0 of that time, each
    as though its interval were the only one.
    """
    log_reference = float(np.average(np.log(rows.time), weights=rows.weight * rows.event))
    rate = math.log(np.sum(rows.weight * rows.event) / np.sum(rows.weight * (rows.time - rows.entry))) + log_reference
    cells, spells = _spells(columns, rows, cuts)
    log_time = np.log(spells.time) - log_reference
    with np.errstate(divide="ignore"):
        log_entry = np.log(spells.entry) - log_reference
    ends = _weibull_ends(cells, log_time, spells)
    likelihood = WeibullLikelihood(
        cells[ends.kept] @ ends.basis,
        log_time[ends.kept],
        log_entry[ends.kept],
        (spells.weight * spells.event)[ends.kept],
        spells.weight[ends.kept],
        log_reference,
    )
    start = np.append(ends.basis.T @ np.append(np.zeros(columns.shape[1]), np.full(len(cuts) + 1, rate)), 0.0)
    peak = climb(likelihood, start, "Weibull model")
    way = linalg.block_diag(ends.basis, 1.0)
    return Fitted(way @ peak.point, way @ peak.covariance() @ way.T, peak.value, ends, log_reference)


def _spells(columns: Floats, rows: Rows, cuts: Floats) -> tuple[Floats, Rows]:
    """Each row's follow-up split at the cuts, as M rows, and their columns with an indicator of each interval, (M, P + J)."""
    low, high = interval_bounds(cuts)
    entry, time = np.maximum(rows.entry[:, None], low), np.minimum(rows.time[:, None], high)
    row, interval = np.nonzero(time > entry)
    exit_time = time[row, interval]
    event = rows.event[row] * (exit_time == rows.time[row])
    spells = Rows(exit_time, event, entry[row, interval], rows.weight[row])
    return np.hstack([columns[row], np.eye(len(low))[interval]]), spells


def _weibull_ends(cells: Floats, log_time: Floats, rows: Rows) -> Recession:
    """What is finite at a finite shape. Raises FitError where the likelihood rises as the shape does.

    The shape acts through log time, may only rise, and its rise alone raises the density of an event: one more cell.
    """
    died = rows.event > 0
    shape = np.append(np.zeros(cells.shape[1]), -1.0)
    with_shape = recession(np.vstack([np.column_stack([cells, log_time]), shape]), np.append(died, False))
    if not with_shape.kept[-1]:
        raise FitError(
            "the Weibull shape has no finite estimate: in every group the events fall together at the end of follow-up, and the "
            "likelihood rises with the shape for ever. Take an exponential or piecewise model, or one with priors."
        )
    return recession(cells, died)
