"""What sampling promises: repeatable draws, one compilation for other rows and priors, a whole tree, entry and weights."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from reference_runs import FOLDER, Run, parse

import bayes_rrmm as br
from bayes_rrmm.inference import COMPILED
from bayes_rrmm.inference.inputs import model_inputs, structure_of
from bayes_rrmm.plan import make_plan

GROUPS = {"posterior", "sample_stats", "prior", "log_prior", "log_likelihood", "observed_data"}


def short(analysis: br.Analysis, draws: int = 200, **sampling: object) -> br.Analysis:
    """The analysis with few draws: enough to compare draws one by one."""
    few = {"draws": draws, "tune": draws, "target_accept": 0.9, **sampling}
    return analysis.model_copy(update={"sampling": analysis.sampling.model_copy(update=few)})


def same_draws(one: br.Fit, other: br.Fit) -> bool:
    """Whether posterior and sampler statistics are equal to the last bit (their attributes hold the time of day)."""
    return all(one.tree[group].to_dataset().equals(other.tree[group].to_dataset()) for group in ("posterior", "sample_stats"))


@pytest.fixture(scope="module")
def gehan() -> tuple[br.Analysis, br.Cohort]:
    """A Weibull analysis with one column, and its rows."""
    run = Run("gehan__weibull_A_b1")
    return short(run.analysis()), run.cohort()


@pytest.fixture(scope="module")
def gehan_fit(gehan: tuple[br.Analysis, br.Cohort]) -> br.Fit:
    return br.fit(*gehan)


def test_a_seed_gives_the_same_draws_on_any_number_of_cores(gehan: tuple[br.Analysis, br.Cohort], gehan_fit: br.Fit) -> None:
    """Two fits with one seed agree to the last bit, whether chains run one after another or side by side."""
    for cores in (1, 2):
        assert same_draws(gehan_fit, br.fit(*gehan, cores=cores))


def test_another_seed_gives_other_draws(gehan: tuple[br.Analysis, br.Cohort], gehan_fit: br.Fit) -> None:
    """The seed given to `fit` overrides the analysis's, changes the draws, and is in the provenance."""
    other = br.fit(*gehan, seed=1)
    assert not np.intersect1d(gehan_fit.draws["beta"], other.draws["beta"]).size
    assert other.provenance["seed"] == 1


def test_chains_differ(gehan_fit: br.Fit) -> None:
    """Chains of one fit have draws of their own."""
    first, second, *_ = gehan_fit.tree["posterior"]["beta"].to_numpy()
    assert not np.intersect1d(first, second).size


@pytest.fixture
def compiled_anew() -> Iterator[None]:
    """Compilations made meanwhile are forgotten afterwards, and earlier ones are back."""
    before = dict(COMPILED)
    yield
    COMPILED.clear()
    COMPILED.update(before)


@pytest.mark.parametrize(
    "name",
    [
        "gehan__weibull_A_b1",
        pytest.param("gehan__pe_iid_b1", marks=pytest.mark.full),
        pytest.param("gehan__pe_rw1_b1", marks=pytest.mark.full),
        pytest.param("gehan__weibull_B_b1", marks=pytest.mark.full),
    ],
)
def test_a_refit_is_what_compiling_anew_gives(name: str, compiled_anew: None) -> None:
    """Other rows and other priors go through the compiled model without compiling, and give the draws of a fresh compilation."""
    run = Run(name)
    analysis, cohort = short(run.analysis()), run.cohort()
    br.fit(analysis, cohort)
    compilations = dict(COMPILED)

    other_prior = parse(analysis.source.replace("control = { normal = [0, 1] }", "control = { normal = [0.3, 0.2] }"))
    some_rows = cohort.select(np.arange(len(cohort)) % 5 > 0)
    refit = br.fit(short(other_prior), some_rows)
    assert compilations == COMPILED

    COMPILED.clear()
    assert same_draws(refit, br.fit(short(other_prior), some_rows))


def test_weibull_priors_on_rate_scale_and_median_share_a_compilation(gehan: tuple[br.Analysis, br.Cohort]) -> None:
    """A prior stated on the log rate, the log scale or the median changes the data of a Weibull model, not its structure."""
    analysis, cohort = gehan
    rate = "log_rate = { normal = [0, 10] }"
    structures = set()
    for stated in (rate, "log_scale = { normal = [0, 10] }", "baseline = { median_survival = 9, upper95 = 90 }"):
        structures.add(structure_of(make_plan(parse(analysis.source.replace(rate, stated)), cohort)))
    assert len(structures) == 1


@pytest.mark.full
def test_a_student_t_prior_gives_the_reweighted_posterior() -> None:
    """A Student t prior on a coefficient gives the posterior that reweighting the draws under a normal prior gives."""
    run = Run("gehan__weibull_A_b1")
    analysis, cohort = short(run.analysis(), draws=5000), run.cohort()
    normal = br.fit(analysis, cohort).draws["beta"][:, 0]
    text = analysis.source.replace("control = { normal = [0, 1] }", "control = { student_t = [4, 0, 0.4] }")
    student = br.fit(short(parse(text), draws=5000), cohort)
    weight = (1 + (normal / 0.4) ** 2 / 4) ** -2.5 * np.exp(0.5 * normal**2)
    draws = student.tree["posterior"]["beta"].to_numpy()[..., 0]
    share = weight / weight.sum()
    mean = share @ normal
    error = np.hypot(array_stats.mcse(draws), np.sqrt(share**2 @ (normal - mean) ** 2))
    assert abs(draws.mean() - mean) < 4 * error
    assert abs(normal.mean() - mean) > 10 * error


