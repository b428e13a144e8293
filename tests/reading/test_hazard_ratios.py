"""A hazard ratio is exp of a contrast of coefficients, and there is one only where it does not depend on anything else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import estimate

FitOf = Callable[..., Fit]
POOLED = 'effects = { group = "pooled" }'


def log_ratios(fit: Fit, estimand: HazardRatio) -> dict[str, np.ndarray]:
    """Log hazard ratios by comparison, draws laid end to end."""
    read = estimate(fit, estimand).draws
    return {str(label): np.log(read.sel(comparison=label).to_numpy().ravel()) for label in read["comparison"].to_numpy()}


def coefficient(fit: Fit, column: str) -> np.ndarray:
    names = [item.name for item in fit.plan.encoding.columns]
    return fit.draws["beta"][:, names.index(column)]


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(found) == list(expected)
    for label, values in expected.items():
        np.testing.assert_allclose(found[label], values, rtol=1e-12, atol=1e-12)


def test_independent_groups_against_the_reference(mixed_fit: Fit) -> None:
    """Each group's hazard ratio against the reference is exp of its own coefficient."""
    b, c = coefficient(mixed_fit, "group=b"), coefficient(mixed_fit, "group=c")
    assert_same(log_ratios(mixed_fit, HazardRatio("group")), {"b / a": b, "c / a": c})


def test_independent_groups_against_another_group(mixed_fit: Fit) -> None:
    """Against another group it is exp of the difference of coefficients, the reference counting as 0."""
    b, c = coefficient(mixed_fit, "group=b"), coefficient(mixed_fit, "group=c")
    assert_same(log_ratios(mixed_fit, HazardRatio("group", versus="b")), {"a / b": -b, "c / b": c - b})


def test_all_pairs(mixed_fit: Fit) -> None:
    """`pairs = "all"` compares every later level with every earlier one, each once."""
    b, c = coefficient(mixed_fit, "group=b"), coefficient(mixed_fit, "group=c")
    assert_same(log_ratios(mixed_fit, HazardRatio("group", pairs="all")), {"b / a": b, "c / a": c, "c / b": c - b})


def test_pooled_groups(fit_of: FitOf) -> None:
    """Pooled groups have no reference in the model: every hazard ratio is exp(u_a - u_b)."""
    fit = fit_of("group + sex", model=POOLED)
    a, b, c = fit.draws["effect"].T
    assert_same(log_ratios(fit, HazardRatio("group")), {"b / a": b - a, "c / a": c - a})
    assert_same(log_ratios(fit, HazardRatio("group", pairs="all")), {"b / a": b - a, "c / a": c - a, "c / b": c - b})
    assert_same(log_ratios(fit, HazardRatio("group", versus="c")), {"a / c": a - c, "b / c": b - c})
    assert_same(log_ratios(fit, HazardRatio("sex")), {"m / f": coefficient(fit, "sex=m")})


INTERACTIONS = {
    "independent main effects": 'effects = { "group:sex" = "pooled" }',
    "pooled main effects": 'effects = { "sex:group" = "pooled", group = "pooled" }',
    "horseshoe": 'effects = { "group:sex" = { pooling = "horseshoe" } }',
    "horseshoe on both": 'effects = { group = "horseshoe", "group:sex" = "horseshoe" }',
}


@pytest.mark.parametrize("model", INTERACTIONS.values(), ids=INTERACTIONS.keys())
def test_pooled_cells(model: str, fit_of: FitOf) -> None:
    """Beside a pooled interaction each group's hazard ratio is that within a subgroup: main effects and cells, one by one."""
    fit = fit_of("group * sex", model=model)
    effect = dict(zip(fit.plan.encoding.pooled_levels, fit.draws["effect"].T, strict=True))
    columns = [item.name for item in fit.plan.encoding.columns]

    def log_hazard(group: str, sex: str) -> np.ndarray:
        main = [f"group={group}", f"sex={sex}"]
        parts = [effect[name] for name in main if name in effect] + [coefficient(fit, name) for name in main if name in columns]
        return np.sum([effect[f"group:sex={group},{sex}"], *parts], axis=0)

    by_sex = {
        f"{level} / a | sex={sex}": log_hazard(level, sex) - log_hazard("a", sex) for sex in ("f", "m") for level in ("b", "c")
    }
    assert_same(log_ratios(fit, HazardRatio("group", by="sex")), by_sex)
    by_group = {f"m / f | group={level}": log_hazard(level, "m") - log_hazard(level, "f") for level in ("a", "b", "c")}
    assert_same(log_ratios(fit, HazardRatio("sex", by="group")), by_group)
    ratios = {f"group={level}:sex=m": by_sex[f"{level} / a | sex=m"] - by_sex[f"{level} / a | sex=f"] for level in ("b", "c")}
    assert_same(log_ratios(fit, HazardRatio("group:sex")), ratios)
    with pytest.raises(AnalysisError, match="depends on sex: it has no single value; ask for by = 'sex'"):
        estimate(fit, HazardRatio("group"))


