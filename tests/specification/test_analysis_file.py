"""The analysis file: every key of its contract, its defaults, and the refusal of what it does not know."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import HazardRatio, Median, Rank, Rmst, Survival
from bayes_rrmm.priors import HalfNormalPrior, HazardRatioPrior, MedianPrior, NormalPrior, StudentTPrior
from bayes_rrmm.specification import parse_analysis
from bayes_rrmm.specification.analysis import CutRule

EXAMPLE = """\
schema = 1
title = "Second-line PFS by regimen"
question = "Which regimens prolong second-line PFS, given relapse pattern and extramedullary disease?"

[endpoint]
name = "PFS2"
time = "pfs2_months"
event = "pfs2_event"
unit = "months"

[model]
formula = "regimen + relapse_pattern + extramedullary"     # right-hand side, formulaic syntax
baseline = "weibull"
missing = "drop"

[variables.regimen]
levels = ["bortezomib", "daratumumab", "pomalidomide", "ixazomib", "carfilzomib", "salvage-asct"]
reference = "bortezomib"

[priors]
baseline = { median_survival = 24, upper95 = 120 }
regimen = { hazard_ratio = 1.0, upper95 = 5.0 }

[[estimands]]
kind = "hazard-ratio"
of = "regimen"
[[estimands]]
kind = "median"
by = "regimen"
population = "cohort"

[sampling]
draws = 1000
tune = 1000
chains = 4
seed = 20260311
"""

FULL = """\
schema = 1
title = "Every key"

[endpoint]
name = "OS"
time = "os_months"
event = "os_event"
unit = "months"
entry = "months_to_first_relapse"
zero_times = "half-day"
id = "patient"
weight = "count"

[model]
formula = "regimen + relapse_pattern*extramedullary + age + poly(albumin, 2)"
baseline = "piecewise-exponential"
cuts = [6, 12, 24, 48]
smoothing = "random-walk"
effects = { regimen = "pooled", age = { pooling = "independent" } }
missing = "level"

[variables.regimen]
levels = ["bortezomib", "daratumumab", "pomalidomide"]
reference = "bortezomib"
[variables.age]
per = 10
missing = "drop"
[variables.extramedullary]
levels = [0, 1]
reference = 0

[populations.clinical_relapse]
relapse_pattern = ["clinical"]
extramedullary = [1]

[priors]
log_hazards = { normal = [-3, 3] }
sigma = { half_normal = 0.4 }
tau = { regimen = { half_normal = 0.7 } }
age = { normal = [0, 1] }
relapse_pattern = { student_t = [4, 0, 1] }
"extramedullary:relapse_pattern" = { hazard_ratio = 1.0, upper95 = 3.0 }

[[estimands]]
kind = "hazard-ratio"
of = "regimen"
group = "daratumumab"
versus = "bortezomib"
threshold = [1.0, 0.8]
[[estimands]]
kind = "hazard-ratio"
of = "regimen"
pairs = "all"
[[estimands]]
kind = "hazard-ratio"
of = "relapse_pattern"
by = "extramedullary"
[[estimands]]
kind = "survival"
at = [12, 24]
given = 6
by = "regimen"
contrast = "ratio"
versus = "bortezomib"
[[estimands]]
kind = "rmst"
upto = 60
population = "clinical_relapse"
[[estimands]]
kind = "median"
by = "regimen"
horizon = inf
contrast = "difference"
[[estimands]]
kind = "median"
population = "average"
horizon = 60
[[estimands]]
kind = "rank"
of = "regimen"
upto = 60

[sampling]
draws = 500
tune = 700
chains = 2
seed = 7
target_accept = 0.95
interval = { kind = "hdi", prob = 0.9 }
"""


def test_the_example_of_the_contract_is_read() -> None:
    """The contract's own example becomes the records it says."""
    analysis = parse_analysis(EXAMPLE)
    assert (analysis.title, analysis.endpoint.time, analysis.endpoint.unit) == (
        "Second-line PFS by regimen",
        "pfs2_months",
        "months",
    )
    assert analysis.formula.variables == ("regimen", "relapse_pattern", "extramedullary")
    assert analysis.variables["regimen"].levels is not None
    assert analysis.variables["regimen"].levels[5] == "salvage-asct"
    assert analysis.priors.baseline == MedianPrior(median_survival=24, upper95=120)
    assert analysis.priors.terms == {"regimen": HazardRatioPrior(hazard_ratio=1.0, upper95=5.0)}
    assert analysis.estimands == (HazardRatio("regimen"), Median(by="regimen"))
    assert analysis.sampling.seed == 20260311
    assert analysis.source == EXAMPLE


