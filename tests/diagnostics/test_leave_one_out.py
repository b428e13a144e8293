"""Leave-one-out: ArviZ's numbers, exact ones where they are known, weights, identical rows, blocks, and subjects."""

from __future__ import annotations

import dataclasses
import math
import warnings

import arviz as az
import fits
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_rrmm.cohort import build_cohort
from bayes_rrmm.diagnostics import LeaveOneOut, leave_one_out
from bayes_rrmm.errors import FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.model_checks import cross_validation, loo, parameters_table
from bayes_rrmm.model_checks.cross_validation import loo_table

ROWS = 60


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    """Sixty rows of which some are identical, with weights."""
    rng = np.random.default_rng(31)
    time = np.round(rng.exponential(20, ROWS) + 0.5)
    event, count = rng.integers(0, 2, ROWS), rng.integers(1, 4, ROWS)
    return pd.DataFrame({"time": time, "event": event, "group": ["a", "b"] * 30, "count": count})


def fit_of(frame: pd.DataFrame, endpoint: str = "") -> Fit:
    cohort, plan = fits.cohort_and_plan(frame, "group", endpoint=endpoint)
    return fits.laplace_fit(plan, cohort)


@pytest.fixture(scope="module")
def fit(patients: pd.DataFrame) -> Fit:
    return fit_of(patients)


@pytest.fixture(scope="module")
def normal() -> tuple[np.ndarray, np.ndarray]:
    """Thirty observations of Normal(mu, 1), mu flat, and the log-likelihood of 4 x 1000 draws from the exact posterior."""
    rng = np.random.default_rng(32)
    observed = rng.normal(1.0, 1.0, 30)
    mu = rng.normal(observed.mean(), 1 / math.sqrt(30), (4, 1000, 1))
    return observed, -0.5 * (observed - mu) ** 2 - 0.5 * math.log(2 * math.pi)


