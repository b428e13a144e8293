"""Analysis files with a wrong key, a wrong value, or parts that contradict each other."""

from __future__ import annotations

from fault import FRAILTY, MARGINALISE, PIECEWISE, POOLED, analysis

ANALYSES = {
    "no such analysis file": analysis("there is no such file", "check the path", file="!analysis.toml"),
    "not TOML": analysis("not valid TOML", "line 3", "Mend that line", whole=lambda text: text.replace("[endpoint]", "[endpoint")),
    "no schema": analysis(
        "schema: is required and missing", "write `schema = 1`", whole=lambda text: text.replace("schema = 1\n", "")
    ),
    "another schema": analysis(
        "this version reads schema 1 only", "write schema = 1", whole=lambda text: text.replace("schema = 1", "schema = 2")
    ),
    "no title": analysis("title: is required and missing", "add it", whole=lambda text: text.replace('title = "A test"\n', "")),
    "an unknown table": analysis("unknown key 'estimators'", "did you mean 'estimands'?", rest="[[estimators]]"),
    "an unknown key of the endpoint": analysis("endpoint.zero_time", "did you mean 'zero_times'?", endpoint="zero_time = 'drop'"),
    "an unknown key of the model": analysis("model.formulae", "did you mean 'formula'?", model="formulae = 'age'"),
    "an unknown key of a variable": analysis("variables.age.pre", "did you mean 'per'?", rest="[variables.age]\npre = 10"),
    "an unknown key of an estimand": analysis(
        "[[estimands]] number 1", "did you mean 'upto'?", rest="[[estimands]]\nkind = 'rmst'\nup_to = 9"
    ),
    "an unknown key of sampling": analysis("sampling.chain", "did you mean 'chains'?", rest="[sampling]\nchain = 4"),
    "an unknown unit": analysis("endpoint.unit = 'month'", '"months"', whole=lambda text: text.replace('"months"', '"month"')),
    "one column twice": analysis("[endpoint] event = 'time'", "name another", whole=lambda text: text.replace('"event"', '"time"')),
    "the outcome as covariate": analysis(
        "'event' is the endpoint's event column", "take it out of the formula", formula="group + event"
    ),
    "a reserved name": analysis("'log_age' is a reserved name", "rename the column", formula="log_age"),
    "a name of results": analysis("'intercept' is a name that results use", "rename the column", formula="group + intercept"),
    "a formula without intercept": analysis("0 removes the intercept", "leave it out", formula="0 + group"),
    "an intercept taken out": analysis("'-' is not allowed", "the intercept is the baseline hazard", formula="group - 1"),
    "a function not allowed": analysis("the function exp() is not allowed", "use log, poly, bs", formula="exp(age)"),
    "Python in a formula": analysis("is not allowed", "use log, poly, bs", formula='__import__("os").remove("x")'),
    "a spline without room": analysis("bs() needs df of at least its degree, 3", "raise df", formula="bs(age, df=2)"),
    "a group inside a function": analysis(
        "log(group) takes numbers", "remove levels", formula="log(group)", rest="[variables.group]\nreference='a'"
    ),
    "a variable not in the formula": analysis(
        "[variables.sex]: 'sex' is not in the formula", "Valid: group, age", rest="[variables.sex]\nreference = 'f'"
    ),
    "a level twice": analysis("a level stands twice", "name each once", rest="[variables.group]\nlevels = ['a', 'a']"),
    "no level at all": analysis("variables.group.levels = []", "at least one", rest="[variables.group]\nlevels = []"),
    "a reference not among the levels": analysis(
        "reference = 'd'", "Valid: a, b", rest="[variables.group]\nlevels = ['a', 'b']\nreference = 'd'"
    ),
    "an impossible step": analysis("variables.age.per = 0", "greater than 0", rest="[variables.age]\nper = 0"),
    "a step of a group": analysis(
        "per is for continuous covariates", "keep one", rest="[variables.group]\nper = 10\nreference = 'a'"
    ),
    "cuts of a Weibull": analysis("a weibull baseline has no intervals", "remove it", model="cuts = [6, 12]"),
    "cuts that do not increase": analysis("model.cuts = [12, 6]", "must increase", model=f"{PIECEWISE}cuts = [12, 6]"),
    "a cut at 0": analysis("model.cuts", "greater than 0", model=f"{PIECEWISE}cuts = [0, 6]"),
    "an unknown rule for cuts": analysis(
        "model.cuts.rule = 'deciles'", '"equal-events"', model=f"{PIECEWISE}cuts = {{ rule = 'deciles' }}"
    ),
    "a pooled interaction of three": analysis(
        "'group:sex:site' is neither a plain variable nor two of them crossed",
        "leave its effects independent",
        formula="group*sex*site",
        model="effects = { 'group:sex:site' = 'pooled' }",
    ),
    "a pooled interaction without its main effects": analysis(
        "the formula has none of sex",
        "write group * sex",
        formula="group + group:sex",
        model="effects = { 'sex:group' = 'pooled' }",
    ),
    "a pooled interaction that is part of another term": analysis(
        "'group:sex' is pooled and also part of 'group:sex:site'",
        "take it out",
        formula="group*sex*site",
        model="effects = { 'group:sex' = 'horseshoe' }",
    ),
    "a spread of a horseshoe": analysis(
        "[priors] tau.group:sex: under a horseshoe the spread is half-Cauchy",
        "nonzero = 1",
        formula="group*sex",
        model="effects = { 'group:sex' = 'horseshoe' }",
        rest="[priors]\ntau = { 'group:sex' = { half_normal = 1 } }",
    ),
    "a prior of effects under a horseshoe": analysis(
        "[priors] group: the term is under a horseshoe",
        "remove this one",
        model="effects = { group = 'horseshoe' }",
        rest="[priors]\ngroup = { normal = [0, 1] }",
    ),
    "a slab of pooled effects": analysis(
        "slab_scale and slab_df belong to the horseshoe, and these effects are pooled",
        'set pooling = "horseshoe"',
        model="effects = { group = { pooling = 'pooled', slab_scale = 1, slab_df = 4 } }",
    ),
    "a slab without a scale": analysis(
        "model.effects.group.slab_scale = 0",
        "greater than 0",
        model="effects = { group = { pooling = 'horseshoe', slab_scale = 0 } }",
    ),
    "a pooled term that interacts": analysis(
        "'group' is pooled and also part of 'group:sex'", "take it out", formula="group*sex", model=POOLED
    ),
    "an unknown pooling": analysis(
        "model.effects.group.pooling = 'ridge'", '"horseshoe"', model="effects = { group = { pooling = 'ridge' } }"
    ),
    "an unknown rule for gaps": analysis("model.missing = 'impute'", '"marginalise"', model="missing = 'impute'"),
    "an unknown rule for a variable's gaps": analysis(
        "variables.group.missing = 'na'", '"not-applicable"', rest="[variables.group]\nmissing = 'na'"
    ),
    "an unknown model of gaps": analysis(
        "model.covariate_model = 'joint'", '"sequential" or "independent"', model=f"{MARGINALISE}covariate_model = 'joint'"
    ),
    "a model of no gaps": analysis(
        '[model] covariate_model = "independent": no covariate is marginalised',
        'set missing = "marginalise"',
        model="covariate_model = 'independent'",
    ),
    "a model of gaps that a variable takes back": analysis(
        "no covariate is marginalised",
        "remove it",
        formula="group",
        model=f"{MARGINALISE}covariate_model = 'sequential'",
        rest="[variables.group]\nmissing = 'drop'",
    ),
    "a frailty of no distribution": analysis(
        "model.frailty.distribution", "is required and missing", "add it", model="frailty = { cluster = 'who' }"
    ),
    "an unknown frailty": analysis(
        "model.frailty.distribution = 'normal'", '"gamma" or "log-normal"', model=FRAILTY.replace("gamma", "normal")
    ),
    "an unknown key of a frailty": analysis(
        "model.frailty.clusters", "did you mean 'cluster'?", model="frailty = { clusters = 'who', distribution = 'gamma' }"
    ),
    "a cluster that is a covariate": analysis(
        "[model] frailty: cluster = 'group'", "take it out of the formula", model=FRAILTY.replace("'who'", "'group'")
    ),
    "a cluster that is the time": analysis(
        "cluster = 'time' is the endpoint's time", "which rows belong together", model=FRAILTY.replace("'who'", "'time'")
    ),
    "a frailty of weighted rows": analysis(
        "[model] frailty", "weight 'n'", "give each patient a row", endpoint="weight = 'n'", model=FRAILTY
    ),
    "a frailty beside marginalised gaps": analysis(
        "gaps in 'group' are marginalised", 'missing = "drop" or "level"', model=f"{FRAILTY}missing = 'marginalise'"
    ),
    "the prior of no frailty": analysis(
        "[priors] frailty: the model has no frailty", "remove the prior", rest="[priors]\nfrailty = { half_normal = 1 }"
    ),
    "a frailty prior of another form": analysis(
        "[priors] frailty: { normal }", "half_normal", model=FRAILTY, rest="[priors]\nfrailty = { normal = [0, 1] }"
    ),
    "a prior for no term": analysis(
        "[priors]: 'grp' is no term of the formula", "did you mean 'group'?", rest="[priors]\ngrp = { normal = [0, 1] }"
    ),
    "a prior that is no prior": analysis(
        "[priors] age: { mean, sd } is no prior", "write one of", rest="[priors]\nage = { mean = 0, sd = 1 }"
    ),
    "an upper point below the centre": analysis(
        "[priors] age", "must lie above", rest="[priors]\nage = { hazard_ratio = 1.0, upper95 = 0.5 }"
    ),
    "an sd of 0": analysis("[priors] age.normal = 0", "greater than 0", rest="[priors]\nage = { normal = [0, 0] }"),
    "an infinite sd": analysis("[priors] age.normal = inf", "finite", rest="[priors]\nage = { normal = [0, inf] }"),
    "half a normal prior": analysis("[priors] age.normal", "too few entries", "add", rest="[priors]\nage = { normal = [0] }"),
    "a prior on a pooled term": analysis(
        "[priors] group: the term is pooled", "tau = { group =", model=POOLED, rest="[priors]\ngroup = { normal = [0, 1] }"
    ),
    "a spread of nothing pooled": analysis(
        "'age' is not pooled", "drop the prior", rest="[priors]\ntau = { age = { half_normal = 1 } }"
    ),
    "two baseline priors": analysis(
        "log_rate and log_scale state the same parameter twice",
        "keep one",
        rest="[priors]\nlog_rate = { normal = [0, 1] }\nlog_scale = { normal = [0, 1] }",
    ),
    "a prior of another baseline": analysis(
        "a weibull baseline has no such parameter", "it takes", rest="[priors]\nlog_hazards = { normal = [0, 1] }"
    ),
    "a step without a walk": analysis(
        "[priors] sigma", "set smoothing = 'random-walk'", model=PIECEWISE, rest="[priors]\nsigma = { half_normal = 1 }"
    ),
    "an unknown estimand": analysis(
        "kind = 'hazard_ratio' is unknown", "did you mean 'hazard-ratio'?", rest="[[estimands]]\nkind = 'hazard_ratio'"
    ),
    "estimands in single brackets": analysis("estimands must be a list", "double brackets", rest="[estimands]\nkind = 'median'"),
    "a hazard ratio of nothing": analysis("[[estimands]] number 1: of", "add it", rest="[[estimands]]\nkind = 'hazard-ratio'"),
    "a hazard ratio of no term": analysis(
        "of: 'sex' is no term", "Valid: group, age", rest="[[estimands]]\nkind = 'hazard-ratio'\nof = 'sex'"
    ),
    "an estimand by no variable": analysis(
        "by = 'groups' is not in the formula", "did you mean 'group'?", rest="[[estimands]]\nkind = 'median'\nby = 'groups'"
    ),
    "a contrast of medians": analysis(
        "undefined where one is not reached",
        "set horizon = inf",
        rest="[[estimands]]\nkind = 'median'\nby = 'group'\ncontrast = 'ratio'",
    ),
    "a contrast of nobody": analysis(
        "contrast = 'ratio' needs by", "groups are compared", rest="[[estimands]]\nkind = 'rmst'\nupto = 9\ncontrast = 'ratio'"
    ),
    "times that do not increase": analysis(
        "at = [24, 12]", "must increase", rest="[[estimands]]\nkind = 'survival'\nat = [24, 12]"
    ),
    "survival before it is given": analysis(
        "every time of 'at' after given = 12", rest="[[estimands]]\nkind = 'survival'\nat = 12\ngiven = 12"
    ),
    "an endless horizon": analysis("upto = inf", "finite", rest="[[estimands]]\nkind = 'rmst'\nupto = inf"),
    "an unknown population": analysis(
        "population = 'cohorts'", "did you mean 'cohort'?", rest="[[estimands]]\nkind = 'median'\npopulation = 'cohorts'"
    ),
    "a population of no column": analysis(
        "[populations.old]: 'ages' is not in the formula", "did you mean 'age'?", rest="[populations.old]\nages = ['60']"
    ),
    "a population named as another": analysis(
        "[populations.cohort]", "choose another name", rest="[populations.cohort]\ngroup = ['a']"
    ),
    "a population of nobody": analysis("populations.few.group = []", "at least one", rest="[populations.few]\ngroup = []"),
    "a population of no level": analysis(
        "'z' is not among the declared levels",
        "Valid: a, b",
        rest="[variables.group]\nlevels = ['a', 'b']\n[populations.p]\ngroup = ['z']",
    ),
    "too few draws": analysis("sampling.draws = 10", "greater than or equal to 100", rest="[sampling]\ndraws = 10"),
    "an interval of 95": analysis("sampling.interval.prob = 95", "less than 1", rest="[sampling]\ninterval = { prob = 95 }"),
}