def test_the_tree_is_whole(gehan: tuple[br.Analysis, br.Cohort], gehan_fit: br.Fit) -> None:
    """A fit's tree has every promised group, all finite, on the chains and draws asked for and the rows analysed."""
    tree, cohort = gehan_fit.tree, gehan[1]
    assert set(tree.children) == GROUPS
    for group in GROUPS:
        dataset = tree[group].to_dataset()
        assert all(bool(np.isfinite(values).all()) for values in dataset.data_vars.values()), group
        if group != "observed_data":
            assert (dataset.sizes["chain"], dataset.sizes["draw"]) == (4, 200)
    assert tree["posterior"].to_dataset().data_vars.keys() == tree["prior"].to_dataset().data_vars.keys()
    np.testing.assert_array_equal(tree["observed_data"]["survival"], cohort.time)
    np.testing.assert_array_equal(tree["log_likelihood"]["row"], cohort.row_numbers)
    stored = tree["log_likelihood"]["survival"].to_numpy().reshape(-1, len(cohort))
    np.testing.assert_array_equal(stored, gehan_fit.log_likelihood(cohort))


def test_arviz_takes_the_tree(gehan_fit: br.Fit) -> None:
    """ArviZ's own summary and leave-one-out work on a fit's tree, and agree with ours."""
    from arviz_stats import loo, summary

    means = summary(gehan_fit.tree, kind="stats", round_to="none")["mean"]
    assert float(means["log_shape"]) == pytest.approx(float(gehan_fit.draws["log_shape"].mean()), rel=1e-12)
    assert float(loo(gehan_fit.tree).elpd) == pytest.approx(br.loo(gehan_fit).elpd, abs=0.01)


def test_another_structure_is_refused(gehan: tuple[br.Analysis, br.Cohort]) -> None:
    """A compiled model says so when it is given a plan it was not compiled for."""
    analysis, cohort = gehan
    compiled = br.compile_analysis(analysis, cohort)
    other = Run("gehan__pe_iid_b1")
    with pytest.raises(br.FitError, match="another structure"):
        compiled.sample(make_plan(other.analysis(), cohort), cohort)


@pytest.mark.parametrize("baseline", ["exponential", "weibull", "piecewise-exponential"])
def test_frequency_weights_are_replicated_rows(patients: pd.DataFrame, analysis_text: object, baseline: str) -> None:
    """A row with weight w gives the model the very inputs that w equal rows give it, so the very posterior."""
    counted = patients.assign(count=np.where(patients["time"] > 12, 4, 1))  # the weighted median event time is another
    replicated = patients.loc[np.repeat(counted.index, counted["count"])].reset_index(drop=True)
    text = {weight: analysis_text("group + age", weight, f'baseline = "{baseline}"') for weight in ("", 'weight = "count"')}
    inputs = []
    for frame, weight in ((counted, 'weight = "count"'), (replicated, "")):
        analysis = parse(text[weight])
        cohort = br.read_cohort(frame, analysis)
        inputs.append(model_inputs(make_plan(analysis, cohort), cohort))
    assert inputs[0].keys() == inputs[1].keys()
    for name, values in inputs[0].items():
        np.testing.assert_allclose(values, inputs[1][name], rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("ignoring", [False, True])
def test_delayed_entry_counts(ignoring: bool) -> None:
    """With entry the posterior lies on the likelihood estimate that has it, far from the one without; ignoring it, the reverse."""
    run = Run("myeloma_mayo__weibull_A_b1")
    text = run.analysis().source
    analysis = short(parse(text.replace('entry = "entry"\n', "") if ignoring else text), draws=500)
    cohort = br.read_cohort(pd.read_csv(FOLDER / "data" / "myeloma_mayo.csv"), analysis)
    assert cohort.has_delayed_entry is not ignoring
    posterior = br.fit(analysis, cohort).tree["posterior"].to_dataset()
    right, wrong = ("weibull_ml_ignoring_entry", "weibull_ml") if ignoring else ("weibull_ml", "weibull_ml_ignoring_entry")
    assert np.all(distance(posterior, right) < 0.2)
    assert np.all(distance(posterior, wrong) > 3.0)


def distance(posterior: xr.Dataset, estimate: str) -> np.ndarray:
    """Posterior means from a likelihood estimate of log rate, coefficient and log shape, in its standard errors."""
    reference = json.loads((FOLDER / "freq_myeloma_mayo.json").read_text())["weibull"][estimate]
    means = [float(posterior[name].mean()) for name in ("log_rate", "beta", "log_shape")]
    return np.abs(np.array(means) - reference["est"]) / reference["se"]
