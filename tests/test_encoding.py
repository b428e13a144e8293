"""What the data teach about covariates: levels, reference, centring, scale; and its reuse on other rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.cohort import Cohort, build_cohort
from bayes_rrmm.encoding import Encoding, learn_encoding
from bayes_rrmm.errors import AnalysisError, DataError
from bayes_rrmm.specification import parse_analysis

Learn = Callable[..., tuple[Encoding, Cohort]]


@pytest.fixture
def learn(analysis_text) -> Learn:
    """The encoding, and the cohort, of a table under a formula and further lines of the analysis."""

    def encode(frame: pd.DataFrame, formula: str, **parts: str) -> tuple[Encoding, Cohort]:
        analysis = parse_analysis(analysis_text(formula, **parts))
        cohort = build_cohort(frame, analysis)
        return learn_encoding(analysis, cohort), cohort

    return encode


def test_columns_are_contrasts_and_steps(patients: pd.DataFrame, learn: Learn) -> None:
    """Dummies against the reference, continuous covariates in the step named, all centred at their mean."""
    encoding, cohort = learn(patients, "group + age + dose", rest="[variables.age]\nper = 10")
    raw = np.column_stack([patients["group"] == "b", patients["group"] == "c", patients["age"] / 10, patients["dose"]]).astype(
        float
    )
    assert [column.name for column in encoding.columns] == ["group=b", "group=c", "age", "dose"]
    np.testing.assert_allclose(encoding.design(cohort.covariates), raw - raw.mean(axis=0), atol=1e-12)
    assert [column.is_indicator for column in encoding.columns] == [True, True, False, False]
    assert [column.per for column in encoding.columns] == [1, 1, 10, 1]
    steps = [column.clinical_step for column in encoding.columns]
    assert steps == pytest.approx([1, 1, 1, patients["dose"].std()])


def test_scales_are_standard_deviations(patients: pd.DataFrame, learn: Learn) -> None:
    """The scale of a continuous column is its sd with n - 1, in its steps; that of an indicator is 1."""
    encoding, _ = learn(patients, "group + age + dose", rest="[variables.age]\nper = 10")
    scales = [column.scale for column in encoding.columns]
    assert scales == pytest.approx([1, 1, patients["age"].std() / 10, patients["dose"].std()])
    age = encoding.continuous[0]
    assert (age.mean, age.sd) == pytest.approx((patients["age"].mean(), patients["age"].std()))


def test_weights_are_replicated_rows(patients: pd.DataFrame, learn: Learn) -> None:
    """Means, sds, counts and events of weighted rows are those of as many identical rows."""
    count = np.resize([1, 2, 4], 60)
    weighted, _ = learn(patients.assign(n=count), "group + age", endpoint='weight = "n"')
    replicated, _ = learn(patients.loc[np.repeat(np.arange(60), count)], "group + age")
    assert weighted.groups == replicated.groups
    for one, other in zip(weighted.columns, replicated.columns, strict=True):
        assert (one.centre, one.scale) == pytest.approx((other.centre, other.scale))


def test_levels_in_the_order_declared_reference_first(patients: pd.DataFrame, learn: Learn) -> None:
    """Levels keep the order of the file, and the reference comes first; undeclared, they are alphabetical."""
    cases = {
        "": ("a", "b", "c"),
        'reference = "c"': ("c", "a", "b"),
        'levels = ["b", "c", "a"]': ("b", "c", "a"),
        'levels = ["b", "c", "a"]\nreference = "a"': ("a", "b", "c"),
    }
    for declared, levels in cases.items():
        encoding, _ = learn(patients, "group", rest=f"[variables.group]\n{declared}")
        assert encoding.group("group").levels == levels
        assert encoding.group("group").reference == levels[0]
        assert [column.name for column in encoding.columns] == [f"group={level}" for level in levels[1:]]


def test_groups_know_their_patients_events_and_follow_up(patients: pd.DataFrame, learn: Learn) -> None:
    """Counts, events and last follow-up stand beside each level, in its order."""
    group = learn(patients, "group", rest='[variables.group]\nreference = "b"')[0].group("group")
    by = patients.groupby("group")
    order = list(group.levels)
    assert list(group.counts) == by.size()[order].tolist()
    assert list(group.events) == by["event"].sum()[order].tolist()
    assert list(group.last_follow_up) == by["time"].max()[order].tolist()


def test_gaps_become_the_last_level(patients: pd.DataFrame, learn: Learn) -> None:
    """Under missing = "level" the level `unknown` is added after those declared, and may be the reference."""
    frame = patients.astype(object)
    frame.loc[[0, 1], "group"] = None
    declared = '[variables.group]\nlevels = ["c", "a", "b"]'
    encoding, _ = learn(frame, "group", model='missing = "level"', rest=declared)
    assert encoding.group("group").levels == ("c", "a", "b", "unknown")
    encoding, _ = learn(frame, "group", model='missing = "level"', rest='[variables.group]\nreference = "unknown"')
    assert encoding.group("group").levels == ("unknown", "a", "b", "c")


def test_interactions_are_products(patients: pd.DataFrame, learn: Learn) -> None:
    """The column of an interaction is the product of its factors, continuous ones centred first, under the term's own name."""
    encoding, cohort = learn(patients, "age*group", rest="[variables.age]\nper = 10")
    last = encoding.columns[-1]
    assert (last.name, last.term, last.per) == ("age:group=c", "age:group", 10)
    product = (patients["age"] - patients["age"].mean()) / 10 * (patients["group"] == "c")
    np.testing.assert_allclose(encoding.design(cohort.covariates)[:, -1], product - product.mean(), atol=1e-12)


