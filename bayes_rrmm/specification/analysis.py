"""The Analysis: a written analysis, parsed and frozen. The contract is in DESIGN, section 'The analysis file'."""

from __future__ import annotations

import hashlib
import tomllib
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from bayes_rrmm.errors import AnalysisError, nearest
from bayes_rrmm.estimands import KINDS, AnyEstimand
from bayes_rrmm.messages import explain
from bayes_rrmm.priors import Positive, Statement
from bayes_rrmm.specification.checks import check_against_formula, parse_priors
from bayes_rrmm.specification.formula import Formula, Term, parse_formula

SCHEMA = 1
Baseline = Literal["exponential", "weibull", "piecewise-exponential"]
Missing = Literal["drop", "level", "not-applicable", "marginalise"]
Pooling = Literal["independent", "pooled", "horseshoe"]
Unit = Literal["days", "weeks", "months", "years"]


class Record(BaseModel):
    """What every part of the analysis shares: it is frozen and takes no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Endpoint(Record):
    """Which columns are the time, the event, the entry, and what they mean."""

    name: str
    time: str
    event: str
    unit: Unit
    entry: str | None = None
    zero_times: Literal["refuse", "drop", "half-day"] = "refuse"
    id: str | None = None
    weight: str | None = None


class CutRule(Record):
    """Cut points found from the data: quantiles of the event times, or intervals of one width."""

    rule: Literal["equal-events", "equal-width"]
    intervals: Annotated[int, Field(ge=1, le=100)] | None = None


def _increasing(cuts: tuple[float, ...]) -> tuple[float, ...]:
    if any(later <= earlier for earlier, later in pairwise(cuts)):
        raise ValueError("cut points must increase")
    return cuts


Cuts = Annotated[tuple[Positive, ...], AfterValidator(_increasing), Field(min_length=1)]


class EffectTable(Record):
    """How the effects of one term's levels are related, or of the cells of two groups crossed.

    Under the horseshoe `nonzero` is how many effects are expected not to be next to nothing (1 unless stated); such an effect
    comes from a Student t of scale `slab_scale`, a log hazard ratio (1), and `slab_df` degrees of freedom (4).
    """

    pooling: Pooling
    nonzero: Positive | None = None
    slab_scale: Positive | None = None
    slab_df: Positive | None = None


class FrailtyPart(Record):
    """A factor on the hazard that the rows of one cluster share. `cluster` names the column that says which rows those are:
    the patient, where rows are spells of one (then `id` names it too), or a centre.

    Its distribution is that among clusters at time 0, or at a landmark among those that still have somebody at risk. Under delayed
    entry of clusters with several subjects `entry` says how clusters come to be seen: `whole-clusters`, only if all their members
    survived to their entry, or `at-entry`, an approximation: the distribution is that among clusters as they entered."""

    cluster: str
    distribution: Literal["gamma", "log-normal"]
    entry: Literal["whole-clusters", "at-entry"] | None = None


class ModelPart(Record):
    """The model: covariates, baseline hazard, how group effects are related, frailty of clusters, what happens to gaps.

    `missing` says what a gap in a covariate is: a reason to `drop` the row; a `level` of its own, `unknown`; the level
    `not-applicable`, of patients for whom the covariate has no meaning; or a value to `marginalise` over, missing at
    random. `covariate_model` is the model of marginalised covariates: logits of each given its predecessors and the
    complete covariates (`sequential`, the default), or shares of each on its own (`independent`). From `landmark` on, a time
    after the origin, those still under observation are followed; time is still counted from the origin. Groups are as the data
    have them: one that a later treatment makes must be coded as it was at the landmark.
    """

    formula: str
    baseline: Baseline = "weibull"
    cuts: Cuts | CutRule | None = None
    smoothing: Literal["independent", "random-walk"] | None = None
    effects: dict[str, Pooling | EffectTable] = {}
    missing: Missing = "drop"
    covariate_model: Literal["sequential", "independent"] | None = None
    frailty: FrailtyPart | None = None
    landmark: Positive | None = None


class Variable(Record):
    """What the user declares of one covariate."""

    levels: Annotated[tuple[StrictStr | StrictInt, ...], Field(min_length=1)] | None = None
    reference: StrictStr | StrictInt | None = None
    per: Positive | None = None
    missing: Missing | None = None


class IntervalChoice(Record):
    """Kind and probability of every interval: equal-tailed (eti) or highest density (hdi)."""

    kind: Literal["eti", "hdi"] = "eti"
    prob: Annotated[float, Field(gt=0, lt=1)] = 0.95


class Sampling(Record):
    """How the posterior is sampled. Without a `target_accept` it is 0.9, or 0.98 where a spread is learnt:
    of a random walk's steps, of pooled effects, or of log-normal frailties, and 0.99 under a horseshoe."""

    draws: Annotated[int, Field(ge=100, le=1_000_000)] = 1000
    tune: Annotated[int, Field(ge=100, le=1_000_000)] = 1000
    chains: Annotated[int, Field(ge=2, le=64)] = 4
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 20260311
    target_accept: Annotated[float, Field(gt=0.5, lt=1)] | None = None
    interval: IntervalChoice = IntervalChoice()


