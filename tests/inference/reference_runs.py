"""The reference posteriors of tests/reference, and the same analyses written as a user writes them.

A run is named `<dataset>__<model>_b<prior sd>`, `<dataset>__<model>_hier` or `<dataset>__<model>_<distribution>frailty`; its
models are described in tests/reference/README.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayes_rrmm as br
from bayes_rrmm import hazards

FOLDER = Path(__file__).parents[1] / "reference"
CHAINS, DRAWS, TUNE = 4, 5000, 1000
FEWER_DRAWS = {"myeloma_mayo__weibull_A_b1": 2000}
"""The reference has 4,000 draws there: more of ours would not sharpen the comparison, and 3,882 rows take their time."""


@dataclass(frozen=True)
class Dataset:
    """How a table is read. `by` names the group whose levels are the profiles; without it `profiles` are covariate rows."""

    unit: str
    formula: str
    entry: bool = False
    by: str = ""
    levels: tuple[str, ...] = ()
    level_of: dict[str, str] | None = None
    profiles: dict[str, dict[str, Any]] | None = None
    variables: str = ""


MYELOMA_GEP = Dataset("months", "molecular_group", by="molecular_group")
DATASETS = {
    "gehan": Dataset(
        "weeks",
        "control",
        by="control",
        level_of={"6-MP": "0", "control": "1"},
        variables="[variables.control]\nlevels = [0, 1]",
    ),
    "myeloma_gep": MYELOMA_GEP,
    "myeloma_gep_tiny": MYELOMA_GEP,
    "myeloma_gep_zero": MYELOMA_GEP,
    "myeloma_mayo": Dataset(
        "months",
        "year10",
        entry=True,
        profiles={f"year {year}": {"year10": (year - 1980) / 10} for year in (1970, 1980, 1990)},
    ),
    "kidney": Dataset(
        "days",
        "age10 + female + disease",
        profiles={
            f"{sex}, age 45, disease Other": {"age10": 0.0, "female": is_female, "disease": "Other"}
            for sex, is_female in (("male", 0.0), ("female", 1.0))
        },
        variables='[variables.disease]\nreference = "Other"',
    ),
}


@dataclass(frozen=True)
class Run:
    """One reference posterior and its analysis."""

    name: str

    @property
    def dataset_name(self) -> str:
        return self.name.split("__")[0]

    @property
    def model(self) -> str:
        return self.name.split("__")[1]

    @property
    def dataset(self) -> Dataset:
        return DATASETS[self.dataset_name]

    @cached_property
    def reference(self) -> dict[str, Any]:
        """What Stan found."""
        return json.loads((FOLDER / f"bayes_{self.name}.json").read_text())

    @cached_property
    def exact(self) -> dict[str, Any] | None:
        """What quadrature found, where there is any."""
        if self.dataset_name != "gehan":
            return None
        return json.loads((FOLDER / "exact_gehan.json").read_text()).get(self.name)

    @cached_property
    def pointwise(self) -> pd.DataFrame | None:
        """elpd and Pareto k of each row, where the reference has them."""
        path = FOLDER / "pointwise" / f"loo_{self.name}.csv"
        return pd.read_csv(path) if path.exists() else None

    @property
    def is_pooled(self) -> bool:
        return self.model.endswith("_hier")

    @property
    def frailty(self) -> str | None:
        """The distribution of the frailty of a patient, None without one."""
        return {"gammafrailty": "gamma", "lnfrailty": "log-normal"}.get(self.model.rpartition("_")[2])

    @property
    def toml(self) -> str:
        """The analysis file."""
        parts = (self._endpoint(), self._model(), self._priors(), self._sampling())
        return "\n".join(["schema = 1", f'title = "{self.name}"', *(line for part in parts for line in part)])

    def analysis(self) -> br.Analysis:
        """The analysis, parsed."""
        return parse(self.toml)

    def cohort(self) -> br.Cohort:
        """The rows. Kidney's two records of a patient are read as two patients, as the runs without frailty do."""
        frame = pd.read_csv(FOLDER / "data" / f"{self.dataset_name}.csv")
        unused = [] if self.frailty else ["patient"]
        return br.read_cohort(frame.drop(columns=unused, errors="ignore"), self.analysis())

    def _endpoint(self) -> list[str]:
        entry = ['entry = "entry"'] if self.dataset.entry else []
        entry += ['id = "patient"'] if self.frailty else []
        return ["[endpoint]", 'name = "OS"', 'time = "time"', 'event = "event"', f'unit = "{self.dataset.unit}"', *entry]

    def _model(self) -> list[str]:
        lines = ["[model]", f'formula = "{self.dataset.formula}"']
        if self.model.startswith("pe"):
            smoothing = "random-walk" if "rw1" in self.model else "independent"
            cuts = self.reference["cuts"]
            lines += ['baseline = "piecewise-exponential"', f'smoothing = "{smoothing}"']
            lines.append(f"cuts = {cuts if isinstance(cuts, list) else [cuts]}")
        else:
            lines.append('baseline = "weibull"')
        if self.is_pooled:
            lines.append('effects = { molecular_group = "pooled" }')
        if self.frailty:
            lines.append(f'frailty = {{ cluster = "patient", distribution = "{self.frailty}" }}')
        return [*lines, self.dataset.variables]

    def _priors(self) -> list[str]:
        settings = self.reference["settings"]
        lines = ["[priors]"]
        if self.model.startswith("pe"):
            lines.append("log_hazards = { normal = [-3, 3] }")
            if "rw1" in self.model:
                lines.append("sigma = { half_normal = 0.5 }")
        else:
            location = "log_rate" if settings["par"] == 1 else "log_scale"
            lines += [f"{location} = {{ normal = [0, 10] }}", "log_shape = { normal = [0, 0.5] }"]
        if self.frailty:
            lines.append(f"frailty = {{ half_normal = {settings['tau_sd']} }}")
        if self.is_pooled:
            return [*lines, f"tau = {{ molecular_group = {{ half_normal = {settings['tau_sd']} }} }}"]
        return [*lines, *(f"{term} = {{ normal = [0, {settings['beta_sd']}] }}" for term in self.dataset.formula.split(" + "))]

    def _sampling(self) -> list[str]:
        """The target acceptance is the one Stan was given."""
        draws = FEWER_DRAWS.get(self.name, DRAWS)
        target = self.reference["settings"]["delta"]
        return ["[sampling]", f"chains = {CHAINS}", f"draws = {draws}", f"tune = {TUNE}", f"target_accept = {target}"]


