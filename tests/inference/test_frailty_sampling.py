"""Sampling with a frailty: other rows and other clusters through one compiled model, and a whole tree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from reference_runs import Run
from test_sampling import compiled_anew, same_draws, short  # noqa: F401  # a fixture is known by its name

import bayes_rrmm as br
from bayes_rrmm.fitted import parameter_names
from bayes_rrmm.inference import COMPILED
from bayes_rrmm.inference.inputs import model_inputs, structure_of
from bayes_rrmm.plan import make_plan

RUN, PAIRED = "kidney__weibull_gammafrailty", "pfs1_against_pfs2"
"""A reference run, and the shipped analysis that the demo compiles anyway: the gate has that one alone."""
LOG_NORMAL = ("kidney__weibull_lnfrailty", "kidney__pe_iid_lnfrailty")
SPREAD = {"gamma": "theta", "log-normal": "tau[frailty]"}


def with_frailty(name: str, draws: int = 200) -> tuple[br.Analysis, br.Cohort]:
    if name == PAIRED:
        declared = br.load_analysis(name)
        return short(declared, draws=draws, target_accept=0.95), br.read_cohort("rrmm1-paired-synthetic", declared)
    run = Run(name)
    return short(run.analysis(), draws=draws, target_accept=0.95), run.cohort()


def without_patients(cohort: br.Cohort, patients: int) -> br.Cohort:
    """The rows of all but the first patients."""
    return cohort.select(cohort.cluster_numbers >= patients)


@pytest.mark.parametrize("name", [PAIRED, *(pytest.param(name, marks=pytest.mark.full) for name in (RUN, *LOG_NORMAL))])
def test_fewer_clusters_go_through_the_compiled_model(name: str) -> None:
    """Rows with fewer clusters are sampled under the same plan without compiling, and the tree has as many."""
    analysis, cohort = with_frailty(name)
    fit = br.fit(analysis, cohort)
    compilations = dict(COMPILED)
    refit = COMPILED[structure_of(fit.plan)].sample(fit.plan, without_patients(cohort, 9))
    assert compilations.keys() == COMPILED.keys()
    everyone = int(cohort.cluster_numbers.max()) + 1
    for one, clusters in ((fit, everyone), (refit, everyone - 9)):
        assert one.tree["frailty"]["u"].shape == (4, 200, clusters)
        assert one.tree["log_likelihood"]["survival"].shape == (4, 200, clusters)
        assert np.isfinite(one.tree["log_likelihood"]["survival"]).all()
        assert SPREAD[str(one.plan.frailty)] in one.tree["posterior"]
        assert one.tree["posterior"].to_dataset().data_vars.keys() == one.tree["prior"].to_dataset().data_vars.keys()
        assert not any(parameter.startswith("u[") for parameter in parameter_names(one.tree["posterior"].to_dataset()))


@pytest.mark.full
@pytest.mark.parametrize("name", LOG_NORMAL)
def test_a_log_normal_frailty_passes_the_gate_by_default(name: str) -> None:
    """4 x 1000 draws are enough for the spread of 38 small clusters, whose posterior reaches 0: every check passes."""
    run = Run(name)
    declared = br.parse_analysis(run.toml.partition("[sampling]")[0])
    assert (declared.sampling.draws, declared.sampling.target_accept) == (1000, None)
    diagnosis = br.diagnose(br.fit(declared, run.cohort()))
    assert diagnosis.passed, str(diagnosis)


@pytest.mark.full
@pytest.mark.parametrize("name", [RUN, "kidney__weibull_lnfrailty"])
def test_a_refit_is_what_compiling_anew_gives(name: str, compiled_anew: None) -> None:  # noqa: F811
    """Fewer clusters through the compiled model give the draws of a fresh compilation, to the last bit."""
    analysis, cohort = with_frailty(name)
    br.fit(analysis, cohort)
    refit = br.fit(analysis, without_patients(cohort, 3))
    COMPILED.clear()
    assert same_draws(refit, br.fit(analysis, without_patients(cohort, 3)))


@pytest.mark.full
def test_stronger_priors_hold_the_spread() -> None:
    """A half-normal of sd 0.01 on theta, swapped in, leaves no room for the frailty that one of sd 1 finds."""
    analysis, cohort = with_frailty(RUN)
    tight = br.parse_analysis(analysis.source.replace("frailty = { half_normal = 1 }", "frailty = { half_normal = 0.01 }"))
    assert tight.priors.frailty != analysis.priors.frailty
    wide_fit, tight_fit = br.fit(analysis, cohort), br.fit(short(tight), cohort)
    assert float(np.mean(tight_fit.draws["theta"])) < 0.02
    assert float(np.mean(wide_fit.draws["theta"])) > 0.2


def test_the_structure_knows_the_frailty() -> None:
    """None, gamma and log-normal are three models; a log-normal one has room for clusters in steps of 32, and refuses more."""
    frame = Run(RUN).cohort().to_frame().assign(patient=np.repeat(np.arange(38), 2))
    text = Run(RUN).toml
    line = 'frailty = { cluster = "patient", distribution = "gamma" }'
    prior = "frailty = { half_normal = 1 }"
    plans = []
    alone = text.replace(line, "").replace(prior, "").replace('id = "patient"', "")
    for replaced in (alone, text, text.replace('"gamma"', '"log-normal"')):
        analysis = br.parse_analysis(replaced)
        rows = frame.drop(columns="patient") if replaced == alone else frame
        plans.append(make_plan(analysis, br.read_cohort(rows, analysis)))
    assert len({structure_of(plan) for plan in plans}) == 3
    assert [plan.most_clusters for plan in plans] == [0, 0, 64]
    lognormal = plans[2].analysis
    many = pd.concat([frame, frame.assign(patient=frame["patient"] + 100)])
    with pytest.raises(br.FitError, match="76 clusters, and this plan's log-normal frailty has room for 64"):
        model_inputs(plans[2], br.read_cohort(many, lognormal))


def test_rows_are_added_up_within_clusters_only(patients: pd.DataFrame, analysis_text: object) -> None:
    """Equal patients of one centre are one row of the model, those of two centres are two; events and time at risk stay."""
    rows = pd.concat([patients] * 3, ignore_index=True)
    cells = {}
    for name, centre in {"one": np.resize(["a", "b"], 60).tolist() * 3, "own": np.repeat([*"abc"], 60)}.items():
        for baseline in ("weibull", "piecewise-exponential"):
            model = f"baseline = '{baseline}'\nfrailty = {{ cluster = 'centre', distribution = 'gamma' }}"
            analysis = br.parse_analysis(analysis_text("group", "", model))
            cohort = br.read_cohort(rows.assign(centre=centre), analysis)
            inputs = model_inputs(make_plan(analysis, cohort), cohort)
            assert inputs["events"].sum() == rows["event"].sum() == inputs["cluster_events"].sum()
            cells[name, baseline] = len(inputs["cluster_of_row"])
    assert cells["one", "weibull"] * 3 == cells["own", "weibull"]
    assert (cells["one", "piecewise-exponential"], cells["own", "piecewise-exponential"]) == (3, 9)