class Priors(Record):
    """The prior statements, by what they are about; what is not stated takes its default."""

    baseline: Statement | None = None
    log_rate: Statement | None = None
    log_scale: Statement | None = None
    log_shape: Statement | None = None
    log_hazards: Statement | None = None
    sigma: Statement | None = None
    frailty: Statement | None = None
    tau: dict[str, Statement] = {}
    terms: dict[str, Statement] = {}


class Analysis(Record):
    """A written analysis. `source` is the text it was read from, kept so that a run folder holds it as read."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    schema_: Annotated[int, Field(alias="schema")] = SCHEMA
    title: str
    question: str = ""
    endpoint: Endpoint
    model: ModelPart
    variables: dict[str, Variable] = {}
    populations: dict[str, dict[str, Annotated[tuple[StrictStr | StrictInt, ...], Field(min_length=1)]]] = {}
    priors: Priors = Priors()
    estimands: tuple[AnyEstimand, ...] = ()
    sampling: Sampling = Sampling()
    source: Annotated[str, Field(exclude=True, repr=False)] = ""

    @property
    def formula(self) -> Formula:
        """The parsed formula."""
        return parse_formula(self.model.formula)

    @property
    def sha256(self) -> str:
        """SHA-256 of the text the analysis was read from."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def effect(self, term: Term) -> EffectTable:
        """How the term's effects are related; independent unless stated."""
        for name, effect in self.model.effects.items():
            if self.formula.find(name) == term:
                return effect if isinstance(effect, EffectTable) else EffectTable(pooling=effect)
        return EffectTable(pooling="independent")

    def pooling(self, term: Term) -> Pooling:
        """Whether the term's effects are independent, pooled, or under a horseshoe."""
        return self.effect(term).pooling

    def is_pooled(self, term: Term) -> bool:
        """Whether the term's effects are exchangeable, drawn from one distribution with an unknown spread."""
        return self.pooling(term) != "independent"

    def missing_rule(self, variable: str) -> Missing:
        """What happens to a gap in the variable."""
        declared = self.variables.get(variable)
        return (declared.missing if declared else None) or self.model.missing


def parse_analysis(text: str, origin: str = "the analysis") -> Analysis:
    """The analysis written in `text` (TOML).

    Raises AnalysisError naming the file, the key, its value, the rule, and the nearest valid key.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AnalysisError(f"{origin}: not valid TOML: {error}. Mend that line and try again.") from None
    try:
        analysis = _build(raw, text)
        check_against_formula(analysis)
    except ValidationError as error:
        raise AnalysisError(f"{origin}: {explain(error, Analysis)}") from None
    except AnalysisError as error:
        raise AnalysisError(f"{origin}: {error}") from None
    return analysis


def _build(raw: dict[str, Any], text: str) -> Analysis:
    if "schema" not in raw:
        raise AnalysisError(f"schema: is required and missing; write `schema = {SCHEMA}` on the first line.")
    if raw["schema"] != SCHEMA or isinstance(raw["schema"], bool):
        raise AnalysisError(f"schema = {raw['schema']!r}: this version reads schema {SCHEMA} only; write schema = {SCHEMA}.")
    if "source" in raw:
        raise AnalysisError("source: unknown key; remove it (the text of the file is kept with every fit).")
    raw = dict(raw)
    estimands = raw.get("estimands", [])
    if not isinstance(estimands, list):
        raise AnalysisError("estimands must be a list of tables; write each under its own [[estimands]], in double brackets.")
    raw["estimands"] = tuple(_estimand(index, table) for index, table in enumerate(estimands, start=1))
    formula_source = raw.get("model", {}).get("formula") if isinstance(raw.get("model"), dict) else None
    formula = parse_formula(formula_source) if isinstance(formula_source, str) else None
    raw["priors"] = Priors(**parse_priors(raw.get("priors", {}), formula))
    return Analysis.model_validate({**raw, "source": text})


def _estimand(index: int, table: Any) -> AnyEstimand:
    where = f"[[estimands]] number {index}"
    if not isinstance(table, dict) or "kind" not in table:
        raise AnalysisError(f"{where}: kind is required and missing; valid: {', '.join(KINDS)}.")
    kind = table["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise AnalysisError(f"{where}: kind = {kind!r} is unknown; {nearest(str(kind), KINDS)}")
    try:
        return KINDS[kind](**table)
    except AnalysisError as error:
        raise AnalysisError(f"{where}: {error}") from None