def parse(toml: str) -> br.Analysis:
    """The analysis written in `toml`."""
    from bayes_rrmm.specification import parse_analysis

    return parse_analysis(toml)


def parameter_name(run: Run, name: str) -> str | None:
    """Our name of a parameter of the reference; None for `shape`, which we report as its logarithm."""
    kind, _, rest = name.partition("[")
    index = int(rest.rstrip("]")) - 1 if rest else 0
    if kind == "beta":
        return f"beta[{column_name(run, as_list(run.reference['beta_names'])[index])}]"
    if run.frailty and kind in ("u", "w_mean"):
        return f"{kind}[{index + 1}]"
    if kind == "u":
        return f"effect[{run.dataset.by}={run.reference['group_names'][index]}]"
    names = {
        "b0": "log_rate" if run.reference["settings"]["par"] == 1 else "log_scale",
        "log_shape": "log_shape",
        "a": f"log_hazard[{index + 1}]",
        "sigma": "sigma",
        "tau": f"tau[{'frailty' if run.frailty else run.dataset.by}]",
        "theta": "theta",
    }
    return names.get(kind)


def column_name(run: Run, name: str) -> str:
    """Our name of a design column; R writes `molecular_groupMAF`."""
    if run.dataset_name == "gehan":
        return "control=1"
    for term in run.dataset.formula.split(" + "):
        if name.startswith(term) and name != term:
            return f"{term}={name.removeprefix(term)}"
    return name


def as_list(value: Any) -> list[Any]:
    """R's JSON writes a vector of length one as a number or a text."""
    return value if isinstance(value, list) else [value]


def parameter_draws(fit: br.Fit) -> dict[str, np.ndarray]:
    """Draws (chains, draws) of every parameter, under the contract's names, and of frailties: see `frailty_draws`."""
    from bayes_rrmm.fitted import parameter_names

    posterior = fit.tree["posterior"].to_dataset()
    draws = {name: posterior[variable].sel(where).to_numpy() for name, (variable, where) in parameter_names(posterior).items()}
    return draws | frailty_draws(fit)


def frailty_draws(fit: br.Fit) -> dict[str, np.ndarray]:
    """u of each patient, or with gamma frailty w_mean, the mean of w given the parameters and the data, as Stan gave it."""
    from bayes_rrmm.cluster_likelihood import experience

    if fit.plan.frailty is None:
        return {}
    if fit.plan.frailty == "log-normal":
        u = fit.tree["frailty"]["u"]
        return {f"u[{cluster}]": u.sel(cluster=cluster).to_numpy() for cluster in u["cluster"].to_numpy()}
    cohort, precision = fit.require_cohort("frailties"), 1 / fit.draws["theta"][:, None]
    known = experience(fit.plan, fit.draws, cohort, cohort.cluster_numbers)
    mean = (precision + known.events) / (precision + known.hazard)
    return {f"w_mean[{number}]": values.reshape(fit.shape) for number, values in enumerate(mean.T, start=1)}


