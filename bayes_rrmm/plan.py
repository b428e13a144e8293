"""The plan of a fit: what the user declared and what the data taught, together and frozen, before anything is sampled."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace

import numpy as np

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.covariate_model import CovariateModel, learn_covariate_model
from bayes_rrmm.encoding import Encoding, learn_encoding
from bayes_rrmm.hazards.at_risk import FEWEST_AT_RISK, first_with, present
from bayes_rrmm.hazards.cuts import cut_points, events_by_interval
from bayes_rrmm.resolved_priors import ResolvedPriors, resolve_priors
from bayes_rrmm.specification.analysis import Analysis
from bayes_rrmm.specification.frailty import check_frailty

CLUSTER_STEP = 32
"""Room for clusters comes in multiples of it, so that cohorts of nearly as many clusters share a compiled model."""


@dataclass(frozen=True)
class Plan:
    """One model, ready to be sampled on any rows with the same columns.

    `cuts` has shape (J - 1,), empty unless the baseline is piecewise. `reference_time` is a time inside the data at
    which the Weibull's cumulative hazard is sampled, which decorrelates it from the shape. `last_follow_up` is the latest
    exit: beyond it everything is extrapolated. `covariates` is the model of marginalised covariates, None without gaps.
    `most_clusters` is how many clusters a log-normal frailty has room for, 0 where there is none. `start` is where every survival
    curve begins, given survival to it: the landmark, or under delayed entry where enough are at risk, else 0.
    """

    analysis: Analysis
    encoding: Encoding
    priors: ResolvedPriors
    cuts: tuple[float, ...]
    reference_time: float
    last_follow_up: float
    covariates: CovariateModel | None = None
    most_clusters: int = 0
    start: float = 0.0

    @property
    def family(self) -> str:
        """Name of the baseline."""
        return self.analysis.model.baseline

    @property
    def frailty(self) -> str | None:
        """The distribution of the frailty, gamma or log-normal; None without one."""
        return None if self.analysis.model.frailty is None else self.analysis.model.frailty.distribution

    @property
    def frailty_is_anew(self) -> bool:
        """Whether the frailty's distribution is that among clusters at the start of the curves (a landmark, or by declaration where
        they enter), in place of that at the origin: then nothing is conditioned on survival to it."""
        frailty = self.analysis.model.frailty
        return frailty is not None and (self.analysis.model.landmark is not None or frailty.entry == "at-entry")

    def survived_before(self, cohort: Cohort) -> Floats:
        """The time, (N,), through which the frailty of a row's cluster is known to have been survived before the row's subject came
        under observation; 0 throughout where the frailty is counted from then."""
        return np.zeros(len(cohort)) if self.frailty_is_anew else cohort.survived_before

    def at_landmark(self, landmark: float) -> Plan:
        """The same model of rows that a landmark has been applied to: curves, and a frailty, are counted from it."""
        model = self.analysis.model.model_copy(update={"landmark": landmark})
        return replace(self, analysis=self.analysis.model_copy(update={"model": model}), start=landmark)

    @property
    def smoothing(self) -> str:
        """How the log hazards of neighbouring intervals are related; one interval has no neighbour."""
        return (self.analysis.model.smoothing or "independent") if self.cuts else "independent"

    @property
    def target_accept(self) -> float:
        """Acceptance the sampler aims at: as declared, or 0.995 under a horseshoe (at 0.99 one fit in fifteen has a divergence),
        0.98 where a spread is learnt (at 0.95 some still diverge), else 0.9."""
        learns_a_spread = self.smoothing == "random-walk" or bool(self.encoding.pooled) or self.frailty == "log-normal"
        usual = 0.995 if self.priors.horseshoes else 0.98 if learns_a_spread else 0.9
        return self.analysis.sampling.target_accept or usual

    @property
    def cut_array(self) -> Floats:
        """The cut points as an array."""
        return np.asarray(self.cuts, dtype=np.float64)

    def frozen_as(self, earlier: Plan) -> Plan:
        """This plan, made anew from an analysis that was changed, with what `earlier` had learnt and still has its place: cuts,
        times, priors of the baseline and of the columns that both have."""
        known = {column.name: prior for column, prior in zip(earlier.encoding.columns, earlier.priors.coefficients, strict=True)}
        own = zip(self.encoding.columns, self.priors.coefficients, strict=True)
        coefficients = tuple(known.get(column.name, prior) for column, prior in own)
        before = earlier.priors
        priors = replace(self.priors, baseline=before.baseline, log_shape=before.log_shape, coefficients=coefficients)
        reference, last = earlier.reference_time, earlier.last_follow_up
        return replace(self, cuts=earlier.cuts, priors=priors, reference_time=reference, last_follow_up=last)

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
                "most_clusters": self.most_clusters,
                "start": self.start,
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
            most_clusters=raw.get("most_clusters", 0),
            start=raw.get("start", analysis.model.landmark or 0.0),
        )


def make_plan(analysis: Analysis, cohort: Cohort) -> Plan:
    """Learn from the cohort everything that `analysis` leaves to the data. Samples nothing.

    Raises DataError where the design cannot be fitted, AnalysisError where the analysis contradicts it.
    """
    check_frailty(analysis)  # an analysis changed in Python was not checked when it was read
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
        most_clusters=_room(analysis, cohort),
        start=_start(analysis, cohort),
    )


def _start(analysis: Analysis, cohort: Cohort) -> float:
    """Where curves begin: before, nobody or too few are at risk, and nothing is known. Of fewer patients than are enough, where
    as many are at risk as there ever are."""
    if analysis.model.landmark is not None:
        return analysis.model.landmark
    if not np.any(cohort.survived_before > 0):
        return 0.0
    follow_up = cohort.time, cohort.entry, cohort.weight
    start = first_with(FEWEST_AT_RISK, *follow_up)
    if math.isfinite(start):
        return start
    entries = np.unique(np.append(cohort.entry, 0.0))
    return float(entries[np.argmax(present(entries, *follow_up))])


def _room(analysis: Analysis, cohort: Cohort) -> int:
    """Room for the clusters of a log-normal frailty, each a parameter: a compiled model has a fixed number of parameters."""
    if analysis.model.frailty is None or analysis.model.frailty.distribution != "log-normal":
        return 0
    return CLUSTER_STEP * math.ceil((int(cohort.cluster_numbers.max()) + 1) / CLUSTER_STEP)


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