def arviz_loo(log_likelihood: np.ndarray, efficiency: float) -> az.ELPDData:
    dims = ("chain", "draw", "row")
    groups = {
        "posterior": xr.Dataset({"none": (dims[:2], np.zeros(log_likelihood.shape[:2]))}),
        "log_likelihood": xr.Dataset({"y": (dims, log_likelihood)}),
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto distribution", category=UserWarning)
        return az.loo(xr.DataTree.from_dict(groups), pointwise=True, reff=efficiency)


@pytest.mark.parametrize("efficiency", [1.0, 0.5])
def test_arviz_agrees(efficiency: float, normal: tuple[np.ndarray, np.ndarray]) -> None:
    """elpd, its standard error, Pareto k and the effective parameters equal ArviZ's on the same log-likelihood."""
    _, log_likelihood = normal
    elpd, k, p = leave_one_out([log_likelihood], efficiency)
    ours, theirs = LeaveOneOut(elpd, k, p, np.ones(30), "row"), arviz_loo(log_likelihood, efficiency)
    np.testing.assert_allclose(ours.elpd_i, theirs.elpd_i.to_numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.pareto_k, theirs.pareto_k.to_numpy(), rtol=1e-12)
    assert ours.elpd == pytest.approx(theirs.elpd, rel=1e-12)
    assert ours.se == pytest.approx(theirs.se, rel=1e-12)
    assert ours.p_loo == pytest.approx(theirs.p, rel=1e-12)


def test_the_exact_answer_is_near(normal: tuple[np.ndarray, np.ndarray]) -> None:
    """For a normal mean each observation's density given the others is known: Normal(their mean, 1 + 1/29)."""
    observed, log_likelihood = normal
    elpd, _, _ = leave_one_out([log_likelihood])
    others = (observed.sum() - observed) / 29
    variance = 1 + 1 / 29
    exact = -0.5 * (observed - others) ** 2 / variance - 0.5 * math.log(2 * math.pi * variance)
    np.testing.assert_allclose(elpd, exact, atol=0.01)


def test_blocks_change_nothing(normal: tuple[np.ndarray, np.ndarray]) -> None:
    """The units may come in blocks of any size: the answers are the same, in the same order."""
    _, log_likelihood = normal
    whole = leave_one_out([log_likelihood])
    parts = leave_one_out(iter([log_likelihood[:, :, :7], log_likelihood[:, :, 7:8], log_likelihood[:, :, 8:]]))
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_fit_is_left_out_row_by_row(fit: Fit) -> None:
    """Of a fit, each row's term equals ArviZ's on the pointwise log-likelihood, with the worst parameter's efficiency."""
    pointwise = fit.log_likelihood(fit.cohort).reshape(*fit.shape, ROWS)
    efficiency = min(1.0, parameters_table(fit)["ess_bulk"].min() / (fit.shape[0] * fit.shape[1]))
    theirs, ours = arviz_loo(pointwise, efficiency), loo(fit)
    np.testing.assert_allclose(ours.elpd_i, theirs.elpd_i.to_numpy(), rtol=1e-10)
    np.testing.assert_allclose(ours.pareto_k, theirs.pareto_k.to_numpy(), rtol=1e-8)
    assert (ours.elpd, ours.se, ours.p_loo) == pytest.approx((theirs.elpd, theirs.se, theirs.p), rel=1e-10)
    assert (ours.unit, ours.count.sum()) == ("row", ROWS)


def test_identical_rows_are_computed_once(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows alike in outcome and covariates are computed once and counted as often as they occur."""
    computed = []

    def counting(blocks, efficiency):
        kept = list(blocks)
        computed.append(sum(block.shape[2] for block in kept))
        return leave_one_out(kept, efficiency)

    monkeypatch.setattr(cross_validation, "leave_one_out", counting)
    result = loo(fit)
    distinct = len(fit.cohort.to_frame().drop_duplicates())
    assert computed == [distinct]
    assert distinct < ROWS == len(result.elpd_i)


@pytest.mark.parametrize("block", [1, 5_000, 40_000])
def test_memory_is_bounded_without_changing_the_answer(block: int, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log-likelihood is made in blocks of bounded size, whose size changes nothing."""
    whole = loo(fit)
    monkeypatch.setattr(cross_validation, "BLOCK", block)
    again = loo(fit)
    np.testing.assert_allclose(again.elpd_i, whole.elpd_i, rtol=1e-12)
    np.testing.assert_allclose(again.pareto_k, whole.pareto_k, rtol=1e-12)


def test_a_row_of_weight_w_is_w_patients(patients: pd.DataFrame) -> None:
    """A row of weight w counts w times its own term, each of its patients left out alone: as if written w times."""
    weighted = fit_of(patients, 'weight = "count"')
    repeated = patients.loc[np.repeat(patients.index, patients["count"])].drop(columns="count")
    _, plan = fits.cohort_and_plan(repeated, "group")
    cohort = build_cohort(repeated, plan.analysis)
    long = fits.fit_with(dataclasses.replace(weighted.plan, analysis=plan.analysis), cohort, dict(weighted.draws))
    one, each = loo(weighted), loo(long)
    assert len(one.elpd_i) == ROWS
    np.testing.assert_allclose(np.repeat(one.elpd_i, patients["count"]), each.elpd_i, rtol=1e-10)
    assert (one.elpd, one.se, one.p_loo) == pytest.approx((each.elpd, each.se, each.p_loo), rel=1e-10)
    assert one.elpd == pytest.approx(float(patients["count"] @ one.elpd_i))
    assert loo_table(one)["units"].item() == patients["count"].sum()


@pytest.fixture(scope="module")
def spells() -> Fit:
    """Forty subjects, every second one in two spells, in any order; rows 1 to 60."""
    rng = np.random.default_rng(33)
    rows = []
    for subject in range(40):
        end, event, group = rng.exponential(20) + 1.0, int(rng.integers(0, 2)), "ab"[subject % 4 // 2]
        if subject % 2:
            rows.append((f"S{subject:02d}", 0.0, end / 2, 0, group))
        rows.append((f"S{subject:02d}", end / 2 if subject % 2 else 0.0, end, event, group))
    frame = pd.DataFrame(rows, columns=["pid", "start", "time", "event", "group"]).sample(frac=1, random_state=1)
    return fit_of(frame, 'entry = "start"\nid = "pid"')


def test_a_subject_is_left_out_with_all_spells(spells: Fit) -> None:
    """Where rows are spells of subjects the unit is the subject: its spells' log-likelihoods are summed."""
    pointwise = pd.DataFrame(spells.log_likelihood(spells.cohort).T).groupby(spells.cohort.id).sum()
    efficiency = min(1.0, parameters_table(spells)["ess_bulk"].min() / (spells.shape[0] * spells.shape[1]))
    theirs = arviz_loo(pointwise.to_numpy().T.reshape(*spells.shape, 40), efficiency)
    ours = loo(spells)
    assert (ours.unit, len(ours.elpd_i)) == ("subject", 40)
    np.testing.assert_allclose(ours.elpd_i, theirs.elpd_i.to_numpy(), rtol=1e-10)
    assert ours.elpd == pytest.approx(theirs.elpd, rel=1e-10)


def test_subjects_come_in_blocks_too(spells: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block never parts the spells of one subject."""
    whole = loo(spells)
    monkeypatch.setattr(cross_validation, "BLOCK", 3 * spells.shape[0] * spells.shape[1])
    np.testing.assert_allclose(loo(spells).elpd_i, whole.elpd_i, rtol=1e-12)


def test_subjects_need_their_ids(spells: Fit) -> None:
    """Without ids, which a run folder does not keep, spells are not silently left out one by one."""
    anonymous = dataclasses.replace(spells, cohort=dataclasses.replace(spells.cohort, id=None))
    with pytest.raises(FitError, match="leave-one-out by subject needs ids"):
        loo(anonymous)
    assert loo(anonymous, spells.cohort).elpd == loo(spells).elpd


def test_rows_are_needed(fit: Fit) -> None:
    """A fit saved without rows says that it needs them, and takes them."""
    bare = dataclasses.replace(fit, cohort=None)
    with pytest.raises(FitError, match="leave-one-out needs the analysed rows"):
        loo(bare)
    assert loo(bare, fit.cohort).elpd == loo(fit).elpd


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_a_unit_that_decides_alone_is_flagged(spread: float) -> None:
    """Pareto k above 0.7 is counted, by weight, also where it is too large to be computed; the table gives the largest."""
    rng = np.random.default_rng(34)
    usual = rng.normal(-1.0, 0.1, (4, 500, 3))
    extreme = -np.exp(rng.normal(2.0, spread, (4, 500, 1)))
    elpd, k, p = leave_one_out([np.concatenate([usual, extreme], axis=2)])
    result = LeaveOneOut(elpd, k, p, np.array([1.0, 1.0, 1.0, 3.0]), "row")
    assert k[3] > 0.7 > k[:3].max()
    assert result.n_high_k == 3
    table = loo_table(result)
    assert table.columns.tolist() == ["elpd_loo", "se", "p_loo", "units", "unit", "pareto_k_max", "n_pareto_k_above_0.7"]
    assert table["pareto_k_max"].item() == k.max()
    assert table["n_pareto_k_above_0.7"].item() == 3


def test_a_stuck_chain_is_flagged_and_not_an_error() -> None:
    """Where the largest weights are one draw repeated there is no tail to smooth: plain importance weights, and k infinite."""
    log_likelihood = np.random.default_rng(35).normal(-1.0, 0.1, (4, 500, 1))
    log_likelihood[0] = -3.0
    elpd, k, p = leave_one_out([log_likelihood])
    assert k.tolist() == [math.inf]
    assert elpd[0] == pytest.approx(-math.log(np.mean(np.exp(-log_likelihood))))
    assert p[0] == pytest.approx(math.log(np.mean(np.exp(log_likelihood))) - elpd[0])


def test_a_unit_that_says_nothing_costs_nothing() -> None:
    """A log-likelihood that is the same in every draw is its own leave-one-out term, and k is no concern."""
    elpd, k, p = leave_one_out([np.full((4, 500, 1), -1.5)])
    assert (elpd.tolist(), k.tolist()) == ([pytest.approx(-1.5)], [0.0])
    assert p[0] == pytest.approx(0.0, abs=1e-12)
