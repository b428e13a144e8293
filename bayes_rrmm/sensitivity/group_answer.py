"""Which side of the threshold each number of a small group's dossier is on, and by more than Monte Carlo error or not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayes_rrmm.sensitivity.group_figures import Row

if TYPE_CHECKING:
    from bayes_rrmm.sensitivity.group_dossier import SmallGroup

ERRORS = 2.0
"""Monte Carlo standard errors within which a probability is at the threshold, and on neither side of it."""

Rows = list[dict[Any, Any]]


def on_side(found: SmallGroup, row: Row) -> float:
    """P(HR on its side of 1)."""
    return float(row["p_below_1"] if found.side == "below" else 1 - row["p_below_1"])


def side_of_threshold(found: SmallGroup, row: Row) -> int:
    """1 where the probability reaches the threshold, -1 where it does not, 0 where Monte Carlo error does not let it tell."""
    gap = on_side(found, row) - found.threshold
    return 0 if abs(gap) <= ERRORS * row["p_error"] else int(math.copysign(1, gap))


def counts(row: Row) -> bool:
    """Whether there is a number, from a refit that passed or from weights that can be trusted."""
    return bool(row["passed"]) and not math.isnan(row["hr"])


def asked(found: SmallGroup) -> str:
    """The probability that is asked about."""
    return f"P(HR {'<' if found.side == 'below' else '>'} 1)"


@dataclass(frozen=True)
class Answer:
    """`analysed` is the side of the threshold as analysed, 1, -1 or 0; `priors` are the rows of the grid that count, `changed` the
    group's patients left out and flipped, `failed` how many of those count for nothing, `others` the patients outside left out."""

    found: SmallGroup
    analysed: int
    priors: Rows
    changed: Rows
    failed: int
    others: Rows

    @property
    def yes(self) -> bool:
        """Whether the probability as analysed reaches the threshold."""
        own = self.found.analysed
        return on_side(self.found, {"p_below_1": own.p_below_1}) >= self.found.threshold

    def turned(self, rows: Rows) -> Rows:
        """The rows on the other side of the threshold than the analysis, by more than Monte Carlo error."""
        other = -1 if self.yes else 1
        return [row for row in rows if side_of_threshold(self.found, row) == other]

    def priors_on(self, side: int) -> list[str]:
        """The names of the priors on a side of the threshold."""
        return [str(row["prior"]) for row in self.priors if side_of_threshold(self.found, row) == side]

    def is_opposed(self, name: str) -> bool:
        """Whether a prior is centred on the other side of 1 than the answer: one that expects the opposite."""
        (centre,) = (row["centre"] for row in self.priors if row["prior"] == name)
        return bool(centre > 1 if self.found.side == "below" else centre < 1)


def answer_of(found: SmallGroup) -> Answer:
    """The answer with all that may turn it."""
    own = found.analysed
    analysed = side_of_threshold(found, {"p_below_1": own.p_below_1, "p_error": own.p_error})
    left_out = found.left_out.to_dict("records")
    inside = [row for row in left_out if row["in_group"]] + found.flipped.to_dict("records")
    changed = [row for row in inside if counts(row)]
    others = [row for row in left_out if not row["in_group"] and counts(row)]
    priors = [row for row in found.priors.to_dict("records") if counts(row)]
    return Answer(found, analysed, priors, changed, len(inside) - len(changed), others)


def side_of(curve: pd.DataFrame, log_mean: float) -> str:
    """The side of 1 on which the ratio is under the widest prior whose refit passed; as analysed where none did."""
    known = curve[curve["passed"].astype(bool) & curve["log_mean"].notna()]
    return "below" if (known["log_mean"].iloc[-1] if len(known) else log_mean) <= 0 else "above"
