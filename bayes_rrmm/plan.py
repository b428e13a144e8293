"""The plan of a fit: what the user declared and what the data taught, together and frozen, before anything is sampled."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.covariate_model import CovariateModel, learn_covariate_model
from bayes_rrmm.encoding import Encoding, learn_encoding
from bayes_rrmm.hazards.cuts import cut_points, events_by_interval
from bayes_rrmm.resolved_priors import ResolvedPriors, resolve_priors
from bayes_rrmm.specification.analysis import Analysis


@dataclass(frozen=True)
class Plan:
    """One model, ready to be sampled on any rows with the same columns.

    `cuts` has shape (J - 1,), empty unless the baseline is piecewise. `reference_time` is a time inside the data at
    which the Weibull's cumulative hazard is sampled, which decorrelates it from the shape. `last_follow_up` is the latest
    exit: beyond it everything is extrapolated. `covariates` is the model of marginalised covariates, None without gaps.
    """

    analysis: Analysis
    encoding: Encoding
    priors: ResolvedPriors
    cuts: tuple[float, ...]
    reference_time: float
    last_follow_up: float
    covariates: CovariateModel | None = None

    @property
    def family(self) -> str:
        """Name of the baseline."""
        return self.analysis.model.baseline

    @property
    def smoothing(self) -> str:
        """How the log hazards of neighbouring intervals are related; one interval has no neighbour."""
        return (self.analysis.model.smoothing or "independent") if self.cuts else "independent"

    @property
    def target_accept(self) -> float:
        """Acceptance the sampler aims at: as declared, or 0.98 where a spread is learnt (at 0.95 some still diverge), else 0.9."""
        learns_a_spread = self.smoothing == "random-walk" or bool(self.encoding.pooled)
        return self.analysis.sampling.target_accept or (0.98 if learns_a_spread else 0.9)

    @property
    def cut_array(self) -> Floats:
        """The cut points as an array."""
        return np.asarray(self.cuts, dtype=np.float64)

    def with_priors(self, priors: ResolvedPriors) -> Plan:
        """The same model under other priors."""
        return replace(self, priors=priors)

    def to_json(self) -> str:
        """What the data taught, as JSON; the analysis itself is kept as its text."""
        return json.dumps(
            {
                "encoding": json.loads(self.encoding.to_json()),
                "priors": json.loads(self.priors.to_json()),
                "cuts": list(self.cuts),
                "reference_time": self.reference_time,
                "last_follow_up": self.last_follow_up,
                "covariates": None if self.covariates is None else json.loads(self.covariates.to_json()),
            }
        )

    @classmethod
    def from_json(cls, analysis: Analysis, text: str) -> Plan:
        """The plan that `to_json` wrote, for the analysis it was made from."""
        raw = json.loads(text)
        return cls(
            analysis=analysis,
            encoding=Encoding.from_json(json.dumps(raw["encoding"])),
            priors=ResolvedPriors.from_json(json.dumps(raw["priors"])),
            cuts=tuple(raw["cuts"]),
            reference_time=raw["reference_time"],
            last_follow_up=raw["last_follow_up"],
            covariates=CovariateModel.from_json(json.dumps(raw["covariates"])) if raw.get("covariates") else None,
        )


def make_plan(analysis: Analysis, cohort: Cohort) -> Plan:
    """Learn from the cohort everything that `analysis` leaves to the data. Samples nothing.

    Raises DataError where the design cannot be fitted, AnalysisError where the analysis contradicts it.
    """
    encoding = learn_encoding(analysis, cohort)
    cuts: tuple[float, ...] = ()
    if analysis.model.baseline == "piecewise-exponential":
        cuts = tuple(cut_points(analysis.model.cuts, cohort.time, cohort.event, cohort.weight).tolist())
    return Plan(
        analysis=analysis,
        encoding=encoding,
        priors=resolve_priors(analysis, encoding, cohort),
        cuts=cuts,
        reference_time=_median_event_time(cohort),
        last_follow_up=float(cohort.time.max()),
        covariates=learn_covariate_model(analysis, encoding, cohort),
    )


def _median_event_time(cohort: Cohort) -> float:
    """The median over events, each counted as often as its frequency weight says."""
    happened = cohort.event > 0
    order = np.argsort(cohort.time[happened], kind="stable")
    times, events = cohort.time[happened][order], np.cumsum(cohort.weight[happened][order])
    middle = [times[np.searchsorted(events, events[-1] / 2, side=side)] for side in ("left", "right")]
    return float(np.mean(middle))


def interval_events(plan: Plan, cohort: Cohort) -> Floats:
    """Events in each interval of a piecewise baseline, shape (J,)."""
    happened = cohort.event > 0
    return events_by_interval(plan.cut_array, cohort.time[happened], cohort.weight[happened])
