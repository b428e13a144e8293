"""What the hazard ratios of a publication support, as tables, text and a page."""

from __future__ import annotations

import html
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bayes_rrmm.evidence.contrast import Contrast
from bayes_rrmm.evidence.pooling import Pooled
from bayes_rrmm.evidence.text import evidence_text
from bayes_rrmm.evidence.words import conclusion

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class PublishedEvidence:
    """The contrasts in the order of the publication, those pooled, what is odd in the numbers, and conventions.

    `alternative` is the hazard ratio that sceptic and enthusiast disagree on, `threshold` the probability asked for, `below` the
    hazard ratio of the second probability.
    """

    title: str
    contrasts: tuple[Contrast, ...]
    pools: tuple[Pooled, ...]
    findings: tuple[str, ...]
    notes: tuple[str, ...]
    alternative: float
    threshold: float
    below: float

    @property
    def conclusions(self) -> dict[str, str]:
        """One or two plain sentences a contrast."""
        return {contrast.about: conclusion(contrast) for contrast in self.contrasts}

    def to_dataframe(self) -> pd.DataFrame:
        """A row a contrast and prior; hazard ratios on their own scale, `se`, sds and names with `log` on the log scale."""
        import pandas as pd  # noqa: PLC0415  # takes longer to import than everything else here

        return pd.DataFrame([row for contrast in self.contrasts for row in contrast.rows()]).assign(below=self.below)

    def pooled_dataframe(self) -> pd.DataFrame:
        """A row a quantity of each pooling: method, quantity, value and 95 % interval."""
        import pandas as pd  # noqa: PLC0415

        return pd.DataFrame([row for number, pooled in enumerate(self.pools, 1) for row in _pooled_rows(number, pooled)])

    def record(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        contrasts = []
        for contrast in self.contrasts:
            rows = contrast.rows()
            shared = {key: rows[0][key] for key in list(rows[0])[: list(rows[0]).index("prior")]}
            own = [{key: value for key, value in row.items() if key not in shared} for row in rows]
            words = {"credibility": contrast.limit_words, "conclusion": conclusion(contrast)}
            contrasts.append({**shared, "priors": own, "problems": list(contrast.problems), **words})
        return {
            "title": self.title,
            "alternative": self.alternative,
            "threshold": self.threshold,
            "below": self.below,
            "contrasts": contrasts,
            "pooled": [asdict(pooled) for pooled in self.pools],
            "findings": list(self.findings),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return evidence_text(self.title, self.contrasts, self.pools, self.findings, self.notes, self.below)

    def _repr_html_(self) -> str:
        columns = ["contrast", "hr", "lower", "upper", "se", "p_recovered", "events_if_even", "prior", "posterior_hr"]
        columns += ["posterior_lower", "posterior_upper", "p_below_1", "prior_share", "limit_kind", "limit_text", "credible"]
        tables = self.to_dataframe()[columns].round(3).to_html(index=False) if self.contrasts else ""
        if self.pools:
            tables += self.pooled_dataframe().round(3).to_html(index=False)
        said = [f"{about}: {text}" for about, text in self.conclusions.items()]
        said += [pooled.warning for pooled in self.pools]
        remarks = "<br>".join(html.escape(text) for text in (*said, *self.findings, *self.notes))
        return f"<p>{html.escape(self.title)}</p>{tables}<p>{remarks}</p>"


def _pooled_rows(number: int, pooled: Pooled) -> list[dict[str, Any]]:
    bayes, other = "normal-normal, tau ~ HalfNormal(0.5)", pooled.classical
    ratios = [
        (bayes, "pooled hazard ratio", "", pooled.mean),
        (bayes, "hazard ratio of a further contrast", "", pooled.predicted),
        *((bayes, "shrunken hazard ratio", item.about, item.pooled) for item in pooled.shrunken),
        ("inverse variance, fixed effect", "pooled hazard ratio", "", other.fixed),
        ("inverse variance, fully correlated", "pooled hazard ratio", "", other.dependent),
        ("DerSimonian-Laird", "pooled hazard ratio", "", other.random),
    ]
    plain = [
        (bayes, "tau", pooled.tau, pooled.tau_lower, pooled.tau_upper),
        (bayes, "P(pooled HR < 1)", pooled.p_below_1, None, None),
        (bayes, "P(HR of a further contrast < 1)", pooled.p_predicted_below_1, None, None),
        ("DerSimonian-Laird", "tau", other.tau, None, None),
        ("DerSimonian-Laird", "Q", other.q, None, None),
        ("DerSimonian-Laird", "I2", other.i2, None, None),
    ]
    of = "; ".join(pooled.names)
    columns = ("pool", "of", "method", "quantity", "contrast", "value", "lower", "upper")
    rows = [(number, of, *labels, ratio.hr, ratio.lower, ratio.upper) for *labels, ratio in ratios]
    rows += [(number, of, method, what, "", *values) for method, what, *values in plain]
    return [dict(zip(columns, row, strict=True)) for row in rows]
