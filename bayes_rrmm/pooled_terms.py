"""Terms whose effects are exchangeable: the groups of one variable, or the cells of two crossed, and their names.

A cell is named by its levels in the order of the term, with a comma between: `regimen:extramedullary=daratumumab,yes`. A comma or
a backslash inside a level has a backslash before it, so that `cell_of` undoes `cell_name`. Source: STATISTICS, section 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from bayes_rrmm.errors import AnalysisError, DataError
from bayes_rrmm.specification.analysis import Pooling
from bayes_rrmm.specification.formula import Term


@dataclass(frozen=True)
class PooledTerm:
    """A term of exchangeable effects, none of which is a reference in the model.

    `variables` are its one or two groups, and `cells` the levels of these that each effect is of: of two groups every
    combination, the last varying fastest, also those that no row has. `pooling` is pooled (one normal distribution of
    unknown spread) or horseshoe (most effects next to nothing, a few not).
    """

    term: str
    variables: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    pooling: Pooling = "pooled"

    @property
    def levels(self) -> tuple[str, ...]:
        """The name of each effect within the term: a level, or the levels of a cell."""
        return tuple(cell_name(cell) for cell in self.cells)

    @property
    def is_interaction(self) -> bool:
        """Whether the effects are of cells, beside the main effects of both groups."""
        return len(self.variables) > 1

    @property
    def is_horseshoe(self) -> bool:
        """Whether most effects are taken to be next to nothing."""
        return self.pooling == "horseshoe"

    @classmethod
    def from_record(cls, item: Mapping[str, Any]) -> PooledTerm:
        """The term that JSON gave back; that of an older version knew the groups of one variable only."""
        if "cells" not in item:
            return cls(item["term"], (item["term"],), tuple((level,) for level in item["levels"]))
        return cls(item["term"], tuple(item["variables"]), tuple(tuple(cell) for cell in item["cells"]), item["pooling"])


def cell_name(cell: tuple[str, ...]) -> str:
    """The levels with a comma between; the level itself where there is one."""
    if len(cell) == 1:
        return cell[0]
    return ",".join(re.sub(r"([\\,])", r"\\\1", level) for level in cell)


def cell_of(name: str) -> tuple[str, ...]:
    """The levels of a cell from its name."""
    return tuple(re.sub(r"\\([\\,])", r"\1", part) for part in re.findall(r"(?:^|,)((?:\\.|[^,\\])*)", name))


def pooled_term(term: Term, levels: Mapping[str, tuple[str, ...]], pooling: Pooling) -> PooledTerm:
    """The pooled effects of a term, `levels` being those of each group of the formula.

    Raises AnalysisError for a continuous covariate, DataError where there are too few groups to learn a spread from.
    """
    for variable in term.variables:
        if variable not in levels:
            raise AnalysisError(
                f"[model] effects: {variable!r}{'' if term.is_variable else f' of {term.name!r}'} is continuous, "
                "and only groups can be pooled; leave it independent."
            )
    if term.is_variable:
        groups = levels[term.variables[0]]
        if len(groups) < 3:
            raise DataError(
                f"[model] effects: {term.name!r} has {len(groups)} groups, and pooling fewer than 3 is refused "
                "(their spread cannot be learnt); leave its effects independent."
            )
        return PooledTerm(term.name, term.variables, tuple((level,) for level in groups), pooling)
    first, second = (levels[variable] for variable in term.variables)
    if len(first) == len(second) == 2:
        raise DataError(
            f"[model] effects: {term.name!r} crosses 2 groups with 2, beside whose main effects one number is left, and its spread "
            "cannot be learnt; leave its effects independent."
        )
    return PooledTerm(term.name, term.variables, tuple(product(first, second)), pooling)
