"""What a fit is: a plan, draws as an xarray DataTree, and where they came from. No PyMC in here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_rrmm.cluster_likelihood import log_likelihood_by_cluster, log_likelihood_by_subject
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.densities import log_likelihood
from bayes_rrmm.errors import FitError, RunFolderError, listed
from bayes_rrmm.gaps import draw_gaps
from bayes_rrmm.hazards import Baseline, NewMember
from bayes_rrmm.parameters import baseline_of, log_relative_hazard, new_member
from bayes_rrmm.plan import Plan
from bayes_rrmm.specification.analysis import Analysis

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

KEEP_LOG_LIKELIHOOD = 10_000_000
"""rows x draws up to which the pointwise log-likelihood is kept with a fit."""

DIMS = {
    "log_hazard": "interval",
    "beta": "column",
    "tau": "pooled_term",
    "effect": "pooled_level",
    "local": "horseshoe_level",
    "slab": "horseshoe_term",
    "gamma": "logit",
    "share": "covariate_level",
}
"""The dimension beside (chain, draw) of each parameter that has one."""


@dataclass(frozen=True, repr=False)
class Fit:
    """A sampled model. `tree` is an xarray DataTree with posterior, sample_stats, prior, log_prior, and, where kept,
    log_likelihood, observed_data, and frailty (`u`, the log frailty of each cluster): every ArviZ function takes it.
    `cohort` is None in a fit read back without rows.
    """

    plan: Plan
    tree: xr.DataTree
    provenance: dict[str, Any] = field(default_factory=dict)
    cohort: Cohort | None = None

    def __repr__(self) -> str:
        chains, draws = self.shape
        rows = "saved without rows" if self.cohort is None else f"{len(self.cohort)} rows"
        return f"Fit({self.analysis.title!r}: {self.plan.family}, {rows}, {chains} chains of {draws} draws)"

    @property
    def analysis(self) -> Analysis:
        """The analysis as declared."""
        return self.plan.analysis

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the analysed columns the fit was made from."""
        stored = self.provenance.get("data", {}).get("fingerprint")
        return str(stored) if stored else self.require_cohort("the fingerprint").fingerprint

    def same_rows(self, cohort: Cohort | None, what: str) -> Cohort:
        """The rows given, or the fit's own where none are. Raises FitError where there are neither, RunFolderError where those
        given are not what the fit was made from; `what` needs them."""
        if cohort is None:
            return self.require_cohort(what)
        if cohort is not self.cohort:
            stored = self.provenance.get("data", {}).get("fingerprint")
            made_from = stored if self.cohort is None else self.cohort.fingerprint
            if made_from is not None and cohort.fingerprint != made_from:
                raise RunFolderError(f"the cohort given is not the one the fit was made from; {what} needs the same rows.")
        return cohort

    @property
    def data_name(self) -> str:
        """What the data are called: an embedded data set, or a file without its folder. A synthetic cohort says so here."""
        stored = self.provenance.get("data", {}).get("origin")
        origin = stored or (self.cohort.origin if self.cohort is not None else "")
        return PurePath(str(origin)).name

    @property
    def mark(self) -> str:
        """What every table and figure of a fit carries whose parameters or sampler failed the gate; empty otherwise."""
        failed = self.provenance.get("gate", {}).get("failed", [])
        return f"DIAGNOSTICS FAILED: {listed(failed, 3)}" if failed else ""

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Chains and draws a chain."""
        sizes = self.tree["posterior"].sizes
        return int(sizes["chain"]), int(sizes["draw"])

    @cached_property
    def draws(self) -> dict[str, Floats]:
        """The posterior under the reported names, chains laid end to end: the first axis has S = chains x draws entries."""
        posterior = self.tree["posterior"].to_dataset()
        return {
            str(name): values.to_numpy().reshape(-1, *values.shape[2:]) for name, values in posterior.data_vars.items()
        }

    @cached_property
    def baseline(self) -> Baseline:
        """The baseline hazard: that of the average patient (with pooled effects or a frailty, of u = 0)."""
        return baseline_of(self.plan, self.draws)

    @cached_property
    def new_member(self) -> NewMember | None:
        """The frailty as it acts on a member of a new cluster; None without one."""
        return new_member(self.plan, self.draws)

    def eta(self, frame: pd.DataFrame) -> Floats:
        """Log relative hazard, shape (S, N), of rows with the covariates of the formula."""
        encoding = self.plan.encoding
        return log_relative_hazard(self.draws, encoding.design(frame), encoding.indicators(frame))

    @cached_property
    def filled_patterns(self) -> tuple[pd.DataFrame, Floats]:
        """The distinct covariate patterns of its own rows with gaps drawn, and their weights in each draw: `draw_gaps`."""
        return self.fill_gaps(self.require_cohort("filling gaps"))

    def fill_gaps(self, cohort: Cohort) -> tuple[pd.DataFrame, Floats]:
        """`draw_gaps` of the rows; every patient counts once, however many spells the rows split them into."""
        seed = int(self.provenance.get("seed", self.analysis.sampling.seed))
        return draw_gaps(self.plan, self.draws, cohort, cohort.weight * cohort.share_of_subject, seed)

    @cached_property
    def identity(self) -> str:
        """What makes two fits' draws paired: a digest of the posterior itself."""
        digest = hashlib.sha256()
        for name, values in sorted(self.draws.items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def require_cohort(self, purpose: str) -> Cohort:
        """The analysed rows. Raises FitError where the fit was saved without them."""
        if self.cohort is None:
            raise FitError(
                f"{purpose} needs the analysed rows, and this fit was saved without them; "
                "give the data again (on the command line: DATA after the folder)."
            )
        return self.cohort

    def log_likelihood(self, cohort: Cohort) -> Floats:
        """Log-likelihood recomputed from the draws: of rows, shape (S, N); of clusters, their frailty averaged over, shape
        (S, G), where the model has a frailty: then only clusters are independent given the parameters."""
        return (log_likelihood if self.plan.frailty is None else log_likelihood_by_cluster)(self.plan, self.draws, cohort)

    def log_likelihood_of_subjects(self, cohort: Cohort) -> Floats:
        """Of a model with a frailty: log-likelihood of each subject given the others of its cluster, shape (S, U)."""
        return log_likelihood_by_subject(self.plan, self.draws, cohort)


def as_dataset(draws: dict[str, Floats], plan: Plan, chains: int) -> xr.Dataset:
    """Draws under the reported names as a Dataset with (chain, draw) and labelled dimensions."""
    import xarray as xr

    coords: dict[str, Any] = {
        "interval": np.arange(1, len(plan.cuts) + 2),
        "column": [column.name for column in plan.encoding.columns],
        "pooled_term": [pooled.term for pooled in plan.encoding.pooled],
        "pooled_level": plan.encoding.pooled_levels,
        "horseshoe_term": [pooled.term for pooled in plan.encoding.pooled if pooled.is_horseshoe],
        "horseshoe_level": plan.encoding.pooled_levels[plan.encoding.normal_levels :],
    }
    if plan.covariates is not None:
        coords[DIMS[plan.covariates.parameter]] = plan.covariates.labels
    variables = {}
    for name, values in draws.items():
        dims = ["chain", "draw", *([DIMS[name]] if values.ndim > 1 else [])]
        shaped = values.reshape(chains, -1, *values.shape[1:])
        inside = {dim: coords[dim] for dim in dims[2:]}
        variables[name] = xr.DataArray(shaped, dims=dims, coords=inside)
    dataset = xr.Dataset(variables)
    return dataset.assign_coords(chain=np.arange(chains), draw=np.arange(dataset.sizes["draw"]))


def parameter_names(dataset: xr.Dataset) -> dict[str, tuple[str, dict[str, Any]]]:
    """The contract's parameter names, such as `beta[regimen=pomalidomide]`, and where each stands in the Dataset."""
    names: dict[str, tuple[str, dict[str, Any]]] = {}
    for variable in map(str, dataset.data_vars):
        dim = DIMS.get(variable)
        if dim is None:
            names[variable] = (variable, {})
            continue
        for label in dataset[dim].to_numpy():
            names[f"{variable}[{label}]"] = (variable, {dim: label})
    return names