def test_main_effect_beside_an_interaction_is_at_the_mean(patients: pd.DataFrame, learn: Learn) -> None:
    """At the mean age two groups differ by nothing in the columns of their interaction with age: the main effect stands alone."""
    encoding, _ = learn(patients, "age*group")
    probe = pd.DataFrame({"age": patients["age"].mean(), "group": ["a", "c"]})
    difference = np.diff(encoding.design(probe), axis=0)[0]
    assert difference == pytest.approx([0, 0, 1, 0, 0], abs=1e-12)


def test_clinical_step_of_an_interaction_is_that_of_its_factors(patients: pd.DataFrame, learn: Learn) -> None:
    """A clinical statement on an interaction is about one sd of its continuous factor, or the step named, not of the product."""
    encoding, _ = learn(patients, "age*dose + group:dose", rest="[variables.age]\nper = 10")
    by_name = {column.name: column.clinical_step for column in encoding.columns}
    sd = patients["dose"].std()
    assert [by_name["age:dose"], by_name["dose"], by_name["age"]] == pytest.approx([sd, sd, 1])


def test_a_step_does_not_reach_inside_a_function(patients: pd.DataFrame, learn: Learn) -> None:
    """`per` is the step of the plain term; a function of the same covariate has no step."""
    encoding, cohort = learn(patients, "age + log(age)", rest="[variables.age]\nper = 10")
    logged = np.log(patients["age"])
    steps = [(column.per, column.clinical_step) for column in encoding.columns]
    assert steps == [(10, 1), (1, pytest.approx(logged.std()))]
    np.testing.assert_allclose(encoding.design(cohort.covariates)[:, 1], logged - logged.mean(), atol=1e-12)


