"""Pooled effects as dummies, as maximum likelihood takes them: which levels get one, and what these cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from bayes_rrmm.agreement.verdict import Reason
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.encoding import Encoding
from bayes_rrmm.pooled_terms import PooledTerm
from bayes_rrmm.reading.contrasts import Contrast

SAME = 1e-8
"""A column whose part that others do not make is smaller than this share of it is made of them."""


@dataclass(frozen=True)
class Dummies:
    """The dummies of an encoding on rows whose distinct covariates, without gaps, are `patterns`."""

    encoding: Encoding
    patterns: pd.DataFrame

    @cached_property
    def free_levels(self) -> list[int]:
        """Positions of the pooled levels that get a dummy: all but the first of each group, and of two groups crossed the
        cells without the first level of either, as far as the rows without gaps can tell them apart."""
        encoding = self.encoding
        if not any(pooled.is_interaction for pooled in encoding.pooled):
            return [first + index for pooled, first in self._starts for index in range(1, len(pooled.cells))]
        indicators = encoding.indicators(self.patterns)
        basis = np.linalg.qr(np.column_stack([np.ones(len(indicators)), encoding.design(self.patterns)]))[0]
        positions = []
        for pooled, first in sorted(self._starts, key=lambda item: item[0].is_interaction):
            for index, cell in enumerate(pooled.cells):
                if any(level == other for level, other in zip(cell, pooled.cells[0], strict=True)):
                    continue
                column = indicators[:, first + index]
                left = column - basis @ (basis.T @ column)
                left -= basis @ (basis.T @ left)
                if np.linalg.norm(left) > SAME * np.linalg.norm(column):
                    basis = np.column_stack([basis, left / np.linalg.norm(left)])
                    positions.append(first + index)
        return sorted(positions)

    @cached_property
    def _starts(self) -> list[tuple[PooledTerm, int]]:
        """Each pooled term with the position of its first level."""
        sizes = [len(pooled.cells) for pooled in self.encoding.pooled]
        return list(zip(self.encoding.pooled, np.cumsum([0, *sizes])[:-1].tolist(), strict=True))

    @cached_property
    def of_effects(self) -> Floats:
        """What a coefficient, or a pooled effect, adds to each column of the design and, in the last row, to the level of the log
        hazard; shape (P' + 1, P + L)."""
        ones, columns = np.ones((len(self.patterns), 1)), self.encoding.design(self.patterns)
        indicators = self.encoding.indicators(self.patterns)
        whole = np.concatenate([columns, indicators], axis=1)
        return np.asarray(np.linalg.lstsq(np.concatenate([columns, indicators[:, self.free_levels], ones], axis=1), whole)[0])

    @cached_property
    def empty_cells(self) -> list[str]:
        """The cells of pooled interactions that no row without gaps is in."""
        if not any(pooled.is_interaction for pooled in self.encoding.pooled):
            return []
        inside = self.encoding.indicators(self.patterns).any(axis=0)
        return [name for name, some in zip(self.encoding.pooled_levels, inside, strict=True) if not some]

    def why_not_estimable(self, contrast: Contrast) -> list[Reason]:
        """The reason where a contrast is not one of rows that there are, so that the likelihood says nothing of it."""
        if not self.empty_cells:
            return []
        whole = np.concatenate([self.encoding.design(self.patterns), self.encoding.indicators(self.patterns)], axis=1)
        weights = np.concatenate([contrast.columns, contrast.levels])
        spread = whole - whole[:1]
        left = weights - spread.T @ np.linalg.lstsq(spread.T, weights)[0]
        return [Reason("empty-cell", ", ".join(self.empty_cells))] if np.linalg.norm(left) > SAME * np.linalg.norm(weights) else []