def test_every_other_key_is_read() -> None:
    """The keys that the example shows as comments are read too, each into its record."""
    analysis = parse_analysis(FULL)
    endpoint, model, priors = analysis.endpoint, analysis.model, analysis.priors
    assert (endpoint.entry, endpoint.zero_times, endpoint.id, endpoint.weight) == (
        "months_to_first_relapse",
        "half-day",
        "patient",
        "count",
    )
    assert (model.cuts, model.smoothing, model.missing) == ((6, 12, 24, 48), "random-walk", "level")
    pooled = [term.name for term in analysis.formula.terms if analysis.is_pooled(term)]
    assert pooled == ["regimen"]
    assert analysis.variables["age"].per == 10
    assert (analysis.missing_rule("age"), analysis.missing_rule("regimen")) == ("drop", "level")
    assert analysis.populations == {"clinical_relapse": {"relapse_pattern": ("clinical",), "extramedullary": (1,)}}
    assert priors.log_hazards == NormalPrior(normal=(-3, 3))
    assert (priors.sigma, priors.tau) == (HalfNormalPrior(half_normal=0.4), {"regimen": HalfNormalPrior(half_normal=0.7)})
    assert priors.terms == {
        "age": NormalPrior(normal=(0, 1)),
        "relapse_pattern": StudentTPrior(student_t=(4, 0, 1)),
        "relapse_pattern:extramedullary": HazardRatioPrior(hazard_ratio=1, upper95=3),
    }
    assert analysis.estimands == (
        HazardRatio("regimen", "daratumumab", versus="bortezomib", threshold=(1.0, 0.8)),
        HazardRatio("regimen", pairs="all"),
        HazardRatio("relapse_pattern", by="extramedullary"),
        Survival(at=(12, 24), given=6, by="regimen", contrast="ratio", versus="bortezomib"),
        Rmst(upto=60, population="clinical_relapse"),
        Median(by="regimen", horizon=math.inf, contrast="difference"),
        Median(population="average", horizon=60),
        Rank(of="regimen", upto=60),
    )
    sampling = analysis.sampling
    assert (sampling.draws, sampling.tune, sampling.chains, sampling.seed, sampling.target_accept) == (500, 700, 2, 7, 0.95)
    assert (sampling.interval.kind, sampling.interval.prob) == ("hdi", 0.9)


@pytest.mark.parametrize("intervals", ["", ", intervals = 8"])
@pytest.mark.parametrize("rule", ["equal-events", "equal-width"])
def test_cut_rules_are_read(rule: str, intervals: str, analysis_text) -> None:
    """cuts may be a rule, with or without a number of intervals."""
    model = f'baseline = "piecewise-exponential"\ncuts = {{ rule = "{rule}"{intervals} }}'
    assert parse_analysis(analysis_text(model=model)).model.cuts == CutRule(rule=rule, intervals=8 if intervals else None)


@pytest.mark.parametrize(
    ("baseline", "prior"),
    [
        ("exponential", "log_rate = { normal = [0, 10] }"),
        ("weibull", "log_rate = { normal = [0, 10] }\nlog_shape = { normal = [0, 0.5] }"),
        ("weibull", "log_scale = { student_t = [3, 0, 2] }"),
        ("piecewise-exponential", "baseline = { median_survival = 24, upper95 = 120 }"),
    ],
)
def test_raw_baseline_priors_are_read(baseline: str, prior: str, analysis_text) -> None:
    """Each baseline takes the raw statements on the parameters it has."""
    analysis = parse_analysis(analysis_text(model=f'baseline = "{baseline}"', rest=f"[priors]\n{prior}"))
    stated = [name for name in ("baseline", "log_rate", "log_scale", "log_shape") if getattr(analysis.priors, name) is not None]
    assert stated == [line.split(" ")[0] for line in prior.splitlines()]


def test_defaults_are_those_of_the_contract(analysis_text) -> None:
    """What is not written takes the contract's default, the 95 % equal-tailed interval among them."""
    analysis = parse_analysis(analysis_text())
    assert (analysis.model.baseline, analysis.model.missing, analysis.endpoint.zero_times) == ("weibull", "drop", "refuse")
    sampling = analysis.sampling
    assert (sampling.draws, sampling.tune, sampling.chains, sampling.interval.kind, sampling.interval.prob) == (
        1000,
        1000,
        4,
        "eti",
        0.95,
    )
    assert (HazardRatio("x").threshold, Median().population, Median().horizon) == ((1.0,), "cohort", None)


