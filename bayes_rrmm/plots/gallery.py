"""Every figure there is, in the order of a report: its name, what it is called, how it is drawn, and of which results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from matplotlib.figure import Figure

from bayes_rrmm.plots.chain_ranks import chain_ranks
from bayes_rrmm.plots.densities import densities
from bayes_rrmm.plots.energy import energy
from bayes_rrmm.plots.forest import forest
from bayes_rrmm.plots.hazard import hazard
from bayes_rrmm.plots.hazard_ratio_over_time import hazard_ratio_over_time
from bayes_rrmm.plots.influence import influence
from bayes_rrmm.plots.loo_k import loo_k
from bayes_rrmm.plots.pit import pit
from bayes_rrmm.plots.predictive import predictive
from bayes_rrmm.plots.prior_grid import prior_grid
from bayes_rrmm.plots.prior_posterior import prior_posterior
from bayes_rrmm.plots.ranks import ranks
from bayes_rrmm.plots.rmst_difference import rmst_difference
from bayes_rrmm.plots.shrinkage import shrinkage
from bayes_rrmm.plots.style import Column
from bayes_rrmm.plots.subgroups import subgroups
from bayes_rrmm.plots.survival import main_group, survival
from bayes_rrmm.plots.tipping_contour import tipping_contour
from bayes_rrmm.plots.tipping_curve import tipping_curve
from bayes_rrmm.plots.trace import trace
from bayes_rrmm.results import Results
from bayes_rrmm.sensitivity.dossier_folder import Dossier


class Draw(Protocol):
    """Draws one figure of results."""

    def __call__(self, results: Results, /, *, column: Column = "double", title: str | None = None) -> Figure: ...


class DrawOfDossier(Protocol):
    """Draws one figure of a small group's dossier beside the results it belongs to."""

    def __call__(self, dossier: Dossier, results: Results, /, *, column: Column = "double", title: str | None = None) -> Figure: ...


@dataclass(frozen=True)
class Shown:
    """A figure of a report. `name` is that of its file, `section` (results, checks, diagnostics) where it stands, `caption` what it
    shows and how to read it, `applies` whether the results have it."""

    name: str
    section: str
    caption: str
    draw: Draw
    applies: Callable[[Results], bool]


@dataclass(frozen=True)
class ShownOfDossier:
    """A figure of a dossier, likewise."""

    name: str
    caption: str
    draw: DrawOfDossier
    applies: Callable[[Dossier], bool]


def _always(_: Results) -> bool:
    return True


def _has_rows(results: Results) -> bool:
    return results.has_rows


def _has(estimand: str) -> Callable[[Results], bool]:
    return lambda results: bool((results.estimates["estimand"] == estimand).any())


def _has_subgroups(results: Results) -> bool:
    return bool((results.estimates["subgroup"] != "").any())


def _has_prior(results: Results) -> bool:
    return "prior" in results.fit.tree


def _survival(results: Results, *, column: Column = "double", title: str | None = None) -> Figure:
    by = main_group(results.fit)
    return survival(results, results.rows, by, column=column, title=title, curves=results.curves)


def _hazard(results: Results, *, column: Column = "double", title: str | None = None) -> Figure:
    return hazard(results, main_group(results.fit), column=column, title=title)


def _predictive(results: Results, *, column: Column = "double", title: str | None = None) -> Figure:
    return predictive(results, main_group(results.fit), column=column, title=title)


def _has_rows_of_patients(results: Results) -> bool:
    """Whether each row is one patient: neither a spell of one, nor of several by its weight."""
    return results.has_rows and results.rows.id is None and bool((results.rows.weight == 1).all())


def _has_group(results: Results) -> bool:
    return results.has_rows and main_group(results.fit) is not None


def _has_one_ratio(results: Results) -> bool:
    """Whether the main group interacts with nothing, so that it has one hazard ratio."""
    group = main_group(results.fit)
    terms = results.fit.plan.analysis.formula.terms
    crossed = [{factor.variable for factor in term.factors} for term in terms if len(term.factors) > 1]
    return _has_group(results) and not any(group in variables for variables in crossed)


def _shrinkage(dossier: Dossier, results: Results, *, column: Column = "double", title: str | None = None) -> Figure:
    return shrinkage(dossier.to_dataframe("shrinkage"), results, column=column, title=title)


