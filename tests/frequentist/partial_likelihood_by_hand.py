"""A Cox partial likelihood written out, factor by factor and patient by patient; nothing of the package is used."""

from __future__ import annotations

import itertools
import math

import numpy as np


def factors(design, time, event, entry=None, weight=None, strata=None, ties="breslow"):
    """A factor a death: the columns of who dies, those of all at risk, and how much each counts as being at risk; its time.

    A row of weight w is written out as w patients. At d tied deaths Efron's k-th factor, k = 0 .. d - 1, counts those who
    die there 1 - k / d each, and for the one who dies takes the mean of the d.
    """
    copies = np.repeat(np.arange(len(time)), 1 if weight is None else np.asarray(weight).astype(int))
    design, time, event = np.asarray(design, float)[copies], np.asarray(time, float)[copies], np.asarray(event)[copies]
    entry = np.zeros(len(time)) if entry is None else np.asarray(entry, float)[copies]
    strata = np.zeros(len(time)) if strata is None else np.asarray(strata)[copies]
    found = []
    for stratum in np.unique(strata):
        for t in np.unique(time[(event == 1) & (strata == stratum)]):
            there = (strata == stratum) & (time >= t) & ((entry < t) | (entry == 0))
            dying = there & (time == t) & (event == 1)
            deaths = int(dying.sum())
            for k in range(deaths):
                share = np.where(dying, 1 - k / deaths, 1.0) if ties == "efron" else np.ones(len(time))
                found.append((design[dying].mean(axis=0), design[there], share[there], t))
    return found


def log_likelihood(beta, found):
    return sum(dead @ beta - math.log(np.sum(share * np.exp(members @ beta))) for dead, members, share, _ in found)


def score_and_information(beta, found):
    size = len(beta)
    score, information = np.zeros(size), np.zeros((size, size))
    for dead, members, share, _ in found:
        probability = share * np.exp(members @ beta)
        probability = probability / probability.sum()
        mean = probability @ members
        score += dead - mean
        information += (members - mean).T @ np.diag(probability) @ (members - mean)
    return score, information


def determinant(matrix):
    """Leibniz's formula: the sum over permutations."""
    size = len(matrix)
    total = 0.0
    for order in itertools.permutations(range(size)):
        inversions = sum(order[i] > order[j] for i in range(size) for j in range(i + 1, size))
        total += (-1) ** inversions * math.prod(matrix[i][order[i]] for i in range(size))
    return total


def penalised(beta, found):
    """Firth's: the log-likelihood plus half the log of the determinant of its information."""
    return log_likelihood(beta, found) + 0.5 * math.log(determinant(score_and_information(beta, found)[1]))


def drift_statistic(beta, found, clock, tested):
    """The score statistic of the columns `tested` times clock(t), added to a model whose maximum is `beta`."""
    extended = [
        (np.append(dead, clock(t) * dead[tested]), np.hstack([members, clock(t) * members[:, tested]]), share, t)
        for dead, members, share, t in found
    ]
    score, information = score_and_information(np.append(beta, np.zeros(len(tested))), extended)
    score[: len(beta)] = 0.0
    return score @ np.linalg.solve(information, score)


def kaplan_meier_before(t, time, event, entry, weight):
    """S(t-), all rows together."""
    survival = 1.0
    for s in np.unique(time[event == 1]):
        if s < t:
            there = (time >= s) & ((entry < s) | (entry == 0))
            survival *= 1 - np.sum(weight[(time == s) & (event == 1)]) / np.sum(weight[there])
    return survival
