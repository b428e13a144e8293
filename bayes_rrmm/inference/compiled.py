"""Compile once, sample often: a compiled model takes other rows and other priors without being compiled again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from pymc.initial_point import make_initial_point_fn

from bayes_rrmm.cluster_likelihood import draw_frailties
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import FitError
from bayes_rrmm.fitted import KEEP_LOG_LIKELIHOOD, Fit, as_dataset
from bayes_rrmm.inference.callbacks import compile_for_nutpie, load_sampler, one_process_at_a_time, undisturbed
from bayes_rrmm.inference.inputs import Structure, column_order, column_scale, model_inputs, structure_of
from bayes_rrmm.inference.models.exponential import exponential_model
from bayes_rrmm.inference.models.piecewise import piecewise_model
from bayes_rrmm.inference.models.weibull import weibull_model
from bayes_rrmm.parameters import FRAILTY, draw_from_prior, log_prior, random_walk
from bayes_rrmm.plan import Plan
from bayes_rrmm.pooled_effects import owners, spread_over_levels

Progress = Callable[[int, int, int], None]
"""Called now and then while sampling, with draws done, draws in all, and divergences so far."""

BUILDERS = {"exponential": exponential_model, "weibull": weibull_model, "piecewise-exponential": piecewise_model}
STATISTICS = ("diverging", "energy", "depth", "n_steps", "step_size", "mean_tree_accept", "logp", "maxdepth_reached")


def build_model(plan: Plan, cohort: Cohort) -> pm.Model:
    """The PyMC model of a plan on a cohort."""
    return BUILDERS[plan.family](structure_of(plan), model_inputs(plan, cohort))


class Centre:
    """The centre of a model's priors, as a function of its data: made when it is first asked for, and for one thread at a time."""

    def __init__(self, model: pm.Model) -> None:
        self._model = model
        self._lock = threading.Lock()

    @cached_property
    def _function(self) -> Any:
        return make_initial_point_fn(model=self._model, return_transformed=True)

    def of(self, inputs: dict[str, Floats], names: list[str]) -> Floats:
        """The unconstrained values of the named variables at the centre, end to end; names that are none are passed over."""
        with self._lock:
            for name, values in inputs.items():
                data: Any = self._model[name]
                data.set_value(np.asarray(values, dtype=data.dtype), borrow=True)
            point = self._function(0)
        return np.concatenate([np.ravel(point[name]) for name in names if name in point])


@dataclass(frozen=True)
class CompiledModel:
    """A model compiled by nutpie. `sample` takes any plan of the same structure, with any cohort for it."""

    structure: Structure
    compiled: Any
    centre: Centre
    seconds: float

    def sample(
        self,
        plan: Plan,
        cohort: Cohort,
        *,
        seed: int | None = None,
        cores: int | None = None,
        progress: Progress | None = None,
        draws_only: bool = False,
    ) -> Fit:
        """Sample the posterior of `plan` on `cohort`.

        The same seed, data and versions give the same draws, whatever the number of cores and whatever was compiled before. With
        `draws_only` the fit has the posterior and the sampler's statistics and nothing else: enough for a refit that is read
        once. Raises FitError where the plan has another structure than the compiled model, or sampling was interrupted.
        """
        if structure_of(plan) != self.structure:
            raise FitError("this compiled model has another structure (columns, intervals, kinds of prior); compile it anew.")
        seed = plan.analysis.sampling.seed if seed is None else seed
        started = time.perf_counter()
        raw = _run(self._for(model_inputs(plan, cohort)), plan, seed, cores, progress)
        posterior = _reported(plan, raw["posterior"].to_dataset())
        seconds = time.perf_counter() - started
        kept = {"posterior": as_dataset(posterior, plan, plan.analysis.sampling.chains), "sample_stats": _statistics(raw)}
        if draws_only:
            tree = xr.DataTree.from_dict(kept)
        else:
            frailties = _frailties(plan, cohort, posterior, raw["posterior"].to_dataset(), seed)
            tree = _tree(plan, cohort, posterior, kept, seed, frailties)
        return Fit(plan=plan, tree=tree, provenance={"seed": seed, "seconds": {"sample": seconds}}, cohort=cohort)

    def _for(self, inputs: dict[str, Floats]) -> Any:
        """The compiled model with these rows and priors.

        Chains start at the centre of these priors, jittered: nutpie would keep the centre of those it was compiled
        with, and draws would depend on what the process fitted before.
        """
        start = self.centre.of(inputs, self.compiled.shape_info[0])

        def initial_point(seed: Any) -> Floats:
            return np.asarray(start + np.random.default_rng(seed).uniform(-1.0, 1.0, len(start)))

        return replace(self.compiled.with_data(**inputs), initial_point_func=initial_point)