GALLERY = (
    Shown(
        "survival",
        "results",
        "Posterior survival, standardised over the patients, over Kaplan-Meier, adjusted for nothing, with numbers at risk. "
        "With other covariates in the model they may differ for that reason alone; dashed is beyond the group's follow-up.",
        _survival,
        _has_rows,
    ),
    Shown(
        "forest",
        "results",
        "Hazard ratios: posterior median and interval, Cox, and Firth's Cox where events are few, with patients and events. The "
        "shaded region, hazard ratios of 0.90 to 1.11, is a convention and no clinical limit.",
        forest,
        _has("hazard-ratio"),
    ),
    Shown(
        "densities",
        "results",
        "Posterior densities of the hazard ratios: the darker part is the probability that the hazard is lower.",
        densities,
        _has("hazard-ratio"),
    ),
    Shown(
        "subgroups",
        "results",
        "The hazard ratio in each subgroup. Whether subgroups differ is told by the ratio of their hazard ratios, not by which of "
        "them clears 1.",
        subgroups,
        _has_subgroups,
    ),
    Shown(
        "rmst_difference",
        "results",
        "Restricted mean survival time of each group less that of the reference, by the horizon: above 0 the group has more time "
        "free of the event. Dotted is the unadjusted Kaplan-Meier difference; a point is the contrast that was asked for.",
        rmst_difference,
        _has_group,
    ),
    Shown(
        "ranks",
        "results",
        "The probability of each rank. A group of few patients may well be best and worst: a wide row is an honest one.",
        ranks,
        _has("rank"),
    ),
    Shown(
        "prior_posterior",
        "checks",
        "Prior against posterior: where they are alike, the data said little and the answer is the prior's.",
        prior_posterior,
        _has_prior,
    ),
    Shown(
        "predictive",
        "checks",
        "Kaplan-Meier of the data over those of cohorts that the posterior predicts for the same patients, followed as they were: "
        "where the steps leave the band, the model does not make data like these.",
        _predictive,
        _has_rows_of_patients,
    ),
    Shown(
        "pit",
        "checks",
        "Each patient's time as a probability that the others predict, less the uniform distribution that a fitting model gives: "
        "inside the band nothing speaks against it.",
        pit,
        _has_rows_of_patients,
    ),
    Shown(
        "hazard",
        "checks",
        "Hazard over time, standardised over those still free of the event, dashed beyond the group's follow-up; squares are "
        "events over person-time with exact Poisson limits. Where squares leave the band, the form of the baseline does not fit.",
        _hazard,
        _has_rows,
    ),
    Shown(
        "hazard_ratio_over_time",
        "checks",
        "Is the hazard ratio constant? Line and band: the model's conditional ratio, proportional by assumption. Dashed: the "
        "marginal ratio, which may drift without any non-proportionality. Squares: Cox in consecutive windows of time.",
        hazard_ratio_over_time,
        _has_one_ratio,
    ),
    Shown(
        "loo_k",
        "checks",
        "Pareto k of each patient left out, in order: above 0.7 leave-one-out cannot be trusted for that patient.",
        loo_k,
        _has_rows,
    ),
    Shown(
        "trace",
        "diagnostics",
        "The draws of each chain, of the parameters that mixed worst: chains that agree look like the same noise.",
        trace,
        _always,
    ),
    Shown(
        "chain_ranks",
        "diagnostics",
        "Ranks of each chain's draws among all of them: chains that agree stay inside the shaded envelope.",
        chain_ranks,
        _always,
    ),
    Shown(
        "energy",
        "diagnostics",
        "Energy of the sampler and its change from draw to draw: alike where the sampler moves freely.",
        energy,
        _always,
    ),
)
"""The figures of a run, in the order of its report."""

OF_DOSSIERS = (
    ShownOfDossier(
        "prior_grid",
        "What each prior makes of the same patients: the pale line is what it expected, the dark one what it says after the data.",
        prior_grid,
        lambda _: True,
    ),
    ShownOfDossier(
        "tipping_curve",
        "How sure the answer is as the prior centred at no effect widens; where the curve crosses the dashed line is the tipping "
        "point, and no crossing is an answer too.",
        tipping_curve,
        lambda _: True,
    ),
    ShownOfDossier(
        "tipping_contour",
        "The same by the prior's centre and width: the thick line is the tipping point, diamonds are the priors "
        "by name, dots the refits.",
        tipping_contour,
        lambda _: True,
    ),
    ShownOfDossier(
        "influence",
        "The hazard ratio without each patient of the group, and with each status reversed: how far one patient moves it.",
        influence,
        lambda _: True,
    ),
    ShownOfDossier(
        "shrinkage",
        "Every level unpooled, pooled, by Cox and by Firth: the arrows are what pooling does.",
        _shrinkage,
        lambda dossier: bool(len(dossier.to_dataframe("shrinkage"))),
    ),
)
"""The figures of a small group's dossier."""
