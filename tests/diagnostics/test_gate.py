"""The gate of a whole fit: every parameter, every reported quantity and the sampler, by name; and the parameter table."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import fits
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_rrmm.fitted import Fit
from bayes_rrmm.model_checks import Diagnosis, diagnose, parameters_table
from bayes_rrmm.model_checks.gate import PARAMETER_COLUMNS
from bayes_rrmm.reading import estimate_all
from bayes_rrmm.reading.table import labelled_draws

ASKED = '[[estimands]]\nkind = "hazard-ratio"\nof = "group"\n[[estimands]]\nkind = "median"\nby = "group"\n'
CONTRACT = "parameter,mean,sd,q2.5,q25,q50,q75,q97.5,mcse_mean,mcse_sd,ess_bulk,ess_tail,r_hat"


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    rng = np.random.default_rng(21)
    return pd.DataFrame({"time": rng.exponential(20, 90) + 0.1, "event": [1, 1, 0] * 30, "group": ["a", "b", "c"] * 30})


@pytest.fixture(scope="module")
def fit(patients: pd.DataFrame) -> Fit:
    """A fit whose independent draws have nothing wrong with them."""
    cohort, plan = fits.cohort_and_plan(patients, "group", rest=ASKED)
    return fits.laplace_fit(plan, cohort)


@pytest.fixture
def changed(fit: Fit) -> Callable[..., Fit]:
    """The fit with some of its draws or sampler statistics replaced."""

    def change(**values: np.ndarray) -> Fit:
        groups = {name: fit.tree[name].to_dataset().copy(deep=True) for name in fit.tree.children}
        for name, array in values.items():
            group = "posterior" if name in groups["posterior"] else "sample_stats"
            groups[group][name] = (groups[group][name].dims, array)
        return dataclasses.replace(fit, tree=xr.DataTree.from_dict(groups))

    return change


def test_a_good_fit_passes(fit: Fit) -> None:
    """Independent draws pass; the summary counts the checks and gives the worst of them."""
    diagnosis = diagnose(fit)
    assert diagnosis.passed
    assert diagnosis.failed == ()
    assert str(diagnosis).startswith("PASSED: ")
    r_hat = max(check.measure for check in diagnosis.checks if check.check == "r_hat")
    assert f"largest R-hat {r_hat:.3f}" in str(diagnosis)


def test_everything_reported_is_checked(fit: Fit) -> None:
    """Every parameter, every estimand by label, and the sampler are under the gate, each by its name in the tables."""
    quantities = [name for estimand, read in estimate_all(fit) for name, _, _ in labelled_draws(estimand, read)]
    parameters = ["log_shape", "log_rate", "beta[group=b]", "beta[group=c]"]
    assert parameters_table(fit)["parameter"].tolist() == parameters
    assert set(diagnose(fit).passed_by_name()) == {*parameters, *quantities, "sampler"}
    assert len(quantities) == 5


def test_a_bad_parameter_fails_itself_and_what_follows_from_it(fit: Fit, changed: Callable[..., Fit]) -> None:
    """One chain of one coefficient elsewhere fails that coefficient and the estimands made of it, and no others."""
    beta = fit.tree["posterior"]["beta"].to_numpy().copy()
    beta[0, :, 1] += 5.0
    passed = diagnose(changed(beta=beta)).passed_by_name()
    assert not passed["beta[group=c]"]
    assert not passed["hazard-ratio[group, c, versus a]"]
    assert passed["beta[group=b]"]
    assert passed["hazard-ratio[group, b, versus a]"]
    assert passed["sampler"]


@pytest.mark.parametrize("what", ["diverging", "energy"])
def test_a_failed_sampler_fails_everything(what: str, fit: Fit, changed: Callable[..., Fit]) -> None:
    """A divergence or a low E-BFMI fails every quantity: no number is vouched for."""
    values = np.zeros(fit.shape, dtype=bool)
    values[0, 0] = True
    if what == "energy":
        values = np.cumsum(np.random.default_rng(3).normal(size=fit.shape), axis=1)
    diagnosis = diagnose(changed(**{what: values}))
    assert [check.of for check in diagnosis.failed] == ["sampler"]
    assert set(diagnosis.passed_by_name().values()) == {False}
    assert not diagnosis.passed


def test_a_failure_is_said_first(fit: Fit, changed: Callable[..., Fit]) -> None:
    """Failed checks lead the table and the text, with measure, limit and advice; beyond eight the rest is counted."""
    posterior = fit.tree["posterior"]
    worse = {name: posterior[name].to_numpy() + np.arange(4.0).reshape(4, *[1] * (posterior[name].ndim - 1)) for name in posterior}
    diagnosis = diagnose(changed(**worse))
    table = diagnosis.to_dataframe()
    failures = len(diagnosis.failed)
    assert failures > 8
    assert table["verdict"].tolist()[:failures] == ["failed"] * failures
    assert "failed" not in table["verdict"].tolist()[failures:]
    assert table.columns.tolist() == ["check", "of", "measure", "limit", "verdict", "advice"]
    lines = str(diagnosis).splitlines()
    assert lines[0].startswith(f"FAILED: {failures} of ")
    assert len(lines) == 10
    assert "(limit 1.01); chains disagree: sample longer" in lines[1]
    assert lines[-1] == f"  and {failures - 8} more, in checks.csv"


def test_what_is_read_may_be_given(fit: Fit) -> None:
    """Estimates already read are not read again; without any, parameters and sampler alone are checked."""
    read = estimate_all(fit)
    pd.testing.assert_frame_equal(diagnose(fit, read).to_dataframe(), diagnose(fit).to_dataframe())
    assert set(diagnose(fit, []).passed_by_name()) == {"log_rate", "log_shape", "beta[group=b]", "beta[group=c]", "sampler"}


def test_medians_not_reached_do_not_fail(fit: Fit) -> None:
    """A median that some draws do not reach is judged by ranks; its Monte Carlo error is not applicable."""
    read = estimate_all(fit)[1][1]
    infinite = [str(group) for group in "abc" if np.isinf(read.draws.sel(group=group)).any()]
    assert infinite
    checks = {(check.check, check.of): check.verdict for check in diagnose(fit).checks}
    for group in infinite:
        assert checks["r_hat", f"median[group, {group}]"] == "passed"
        assert checks["mcse", f"median[group, {group}]"] == "not applicable"


def test_the_parameter_table(fit: Fit) -> None:
    """parameters.csv has the contract's columns; moments and quantiles are NumPy's, over all chains."""
    table = parameters_table(fit)
    assert ",".join(table.columns) == ",".join(PARAMETER_COLUMNS) == CONTRACT
    row = table.set_index("parameter").loc["beta[group=c]"]
    draws = fit.draws["beta"][:, 1]
    assert row["mean"] == pytest.approx(draws.mean())
    assert row["sd"] == pytest.approx(draws.std(ddof=1))
    quantiles = np.quantile(draws, (0.025, 0.25, 0.5, 0.75, 0.975))
    np.testing.assert_allclose(row[["q2.5", "q25", "q50", "q75", "q97.5"]].to_numpy(dtype=float), quantiles)
    assert not table.isna().to_numpy().any()


@pytest.mark.parametrize(
    ("formula", "model", "rest", "names"),
    [
        ("1", 'baseline = "exponential"', "", ["log_rate"]),
        ("1", 'baseline = "weibull"', "[priors]\nlog_scale = { normal = [3, 1] }", ["log_shape", "log_scale"]),
        (
            "group",
            'baseline = "piecewise-exponential"\ncuts = [5, 20]\nsmoothing = "random-walk"\neffects = { group = "pooled" }',
            "",
            ["log_hazard[1]", "log_hazard[2]", "log_hazard[3]", "sigma", "tau[group]"]
            + [f"effect[group={level}]" for level in "abc"],
        ),
    ],
)
def test_parameters_have_the_contracts_names(formula: str, model: str, rest: str, names: list[str], patients: pd.DataFrame) -> None:
    """Each baseline and effect is reported under the names of the contract, one row each."""
    cohort, plan = fits.cohort_and_plan(patients, formula, model=model, rest=rest)
    table = parameters_table(fits.prior_fit(plan, cohort, size=40))
    assert sorted(table["parameter"]) == sorted(names)


def test_an_empty_diagnosis_has_not_failed() -> None:
    """A diagnosis passes unless a check failed: those that are not applicable do not count against it."""
    assert Diagnosis(()).passed