def test_one_step_of_a_continuous_covariate(mixed_fit: Fit, fit_of: FitOf) -> None:
    """The hazard ratio of a continuous covariate is for the step the user names, or for one unit."""
    per_ten = coefficient(mixed_fit, "age")
    assert_same(log_ratios(mixed_fit, HazardRatio("age")), {"age + 10": per_ten})
    by_one = fit_of("age")
    assert_same(log_ratios(by_one, HazardRatio("age")), {"age + 1": coefficient(by_one, "age")})
    ten_years_apart = by_one.plan.encoding.design(by_one.cohort.covariates.assign(age=[60.0, 70.0] * 25))
    step = (ten_years_apart[1] - ten_years_apart[0]) @ by_one.draws["beta"].T
    np.testing.assert_allclose(step, 10 * coefficient(by_one, "age"), rtol=1e-9)


def test_interacting_groups_by_subgroup(fit_of: FitOf) -> None:
    """In a subgroup the interaction's coefficient is added; `by` gives every subgroup in turn."""
    fit = fit_of("group*sex")
    b, c = coefficient(fit, "group=b"), coefficient(fit, "group=c")
    with_b, with_c = coefficient(fit, "group=b:sex=m"), coefficient(fit, "group=c:sex=m")
    expected = {"b / a | sex=f": b, "c / a | sex=f": c, "b / a | sex=m": b + with_b, "c / a | sex=m": c + with_c}
    assert_same(log_ratios(fit, HazardRatio("group", by="sex")), expected)
    overridden = estimate(fit, HazardRatio("group"), by="sex")
    assert overridden.draws["comparison"].to_numpy().tolist() == list(expected)
    assert overridden.draws["subgroup"].to_numpy().tolist() == ["sex=f", "sex=f", "sex=m", "sex=m"]


def test_a_slope_by_group(fit_of: FitOf) -> None:
    """A continuous covariate that interacts with a group has one hazard ratio in each."""
    fit = fit_of("group*age", rest="[variables.age]\nper = 5")
    age, with_b, with_c = (coefficient(fit, name) for name in ("age", "group=b:age", "group=c:age"))
    expected = {"age + 5 | group=a": age, "age + 5 | group=b": age + with_b, "age + 5 | group=c": age + with_c}
    assert_same(log_ratios(fit, HazardRatio("age", by="group")), expected)


def test_an_interaction_itself_is_a_ratio_of_hazard_ratios(fit_of: FitOf) -> None:
    """Asked for the interaction, each of its columns is a ratio of hazard ratios."""
    fit = fit_of("group*sex")
    names = ("group=b:sex=m", "group=c:sex=m")
    assert_same(log_ratios(fit, HazardRatio("sex:group")), {name: coefficient(fit, name) for name in names})


def test_one_comparison_has_no_dimension_of_its_own(mixed_fit: Fit) -> None:
    """Naming the group gives draws with chain and draw only, and the comparison in their labels."""
    read = estimate(mixed_fit, HazardRatio("group", "c", versus="b"))
    assert read.label_dims == ()
    assert read.draws.dims == ("chain", "draw")
    assert (read.draws["group"].item(), read.draws["versus"].item()) == ("c", "b")
    expected = coefficient(mixed_fit, "group=c") - coefficient(mixed_fit, "group=b")
    np.testing.assert_allclose(np.log(read.draws.to_numpy().ravel()), expected, rtol=1e-12)


def test_what_a_hazard_ratio_says_of_itself(mixed_fit: Fit) -> None:
    """A hazard ratio is a ratio without effect at 1, conditional on the other covariates, and never extrapolated."""
    read = estimate(mixed_fit, HazardRatio("group"))
    assert (read.unit, read.population, read.null, read.term, read.endpoint) == ("ratio", "conditional", 1.0, "group", "OS")
    assert not read.extrapolated.any()
    assert read.origin == mixed_fit.identity


@pytest.mark.parametrize(
    ("formula", "estimand", "message"),
    [
        ("group", HazardRatio("sex"), "'sex' is no term of the formula; valid: group"),
        ("log(age)", HazardRatio("log(age)"), "not linear, so it has no single hazard ratio; ask for survival or rmst"),
        ("poly(age, 2)", HazardRatio("poly(age,2)"), "not linear"),
        ("age + log(age)", HazardRatio("age"), "depends on its own value: it has no single value; ask for survival or rmst"),
        ("group*sex", HazardRatio("group"), "hazard ratio of 'group' depends on sex: it has no single value; ask for by = 'sex'"),
        ("group*age", HazardRatio("group"), "depends on age: it has no single value; ask for survival or rmst by group"),
        ("group*sex + group*age", HazardRatio("group"), "depends on sex, age: it has no single value; ask for survival or rmst"),
        ("group*sex + group*age", HazardRatio("group", by="sex"), "depends on age: it has no single value; ask for survival"),
        ("group", HazardRatio("group", "b", versus="b"), "the hazard ratio of 'b' against itself is 1"),
        ("group", HazardRatio("group", "a"), "'a' against itself is 1"),
        ("group", HazardRatio("group", "d"), "'d' is no level of 'group'"),
        ("group", HazardRatio("group", versus="d"), "'d' is no level of 'group'"),
        ("group + sex", HazardRatio("group", by="age"), "'age' is not a group of this model"),
    ],
)
def test_refusals_say_why_and_what_to_ask(formula: str, estimand: HazardRatio, message: str, fit_of: FitOf) -> None:
    """Where there is no single hazard ratio the refusal names what it depends on, and the question that has an answer."""
    with pytest.raises(AnalysisError) as refused:
        estimate(fit_of(formula), estimand)
    assert message in str(refused.value)
