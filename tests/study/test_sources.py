"""The analyses behind the table, and what it takes for the embedded cohort."""

from __future__ import annotations

from bayes_rrmm.read import load_analysis
from bayes_rrmm.study.sources import ADJUSTED_FOR, analysis_of, multivariable_analysis


def test_the_multivariable_analysis_is_the_shipped_one() -> None:
    """Formula, baseline, gaps, references, priors, sampling and endpoint are those of pfs2_pomalidomide: the draws are the same."""
    mine, shipped = multivariable_analysis("pfs2", ADJUSTED_FOR, "marginalise"), load_analysis("pfs2_pomalidomide")
    for part in ("model", "priors", "sampling", "endpoint"):
        assert getattr(mine, part) == getattr(shipped, part), part
    assert {name: variable.reference for name, variable in mine.variables.items()} == {
        name: variable.reference for name, variable in shipped.variables.items()
    }


def test_one_structure_serves_every_endpoint() -> None:
    """Each endpoint has as many cut points, so that one compiled model serves medians, and one all comparisons."""
    cuts = [analysis_of(endpoint).model.cuts for endpoint in ("pfs1", "pfs2", "os")]
    assert {len(points) for points in cuts if isinstance(points, tuple)} == {6}
