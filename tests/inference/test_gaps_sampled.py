"""Sampled fits with gaps against quadrature: the posterior itself, the missing values', and a run folder of one.

One-covariate exponential models have three parameters, so a grid gives their posterior exactly. Two compilations, one in the gate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from arviz_stats.base import array_stats
from reference_runs import parse
from scipy.special import expit, log_expit

import bayes_rrmm as br
from bayes_rrmm.analysis import run
from bayes_rrmm.densities import gap_probabilities
from bayes_rrmm.inference import COMPILED
from bayes_rrmm.inference.inputs import structure_of
from bayes_rrmm.plan import make_plan
from bayes_rrmm.reading import missing_values

MONTE_CARLO_ERRORS = 4.0
POINTS = 81
TEXT = """schema = 1
title = "Gaps"
[endpoint]
name = "OS"
time = "time"
event = "event"
unit = "months"
entry = "entry"
weight = "count"
[model]
formula = "x"
baseline = "exponential"
missing = "marginalise"
covariate_model = "{kind}"
[priors]
log_rate = {{ normal = [-3, 2] }}
x = {{ normal = [0.3, 1.5] }}
[[estimands]]
kind = "rmst"
upto = 24
by = "x"
"""


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    """Sixty rows, x unknown in every third, with late entries and some rows that count twice."""
    rng = np.random.default_rng(17)
    x = rng.random(60) < 0.45
    time = np.round(rng.exponential(np.where(x, 8.0, 20.0)) + 0.2, 1)
    frame = pd.DataFrame({"time": np.minimum(time, 30.0), "event": (time < 30).astype(int), "entry": 0.0, "count": 1})
    frame["x"] = np.where(np.arange(60) % 3 == 1, None, np.where(x, "b", "a"))
    frame.loc[::7, "count"] = 2
    frame.loc[frame["time"] > 10, "entry"] = 1.5
    return frame


@dataclass(frozen=True)
class Grid:
    """The exact posterior on a grid of log rate, beta and the covariate model's parameter, far into every tail."""

    axes: dict[str, np.ndarray]
    weight: np.ndarray
    chance: np.ndarray
    """The exact P(x = b | all data) of each row with a gap."""

    def moments(self, name: str) -> tuple[float, float]:
        marginal = self.weight.sum(axis=tuple(i for i, other in enumerate(self.axes) if other != name))
        mean = marginal @ self.axes[name]
        return float(mean), float(np.sqrt(marginal @ (self.axes[name] - mean) ** 2))


def quadrature(frame: pd.DataFrame, kind: str, centre: float) -> Grid:
    """By the definitions: exponential hazards exp(log rate + beta (x - centre)), P(x = b) a logit or a share."""
    axes = {"log_rate": np.linspace(-4.2, -1.3, POINTS), "beta": np.linspace(-1.5, 3.5, POINTS)}
    axes |= {"gamma": np.linspace(-3.0, 2.5, POINTS)} if kind == "sequential" else {"share": np.linspace(0.001, 0.999, POINTS)}
    rate, beta, last = np.meshgrid(*axes.values(), indexing="ij", sparse=True)
    chance = expit(last) if kind == "sequential" else last
    logs = {"b": np.log(chance), "a": log_expit(-last) if kind == "sequential" else np.log1p(-last)}
    density = -0.5 * ((rate + 3) / 2) ** 2 - 0.5 * ((beta - 0.3) / 1.5) ** 2
    density = density - (0.5 * (last / 1.5) ** 2 if kind == "sequential" else 0.0)
    posterior_of_gaps = []
    for row in frame.itertuples():
        joint = {}
        for level in "ab":
            log_hazard = rate + beta * (float(level == "b") - centre)
            joint[level] = row.event * log_hazard - (row.time - row.entry) * np.exp(log_hazard) + logs[level]
        known = joint[row.x] if row.x is not None else np.logaddexp(joint["a"], joint["b"])
        density = density + row.count * known
        if row.x is None:
            posterior_of_gaps.append(joint["b"] - known)
    weight = np.exp(density - density.max())
    weight /= weight.sum()
    for position in range(3):
        ends = np.take(weight, (0, POINTS - 1), axis=position)
        assert ends.sum() < 1e-6, "the grid must reach into every tail"
    return Grid(axes, weight, np.array([(weight * np.exp(one)).sum() for one in posterior_of_gaps]))


@pytest.fixture(scope="module", params=["sequential", pytest.param("independent", marks=pytest.mark.full)])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def fit(kind: str, patients: pd.DataFrame) -> br.Fit:
    analysis = parse(TEXT.format(kind=kind))
    return br.fit(analysis, br.read_cohort(patients, analysis))


