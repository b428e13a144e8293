"""What must hold between the parts of one analysis: priors, effects, variables and estimands against the formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bayes_rrmm.errors import AnalysisError, nearest
from bayes_rrmm.estimands import ENTERERS, Curve, HazardRatio, Rank
from bayes_rrmm.messages import explain
from bayes_rrmm.priors import Kind, Statement, parse_statement
from bayes_rrmm.specification.formula import Formula, Term
from bayes_rrmm.specification.frailty import check_frailty

if TYPE_CHECKING:
    from bayes_rrmm.specification.analysis import Analysis

BASELINE_KEYS: dict[str, Kind] = {
    "baseline": "baseline",
    "log_rate": "location",
    "log_scale": "location",
    "log_shape": "location",
    "log_hazards": "location",
    "sigma": "scale",
}
"""Prior keys that are not terms, and the kind of statement each takes."""

TAKES = {
    "exponential": {"baseline", "log_rate"},
    "weibull": {"baseline", "log_rate", "log_scale", "log_shape"},
    "piecewise-exponential": {"baseline", "log_hazards", "sigma"},
}
"""Which of them each baseline takes; the location of a baseline is stated once."""


def parse_priors(raw: Any, formula: Formula | None) -> dict[str, Any]:
    """The [priors] table as the fields of `Priors`; each unknown key is refused with the nearest valid one."""
    if not isinstance(raw, dict):
        raise AnalysisError("[priors] must be a table of keys and values.")
    fields: dict[str, Any] = {"terms": {}, "tau": {}}
    for key, value in raw.items():
        if key in BASELINE_KEYS:
            fields[key] = _statement(value, BASELINE_KEYS[key], f"[priors] {key}")
        elif key == "frailty":
            fields[key] = _statement(value, "scale", "[priors] frailty")
        elif key == "tau":
            if not isinstance(value, dict) or "half_normal" in value:
                raise AnalysisError("[priors] tau: name the pooled term, as in tau = { regimen = { half_normal = 0.5 } }.")
            for term, statement in value.items():
                name = _term(term, formula, "[priors] tau")
                fields["tau"][name] = _statement(statement, "scale", f"[priors] tau.{term}")
        else:
            name = _term(key, formula, "[priors]", extra=(*BASELINE_KEYS, "frailty", "tau"))
            fields["terms"][name] = _statement(value, "coefficient", f"[priors] {key}")
    return fields


def _statement(value: Any, kind: Kind, where: str) -> Statement:
    try:
        return parse_statement(value, kind)
    except ValidationError as error:
        raise AnalysisError(explain(error, Statement, where)) from None
    except ValueError as error:
        raise AnalysisError(f"{where}: {error}.") from None


def _term(name: str, formula: Formula | None, where: str, extra: tuple[str, ...] = ()) -> str:
    if formula is None:
        return name
    term = formula.find(name)
    if term is None:
        valid = [*(term.name for term in formula.terms), *extra]
        raise AnalysisError(f"{where}: {name!r} is no term of the formula; {nearest(name, valid)}")
    return term.name


def check_against_formula(analysis: Analysis) -> None:
    """Raise AnalysisError, naming key, rule and remedy, where the parts of the analysis contradict each other."""
    _check_columns(analysis)
    _check_effects(analysis)
    _check_baseline(analysis)
    _check_variables(analysis)
    _check_covariate_model(analysis)
    check_frailty(analysis)
    _check_populations(analysis)
    for index, estimand in enumerate(analysis.estimands, start=1):
        _check_estimand(analysis, estimand, f"[[estimands]] number {index}")


def _check_columns(analysis: Analysis) -> None:
    roles: dict[str, str] = {}
    for role in ("time", "event", "entry", "id", "weight"):
        column = getattr(analysis.endpoint, role)
        if column is None:
            continue
        if column in roles:
            raise AnalysisError(f"[endpoint] {role} = {column!r}: the same column is already the {roles[column]}; name another.")
        roles[column] = role
    for variable in analysis.formula.variables:
        if variable in roles:
            raise AnalysisError(
                f"[model] formula: {variable!r} is the endpoint's {roles[variable]} column; an outcome cannot explain itself, "
                "take it out of the formula."
            )


def _check_effects(analysis: Analysis) -> None:
    formula = analysis.formula
    for name in analysis.model.effects:
        term_name = _term(name, formula, "[model] effects")
        term = formula.find(term_name)
        assert term is not None
        if not analysis.is_pooled(term):
            continue
        _check_pooled_term(analysis, name, term)
    _check_spreads(analysis)


def _check_pooled_term(analysis: Analysis, name: str, term: Term) -> None:
    """A pooled term is a variable, or two variables crossed beside both main effects, and no part of a term that is not pooled."""
    terms = analysis.formula.terms
    if any(factor.is_function for factor in term.factors) or len(term.factors) > 2:
        raise AnalysisError(
            f"[model] effects: {name!r} is neither a plain variable nor two of them crossed; this version pools no other terms, "
            "leave its effects independent."
        )
    lacking = [factor.text for factor in term.factors if not any(other.key == {factor.text} for other in terms)]
    if lacking:
        raise AnalysisError(
            f"[model] effects: {name!r} is pooled beside the main effects of both groups, and the formula has none of "
            f"{' and '.join(lacking)}; write {' * '.join(factor.text for factor in term.factors)}."
        )
    for other in terms:
        if term.key < other.key and not (len(other.factors) == 2 and analysis.is_pooled(other)):
            raise AnalysisError(
                f"[model] effects: {name!r} is pooled and also part of {other.name!r}; "
                "pool that interaction too, take it out, or leave the effects independent."
            )


def _check_spreads(analysis: Analysis) -> None:
    """What is stated of the spread of effects belongs to how they are related."""
    formula = analysis.formula
    for name in analysis.model.effects:
        term = formula.find(name)
        assert term is not None
        effect = analysis.effect(term)
        stated = [key for key in ("nonzero", "slab_scale", "slab_df") if getattr(effect, key) is not None]
        if stated and effect.pooling != "horseshoe":
            raise AnalysisError(
                f"[model] effects.{name}: {' and '.join(stated)} belong to the horseshoe, and these effects are {effect.pooling}; "
                'remove them, or set pooling = "horseshoe".'
            )
    for term_name in analysis.priors.tau:
        term = formula.find(term_name)
        if term is None or not analysis.is_pooled(term):
            raise AnalysisError(
                f"[priors] tau.{term_name}: {term_name!r} is not pooled; add it to [model] effects or drop the prior."
            )
        if analysis.pooling(term) == "horseshoe":
            raise AnalysisError(
                f"[priors] tau.{term_name}: under a horseshoe the spread is half-Cauchy, scaled by how many effects are "
                f"expected not to be next to nothing; state that in [model] effects, as in "
                '{ pooling = "horseshoe", nonzero = 1 }.'
            )
    for term_name in analysis.priors.terms:
        term = formula.find(term_name)
        if term is not None and analysis.pooling(term) == "horseshoe":
            raise AnalysisError(
                f"[priors] {term_name}: the term is under a horseshoe, which is its effects' prior; remove this one, and state "
                "nonzero, slab_scale or slab_df in [model] effects."
            )
        if term is not None and analysis.is_pooled(term):
            written = term_name if term.is_variable else f'"{term_name}"'
            raise AnalysisError(
                f"[priors] {term_name}: the term is pooled, its effects come from Normal(0, tau); state the prior of tau: "
                f"tau = {{ {written} = {{ half_normal = 0.5 }} }}."
            )


def _check_baseline(analysis: Analysis) -> None:
    baseline, priors = analysis.model.baseline, analysis.priors
    stated = [key for key in BASELINE_KEYS if getattr(priors, key) is not None]
    for key in stated:
        if key not in TAKES[baseline]:
            raise AnalysisError(
                f"[priors] {key}: a {baseline} baseline has no such parameter; it takes {', '.join(sorted(TAKES[baseline]))}."
            )
    locations = [key for key in stated if key in ("baseline", "log_rate", "log_scale", "log_hazards")]
    if len(locations) > 1:
        raise AnalysisError(f"[priors] {' and '.join(locations)} state the same parameter twice; keep one of them.")
    if baseline != "piecewise-exponential":
        for key in ("cuts", "smoothing"):
            if getattr(analysis.model, key) is not None:
                raise AnalysisError(
                    f"[model] {key}: a {baseline} baseline has no intervals; remove it, or set baseline = 'piecewise-exponential'."
                )
    elif priors.sigma is not None and analysis.model.smoothing != "random-walk":
        raise AnalysisError("[priors] sigma: independent intervals have no step; remove it, or set smoothing = 'random-walk'.")


def _check_variables(analysis: Analysis) -> None:
    known = analysis.formula.variables
    for name, variable in analysis.variables.items():
        if name not in known:
            raise AnalysisError(f"[variables.{name}]: {name!r} is not in the formula; {nearest(name, known)}")
        _check_functions(analysis, name)
        if variable.per is not None and (variable.levels is not None or variable.reference is not None):
            raise AnalysisError(f"[variables.{name}]: per is for continuous covariates, levels and reference for groups; keep one.")
        levels = [str(level) for level in variable.levels or ()]
        if len(set(levels)) < len(levels):
            raise AnalysisError(f"[variables.{name}] levels: a level stands twice; name each once.")
        if levels and variable.reference is not None and str(variable.reference) not in levels:
            raise AnalysisError(
                f"[variables.{name}] reference = {variable.reference!r} is not among the levels; "
                f"{nearest(str(variable.reference), levels)}"
            )


def _check_functions(analysis: Analysis, name: str) -> None:
    """A group cannot be inside a function, and a step has no meaning there."""
    declared = analysis.variables[name]
    factors = [factor for term in analysis.formula.terms for factor in term.factors if factor.variable == name]
    inside = [factor.text for factor in factors if factor.is_function]
    if inside and (declared.levels is not None or declared.reference is not None):
        raise AnalysisError(
            f"[variables.{name}]: {inside[0]} takes numbers, not groups; remove levels and reference, or the function."
        )
    if len(inside) == len(factors) and declared.per is not None:
        raise AnalysisError(
            f"[variables.{name}] per: {name!r} stands in the formula as {inside[0]} only, which has no step; remove per."
        )


def _check_covariate_model(analysis: Analysis) -> None:
    stated = analysis.model.covariate_model
    if stated and not any(analysis.missing_rule(name) == "marginalise" for name in analysis.formula.variables):
        raise AnalysisError(
            f'[model] covariate_model = "{stated}": no covariate is marginalised; remove it, or set missing = "marginalise".'
        )


def _check_populations(analysis: Analysis) -> None:
    for name, filters in analysis.populations.items():
        if name in ("cohort", "average", ENTERERS):
            raise AnalysisError(f"[populations.{name}]: {name!r} has a meaning of its own; choose another name.")
        if not filters:
            raise AnalysisError(f"[populations.{name}]: it filters nothing; name a column and its levels, or use 'cohort'.")
        for column, levels in filters.items():
            if column not in analysis.formula.variables:
                raise AnalysisError(
                    f"[populations.{name}]: {column!r} is not in the formula; {nearest(column, analysis.formula.variables)}"
                )
            declared = analysis.variables.get(column)
            known = [str(level) for level in (declared.levels if declared else None) or levels]
            for level in map(str, levels):
                if level not in known:
                    raise AnalysisError(
                        f"[populations.{name}] {column}: {level!r} is not among the declared levels; {nearest(level, known)}"
                    )


def _check_estimand(analysis: Analysis, estimand: object, where: str) -> None:
    formula = analysis.formula
    if isinstance(estimand, HazardRatio | Rank):
        _term(estimand.of, formula, f"{where}: of")
    by = getattr(estimand, "by", None)
    if by is not None and by not in formula.variables:
        raise AnalysisError(f"{where}: by = {by!r} is not in the formula; {nearest(by, formula.variables)}")
    population = getattr(estimand, "population", None)
    valid = ("cohort", "average", ENTERERS, *analysis.populations)
    if population is not None and population not in valid:
        raise AnalysisError(f"{where}: population = {population!r} is unknown; {nearest(population, valid)}")
    if population == ENTERERS and (analysis.endpoint.entry is None or analysis.model.landmark is not None):
        raise AnalysisError(
            f'{where}: population = "{ENTERERS}" is of those who enter late, in time since their entry; name the entry column in '
            '[endpoint] and no landmark, or ask for "cohort".'
        )
    if isinstance(estimand, Curve) and estimand.contrast != "none" and by is None:
        raise AnalysisError(f"{where}: contrast = {estimand.contrast!r} needs by, the variable whose groups are compared.")