FORMULAS = [
    "1",
    "group",
    "age",
    "group*sex",
    "poly(age, 3)",
    "bs(age, df=4)",
    "bs(dose, df=5, degree=2)*sex",
    "log(dose) + group:age",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_json_keeps_everything(formula: str, patients: pd.DataFrame, learn: Learn) -> None:
    """An encoding read back from JSON is equal and gives the same design, splines and polynomials included."""
    encoding, cohort = learn(patients, formula)
    again = Encoding.from_json(encoding.to_json())
    assert again == encoding
    np.testing.assert_array_equal(again.design(cohort.covariates), encoding.design(cohort.covariates))


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_row_means_the_same_alone(formula: str, patients: pd.DataFrame, learn: Learn) -> None:
    """New rows are encoded as learnt: one row alone, and rows in another order, give the design they had in the cohort."""
    encoding, cohort = learn(patients, formula)
    design = encoding.design(cohort.covariates)
    np.testing.assert_allclose(encoding.design(cohort.covariates.iloc[[7]]), design[[7]], atol=1e-12)
    np.testing.assert_allclose(encoding.design(cohort.covariates.iloc[::-1]), design[::-1], atol=1e-12)


def test_pooled_groups_have_indicators_of_every_level(patients: pd.DataFrame, learn: Learn) -> None:
    """A pooled term has no reference and no centring: one indicator a level, one 1 a row, no design column."""
    encoding, cohort = learn(patients, "group + sex", model='effects = { group = "pooled" }')
    assert [column.name for column in encoding.columns] == ["sex=m"]
    assert encoding.pooled_levels == ["group=a", "group=b", "group=c"]
    indicators = encoding.indicators(cohort.covariates)
    np.testing.assert_array_equal(indicators, (patients["group"].to_numpy()[:, None] == np.array(["a", "b", "c"])).astype(float))
    assert Encoding.from_json(encoding.to_json()) == encoding


def test_names_with_spaces_and_signs(patients: pd.DataFrame, learn: Learn) -> None:
    """Columns and levels may hold spaces, brackets, colons and letters of any alphabet."""
    frame = patients.rename(columns={"group": "Régime (2nd line)", "age": "Alter.Jahre"})
    frame["Régime (2nd line)"] = frame["Régime (2nd line)"].map({"a": "dara [16 mg/kg]", "b": "bort: weekly", "c": "ASCT"})
    encoding, cohort = learn(frame, "`Régime (2nd line)`*sex + Alter.Jahre")
    assert [column.name for column in encoding.columns] == [
        "Régime (2nd line)=bort: weekly",
        "Régime (2nd line)=dara [16 mg/kg]",
        "sex=m",
        "Alter.Jahre",
        "Régime (2nd line)=bort: weekly:sex=m",
        "Régime (2nd line)=dara [16 mg/kg]:sex=m",
    ]
    assert encoding.design(cohort.covariates).shape == (60, 6)


def test_what_was_never_seen_is_refused(patients: pd.DataFrame, learn: Learn) -> None:
    """New rows with an unknown level, a gap, a missing column, or outside a spline's range are refused by name."""
    encoding, cohort = learn(patients, "group + bs(age, df=4) + log(dose)")
    new = cohort.covariates.iloc[:3]
    cases = {
        "'d'; it knows a, b, c": new.assign(group="d"),
        "row 1, column 'age' is missing": new.assign(age=np.nan),
        "column 'dose' (a covariate) is not in the data": new.drop(columns="dose"),
        "a term cannot be computed": new.assign(age=500.0),
        "row 1, term 'log(dose)': its value is not finite": new.assign(dose=0.0),
        "row 2, term 'log(dose)': its value is not finite": new.assign(dose=[1.0, -1.0, 1.0]),
    }
    for fragment, frame in cases.items():
        with pytest.raises(DataError) as refusal:
            encoding.design(frame)
        assert fragment in str(refusal.value)
    with pytest.raises(AnalysisError, match="'age' is not a group of this model"):
        encoding.group("age")
    with pytest.raises(AnalysisError, match="'d' is no level of 'group'"):
        encoding.level("group", "d")


@pytest.mark.parametrize(
    ("formula", "fragments"),
    [
        ("age + older", ("collinear", "'age', 'older'")),
        ("group + sex + twin", ("collinear", "'group', 'twin'")),
        ("group + flat", ("term 'flat'", "is constant over the 60 analysed rows")),
        ("group + same", ("column 'same' is constant", "'x'")),
        ("poly(sexes, 2)", ("'poly(sexes, 2)'", "take")),
    ],
)
def test_designs_without_an_answer_are_refused(
    formula: str, fragments: tuple[str, ...], patients: pd.DataFrame, learn: Learn
) -> None:
    """Constant and collinear terms are refused by name, and terms that have no part in it are not named."""
    frame = patients.assign(
        older=patients["age"] + 5, flat=3.0, same="x", twin=patients["group"].map({"a": "x", "b": "y", "c": "z"})
    )
    frame["sexes"] = (frame["sex"] == "m").astype(int)
    with pytest.raises(DataError) as refusal:
        learn(frame, formula)
    assert all(fragment in str(refusal.value) for fragment in fragments)
    assert "'sex'" not in str(refusal.value)


def test_many_rows_need_little_memory(patients: pd.DataFrame, learn: Learn, analysis_text) -> None:
    """The check for collinear terms grows with the rows, not with their square."""
    few, cohort = learn(patients, "age + dose")
    times = 5_000
    many = replace(
        cohort,
        **{name: np.tile(getattr(cohort, name), times) for name in ("time", "event", "entry", "weight")},
        covariates=pd.concat([cohort.covariates] * times, ignore_index=True),
    )
    lots = learn_encoding(parse_analysis(analysis_text("age + dose")), many)
    assert [column.centre for column in lots.columns] == pytest.approx([column.centre for column in few.columns])
