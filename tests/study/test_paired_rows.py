"""PFS1 against PFS2 in the table of published numbers: clustered Cox, Cox and the posterior given a frailty, and their edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from around_the_mode import at_the_mode
from scipy import optimize, stats

import bayes_rrmm as br
from bayes_rrmm import against_published
from bayes_rrmm.against_published import published_table
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import cox, shared_frailty
from bayes_rrmm.published_record import Published
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study import PublishedTable, build_table, frequentist_side
from bayes_rrmm.study.paired_rows import WITHIN
from bayes_rrmm.study.row import Row
from bayes_rrmm.study.sources import Source

MARGINAL, GAMMA, LOG_NORMAL = "pfs1 / pfs2", "pfs1 / pfs2, gamma frailty", "pfs1 / pfs2, log-normal frailty"


@pytest.fixture(scope="session")
def against(published: Published) -> Published:
    """The publication with its PFS1 against PFS2 alone."""
    none: dict[str, Any] = {"overall": (), "group_comparison": (), "multivariable_cox": (), "not_reached": ()}
    return published.model_copy(update=none)


def some(synthetic: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """The first sixty patients, whose frailties take no time, with other columns."""
    return synthetic.iloc[:60].reset_index(drop=True).assign(**columns)


def of(table: PublishedTable, quantity: str, group: str = "") -> Row:
    (found,) = (row for row in table.rows if (row.quantity, row.group) == (quantity, group))
    return found


def numbers(data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """1 for the first line, the months, the events and the patients, all first lines before all second lines."""
    time, event = (
        pd.concat([pd.to_numeric(data[f"{line}_{what}"]) for line in ("pfs1", "pfs2")]).to_numpy(float)
        for what in ("months", "event")
    )
    return np.repeat([1.0, 0.0], len(data))[:, None], time, event, np.tile(data["patient"].to_numpy(dtype=str), 2)


def test_the_paired_comparison_is_clustered(table: PublishedTable, synthetic: pd.DataFrame) -> None:
    """PFS1 against PFS2 is Cox on two rows a patient with errors clustered by patient."""
    first, time, event, patients = numbers(synthetic)
    model = cox(first, ["pfs1"], time, event, cluster=patients)
    _, se, lower, upper = model.contrast([1.0])
    found = of(table, "hazard ratio", MARGINAL).frequentist
    assert [found.lower, found.upper] == pytest.approx([math.exp(lower), math.exp(upper)])
    assert f"{se:.3f} clustered by patient" in table.findings[0]


def test_the_stratified_comparison_is_cox_with_a_stratum_a_patient(table: PublishedTable, synthetic: pd.DataFrame) -> None:
    """The standard error within patients is that of the stratified partial likelihood, maximised here pair by pair."""
    first, second = (synthetic[f"{line}_months"].astype(float).to_numpy() for line in ("pfs1", "pfs2"))
    events = [synthetic[f"{line}_event"].astype(float).to_numpy() for line in ("pfs1", "pfs2")]

    def loss(b: float) -> float:
        total = 0.0
        for t1, d1, t2, d2 in zip(first, events[0], second, events[1], strict=True):
            if d1 and d2 and t1 == t2:  # Efron: the two deaths share the risk set
                total += b - np.log(1 + np.exp(b)) - np.log(0.5 * (1 + np.exp(b)))
            elif d1 and t1 <= t2:
                total += b - np.log(1 + np.exp(b))
            elif d2 and t2 <= t1:
                total += -np.log(1 + np.exp(b))
        return -total

    best = optimize.minimize_scalar(loss).x
    curvature = (loss(best + 1e-3) - 2 * loss(best) + loss(best - 1e-3)) / 1e-6
    assert f"has {1 / math.sqrt(curvature):.3f} (hazard ratio {math.exp(best):.3f})" in table.findings[0]


def test_the_published_interval_is_wider_than_its_pairs_allow(
    table: PublishedTable, against: Published, synthetic: pd.DataFrame
) -> None:
    """The abstract's interval of PFS1 against PFS2 is named, with what it implies; one of half the width is not."""
    assert "standard error of 0.150" in table.findings[0]
    assert "about 178 events" in table.findings[0]
    ratio = against.hazard_ratio[0]
    narrow = against.model_copy(update={"hazard_ratio": (ratio.model_copy(update={"ci": (0.86, 1.272), "p": 0.65}),)})
    findings = published_table(some(synthetic), narrow, bayesian=False).findings
    assert findings == ("Each published hazard ratio, interval and p value agree with each other, to rounding.",)


@pytest.fixture(scope="session")
def small(synthetic: pd.DataFrame, against: Published, paired: Analysis) -> PublishedTable:
    """The rows of sixty patients, both ways."""
    return build_table(Source(some(synthetic), "ours", False), against, paired, at_the_mode)