def test_an_analysis_is_frozen(analysis_text) -> None:
    """Nothing can change an analysis once it is read."""
    analysis = parse_analysis(analysis_text())
    with pytest.raises(ValidationError, match="frozen"):
        analysis.title = "Another"


def test_the_digest_follows_the_text(analysis_text) -> None:
    """Two texts have one digest only when they are the same, comments included."""
    text = analysis_text()
    assert parse_analysis(text).sha256 == parse_analysis(text).sha256
    assert parse_analysis(text).sha256 != parse_analysis(text + "# a comment\n").sha256


UNKNOWN = {
    "the root": ("", "", "", "[piors]\n", "unknown key 'piors'; did you mean 'priors'? Valid: schema, title, question, endpoint"),
    "endpoint": ("entri = 'x'", "", "", "", "endpoint.entri: unknown key 'entri'; did you mean 'entry'?"),
    "model": ("", "basline = 'weibull'", "", "", "model.basline: unknown key 'basline'; did you mean 'baseline'?"),
    "cuts": ("", "cuts = { rule = 'equal-width', interval = 3 }", "", "", "did you mean 'intervals'? Valid: rule, intervals."),
    "effects": ("", "effects = { sex = { pool = 'pooled' } }", "sex", "", "did you mean 'pooling'? Valid: pooling, nonzero,"),
    "variables": (
        "",
        "",
        "sex",
        "[variables.sex]\nlevel = ['f']",
        "variables.sex.level: unknown key 'level'; did you mean 'levels'?",
    ),
    "priors": (
        "",
        "",
        "sex",
        "[priors]\nlog_scal = { normal = [0, 1] }",
        "'log_scal' is no term of the formula; did you mean 'log_scale'?",
    ),
    "estimands": ("", "", "", "[[estimands]]\nkind = 'rmst'\nup_to = 3", "unknown key 'up_to'; did you mean 'upto'?"),
    "sampling": ("", "", "", "[sampling]\nchain = 4", "sampling.chain: unknown key 'chain'; did you mean 'chains'?"),
    "interval": ("", "", "", "[sampling]\ninterval = { probs = 0.9 }", "did you mean 'prob'? Valid: kind, prob."),
}


@pytest.mark.parametrize(("endpoint", "model", "formula", "rest", "fragment"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown_keys_are_refused_with_the_nearest(
    endpoint: str, model: str, formula: str, rest: str, fragment: str, analysis_text
) -> None:
    """A key that no record knows is refused at every level, with the nearest key of that level."""
    with pytest.raises(AnalysisError) as refusal:
        parse_analysis(analysis_text(formula or "1", endpoint, model, rest), origin="mine.toml")
    assert str(refusal.value).startswith("mine.toml: ")
    assert fragment in str(refusal.value)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("effects = { sex = { time = 'random-walk' } }", "time-varying effects are not fitted by this version"),
    ],
)
def test_keys_of_later_versions_say_so(key: str, reason: str, analysis_text) -> None:
    """A key of the contract that this version does not fit is refused as such, not as a spelling mistake."""
    with pytest.raises(AnalysisError, match=reason):
        parse_analysis(analysis_text("sex", model=key))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"hazard_ratio": 1.0, "upper95": 0.9}, "must lie above hazard_ratio"),
        ({"hazard_ratio": 0.0, "upper95": 2.0}, "greater than 0"),
        ({"hazard_ratio": 1.0, "upper95": math.inf}, "finite"),
    ],
)
def test_impossible_hazard_ratios_are_no_prior(given: dict[str, float], why: str) -> None:
    """A prior whose 97.5 % point lies below its centre, or outside the positive numbers, is refused."""
    with pytest.raises(ValidationError, match=why):
        HazardRatioPrior(**given)


def test_clinical_statements_are_quantiles() -> None:
    """upper95 is the 97.5 % point and the centre the median of what is stated."""
    ratio, median = HazardRatioPrior(hazard_ratio=0.8, upper95=4.0), MedianPrior(median_survival=24, upper95=120)
    for statement, centre, upper in ((ratio, 0.8, 4.0), (median, 24, 120)):
        assert math.exp(statement.mean) == pytest.approx(centre)
        assert math.exp(statement.mean + 1.959963984540054 * statement.sd) == pytest.approx(upper)
