"""The frequentist counterparts of a fit, each computed once, when first asked for, from the fit's own rows and design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.agreement.dummies import Dummies
from bayes_rrmm.agreement.verdict import SMALL_P, Reason
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.encoding import Encoding
from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import (
    BaselineTest,
    Cox,
    CoxBaseline,
    FirthCox,
    KaplanMeier,
    SchoenfeldTest,
    SharedFrailty,
    at_its_limit,
    baseline_test,
    cox,
    cox_baseline,
    firth_cox,
    kaplan_meier,
    schoenfeld_test,
    shared_frailty,
)
from bayes_rrmm.frequentist.cox import Ties
from bayes_rrmm.frequentist.kaplan_meier import Interval
from bayes_rrmm.plan import interval_events
from bayes_rrmm.reading.contrasts import Contrast
from bayes_rrmm.reading.population import first_entry

FAMILY: dict[str, Any] = {"exponential": "exponential", "weibull": "weibull", "piecewise-exponential": "piecewise"}
"""The baseline of an analysis, as the frequentist wing calls it."""

Made = TypeVar("Made")

MOST_CLUSTERS = 1000
"""Above it a Cox model with a frailty takes minutes: time grows with the cube of the clusters."""


@dataclass(frozen=True)
class Counterparts:
    """What there is to compare a fit with. `ties` are Cox's, `interval` Kaplan-Meier's.

    The adjusted side has the fit's own design, its rows without gaps, and of each pooled term the first level as reference
    (of two groups crossed, the cells with either first level).
    """

    fit: Fit
    rows: Cohort
    ties: Ties = "efron"
    interval: Interval = "log-log"
    _unadjusted: dict[tuple[str, str], Cox | Reason] = field(default_factory=dict, repr=False)
    _curves: dict[tuple[Any, ...], KaplanMeier] = field(default_factory=dict, repr=False)

    @property
    def encoding(self) -> Encoding:
        """The fit's encoding."""
        return self.fit.plan.encoding

    @property
    def prob(self) -> float:
        """Probability of every interval."""
        return self.fit.analysis.sampling.interval.prob

    @cached_property
    def complete(self) -> Cohort:
        """The rows without gaps."""
        known = self.rows.is_complete()
        return self.rows if known.all() else self.rows.select(known)

    @cached_property
    def left_out(self) -> list[Reason]:
        """The reason that rows with gaps give to whatever is computed without them."""
        lacking = float(self.rows.weight.sum() - self.complete.weight.sum())
        return [Reason("different-rows", f"{lacking:g} of {self.rows.weight.sum():g} left out")] if lacking else []

    @cached_property
    def dummies(self) -> Dummies:
        """The dummies that stand for pooled effects."""
        return Dummies(self.encoding, self.complete.covariates.drop_duplicates())

    @property
    def free_levels(self) -> list[int]:
        """Positions of the pooled levels that get a dummy."""
        return self.dummies.free_levels

    @cached_property
    def names(self) -> list[str]:
        """Names of the columns of `design`."""
        return [column.name for column in self.encoding.columns] + [self.encoding.pooled_levels[i] for i in self.free_levels]

    @cached_property
    def terms(self) -> dict[str, list[str]]:
        """The columns of each term of the formula, pooled ones last."""
        columns: dict[str, list[str]] = {}
        for column in self.encoding.columns:
            columns.setdefault(column.term, []).append(column.name)
        for pooled in self.encoding.pooled:
            own = [f"{pooled.term}={level}" for level in pooled.levels]
            columns[pooled.term] = [name for name in self.names if name in own]
        return {term: names for term, names in columns.items() if names}

    def design(self, frame: pd.DataFrame) -> Floats:
        """The design of rows without gaps, (N, P): centred columns, then dummies of pooled levels."""
        indicators = self.encoding.indicators(frame)[:, self.free_levels]
        return np.concatenate([self.encoding.design(frame), indicators], axis=1)

    def weights_of(self, contrast: Contrast) -> Floats:
        """A contrast as weights on the columns of `design`."""
        return np.concatenate([contrast.columns, contrast.levels[self.free_levels]])

    @cached_property
    def _model(self) -> tuple[Floats, list[str], Floats, Floats, Floats, Floats]:
        rows = self.complete
        return self.design(rows.covariates), self.names, rows.time, rows.event, rows.entry, rows.weight

    @cached_property
    def cox(self) -> Cox | Reason:
        """Cox on the fit's design, or why there is none."""
        return self._tried(lambda: cox(*self._model, ties=self.ties))

    @cached_property
    def clustered_cox(self) -> Cox | Reason:
        """Cox with errors clustered as the fit's frailty is, or why there is none."""
        return self._tried(lambda: cox(*self._model, ties=self.ties, cluster=self.complete.cluster))

    @cached_property
    def frailty_cox(self) -> SharedFrailty | Reason:
        """Cox with the fit's frailty, by R's information matrix for many clusters, or why there is none."""
        design, names, time, event, entry, weight = self._model
        cluster = self.complete.cluster
        clusters = 0 if cluster is None else len(np.unique(cluster))
        if cluster is None or clusters > MOST_CLUSTERS:
            return Reason("many-clusters", f"{clusters}")
        if clusters < 2 or clusters == len(cluster):
            return Reason("lone-rows")
        distribution: Any = "gamma" if self.fit.plan.frailty == "gamma" else "gaussian"
        information: Any = "diagonal" if clusters > 5 else "full"  # as R chooses
        return self._tried(
            lambda: shared_frailty(
                design, names, time, event, cluster, entry, weight,
                distribution=distribution, ties=self.ties, information=information,
            )
        )  # fmt: skip

    @cached_property
    def firth(self) -> FirthCox | None:
        """Firth's Cox on the fit's design; None where there is none."""
        found = self._tried(lambda: firth_cox(*self._model, ties=self.ties))
        return None if isinstance(found, Reason) else found

    @cached_property
    def proportionality(self) -> SchoenfeldTest | None:
        """The Schoenfeld test of each term and of all; None where there is no Cox or nothing to test."""
        if not self.names or isinstance(self.cox, Reason) or not np.any(self.complete.event):
            return None
        found = self._tried(lambda: schoenfeld_test(*self._model, ties=self.ties, terms=self.terms))
        return None if isinstance(found, Reason) else found

    @cached_property
    def baseline_fit(self) -> BaselineTest | None:
        """The test of the fit's baseline against a freer one; None where there is none."""
        found = self._tried(lambda: baseline_test(FAMILY[self.fit.plan.family], *self._model, cuts=self.fit.plan.cut_array))
        return None if isinstance(found, Reason) else found

    @cached_property
    def cox_with_baseline(self) -> tuple[Cox, CoxBaseline] | Reason:
        """`cox` and its baseline hazard, at the limit of a monotone likelihood, or why there is none.

        From the start of the fit's curves on.
        """
        model = self.cox
        if isinstance(model, Reason):
            return model
        if self.dummies.empty_cells:
            return Reason("empty-cell", ", ".join(self.dummies.empty_cells))
        design, _, *outcome = self._model
        try:
            ended = at_its_limit(model, design, *outcome)
            return ended, cox_baseline(ended, design, *outcome, start=self.fit.plan.start)
        except FitError:
            return Reason("monotone-likelihood")

    def unadjusted(self, variable: str, subgroup: str = "") -> Cox | Reason:
        """Cox of one variable alone, among the rows of a subgroup `column=level` where there is one, or why there is none."""
        if (variable, subgroup) not in self._unadjusted:
            self._unadjusted[variable, subgroup] = self._tried(lambda: self._alone(variable, subgroup))
        return self._unadjusted[variable, subgroup]

    def rows_of(self, variable: str, subgroup: str = "") -> Cohort:
        """The rows in which a variable, and the subgroup, are known."""
        keep = self.rows.is_complete((variable,))
        if subgroup:
            column, _, level = subgroup.partition("=")
            keep = keep & (self.rows.covariates[column] == level).to_numpy()
        return self.rows.select(keep)

    def _alone(self, variable: str, subgroup: str) -> Cox | Reason:
        rows = self.rows_of(variable, subgroup)
        design, names = self.columns_of(variable, rows)
        seen = np.ptp(design, axis=0) > 0 if len(rows) else np.zeros(len(names), dtype=bool)
        if not np.any(seen):
            return Reason("empty-group")
        labels = [name for name, varies in zip(names, seen, strict=True) if varies]
        try:
            return cox(design[:, seen], labels, rows.time, rows.event, rows.entry, rows.weight, ties=self.ties)
        except DataError:  # the levels left in the subgroup are collinear: the reference has no patients there
            return Reason("empty-group")

    def columns_of(self, variable: str, rows: Cohort) -> tuple[Floats, list[str]]:
        """The columns of a variable's own term, and their names."""
        filled = self.encoding.filled(rows.covariates)
        keep = [index for index, name in enumerate(self.names) if name in self.terms[variable]]
        return self.design(filled)[:, keep], [self.names[index] for index in keep]

    def kaplan_meier(self, by: str | None, level: str, given: float | None, *, since_entry: bool = False) -> KaplanMeier:
        """Kaplan-Meier of the rows of a level (of everyone where there is no `by`), of those free of the event at `given`; from the
        origin, or in time since each subject's own entry."""
        key = (by, level, given, since_entry)
        if key not in self._curves:
            self._curves[key] = self._curve(self._since_entry if since_entry else self.rows, by, level, given or 0.0)
        return self._curves[key]

    @cached_property
    def _since_entry(self) -> Cohort:
        """The rows on the clock that starts at each subject's own entry."""
        first = first_entry(self.rows)
        return replace(self.rows, time=self.rows.time - first, entry=self.rows.entry - first)

    def _curve(self, rows: Cohort, by: str | None, level: str, given: float) -> KaplanMeier:
        keep = np.ones(len(rows), dtype=bool) if not by or not level else (rows.covariates[by] == level).to_numpy()
        keep = keep & (rows.time > given) if given else keep
        label = level or "all"
        if not keep.any():
            return _nobody(label, given, self.prob, self.interval)
        entry = np.maximum(rows.entry, given)
        outcome = (rows.time[keep], rows.event[keep], entry[keep], rows.weight[keep])
        if np.any(rows.survived_before[keep] > given):
            return kaplan_meier(*outcome, prob=self.prob, label=label, interval=self.interval)
        # Everyone was there at `given`: nobody enters late, so few at risk is no reason to start later.
        return kaplan_meier(*outcome, prob=self.prob, label=label, fewest_at_risk=1.0, interval=self.interval)

    @cached_property
    def left_out_share(self) -> float:
        """The share of rows, or of events where it is larger, that gaps leave out."""
        everyone, known = float(self.rows.weight.sum()), float(self.complete.weight.sum())
        return max(1.0 - known / everyone, 1.0 - self.complete.events / self.rows.events if self.rows.events else 0.0)

    def clustered_rows(self, levels: tuple[str, ...], by: str | None) -> list[Reason]:
        """The reason where rows of one cluster meet in a curve, or in two that are contrasted, whose variance takes them as
        independent; none without a frailty."""
        cluster = self.rows.cluster
        if cluster is None:
            return []
        used = np.ones(len(cluster), dtype=bool) if by is None else self.rows.covariates[by].isin(levels).to_numpy()
        together = int((np.unique(cluster[used], return_counts=True)[1] > 1).sum())
        return [Reason("clustered-rows", f"{together} clusters with several rows")] if together else []

    def reasons_of_form(self, variables: tuple[str, ...]) -> list[Reason]:
        """What the data say against the model's form: hazards of the terms of these variables (of any term where there are
        none) that are not proportional, a baseline that does not fit.

        With a frailty neither test is of the model, since both are of hazards averaged over it.
        """
        reasons: list[Reason] = []
        tested = self.proportionality if self.fit.plan.frailty is None else None
        if tested is not None:
            own = [test for test in tested.by_term if self._has(test.name, variables)] if variables else [tested.overall]
            bad = [f"{test.name}, p {test.p:.3f}" for test in own if test.p < SMALL_P]
            reasons += [Reason("non-proportional", ", ".join(bad))] if bad else []
        baseline = self.baseline_fit if self.fit.plan.frailty is None else None
        if baseline is not None and baseline.p < SMALL_P:
            reasons.append(Reason("baseline-misfit", f"p {baseline.p:.3f}"))
        return reasons

    @cached_property
    def empty_intervals(self) -> NDArray[np.bool_]:
        """Which intervals of a piecewise baseline have person-time and no event, (J,)."""
        starts = np.append(0.0, self.fit.plan.cut_array)
        return np.asarray((interval_events(self.fit.plan, self.rows) == 0) & (starts < float(self.rows.time.max())))

    def _has(self, term: str, variables: tuple[str, ...]) -> bool:
        found = self.fit.analysis.formula.find(term)
        return found is not None and bool(set(found.variables) & set(variables))

    def _tried(self, make: Callable[[], Made]) -> Made | Reason:
        """What `make` makes, or why it cannot be made: no convergence, or nothing left once rows with gaps are out."""
        try:
            return make()
        except FitError:
            return Reason("no-convergence")
        except DataError:
            if len(self.complete) == len(self.rows):
                raise
            return Reason("nothing-left")


def _nobody(label: str, given: float, prob: float, interval: Interval) -> KaplanMeier:
    """The curve of a group that nobody is left of at `given`: its follow-up ends there."""
    none = np.empty(0)
    return KaplanMeier(label, 0.0, 0.0, given, none, none, none, none, none, none, given, prob, interval)
