"""The recovery study: right posteriors stay inside the band, wrong ones leave it, and nothing is left out or lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import fits
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_rrmm as br
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plan import Plan
from bayes_rrmm.simulation.coverage import binomial_band, coverage_table, sampling_record, study_text
from bayes_rrmm.simulation.files import StudyFiles
from bayes_rrmm.simulation.fingerprint import changes, fingerprint
from bayes_rrmm.simulation.follow_up import potential_follow_up
from bayes_rrmm.simulation.recovery import Study, draw_truths, plan_study, read_truths, run_study, study_estimands

REPLICATES = 25
EXPONENTIAL = 'baseline = "exponential"'
PRIORS = "[priors]\nlog_rate = { normal = [-3, 0.7] }\n"
ASKED = '[[estimands]]\nkind = "median"\n[[estimands]]\nkind = "rmst"\nupto = 12\n'


@dataclass(frozen=True)
class ExactSampler:
    """Independent draws from the posterior of an exponential model without covariates, by inverting it on a grid.

    `narrower` squeezes them around their mean: a posterior that is wrong.
    """

    narrower: float = 1.0

    def sample(self, plan: Plan, cohort: Cohort, *, seed: int | None = None, cores: int | None = None) -> Fit:  # noqa: ARG002  # a Sampler's
        prior = plan.priors.baseline
        grid = np.linspace(prior.mean - 6 * prior.sd, prior.mean + 6 * prior.sd, 4001)
        log_density = cohort.events * grid - cohort.person_time * np.exp(grid) - 0.5 * ((grid - prior.mean) / prior.sd) ** 2
        cumulative = np.cumsum(np.exp(log_density - log_density.max()))
        draws = np.interp(np.random.default_rng(seed).random(2000), cumulative / cumulative[-1], grid)
        squeezed = draws.mean() + self.narrower * (draws - draws.mean())
        return fits.fit_with(plan, cohort, {"log_rate": squeezed}, seed=0)


def study_of(frame: pd.DataFrame, formula: str = "1", rest: str = PRIORS + ASKED, **arguments: int) -> Study:
    cohort, plan = fits.cohort_and_plan(frame, formula, model=EXPONENTIAL, rest=rest)
    return plan_study(plan, cohort, **{"seed": 7, **arguments})


@pytest.fixture(scope="module")
def study() -> Study:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"time": np.round(rng.exponential(15, 25) + 0.1, 1), "event": rng.integers(0, 2, 25)})
    return study_of(frame)


@pytest.fixture(scope="module")
def replicates(study: Study) -> pd.DataFrame:
    return run_study(study, ExactSampler(), range(1, REPLICATES + 1))


def test_a_right_posterior_stays_inside_the_band(replicates: pd.DataFrame) -> None:
    """Exact posteriors cover as they say, their ranks are uniform, and every replicate counts."""
    table = coverage_table(replicates, 0.95)
    assert table["quantity"].tolist() == ["median[horizon=inf]", "rmst[upto=12]"]
    assert table["within"].all()
    assert (table["replicates"] == REPLICATES).all()
    assert (table["rank_p"] > 0.01).all()
    assert (np.abs(table["bias"]) < 4 * table["bias_mcse"]).all()


def test_a_wrong_posterior_leaves_the_band(study: Study) -> None:
    """Posteriors of a quarter of the width cover four in ten, not 95 %: the study says so, in the table and in words."""
    found = run_study(study, ExactSampler(narrower=0.25), range(1, REPLICATES + 1))
    table = coverage_table(found, 0.95)
    assert not table["within"].any()
    assert (table["coverage"] < 0.85).all()
    text = study_text(table, sampling_record(found), 0.95)
    assert "2 are outside" in text
    assert text.count("OUTSIDE") == 2


def test_coverage_counts_truths_inside_limits() -> None:
    """Counts, bias, width and Monte Carlo errors by hand; limits and truths that are infinite together count as held."""
    rows = pd.DataFrame(
        {
            "quantity": "median", "unit": "months", "scale": "natural",
            "truth": [1.0, 2.0, 3.0, np.inf], "median": [1.5, 2.0, 2.0, np.inf],
            "lower": [0.0, 2.5, 3.0, 5.0], "upper": [2.0, 4.0, 6.0, np.inf], "below": [0.1, 0.2, 0.3, 0.4],
        }
    )  # fmt: skip
    infinite = coverage_table(rows, 0.95).loc[0]
    assert infinite["covered"] == 3
    assert np.isnan(infinite["bias"])
    finite = coverage_table(rows[:3], 0.95).loc[0]
    assert finite["coverage"] == pytest.approx(2 / 3)
    assert finite["bias"] == pytest.approx((0.5 + 0.0 - 1.0) / 3)
    assert finite["width"] == pytest.approx((2.0 + 1.5 + 3.0) / 3)
    assert finite["width_mcse"] == pytest.approx(np.std([2.0, 1.5, 3.0], ddof=1) / np.sqrt(3))
    on_log = coverage_table(rows[:1].assign(scale="log", lower=0.5), 0.95).loc[0]
    assert on_log["bias"] == pytest.approx(np.log(1.5))
    assert on_log["width"] == pytest.approx(np.log(4.0))


@pytest.mark.parametrize(("number", "quantities"), [(1000, 1), (1000, 19), (50, 3)])
def test_the_band_is_the_narrowest_that_holds_all_coverages(number: int, quantities: int) -> None:
    """Outside either end lies at most the Bonferroni share of the binomial, and one count further in lies more."""
    least, greatest = binomial_band(number, 0.95, quantities)
    tail = 0.005 / quantities
    counts = stats.binom(number, 0.95)
    assert counts.cdf(least - 1) <= tail < counts.cdf(least)
    assert counts.sf(greatest) <= tail < counts.sf(greatest - 1)


def test_a_replicate_depends_on_its_number_alone(study: Study, replicates: pd.DataFrame) -> None:
    """Replicates 4 and 2, run on their own, are those of the whole run: an interrupted study goes on as though it had not been."""
    again = run_study(study, ExactSampler(), [4, 2])
    for number in (2, 4):
        one, other = (table[table["replicate"] == number].reset_index(drop=True) for table in (again, replicates))
        pd.testing.assert_frame_equal(one, other)
    assert replicates["truth"].nunique() == 2 * REPLICATES


def test_truths_are_read_by_their_definitions(study: Study) -> None:
    """The median and RMST of a truth are those of its exponential: log 2 / rate and (1 - exp(-12 rate)) / rate."""
    truths = draw_truths(study, [1, 2, 3])
    read, rate = read_truths(study, truths, study.cohort), np.exp(truths["log_rate"])
    np.testing.assert_allclose(read["median[horizon=inf]"], np.log(2) / rate, rtol=1e-10)
    np.testing.assert_allclose(read["rmst[upto=12]"], -np.expm1(-12 * rate) / rate, rtol=1e-10)
    alone = read_truths(study, draw_truths(study, [2]), study.cohort)
    assert {name: values.tolist() for name, values in alone.items()} == {name: [values[1]] for name, values in read.items()}


def test_medians_lose_their_horizon_and_ranks_are_left_out(patients: pd.DataFrame) -> None:
    """What is read has an interval that promises to hold the truth."""
    asked = '[[estimands]]\nkind = "median"\nby = "group"\nhorizon = 6\n[[estimands]]\nkind = "rank"\nof = "group"\n'
    study = study_of(patients, "group", PRIORS + asked)
    assert study.estimands == (br.Median(by="group", horizon=float("inf")),)
    with pytest.raises(br.AnalysisError, match="ranks alone"):
        study_of(patients, "group", PRIORS + asked[asked.rindex("[[") :])
    defaults = study_estimands(study_of(patients, "group", PRIORS).plan)
    assert [estimand.kind for estimand in defaults] == ["hazard-ratio", "median", "rmst"]


def test_a_prior_scaled_to_the_data_is_refused(patients: pd.DataFrame) -> None:
    """Truths from a prior that the data taught would follow the outcomes they replace."""
    with pytest.raises(br.AnalysisError, match="the baseline has no stated prior"):
        study_of(patients, rest=ASKED)


def test_rows_are_kept_or_drawn(patients: pd.DataFrame) -> None:
    """Without a number the rows are those of the data, weights as so many patients; with one they are drawn, by the seed."""
    whole = study_of(patients, "group")
    assert whole.cohort.covariates["group"].tolist() == patients["group"].tolist()
    drawn = [study_of(patients, "group", patients=200, seed=seed) for seed in (1, 1, 2)]
    assert [len(study.cohort) for study in drawn] == [200, 200, 200]
    assert drawn[0].cohort.fingerprint == drawn[1].cohort.fingerprint != drawn[2].cohort.fingerprint
    counted, plan = fits.cohort_and_plan(
        patients.assign(count=2), "group", endpoint='weight = "count"', model=EXPONENTIAL, rest=PRIORS
    )
    assert len(plan_study(plan, counted).cohort) == 2 * len(patients)


def test_follow_up_is_kept_where_known_and_drawn_beyond_the_event_elsewhere() -> None:
    """Censored rows keep their time; of the others, the share followed beyond t is that of the reverse Kaplan-Meier curve."""
    rng = np.random.default_rng(2)
    rows = 4000
    happens, ends = rng.exponential(12, rows), 6 + 30 * rng.random(rows)
    frame = pd.DataFrame({"time": np.minimum(happens, ends), "event": (happens <= ends).astype(int)})
    cohort, _ = fits.cohort_and_plan(frame, model=EXPONENTIAL)
    drawn = potential_follow_up(cohort, np.random.default_rng(1))
    censored = cohort.event == 0
    np.testing.assert_array_equal(drawn[censored], cohort.time[censored])
    assert np.all(drawn >= cohort.time)
    for t in (10.0, 20.0, 30.0):
        assert np.mean(drawn > t) == pytest.approx(np.mean(ends > t), abs=0.04)


def test_follow_up_without_any_censoring_is_the_longest() -> None:
    """Where nobody was censored, nothing is known but that follow-up was long: everybody has the longest."""
    cohort, _ = fits.cohort_and_plan(pd.DataFrame({"time": [1.0, 5.0, 9.0], "event": 1}), model=EXPONENTIAL)
    assert potential_follow_up(cohort, np.random.default_rng(1)).tolist() == [9.0, 9.0, 9.0]


def test_a_fingerprint_notices_another_model(study: Study) -> None:
    """The stored log-densities hold for the model they are of, and for no other prior, rows or parameters."""
    stored = fingerprint(study.plan, study.cohort, 1)
    assert len(stored["log_density"]) == 20
    assert changes(stored, study.plan, study.cohort) == []
    assert len(changes(stored, study.plan, study.cohort.select(np.arange(len(study.cohort)) > 0))) == 20
    nudged = {**stored, "log_density": [value * (1 + 1e-9) for value in stored["log_density"]]}
    assert len(changes(nudged, study.plan, study.cohort)) == 20
    renamed = {**stored, "points": {"log_hazard": stored["points"]["log_rate"]}}
    assert "the parameters are" in changes(renamed, study.plan, study.cohort)[0]


def test_an_interrupted_study_goes_on(study: Study, replicates: pd.DataFrame, tmp_path: Path) -> None:
    """What was kept is read again to the last digit, without the replicate that was being written."""
    files = StudyFiles(tmp_path / "new" / "study.csv")
    provenance = {"fingerprint": fingerprint(study.plan, study.cohort, 1)}
    assert files.begin(study, provenance).empty
    for number in (1, 2, 3):
        files.append(replicates[replicates["replicate"] == number])
    text = files.replicates.read_text()
    files.replicates.write_text(text[: text.rindex(",")])
    left = files.begin(study, provenance)
    pd.testing.assert_frame_equal(left, replicates[replicates["replicate"] < 3], check_dtype=False)
    assert files.begin(study, provenance).equals(left)
    files.finish(coverage_table(left, 0.95), provenance, study)
    assert pd.read_csv(files.table)["replicates"].tolist() == [2, 2]


def test_another_study_is_not_written_over(study: Study, tmp_path: Path) -> None:
    """Files of another study, of another model, or of something else are left alone, with a message that says why."""
    files = StudyFiles(tmp_path / "study.csv")
    files.table.write_text("mine\n")
    with pytest.raises(br.RunFolderError, match="is of no recovery study"):
        files.begin(study, {})
    files.table.unlink()
    files.begin(study, {"fingerprint": fingerprint(study.plan, study.cohort, 1)})
    with pytest.raises(br.RunFolderError, match="seed was 7 and is 8"):
        files.begin(Study(study.plan, study.cohort, study.follow_up, study.estimands, 8), {})
    other = {**fingerprint(study.plan, study.cohort, 1), "log_density": [0.0] * 20}
    files.begin(study, {"fingerprint": other})
    with pytest.raises(br.RunFolderError, match="point 1: the log-density"):
        files.begin(study, {})
    with pytest.raises(br.RunFolderError, match=r"ends in \.csv"):
        StudyFiles(tmp_path / "study.txt")