def test_all_three_are_of_the_first_line_to_the_second(small: PublishedTable, synthetic: pd.DataFrame, paired: Analysis) -> None:
    """Given a gamma and a log-normal frailty Cox has the ratio and the variance of a fit with an indicator of the first line, and
    the posterior the ratio of the shipped analysis turned round."""
    first, time, event, patients = numbers(some(synthetic))
    for distribution, group, variance in (
        ("gamma", GAMMA, "variance of the gamma frailty"),
        ("gaussian", LOG_NORMAL, "variance of the log frailty"),
    ):
        model = shared_frailty(first, ["pfs1"], time, event, patients, distribution=distribution)  # type: ignore[arg-type]
        log_hr, _, lower, upper = model.cox.contrast([1.0])
        found = of(small, "hazard ratio", group).frequentist
        assert [found.value, found.lower, found.upper] == pytest.approx(np.exp([log_hr, lower, upper]).tolist(), rel=1e-6)
        assert of(small, variance).frequentist.value == pytest.approx(model.variance, rel=1e-5)
        assert model.variance > 0
    fit = at_the_mode(paired, br.read_cohort(br.paired_lines(some(synthetic)), paired))
    (column,) = fit.plan.encoding.columns
    assert column.name == "line=second"
    posterior = of(small, "hazard ratio", GAMMA).bayesian
    assert [posterior.value, posterior.lower] == pytest.approx(np.quantile(np.exp(-fit.draws["beta"][:, 0]), [0.5, 0.025]).tolist())
    assert of(small, "variance of the gamma frailty").bayesian.value == pytest.approx(np.median(fit.draws["theta"]))


def test_what_is_given_a_frailty_is_another_quantity(table: PublishedTable) -> None:
    """Its rows have no published number and no verdict, the population's ratio is nearer to 1, and the text says all that."""
    marginal, given = of(table, "hazard ratio", MARGINAL), of(table, "hazard ratio", GAMMA)
    assert marginal.verdict(marginal.frequentist).agrees
    assert marginal.bayesian.missing
    for row in table.rows:
        if row.section == WITHIN:
            assert row.published.missing
            assert row.verdict(row.frequentist).agrees is None
            assert row.verdict(row.bayesian).agrees is None
    assert abs(math.log(marginal.frequentist.value)) < abs(math.log(given.frequentist.value))
    text = " ".join(str(table).split())
    assert "(first line / second line)" in text
    assert "(marginal), and is judged" in text
    assert "(conditional), which the Bayesian model has, and is not judged" in text
    assert "P(HR > 1)" in text
    assert "p of the variance 0.240 (half a chi-squared)" in text


def test_nobody_with_an_event_on_a_line(synthetic: pd.DataFrame, against: Published, paired: Analysis) -> None:
    """Where one line has no event Cox has no finite ratio, says so, and the posterior still has one."""
    data = some(synthetic, pfs2_event="0")
    table = build_table(Source(data, "ours", False), against, paired, at_the_mode)
    for group in (MARGINAL, GAMMA, LOG_NORMAL):
        row = of(table, "hazard ratio", group)
        assert row.frequentist.missing
        assert "no finite Cox estimate: first or second has no event" in row.note
    assert of(table, "hazard ratio", GAMMA).bayesian.value > 1
    assert "Empty: hazard ratio pfs1 / pfs2: errors clustered by patient; no finite Cox estimate" in str(table)
    assert table.findings == ("Each published hazard ratio, interval and p value agree with each other, to rounding.",)


def test_a_variance_at_its_edge(synthetic: pd.DataFrame, against: Published, paired: Analysis) -> None:
    """Where the lines of a patient are as unlike as can be, the variance is 0, and the ratio Cox's without frailty and clusters."""
    data = some(synthetic)
    months = pd.to_numeric(data["pfs2_months"])
    long_first = pd.to_numeric(data["pfs1_months"]).rank(method="first", ascending=False).astype(int) - 1
    data = data.assign(pfs2_months=np.sort(months)[long_first].astype(str), pfs2_event="1")
    table = build_table(Source(data, "ours", False), against, paired, None)
    plain = cox(numbers(data)[0], ["pfs1"], *numbers(data)[1:3])
    row, variance = of(table, "hazard ratio", GAMMA), of(table, "variance of the gamma frailty")
    assert (variance.frequentist.value, variance.frequentist.shown("variance")) == (0.0, "0.000")
    log_hr, _, lower, _ = plain.contrast([1.0])
    assert [row.frequentist.value, row.frequentist.lower] == pytest.approx(np.exp([log_hr, lower]).tolist())
    assert "Cox finds variance 0, its edge" in row.note
    assert "Cox finds variance 0, its edge" in " ".join(str(table).split())


