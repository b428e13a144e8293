"""What power-scaling found, as a record: its table, and where it ends up."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

import pandas as pd

CONFLICT = "prior-data conflict"
STRONG = "strong prior, weak data"
CANCEL = "parts of the prior cancel"
DATA = "data felt, prior not"
NEITHER = "neither is felt"
NOT_COMPUTED = "not computed"

MEANING = {
    CONFLICT: "prior and data both move it, mostly since they ask for different values and the answer lies between: under a "
    "prior centred at no effect, shrinkage towards it. Meant so where the prior was stated to be informative; elsewhere look at "
    "what it claims",
    STRONG: "the prior moves it and the data hardly do: few events are behind it, or the prior is narrow beside them; report it "
    "with its prior, and with the answer under others",
    CANCEL: "the prior as a whole does not move it, but a part of it alone does, and another pulls back",
    DATA: "a prior somewhat stronger or weaker leaves it as it is",
    NEITHER: "neither reaches the threshold: prior and data agree and share it, or it is all but certain",
    NOT_COMPUTED: "no distance between its draws has a meaning",
}
"""Each diagnosis in a sentence; after Kallioinen et al. (2024), Table 1."""

SCALED_COLUMNS = [
    "median", "lower", "upper", "prob", "p_not_reached", "scale", "prior", "likelihood", "prior_effects", "prior_baseline",
    "prior_frailty", "prior_covariates", "shift_prior", "shift_likelihood", "diagnosis", "flagged", "reason",
    "median_half", "lower_half", "upper_half", "median_twice", "lower_twice", "upper_twice",
]  # fmt: skip


@dataclass(frozen=True, repr=False)
class PowerScaling:
    """`table` has a row an estimand, with the labels of estimates.csv and the columns below; `moved` one for each component of
    the prior and each power, 0.5 and 2, with the median and limits there and Pareto k.

    `prior` and `likelihood` are sensitivities, per doubling; `prior_effects`, `prior_baseline`, `prior_frailty` and
    `prior_covariates` those to one part of the prior, NaN where the model has no such part. `shift_prior` and
    `shift_likelihood` say how far the mean moves, to first order, for a doubling, in posterior sds. `median_half` and so on are the
    answer were the prior half, or twice, as strong (its density to the power 0.5 or 2): NaN where Pareto k is above 0.7
    and only a refit can tell. Ratios and medians are measured on the log scale (`scale`). `parts` names the parameters of
    each part, `near_k` is the largest Pareto k behind the sensitivities, `noise` what a quantity that has nothing to do with a
    component would show, on average; `improper` are the components that have no finite integral half as strong, such as a
    half-Cauchy, whose Pareto k is then infinite. All intervals are equal-tailed.
    """

    title: str
    table: pd.DataFrame
    moved: pd.DataFrame
    threshold: float
    prob: float
    draws: int
    parts: dict[str, tuple[str, ...]]
    pareto_k: dict[str, dict[str, float]]
    near_k: float
    noise: dict[str, float]
    improper: tuple[str, ...] = ()
    mark: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether no estimand feels the prior. One that does is no fault: the answer is then to be read with its prior."""
        return not bool(self.table["flagged"].any())

    @property
    def flagged(self) -> pd.DataFrame:
        """The rows of the estimands that feel the prior, the most sensitive first."""
        return self.table[self.table["flagged"].astype(bool)].sort_values("prior", ascending=False)

    @property
    def conclusion(self) -> str:
        """What the sensitivities say together."""
        from bayes_rrmm.sensitivity.power_scaling_text import scaling_conclusion  # noqa: PLC0415  # the words are about this record

        return scaling_conclusion(self)

    def to_dataframe(self) -> pd.DataFrame:
        """The table."""
        return self.table

    def __str__(self) -> str:
        from bayes_rrmm.sensitivity.power_scaling_text import scaling_lines  # noqa: PLC0415  # likewise

        return "\n".join(scaling_lines(self))

    def _repr_html_(self) -> str:
        from bayes_rrmm.sensitivity.power_scaling_text import scaling_sheet  # noqa: PLC0415  # likewise

        mark = f"<p><strong>{html.escape(self.mark)}</strong></p>" if self.mark else ""
        heading = f"<p>{html.escape(self.title)}: power-scaling of prior and likelihood</p><p>{html.escape(self.conclusion)}</p>"
        return f"{mark}{heading}{scaling_sheet(self).to_html(index=False)}"