def centre_of(fit: br.Fit) -> float:
    """The share of b where x is known, by weight."""
    known = fit.cohort.covariates["x"].notna().to_numpy()
    return float(np.average(fit.cohort.covariates["x"][known] == "b", weights=fit.cohort.weight[known]))


def chains_of(fit: br.Fit, name: str) -> np.ndarray:
    values = fit.tree["posterior"][name].to_numpy()
    return values[..., -1] if values.ndim > 2 else values


def assert_moments(fit: br.Fit, grid: Grid) -> None:
    for name in grid.axes:
        draws = chains_of(fit, name)
        mean, sd = grid.moments(name)
        assert abs(draws.mean() - mean) < MONTE_CARLO_ERRORS * array_stats.mcse(draws), name
        assert abs(draws.std(ddof=1) - sd) < MONTE_CARLO_ERRORS * array_stats.mcse(draws, method="sd"), name


def test_the_posterior_is_that_of_quadrature(fit: br.Fit, kind: str, patients: pd.DataFrame) -> None:
    """Mean and sd of every parameter are within 4 Monte Carlo errors of the exact ones, and far from those of complete cases."""
    grid = quadrature(patients, kind, centre_of(fit))
    assert_moments(fit, grid)
    draws = chains_of(fit, "beta")
    dropped = quadrature(patients.dropna(), kind, centre_of(fit)).moments("beta")
    assert abs(draws.mean() - dropped[0]) > 2 * MONTE_CARLO_ERRORS * array_stats.mcse(draws)


def test_missing_values_are_those_of_quadrature(fit: br.Fit, kind: str, patients: pd.DataFrame) -> None:
    """The probability of each missing value is within 4 Monte Carlo errors of the exact P(x = b | all data)."""
    grid = quadrature(patients, kind, centre_of(fit))
    table = missing_values(fit)
    found = table[table["level"] == "b"].set_index("row")["probability"]
    assert found.index.tolist() == (np.flatnonzero(patients["x"].isna()) + 1).tolist()
    candidates, chances = gap_probabilities(fit.plan, fit.draws, fit.cohort)
    inside = (candidates.frame["x"] == "b").to_numpy() & np.isin(candidates.owner, np.flatnonzero(patients["x"].isna()))
    for exact, probability, draws in zip(grid.chance, found, chances[:, inside].T, strict=True):
        assert abs(probability - exact) < MONTE_CARLO_ERRORS * array_stats.mcse(draws.reshape(fit.shape))


@pytest.mark.parametrize("rows", ["without gaps", "mostly gaps"])
def test_other_rows_go_through_the_compiled_model(fit: br.Fit, kind: str, patients: pd.DataFrame, rows: str) -> None:
    """Rows with other gaps, or none at all, are sampled without compiling again, and give their own exact posterior."""
    known = patients["x"].notna().to_numpy()
    keep = known if rows == "without gaps" else ~known | (np.arange(len(patients)) % 2 == 0)
    compiled = COMPILED[structure_of(fit.plan)]
    refit = compiled.sample(fit.plan, fit.cohort.select(keep))
    assert_moments(refit, quadrature(patients[keep], kind, centre_of(fit)))


def test_its_run_folder(fit: br.Fit, kind: str, patients: pd.DataFrame, tmp_path) -> None:
    """A run of it has missing.csv, the table of missing values, and takes no compilation of its own; without rows it has none."""
    before = dict(COMPILED)
    whole = run(fit.analysis, fit.cohort, tmp_path / "whole")
    assert before == COMPILED
    assert structure_of(make_plan(fit.analysis, fit.cohort)) in before
    stored = pd.read_csv(tmp_path / "whole" / "missing.csv")
    pd.testing.assert_frame_equal(stored, missing_values(br.load_fit(tmp_path / "whole")), check_exact=False, rtol=1e-12)
    pd.testing.assert_frame_equal(stored, missing_values(fit), check_exact=False, rtol=1e-12)
    names = pd.read_csv(tmp_path / "whole" / "parameters.csv")["parameter"].tolist()
    labels = ["gamma[x=b | intercept]"] if kind == "sequential" else ["share[x=a]", "share[x=b]"]
    assert names == ["log_rate", "beta[x=b]", *labels]
    assert whole.diagnosis.passed
    assert np.isfinite(whole.loo.elpd)
    run(fit.analysis, fit.cohort, tmp_path / "bare", rows=False)
    left = {path.name for path in (tmp_path / "bare").iterdir()}
    assert not left & {"missing.csv", "rows.parquet"}
    assert {"parameters.csv", "fit.nc"} <= left
