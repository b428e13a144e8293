"""The model's own parameters, and what was assumed about them before the data."""

from __future__ import annotations

from bayes_rrmm.prior_words import prior_lines
from bayes_rrmm.results import Source, results_of
from bayes_rrmm.rounding import measure_of, spread_figure_of
from bayes_rrmm.tables.line import Line
from bayes_rrmm.tables.table import Table
from bayes_rrmm.tables.wording import caption


def parameters(source: Source) -> Table:
    """The parameters of a fit, a run folder or its results, as in parameters.csv: beta are log hazard ratios, of a continuous
    covariate for the step the analysis names. Raises RunFolderError where the folder is not whole.
    """
    results = results_of(source)
    heads = ("Parameter", "Mean", "SD", "Median", "95% interval", "Bulk ESS", "Tail ESS", "R-hat")
    lines = []
    for _, row in results.parameters.iterrows():
        mean, sd, median, low, high = (
            spread_figure_of(float(row[name]), float(row["sd"])) for name in ("mean", "sd", "q50", "q2.5", "q97.5")
        )
        checks = [measure_of(float(row[name]), name) for name in ("ess_bulk", "ess_tail", "r_hat")]
        lines.append(Line((str(row["parameter"]), mean, sd, median, f"{low} to {high}", *checks)))
    unit = results.fit.analysis.endpoint.unit
    notes = (
        f"log_rate, log_scale, log_hazard: of the baseline, time in {unit}; beta: log hazard ratio, of a continuous covariate for "
        "the step the analysis names; gamma, share: of the covariates with gaps; tau, effect: of pooled effects.",
        "95% interval: equal-tailed. ESS: effective sample size.",
    )
    return Table("parameters", caption("Parameters", results), heads, tuple(lines), "lrrrrrrr", notes, results.mark)


def priors(source: Source) -> Table:
    """The priors of a fit, a run folder or its results in words: what each is about, the 95 % interval it allows, how many events
    it weighs, and whether it was stated or is the default. Raises RunFolderError where the folder is not whole.
    """
    results = results_of(source)
    lines = [
        Line((line.about[0].upper() + line.about[1:], line.interval, line.weight or "-", line.origin))
        for line in prior_lines(results.fit.plan)
    ]
    heads = ("Prior on", "95% interval", "Weighs", "Stated or default")
    notes = ("Weighs: the events whose likelihood would tell as much as the prior; - where that is not defined.",)
    return Table("priors", caption("Priors", results), heads, tuple(lines), "llll", notes, results.mark)
