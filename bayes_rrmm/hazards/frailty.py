"""The likelihood of a cluster whose rows share a factor w on the hazard, w integrated out. Source: STATISTICS, section 2.

A cluster is known by its number of events D, its cumulative hazard while at risk L = sum_i (H_i(t_i) - H_i(e_i)), and the
cumulative hazard A that its subjects had survived before they came under observation (0 without delayed entry), both at
w = 1. Given w its likelihood is w^D exp(-w L) prod_i h_i^d_i; those who enter late are there because they survived, so w
averages over its distribution given that: E[w^D exp(-w (A + L))] / E[exp(-w A)]. The product of hazards is left out here.
Truncation of whole clusters: Rodriguez-Girondo, Deelen, Slagboom and Houwing-Duistermaat, Stat Methods Med Res 2018;27:920.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from bayes_rrmm.hazards.base import Floats

NODES = 40
"""Gauss-Hermite nodes of the log-normal integral: its logarithm is exact to 1e-10 while tau <= 1, to 1e-4 at tau = 3."""


def gamma_log_likelihood(theta: Floats, events: Floats, hazard: Floats, before: Floats) -> Floats:
    """log E[w^D exp(-w (A + L))] - log E[exp(-w A)] for w gamma with mean 1 and variance theta; shape (S, U).

    `theta` has shape (S,); events D (whole numbers) has shape (U,), hazard L and before A (S, U). In closed form
    sum_{j<D} log(1 + j theta) - (1/theta + D) log(1 + theta (A + L)) + log(1 + theta A) / theta (Klein 1992; the first sum
    is log Gamma(1/theta + D) - log Gamma(1/theta) + D log theta, without its cancellation as theta goes to 0).
    """
    theta = theta[:, None]
    counts = events.astype(np.int64)
    steps = np.maximum(np.arange(counts.max(initial=0) + 1) - 1, 0)
    rising = np.cumsum(np.log1p(theta * steps), axis=1)[:, counts]
    at_end = np.log1p(theta * (before + hazard))
    return np.asarray(rising - (1.0 / theta + counts) * at_end + np.log1p(theta * before) / theta)


def lognormal_log_likelihood(tau: Floats, events: Floats, hazard: Floats, before: Floats) -> Floats:
    """The same for log w normal with mean 0 and sd tau, of shape (S,): `lognormal_log_moment` at A + L, less that at A."""
    shifted = lognormal_log_moment(tau, events, before + hazard)
    return shifted - lognormal_log_moment(tau, np.zeros_like(events), before) if np.any(before > 0) else shifted


def lognormal_log_moment(tau: Floats, events: Floats, hazard: Floats) -> Floats:
    """log E[w^D exp(-w L)], log w ~ Normal(0, tau); tau of shape (S,), events D (U,), hazard L (S, U); shape (S, U).

    Gauss-Hermite quadrature centred at the mode of the integrand in u = log w, scaled by its curvature there (Liu and
    Pierce, Biometrika 1994;81:624). The mode solves D - L exp(u) = u / tau^2: u = D tau^2 - omega(log(L tau^2) + D tau^2),
    omega Wright's function (Corless and Jeffrey 2002).
    """
    variance = tau[:, None] ** 2
    with np.errstate(divide="ignore"):
        mode = events * variance - special.wrightomega(np.log(hazard * variance) + events * variance)

    def exponent(u: Floats) -> Floats:
        return np.asarray(events * u - hazard * np.exp(u) - u**2 / (2.0 * variance))

    top = exponent(mode)
    scale = np.sqrt(2.0 / (hazard * np.exp(mode) + 1.0 / variance))
    nodes, weights = special.roots_hermite(NODES)
    total = np.zeros_like(top)
    for node, weight in zip(nodes, weights * np.exp(nodes**2), strict=True):
        total += weight * np.exp(exponent(mode + scale * node) - top)
    return np.asarray(top + np.log(total * scale / np.sqrt(2.0 * np.pi * variance)))