def loo_as_referred(run: Run, fit: br.Fit) -> Any:
    """Leave-one-out by the unit of the reference: ours, but by row given u where the frailty is log-normal, and with patients
    in the order of their numbers."""
    from bayes_rrmm.densities import log_likelihood
    from bayes_rrmm.diagnostics import LeaveOneOut, leave_one_out

    ours = br.loo(fit)
    cohort = fit.require_cohort("leave-one-out")
    if run.frailty == "log-normal":
        u = fit.tree["frailty"]["u"].to_numpy().reshape(-1, 38)
        rows = log_likelihood(fit.plan, {**fit.draws, "u": u}, cohort).reshape(*fit.shape, -1)
        return LeaveOneOut(*leave_one_out([rows]), np.ones(len(cohort)), "row")
    if run.frailty == "gamma":
        order = np.argsort(np.unique(cohort.id).astype(int))
        return LeaveOneOut(ours.elpd_i[order], ours.pareto_k[order], ours.p_i[order], ours.count, ours.unit)
    return ours


def hazard_ratio_draws(run: Run, fit: br.Fit) -> dict[str, np.ndarray]:
    """Draws of the hazard ratio of each column of the reference, by its name there."""
    draws = {}
    for term in run.dataset.formula.split(" + "):
        ratios = br.estimate(fit, br.HazardRatio(term)).draws
        for index, group in enumerate(ratios["group"].to_numpy()):
            column = f"{term}={group}" if fit.plan.encoding.is_group(term) else term
            draws[column] = ratios.transpose("comparison", "chain", "draw").to_numpy()[index]
    return {name: draws[column_name(run, name)] for name in run.reference.get("hazard_ratios", {})}


def profile_draws(run: Run, fit: br.Fit) -> dict[str, dict[str, np.ndarray]]:
    """Draws of median, rmst, rmst_minus_first_profile and S(t) of each profile of the reference."""
    derived = run.reference["derived"]
    return (_by_group if run.dataset.by else _by_row)(run, fit, as_list(derived["landmarks"]), derived["horizon"])


def _by_group(run: Run, fit: br.Fit, times: list[float], horizon: float) -> dict[str, dict[str, np.ndarray]]:
    by, population = run.dataset.by, "average"
    median = br.estimate(fit, br.Median(horizon=np.inf), by=by, population=population)
    rmst = br.estimate(fit, br.Rmst(upto=horizon), by=by, population=population)
    gain = br.estimate(fit, br.Rmst(upto=horizon, contrast="difference"), by=by, population=population)
    survival = br.estimate(fit, br.Survival(at=tuple(times)), by=by, population=population)
    result = {}
    for profile in run.reference["derived"]["profiles"]:
        level = (run.dataset.level_of or {}).get(profile, profile)
        draws = {"median": median.draws.sel({by: level}).to_numpy(), "rmst": rmst.draws.sel({by: level}).to_numpy()}
        if level in gain.draws[by].to_numpy():
            draws["rmst_minus_first_profile"] = gain.draws.sel({by: level}).to_numpy()
        draws |= {f"S({t:g})": survival.draws.sel({by: level, "time": t}).to_numpy() for t in times}
        result[profile] = draws
    return result


def _by_row(run: Run, fit: br.Fit, times: list[float], horizon: float) -> dict[str, dict[str, np.ndarray]]:
    """Continuous profiles, which `br.estimate` has not: the closed forms at the fit's own eta."""
    profiles = run.dataset.profiles or {}
    eta = fit.eta(pd.DataFrame(list(profiles.values())))
    median = hazards.quantile(fit.baseline, 0.5, eta)
    rmst = hazards.rmst(fit.baseline, np.array([float(horizon)]), eta)[:, 0]
    survival = hazards.survival(fit.baseline, np.array(times, dtype=float), eta)
    result = {}
    for index, profile in enumerate(profiles):
        draws = {"median": median[:, index], "rmst": rmst[:, index]}
        if index:
            draws["rmst_minus_first_profile"] = rmst[:, index] - rmst[:, 0]
        draws |= {f"S({t:g})": survival[:, position, index] for position, t in enumerate(times)}
        result[profile] = {name: values.reshape(fit.shape) for name, values in draws.items()}
    return result
