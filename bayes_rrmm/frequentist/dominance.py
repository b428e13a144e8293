"""How much weight lies below in one coordinate and not below in another: counted for many points at once."""

from __future__ import annotations

import numpy as np

from bayes_rrmm.frequentist.risk_sets import Integers
from bayes_rrmm.frequentist.rows import Floats


def weight_dominating(codes: Integers, values: Floats, weight: Floats, below: Integers, least: Floats) -> Floats:
    """For each question q, the weight of the points with code < below[q] and value >= least[q]; shape (Q,).

    `codes` are whole numbers from 0, and `codes`, `values` and `weight` have shape (N,), `below` and `least` (Q,). Time grows
    as (N + Q) log N: the points are sorted by value and split by one binary digit of the code after the other, from the
    highest (a wavelet tree; Grossi, Gupta and Vitter 2003).
    """
    order = np.argsort(-values, kind="stable")
    code, held = codes[order].astype(np.int64), weight[order]
    first = np.zeros(len(below), dtype=np.int64)
    last = np.searchsorted(-values[order], -least, side="right").astype(np.int64)
    found = np.zeros(len(below))
    for digit in reversed(range(int(np.max(code, initial=0) + 1).bit_length())):
        one = (code >> digit) & 1
        zeros = np.append(0, np.cumsum(1 - one))
        weight_of_zeros = np.append(0.0, np.cumsum(held * (1 - one)))
        high = ((below >> digit) & 1).astype(bool)
        found += np.where(high, weight_of_zeros[last] - weight_of_zeros[first], 0.0)
        first, last = (np.where(high, zeros[-1] + at - zeros[at], zeros[at]) for at in (first, last))
        split = np.argsort(one, kind="stable")
        code, held = code[split], held[split]
    return found
