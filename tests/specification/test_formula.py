"""Which formulas an analysis file may hold, and how their terms are named."""

from __future__ import annotations

import pytest

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.specification import parse_formula

ACCEPTED = {
    "1": (),
    "regimen": ("regimen",),
    "1 + regimen": ("regimen",),
    "regimen + relapse_pattern + extramedullary": ("regimen", "relapse_pattern", "extramedullary"),
    "a*b": ("a", "b", "a:b"),
    "a:b + a": ("a", "a:b"),
    "b:a + a:b": ("b:a",),
    "(a + b)*c": ("a", "b", "c", "a:c", "b:c"),
    "(a + b):(c + d)": ("a:c", "a:d", "b:c", "b:d"),
    "a*b*c": ("a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"),
    "a + a": ("a",),
    "a:a": ("a",),
    "log(dose)": ("log(dose)",),
    "poly(age,2)": ("poly(age, 2)",),
    "poly( age , degree = 3 )": ("poly(age, degree=3)",),
    "bs(age, df=4)": ("bs(age, df=4)",),
    "bs(age, df=5, degree=2) + sex": ("bs(age, df=5, degree=2)", "sex"),
    "poly(log(dose), 2)": ("poly(log(dose), 2)",),
    "log(dose):sex": ("log(dose):sex",),
    "`relapse pattern` + age": ("relapse pattern", "age"),
    "log(`serum M protein`)": ("log(`serum M protein`)",),
    "a.b": ("a.b",),
    "größe": ("größe",),
    "class + lambda + None": ("class", "lambda", "None"),
}

REFUSED = {
    "": "it is empty; write formula = '1'",
    "  ": "it is empty",
    "0 + a": "0 removes the intercept",
    "a - 1": "'-' is not allowed there; terms cannot be removed",
    "a - b": "terms cannot be removed",
    "-a": "terms cannot be removed",
    "a +": "it ends where a covariate should stand",
    "a + + b": "'+' is not allowed there",
    "(a + b": "a ')' is missing",
    "a)": "')' is not allowed there",
    "()": "')' is not allowed there",
    "y ~ a": "'~' is not allowed there",
    "a | b": "'|' is not allowed there",
    "a ** 2": "'*' is not allowed there",
    "a^2": "'^' is not allowed there",
    "a / b": "'/' is not allowed there",
    "a b": "'b' is not allowed there",
    "2*a": "the number 2 stands alone",
    "'a'": "is not allowed there",
    "`a": "is not allowed there",
    "I(a)": "the function I() is not allowed; use log, poly, bs",
    "C(a)": "the function C() is not allowed",
    "exp(a)": "the function exp() is not allowed",
    "np.log(a)": "the function np.log() is not allowed",
    "__import__(a)": "the function __import__() is not allowed",
    "log(exp(a))": "the function exp() is not allowed",
    "log(a + b)": "'+' is not allowed there",
    "log()": "')' is not allowed there",
    "log(1)": "'1' is not allowed there",
    "log(a, 2)": "log() takes no more numbers; valid: log(x)",
    "log(a": "a ')' is missing",
    "poly(a, 0)": "'0' inside poly() is not a whole number above 0",
    "poly(a, 2.5)": "'2.5' inside poly() is not a whole number above 0",
    "poly(a, b)": "poly() takes no argument 'b'; valid: degree",
    "poly(a, raw=1)": "poly() takes no argument 'raw'; valid: degree",
    "poly(a, 2, 3)": "poly() takes no more numbers; valid: poly(x, degree=3)",
    "poly(a, degree=2, degree=3)": "poly() takes no more numbers",
    "poly(a,)": "is not a whole number above 0",
    "bs(a, knots=3)": "bs() takes no argument 'knots'; valid: df, degree",
    "bs(a, df=2)": "bs() needs df of at least its degree, 3",
    "bs(a, df=4, degree=5)": "bs() needs df of at least its degree, 5",
    "baseline": "'baseline' is a reserved name",
    "a + log_dose": "'log_dose' is a reserved name",
    "sigma": "'sigma' is a reserved name",
    "`tau`": "'tau' is a reserved name",
    "log(frailty)": "'frailty' is a reserved name",
}


@pytest.mark.parametrize(("source", "names"), ACCEPTED.items())
def test_allowed_formulas_have_these_terms(source: str, names: tuple[str, ...]) -> None:
    """A formula on the allow-list becomes its terms, main effects before the interactions they bring."""
    assert tuple(term.name for term in parse_formula(source).terms) == names


@pytest.mark.parametrize(("source", "fragment"), REFUSED.items())
def test_other_formulas_are_refused(source: str, fragment: str) -> None:
    """Whatever is not on the allow-list is refused, quoting the formula, the part, and what to write instead."""
    with pytest.raises(AnalysisError) as refusal:
        parse_formula(source)
    assert f"[model] formula = {source!r}" in str(refusal.value)
    assert fragment in str(refusal.value)


@pytest.mark.parametrize(
    "source",
    ["__import__('os').system('true')", "log(a) if a else b", "lambda x: a", "[a]", "{a}", "a; b", "@a", "log(a)(b)", "a == b"],
)
def test_no_python_passes(source: str) -> None:
    """A Python expression is refused before any library sees it."""
    with pytest.raises(AnalysisError, match="is not allowed"):
        parse_formula(source)


def test_an_attribute_is_nothing_but_a_name() -> None:
    """A name with dots goes to the formula library in backticks: it is looked up among the columns, never evaluated."""
    (term,) = parse_formula("a.__class__").terms
    assert (term.name, term.text) == ("a.__class__", "`a.__class__`")


def test_a_term_is_found_in_any_order() -> None:
    """An interaction may be named with its factors in any order, a name with or without backticks."""
    formula = parse_formula("regimen*extramedullary + `relapse pattern` + poly(age, 2)")
    found = formula.find("extramedullary:regimen")
    assert found is not None
    assert found.name == "regimen:extramedullary"
    assert formula.find("`relapse pattern`") == formula.find("relapse pattern") == formula.terms[2]
    assert formula.find("poly(age,2)") == formula.terms[3]
    assert formula.find("age") is None


def test_variables_are_the_columns_read() -> None:
    """The columns a formula reads, in order, each once, whatever functions and interactions they stand in."""
    assert parse_formula("poly(age, 2)*sex + log(dose) + age + `M protein`").variables == ("age", "sex", "dose", "M protein")
