"""The model of marginalised covariates: what it learns, its probabilities, and every way to fill a gap."""

from __future__ import annotations

import itertools
import math

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.covariate_model import CovariateModel
from bayes_rrmm.errors import DataError
from bayes_rrmm.parameters import draw_from_prior
from bayes_rrmm.plan import Plan, make_plan

MARGINALISE = 'missing = "marginalise"'
INDEPENDENT = f'{MARGINALISE}\ncovariate_model = "independent"'


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Thirty rows with gaps in stage (three levels) and sex, none in site and age; weights of 1 to 3."""
    rng = np.random.default_rng(11)
    rows = 30
    frame = pd.DataFrame(
        {
            "time": np.round(rng.exponential(12, rows) + 0.5, 1),
            "event": rng.integers(0, 2, rows),
            "age": np.round(rng.normal(60, 8, rows), 1),
            "stage": np.resize(["i", "ii", "iii", "ii"], rows),
            "site": np.resize(["s", "t", "t"], rows),
            "sex": np.resize(["f", "m", "m", "f", "m"], rows),
            "count": np.resize([1, 3, 2], rows),
        }
    )
    frame.loc[[0, 5, 9], "stage"] = None
    frame.loc[[5, 7], "sex"] = None
    return frame


def planned(table: pd.DataFrame, formula: str = "stage + age + site + sex", model: str = MARGINALISE) -> tuple[Plan, pd.DataFrame]:
    """The plan, and the covariates of its rows."""
    cohort, plan = fits.cohort_and_plan(table, formula, endpoint='weight = "count"', model=model)
    return plan, cohort.covariates


def covariates_of(plan: Plan) -> CovariateModel:
    assert plan.covariates is not None
    return plan.covariates


def test_the_order_of_the_formula_decides_who_predicts_whom(table: pd.DataFrame) -> None:
    """Each covariate with gaps is predicted by the complete ones and by those with gaps that stand before it."""
    model = covariates_of(planned(table)[0])
    assert model.names == ("stage", "sex")
    assert [item.label for item in model.variables[0].predictors] == ["age", "site=t"]
    assert [item.label for item in model.variables[1].predictors] == ["age", "site=t", "stage=ii", "stage=iii"]
    turned = covariates_of(planned(table, "sex + site + stage")[0])
    assert turned.names == ("sex", "stage")
    assert [item.label for item in turned.variables[1].predictors] == ["site=t", "sex=m"]


def test_predictors_are_standardised_where_they_are_known(table: pd.DataFrame) -> None:
    """Ages are in sds from their mean and indicators from their known share, all by weight; gaps are counted by weight."""
    first, second = covariates_of(planned(table)[0]).variables
    age, weight = table["age"], table["count"]
    mean = (age * weight).sum() / weight.sum()
    sd = math.sqrt((weight * (age - mean) ** 2).sum() / (weight.sum() - 1))
    assert (first.predictors[0].centre, first.predictors[0].scale) == pytest.approx((mean, sd), rel=1e-12)
    known = table["stage"].notna()
    share = weight[table["stage"] == "iii"].sum() / weight[known].sum()
    assert (second.predictors[3].centre, second.predictors[3].scale) == pytest.approx((share, 1.0), rel=1e-12)
    assert (first.gaps, second.gaps) == (weight[~known].sum(), weight[table["sex"].isna()].sum())


def test_sequential_probabilities_are_chained_softmaxes(table: pd.DataFrame) -> None:
    """P(x) is, by scalar arithmetic, softmax of the stage's logits times softmax of the sex's, given stage, age and site."""
    plan, frame = planned(table)
    model = covariates_of(plan)
    draws = {"gamma": np.random.default_rng(2).normal(0, 1.5, (4, len(model.labels)))}
    rows = frame.dropna()
    found = model.log_probability(draws, rows)
    for s, gamma in enumerate(draws["gamma"]):
        of = dict(zip(model.labels, gamma, strict=True))
        for n, (_, row) in enumerate(rows.iterrows()):
            total = 0.0
            for variable in model.variables:
                logits = {variable.levels[0]: 0.0}
                for level in variable.levels[1:]:
                    logits[level] = of[f"{variable.name}={level} | intercept"]
                    for predictor in variable.predictors:
                        value = row[predictor.variable]
                        raw = float(value == predictor.level) if predictor.level else float(value)
                        slope = of[f"{variable.name}={level} | {predictor.label}"]
                        logits[level] += slope * (raw - predictor.centre) / predictor.scale
                total += logits[row[variable.name]] - math.log(sum(map(math.exp, logits.values())))
            assert found[s, n] == pytest.approx(total, abs=1e-12)


def test_independent_probabilities_are_shares(table: pd.DataFrame) -> None:
    """Under `independent` P(x) is the product of the shares of its levels, whatever the complete covariates are."""
    plan, frame = planned(table, model=INDEPENDENT)
    model = covariates_of(plan)
    assert model.labels == ["stage=i", "stage=ii", "stage=iii", "sex=f", "sex=m"]
    share = np.array([[0.2, 0.5, 0.3, 0.9, 0.1]])
    rows = frame.dropna()
    of = dict(zip(model.labels, share[0], strict=True))
    expected = [math.log(of[f"stage={row.stage}"] * of[f"sex={row.sex}"]) for row in rows.itertuples()]
    np.testing.assert_allclose(model.log_probability({"share": share}, rows)[0], expected, rtol=1e-12)


@pytest.mark.parametrize("model", [MARGINALISE, INDEPENDENT])
def test_probabilities_sum_to_one(table: pd.DataFrame, model: str) -> None:
    """Over every combination of their levels the probabilities of the covariates with gaps sum to 1, in every row."""
    plan, frame = planned(table, model=model)
    covariates = covariates_of(plan)
    draws = covariates.draw_from_prior(np.random.default_rng(3), 5)
    total = 0.0
    for values in itertools.product(*(variable.levels for variable in covariates.variables)):
        filled = frame.assign(**dict(zip(covariates.names, values, strict=True)))
        total = total + np.exp(covariates.log_probability(draws, filled))
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


def test_candidates_are_every_way_to_fill_the_gaps(table: pd.DataFrame) -> None:
    """A row has one candidate for each combination of what it lacks, itself where it lacks nothing, all else as it was."""
    plan, frame = planned(table)
    candidates = covariates_of(plan).candidates(frame)
    starts = np.append(candidates.starts, len(candidates.frame))
    levels = {variable.name: variable.levels for variable in covariates_of(plan).variables}
    for position in range(len(frame)):
        own = candidates.frame.iloc[starts[position] : starts[position + 1]]
        assert (candidates.owner[starts[position] : starts[position + 1]] == position).all()
        lacks = [name for name in ("stage", "sex") if frame[name].isna().iloc[position]]
        pd.testing.assert_frame_equal(
            own.drop(columns=lacks), frame.iloc[[position] * len(own)].drop(columns=lacks), check_dtype=False
        )
        found = [tuple(row) for row in own[lacks].to_numpy()]
        assert sorted(found) == sorted(itertools.product(*(levels[name] for name in lacks)))
    assert not candidates.frame.isna().to_numpy().any()


def test_no_rows_have_no_candidates(table: pd.DataFrame) -> None:
    """Rows without any gap, as a refit may have them, leave nothing to fill: no candidate, and no error."""
    plan, frame = planned(table)
    candidates = covariates_of(plan).candidates(frame.iloc[:0])
    assert len(candidates.frame) == len(candidates.owner) == len(candidates.starts) == 0
    assert candidates.added_up(np.zeros((3, 0))).shape == (3, 0)


def test_prior_draws_have_the_stated_spread(table: pd.DataFrame) -> None:
    """Intercepts have sd 1.5 and coefficients sd 1 around 0; shares are uniform on their simplex, each variable's summing to 1."""
    gamma = draw_from_prior(planned(table)[0], 20_000, 1)["gamma"]
    labels = covariates_of(planned(table)[0]).labels
    expected = np.array([1.5 if label.endswith("| intercept") else 1.0 for label in labels])
    assert sorted(set(expected)) == [1.0, 1.5]
    np.testing.assert_allclose(gamma.std(axis=0), expected, rtol=0.03)
    np.testing.assert_allclose(gamma.mean(axis=0), 0.0, atol=0.05)
    share = draw_from_prior(planned(table, model=INDEPENDENT)[0], 20_000, 1)["share"]
    np.testing.assert_allclose(share[:, :3].sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(share[:, 3:].sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(share.mean(axis=0), [1 / 3] * 3 + [1 / 2] * 2, atol=0.01)
    np.testing.assert_allclose(share.std(axis=0), [math.sqrt(1 / 18)] * 3 + [math.sqrt(1 / 12)] * 2, rtol=0.03)


@pytest.mark.parametrize("model", [MARGINALISE, INDEPENDENT])
def test_it_survives_a_run_folder(table: pd.DataFrame, model: str) -> None:
    """The plan that is read back has the very same covariate model."""
    plan, _ = planned(table, model=model)
    assert Plan.from_json(plan.analysis, plan.to_json()) == plan
    assert covariates_of(Plan.from_json(plan.analysis, plan.to_json())) == covariates_of(plan)


def test_without_gaps_there_is_no_covariate_model(table: pd.DataFrame) -> None:
    """Complete data under `marginalise` are planned as they are under `drop`, also where a covariate model is named."""
    complete = table.dropna().reset_index(drop=True)
    cohort, dropped = fits.cohort_and_plan(complete, "stage + age + site + sex")
    for model in (MARGINALISE, INDEPENDENT):
        _, plan = fits.cohort_and_plan(complete, "stage + age + site + sex", model=model)
        assert plan.covariates is None
        assert plan.to_json() == dropped.to_json()
    assert make_plan(dropped.analysis, cohort) == dropped


def test_a_variable_may_have_a_rule_of_its_own(table: pd.DataFrame) -> None:
    """Gaps in one covariate are marginalised while those in another are a level, or leave the row out."""
    for rule, rows, levels in (("level", 30, ("i", "ii", "iii", "unknown")), ("drop", 27, ("i", "ii", "iii"))):
        rest = f'[variables.stage]\nmissing = "{rule}"'
        cohort, plan = fits.cohort_and_plan(table, "stage + sex", model=MARGINALISE, rest=rest)
        assert covariates_of(plan).names == ("sex",)
        assert len(cohort) == rows
        assert plan.encoding.group("stage").levels == levels


def test_numbers_are_not_marginalised_and_the_reason_is_recorded(table: pd.DataFrame) -> None:
    """A gap in a continuous covariate leaves the row out, and the record says that only groups are marginalised."""
    frame = table.astype({"age": object})
    frame.loc[2, "age"] = None
    cohort, _ = fits.cohort_and_plan(frame, "stage + age", model=MARGINALISE)
    assert [(item.reason, item.rows) for item in cohort.dropped] == [
        ("age is missing, and is continuous: only groups are marginalised", (3,))
    ]
    as_group = '[variables.sex]\nlevels = [0, 1]\n'
    coded = table.assign(sex=table["sex"].map({"f": 0, "m": 1}))
    _, plan = fits.cohort_and_plan(coded, "stage + sex", model=MARGINALISE, rest=as_group)
    assert covariates_of(plan).names == ("stage", "sex")


def test_patients_for_whom_a_covariate_has_no_meaning_are_a_level(table: pd.DataFrame) -> None:
    """Under `not-applicable` gaps become that level, the last one, joined by rows that say so themselves; none is left to fill."""
    frame = table.copy()
    frame.loc[3, "stage"] = "not-applicable"
    cohort, plan = fits.cohort_and_plan(frame, "stage + site", model='missing = "not-applicable"')
    assert plan.covariates is None
    assert plan.encoding.group("stage").levels == ("i", "ii", "iii", "not-applicable")
    assert (cohort.covariates["stage"] == "not-applicable").sum() == 4


def test_the_least_number_of_combinations_that_is_refused(table: pd.DataFrame) -> None:
    """A thousand ways to fill a row's gaps are added up, 1,024 are refused with the number and the way out."""
    rng = np.random.default_rng(1)
    wide = pd.concat([table] * 2, ignore_index=True)
    frame = wide.assign(**{name: rng.permutation(np.resize(list("abcdefghij"), 60)) for name in ("v1", "v2", "v3")})
    frame.loc[0, ["v1", "v2", "v3"]] = None
    _, plan = fits.cohort_and_plan(frame, "v1 + v2 + v3", model=MARGINALISE)
    assert len(covariates_of(plan).candidates(frame.iloc[[0]]).frame) == 1000
    ten_binary = wide.assign(**{f"b{k}": rng.choice(["no", "yes"], 60) for k in range(10)})
    ten_binary.loc[0, [f"b{k}" for k in range(10)]] = None
    with pytest.raises(DataError, match=r"can be filled in 1024 ways, and more than 1000 are not added up; set missing"):
        fits.cohort_and_plan(ten_binary, " + ".join(f"b{k}" for k in range(10)), model=MARGINALISE)
