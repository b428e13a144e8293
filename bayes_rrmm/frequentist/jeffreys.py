"""Firth's penalised log partial likelihood, and its maximum along given directions.

l(beta) + 1/2 log det I(beta), I the information of l: Jeffreys' prior, which removes the first-order bias of the estimate and
is minus infinity infinitely far out (Firth 1993; Heinze and Schemper 2001, Biometrics 57:114-119).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayes_rrmm.frequentist.moments import Factors
from bayes_rrmm.frequentist.newton import climb
from bayes_rrmm.frequentist.risk_sets import RiskSets
from bayes_rrmm.frequentist.rows import Floats


@dataclass(frozen=True)
class Height:
    """The penalised log-likelihood at `coefficients` (P,): its value, gradient (P,) and minus its second derivatives (P, P).

    `information` (P, P) is that of l alone.
    """

    coefficients: Floats
    value: float
    gradient: Floats
    curvature: Floats
    information: Floats


@dataclass(frozen=True)
class JeffreysLikelihood:
    """The penalised log-likelihood of `columns`, a row a spell, (M, P), with information in every direction."""

    columns: Floats
    sets: RiskSets
    ties: str

    def at(self, coefficients: Floats) -> Height:
        """Value and derivatives at some coefficients (P,); the value is minus infinity where the determinant vanishes.

        With I_l = dI/dbeta_l, A = I^-1: the gradient of the penalty is 1/2 tr(A I_l), and I_l sums the third cumulants of x
        under each factor. Contracted with A they are E[x q] - m E[q] - 2 V A m: m the mean, V the covariance, q = x' A x.
        """
        factors = Factors.of(self.columns, self.sets, coefficients, self.ties)
        # Far out nearly all the weight lies on a few points; from there, small moments are not differences of large ones.
        columns = self.columns - np.average(self.columns, axis=0, weights=factors.relative)
        means = factors.means(columns)
        covariances = factors.covariances(columns, means)
        information = np.einsum("f,fjk->jk", factors.count, covariances)
        sign, log_det = np.linalg.slogdet(information)
        if sign <= 0 or not np.isfinite(log_det):
            return Height(coefficients, -math.inf, np.zeros(len(coefficients)), information, information)
        inverse = np.linalg.inv(information)
        square = np.einsum("mj,jk,mk->m", columns, inverse, columns)
        third = factors.means(columns * square[:, None]) - means * factors.mean(square)[:, None]
        third = third - 2.0 * np.einsum("fjk,fk->fj", covariances, means @ inverse)
        score = (self.sets.weight * self.sets.event) @ columns - factors.count @ means
        value = factors.log_likelihood(self.columns @ coefficients) + 0.5 * float(log_det)
        bend = _penalty_curvature(columns, factors, inverse, means, covariances, third)
        return Height(coefficients, value, score + 0.5 * factors.count @ third, information - bend, information)

    def climb(self, start: Height, directions: Floats) -> Height:
        """The maximum over `start` + `directions` gamma, directions (P, Q). Raises FitError where it is not found."""

        def along(gamma: Floats) -> tuple[float, Floats, Floats]:
            here = self.at(start.coefficients + directions @ gamma)
            return here.value, directions.T @ here.gradient, directions.T @ here.curvature @ directions

        peak = climb(along, np.zeros(directions.shape[1]), "Firth-penalised Cox model")
        return self.at(start.coefficients + directions @ peak.point)


def _penalty_curvature(
    columns: Floats, factors: Factors, inverse: Floats, means: Floats, covariances: Floats, third: Floats
) -> Floats:
    """The second derivatives of 1/2 log det I, (P, P): 1/2 tr(A I_kl) - 1/2 tr(A I_k A I_l).

    I_kl sums the fourth cumulants; contracted with A, and with u = A m, those of a factor are E[(q - 2 u'x) x x'] - m t' - t m'
    + (u'm - tr(A V)) (V + m m') - 2 V A V, t the contracted third ones.
    """
    count, weighted = factors.count, factors.count[:, None] * means
    along = means @ inverse
    totals = factors.totals(np.column_stack([count, count[:, None] * along]))
    square = np.einsum("mj,jk,mk->m", columns, inverse, columns)
    excess = totals[:, 0] * square - 2.0 * np.einsum("mj,mj->m", totals[:, 1:], columns)
    scale = count * (np.einsum("fj,fj->f", along, means) - np.einsum("fjk,jk->f", covariances, inverse))
    crossed = weighted.T @ third
    fourth = (columns * excess[:, None]).T @ columns - crossed - crossed.T
    fourth += np.einsum("f,fjk->jk", scale, covariances) + (means * scale[:, None]).T @ means
    fourth -= 2.0 * np.einsum("f,fja,ab,fbk->jk", count, covariances, inverse, covariances, optimize=True)
    cubes = np.einsum("mj,ma,mb->jab", columns * totals[:, :1], columns, columns, optimize=True)
    shifted = np.einsum("fj,fab->jab", weighted, covariances)
    cubes -= shifted + shifted.transpose(1, 0, 2) + shifted.transpose(1, 2, 0)
    cubes -= np.einsum("fj,fa,fb->jab", weighted, means, means, optimize=True)
    turned = cubes @ inverse
    return np.asarray(0.5 * (fourth - np.einsum("jac,kca->jk", turned, turned)))
