"""The diagnostics gate of a fit: every parameter, every reported quantity, and the sampler itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.diagnostics import Check, check_sampler, worst_first
from bayes_rrmm.diagnostics.checks import checks_of, measure_quantity
from bayes_rrmm.estimands import AnyEstimand
from bayes_rrmm.fitted import Fit, parameter_names
from bayes_rrmm.reading import Estimates, estimate_all
from bayes_rrmm.reading.table import labelled_draws

PARAMETER_COLUMNS = [
    "parameter", "mean", "sd", "q2.5", "q25", "q50", "q75", "q97.5", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail",
    "r_hat",
]  # fmt: skip
QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)


@dataclass(frozen=True)
class Diagnosis:
    """All checks of a fit, failed ones first."""

    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.verdict == "failed")

    @property
    def passed(self) -> bool:
        """Whether none failed."""
        return not self.failed

    def passed_by_name(self) -> dict[str, bool]:
        """Whether each parameter or quantity passed; a sampler that failed fails every one."""
        sampler = not any(check.of == "sampler" for check in self.failed)
        names = {check.of: sampler for check in self.checks}
        return names | {check.of: False for check in self.failed}

    def record(self) -> dict[str, Any]:
        """The verdict as provenance keeps it, and as every table and figure of a failed fit is marked from."""
        return {"passed": self.passed, "failed": [f"{check.check} of {check.of}" for check in self.failed]}

    def to_dataframe(self) -> pd.DataFrame:
        """checks.csv: check, of, measure, limit, verdict, advice."""
        return pd.DataFrame([asdict(check) for check in self.checks])

    def __str__(self) -> str:
        decided = [check for check in self.checks if check.verdict != "not applicable"]
        counted = f"{len(decided)} checks of {len({check.of for check in self.checks})} quantities"
        if self.passed:
            worst = max((check.measure for check in decided if check.check == "r_hat"), default=float("nan"))
            least = min((check.measure for check in decided if check.check.startswith("ess")), default=float("nan"))
            return f"PASSED: {counted}; largest R-hat {worst:.3f}, smallest ESS {least:.0f}, no divergence"
        lines = [f"FAILED: {len(self.failed)} of {counted}"]
        for check in self.failed[:8]:
            lines.append(f"  {check.check} of {check.of}: {check.measure:.4g} (limit {check.limit:g}); {check.advice}")
        if len(self.failed) > 8:
            lines.append(f"  and {len(self.failed) - 8} more, in checks.csv")
        return "\n".join(lines)


def diagnose(fit: Fit, read: list[tuple[AnyEstimand, Estimates]] | None = None) -> Diagnosis:
    """The gate on parameters, on every reported quantity (those of the analysis, or `read`), and on the sampler."""
    posterior = fit.tree["posterior"].to_dataset()
    checks = []
    for name, (variable, where) in parameter_names(posterior).items():
        checks += checks_of(measure_quantity(name, posterior[variable].sel(where).to_numpy()))
    for estimand, estimates in read if read is not None else estimate_all(fit):
        for name, _, draws in labelled_draws(estimand, estimates):
            checks += checks_of(measure_quantity(name, draws))
    statistics = fit.tree["sample_stats"].to_dataset()
    checks += check_sampler(statistics["diverging"].to_numpy(), statistics["energy"].to_numpy())
    return Diagnosis(tuple(worst_first(checks)))


def parameters_table(fit: Fit) -> pd.DataFrame:
    """parameters.csv: moments, quantiles, Monte Carlo errors and convergence of every parameter, on the data's own units."""
    posterior = fit.tree["posterior"].to_dataset()
    rows = []
    for name, (variable, where) in parameter_names(posterior).items():
        draws = posterior[variable].sel(where).to_numpy()
        measured = measure_quantity(name, draws)
        quantiles = np.quantile(draws, QUANTILES)
        rows.append(
            [
                name,
                float(draws.mean()),
                float(draws.std(ddof=1)),
                *map(float, quantiles),
                measured.mcse_mean,
                measured.mcse_sd,
                measured.ess_bulk,
                measured.ess_tail,
                measured.r_hat,
            ]
        )
    return pd.DataFrame(rows, columns=PARAMETER_COLUMNS)