COMPILED: dict[Structure, CompiledModel] = {}
"""The models this process has compiled, by structure: fits of equal structure share one. Clear it to compile anew."""
_COMPILING = threading.Lock()


def compile_model(plan: Plan, cohort: Cohort) -> CompiledModel:
    """The compiled model of the plan: from `COMPILED`, or compiled now (a second or two, where this machine has compiled its like
    before)."""
    structure = structure_of(plan)
    with _COMPILING:  # of threads that want the same model one compiles, and the others wait for it
        if structure not in COMPILED:
            with one_process_at_a_time(repr(structure)), undisturbed():
                started = time.perf_counter()
                model = build_model(plan, cohort)
                compiled = compile_for_nutpie(model)
            COMPILED[structure] = CompiledModel(structure, compiled, Centre(model), time.perf_counter() - started)
        return COMPILED[structure]


def _run(compiled: Any, plan: Plan, seed: int, cores: int | None, progress: Progress | None) -> xr.DataTree:
    nutpie = load_sampler()
    sampling = plan.analysis.sampling

    def report(chains: Any) -> None:
        if progress is not None:
            done = sum(chain.finished_draws for chain in chains)
            progress(done, sum(chain.total_draws for chain in chains), sum(chain.divergences for chain in chains))

    raw: xr.DataTree = nutpie.sample(
        compiled,
        draws=sampling.draws,
        tune=sampling.tune,
        chains=sampling.chains,
        cores=cores,
        seed=seed,
        target_accept=plan.target_accept,
        save_warmup=False,
        progress_bar=False,
        progress_callback=report if progress is not None else None,
    )
    posterior = raw["posterior"].to_dataset()
    if posterior.sizes["draw"] < sampling.draws or any(bool(values.isnull().any()) for values in posterior.data_vars.values()):
        raise FitError("sampling was interrupted before every chain was complete; nothing was kept, run it again.")
    return raw


def _reported(plan: Plan, raw: xr.Dataset) -> dict[str, Floats]:
    """The sampled variables turned into the reported parameters, chains laid end to end."""
    sampled = {str(name): values.to_numpy().reshape(-1, *values.shape[2:]) for name, values in raw.data_vars.items()}
    draws = _reported_baseline(plan, sampled)
    if plan.encoding.columns:
        normal, student = column_order(plan)
        beta = np.empty((len(next(iter(sampled.values()))), len(plan.encoding.columns)))
        if normal:
            beta[:, normal] = sampled["beta"]
        if student:
            beta[:, student] = sampled["student_beta"]
        draws["beta"] = beta / column_scale(plan)
    if plan.encoding.pooled:
        draws |= _reported_effects(plan, sampled)
    if plan.covariates is not None and plan.covariates.kind == "independent":
        draws["share"] = np.column_stack([sampled[f"share_{index}"] for index in range(len(plan.covariates.variables))])
    elif plan.covariates is not None:
        draws["gamma"] = sampled["gamma"]
    if plan.frailty is not None:
        draws[FRAILTY[plan.frailty]] = sampled["theta"] if plan.frailty == "gamma" else np.abs(sampled["frailty_signed_tau"])
    return draws