def test_the_test_of_the_variance_is_half_a_chi_squared(small: PublishedTable, synthetic: pd.DataFrame) -> None:
    """p of the gamma frailty is half the upper tail of a chi-squared on 1 degree of freedom of twice the gain in log-likelihood."""
    first, time, event, patients = numbers(some(synthetic))
    model = shared_frailty(first, ["pfs1"], time, event, patients)
    p = 0.5 * stats.chi2.sf(2 * (model.log_likelihood - model.log_likelihood_without), 1)
    assert f"p of the variance {p:.3f} " in of(small, "variance of the gamma frailty").note


def test_patients_without_one_of_the_lines(synthetic: pd.DataFrame, against: Published, paired: Analysis) -> None:
    """They have one row each, which Cox takes; they are counted, and only the whole pairs are called pairs."""
    data = some(synthetic)
    data.loc[:9, ["pfs2_months", "pfs2_event"]] = ""
    table = build_table(Source(data, "ours", False), against, paired, None)
    first, time, event, patients = numbers(data)
    there = np.isfinite(time)
    model = shared_frailty(first[there], ["pfs1"], time[there], event[there], patients[there])
    row = of(table, "hazard ratio", GAMMA)
    assert row.frequentist.value == pytest.approx(math.exp(model.cox.contrast([1.0])[0]), rel=1e-6)
    assert "10 patients have one of the lines only" in of(table, "hazard ratio", MARGINAL).note
    wide = against.hazard_ratio[0].model_copy(update={"ci": (0.3, 3.6)})
    widened = against.model_copy(update={"hazard_ratio": (wide,)})
    assert "50 pairs with" in build_table(Source(data, "ours", False), widened, paired, None).findings[-1]
    nobody = some(synthetic, pfs2_months="", pfs2_event="")
    alone = build_table(Source(nobody, "ours", False), against, paired, at_the_mode)
    assert alone.rows[-1].frequentist.missing
    assert "line" in of(alone, "hazard ratio", MARGINAL).note


def test_a_file_without_first_lines(synthetic: pd.DataFrame) -> None:
    """Without the columns of PFS1 its two numbers are left empty with the reason, and every other one is there."""
    data = synthetic.drop(columns=["pfs1_months", "pfs1_event"])
    table = published_table(data, bayesian=False)
    empty = [row for row in table.rows if row.frequentist.missing]
    assert [(row.endpoint, row.quantity, row.group) for row in empty] == [
        ("pfs1", "median", ""), ("", "hazard ratio", MARGINAL), ("", "Wald p", MARGINAL),
    ]  # fmt: skip
    text = " ".join(str(table).split())
    assert "Empty: PFS1 median: the data have no column 'pfs1_months' and no column 'pfs1_event'" in text
    assert "Empty: hazard ratio pfs1 / pfs2: not done: column 'pfs1_months' (months of first-line PFS) is not in the data" in text


def test_a_fit_made_already_is_read(
    synthetic: pd.DataFrame, against: Published, paired: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the fit of the shipped analysis on the same patients nothing is fitted; of other patients it is not taken."""
    fitted: list[str] = []

    def fit(analysis: Analysis, cohort: Cohort, **_: Any) -> Fit:
        fitted.append(analysis.title)
        return at_the_mode(analysis, cohort)

    monkeypatch.setattr(against_published, "fit", fit)
    ours, other = some(synthetic), synthetic.iloc[60:120].reset_index(drop=True)
    made = at_the_mode(paired, br.read_cohort(br.paired_lines(ours), paired))
    known = published_table(ours, against, fits=[made])
    assert fitted == []
    assert of(known, "hazard ratio", GAMMA).bayesian.value == pytest.approx(np.median(np.exp(-made.draws["beta"])))
    published_table(other, against, fits=[made])
    assert fitted == [paired.title]


def test_frailties_that_would_take_minutes_are_left_out(
    synthetic: pd.DataFrame, against: Published, paired: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the most clusters Cox has no frailty, and the row says how to have it; clustered Cox is there all the same."""
    monkeypatch.setattr(frequentist_side, "MOST_CLUSTERS", 59)
    table = build_table(Source(some(synthetic), "ours", False), against, paired, None)
    assert of(table, "hazard ratio", GAMMA).frequentist.missing
    assert "left out for 60 clusters, whose frailties would take minutes" in " ".join(str(table).split())
    assert not of(table, "hazard ratio", MARGINAL).frequentist.missing


def test_a_contrast_without_data(against: Published, synthetic: pd.DataFrame) -> None:
    """Another contrast of the publication has an empty row, which says so."""
    other = against.hazard_ratio[0].model_copy(update={"contrast": "men against women"})
    table = published_table(some(synthetic), against.model_copy(update={"hazard_ratio": (other,)}), bayesian=False)
    assert of(table, "hazard ratio", "men against women").frequentist.missing
    assert "Empty: hazard ratio men against women: no data stand behind this contrast." in str(table)