def _reported_effects(plan: Plan, sampled: dict[str, Floats]) -> dict[str, Floats]:
    names = [(tau, z) for tau, z in (("signed_tau", "z"), ("horseshoe_tau", "horseshoe_z")) if tau in sampled]
    signed = np.concatenate([sampled[tau] for tau, _ in names], axis=1)
    draws = {"tau": np.abs(signed)}
    if plan.priors.horseshoes:
        draws |= {"local": sampled["local"], "slab": np.sqrt(sampled["squared_slab"])}
    z = np.concatenate([sampled[name] for _, name in names], axis=1)
    signs = np.sign(signed)[:, owners([len(pooled.cells) for pooled in plan.encoding.pooled])]
    return draws | {"effect": spread_over_levels(plan, draws) * signs * z}


def _reported_baseline(plan: Plan, sampled: dict[str, Floats]) -> dict[str, Floats]:
    draws: dict[str, Floats] = {}
    if plan.family == "weibull":
        shape, log_reference = np.exp(sampled["log_shape"]), np.log(plan.reference_time)
        if plan.priors.baseline_kind == "log_scale":
            draws["log_scale"] = log_reference - sampled["anchor"] / shape
        else:
            draws["log_rate"] = sampled["anchor"] - shape * log_reference
        draws["log_shape"] = sampled["log_shape"]
    elif plan.family == "exponential":
        draws["log_rate"] = sampled["log_rate"]
    elif plan.smoothing == "random-walk":
        steps = sampled["sigma"][:, None] * sampled["step_z"]
        draws["log_hazard"] = sampled["level"][:, None] + steps @ random_walk(len(plan.cuts) + 1).T
        draws["sigma"] = sampled["sigma"]
    else:
        draws |= {name: sampled[name] for name in ("log_hazard_level", "log_hazard") if name in sampled}
    return draws


def _frailties(plan: Plan, cohort: Cohort, posterior: dict[str, Floats], raw: xr.Dataset, seed: int) -> Floats | None:
    """u = log w of each cluster, shape (S, G): sampled if log-normal, drawn from its distribution given the rest if gamma.

    None without a frailty, and where there would be too many to keep.
    """
    clusters = int(cohort.cluster_numbers.max()) + 1
    if plan.frailty is None or clusters * len(next(iter(posterior.values()))) > KEEP_LOG_LIKELIHOOD:
        return None
    if plan.frailty == "gamma":
        return draw_frailties(plan, posterior, cohort, seed)
    z = raw["frailty_z"].to_numpy().reshape(-1, plan.most_clusters)[:, :clusters]
    return np.asarray(raw["frailty_signed_tau"].to_numpy().reshape(-1, 1) * z)


def _statistics(raw: xr.DataTree) -> xr.Dataset:
    """What the sampler says of each draw."""
    statistics = raw["sample_stats"].to_dataset()
    return statistics[[name for name in STATISTICS if name in statistics]].drop_attrs()


def _tree(
    plan: Plan, cohort: Cohort, posterior: dict[str, Floats], kept: dict[str, xr.Dataset], seed: int, frailties: Floats | None
) -> xr.DataTree:
    """The groups of a fit: posterior and statistics, which are `kept`, and what follows from them."""
    chains = plan.analysis.sampling.chains
    size = len(next(iter(posterior.values())))
    rows = {"row": cohort.row_numbers}
    groups = kept | {
        "prior": as_dataset(draw_from_prior(plan, size, seed), plan, chains),
        "log_prior": as_dataset(log_prior(plan, posterior), plan, chains),
        "observed_data": xr.Dataset({"survival": ("row", cohort.time), "event": ("row", cohort.event)}, coords=rows),
    }
    clusters = {"cluster": np.arange(1, int(cohort.cluster_numbers.max()) + 2)}
    if frailties is not None:
        by_cluster = frailties.reshape(chains, -1, frailties.shape[1])
        groups["frailty"] = xr.Dataset({"u": (("chain", "draw", "cluster"), by_cluster)}, coords=clusters)
    fit = Fit(plan, xr.DataTree.from_dict(groups))
    unit, labels = ("row", rows) if plan.frailty is None else ("cluster", clusters)
    if size * len(cohort) <= KEEP_LOG_LIKELIHOOD:
        pointwise = fit.log_likelihood(cohort).reshape(chains, -1, len(labels[unit]))
        groups["log_likelihood"] = xr.Dataset({"survival": (("chain", "draw", unit), pointwise)}, coords=labels)
    return xr.DataTree.from_dict(groups)
