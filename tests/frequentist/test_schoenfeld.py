import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from partial_likelihood_by_hand import drift_statistic, factors, kaplan_meier_before
from r_results import WITH_COX, study
from scipy import stats
from test_kaplan_meier import spells

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import cox, schoenfeld_test

BOTH = pytest.mark.parametrize("ties", ["efron", "breslow"])
WITH_ZPH = [(name, transform) for name in WITH_COX for transform in study(name).r["cox_efron"]["zph"]]


def grouped(names, terms):
    """R's terms: the columns whose names begin with each."""
    return {term: [name for name in names if name.startswith(term)] for term in terms}


@pytest.mark.parametrize("by", ["by_term", "by_coef"])
@pytest.mark.parametrize(("name", "transform"), WITH_ZPH)
def test_matches_r(name, transform, by):
    """Statistic, degrees of freedom and p of every term, every column and of all are cox.zph's, for every g(t) it offers."""
    data, r = study(name), study(name).r["cox_efron"]["zph"][transform][by]
    terms = grouped(data.names, r["name"][:-1]) if by == "by_term" else None
    test = schoenfeld_test(data.design, data.names, *data.endpoint(), terms=terms, transform=transform)
    found = [*test.by_term, test.overall]
    assert [one.name for one in found] == [*r["name"][:-1], "all"]
    assert [one.degrees_of_freedom for one in found] == r["df"]
    assert (test.ties, test.transform, test.monotone) == ("efron", transform, ())
    assert_allclose([one.statistic for one in found], r["chisq"], rtol=1e-6)
    assert_allclose([one.p for one in found], r["p"], rtol=1e-6)


@BOTH
@pytest.mark.parametrize("strata", [1, 3])
@pytest.mark.parametrize("delayed", [0.0, 0.5])
def test_by_hand(strata, delayed, ties):
    """The score statistic of x g(t), g = 1 - S(t-), from factors written out: ties, delayed entry, weights, strata, two columns."""
    time, event, entry, weight = spells(21, size=40, delayed=delayed)
    rng = np.random.default_rng(4)
    design = np.column_stack([rng.normal(size=40), rng.random(40) < 0.4, rng.normal(size=40)]).astype(float)
    stratum = rng.integers(0, strata, 40)
    given = (time, event, entry, weight)
    test = schoenfeld_test(design, ["a", "b", "c"], *given, terms={"a": ["a"], "bc": ["c", "b"]}, ties=ties, strata=stratum)
    beta = cox(design, ["a", "b", "c"], *given, ties=ties, strata=stratum).coefficients
    found = factors(design, *given, stratum, ties)

    def clock(t):
        return 1 - kaplan_meier_before(t, time, event, entry, weight)

    expected = [drift_statistic(beta, found, clock, tested) for tested in ([0], [1, 2], [0, 1, 2])]
    assert_allclose([one.statistic for one in (*test.by_term, test.overall)], expected, rtol=1e-7)
    assert [one.degrees_of_freedom for one in (*test.by_term, test.overall)] == [1, 2, 3]


@BOTH
@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_weights_count_rows(transform, ties):
    """A row of weight w is w rows, in the curve and the ranks as well."""
    time, event, entry, weight = spells(11, size=40)
    design = np.random.default_rng(1).normal(size=(40, 2))
    copies = np.repeat(np.arange(40), weight.astype(int))
    one = schoenfeld_test(design, ["a", "b"], time, event, entry, weight, ties=ties, transform=transform)
    other = schoenfeld_test(design[copies], ["a", "b"], time[copies], event[copies], entry[copies], ties=ties, transform=transform)
    assert_allclose([test.statistic for test in one.by_term], [test.statistic for test in other.by_term], rtol=1e-6)
    assert one.overall.statistic == pytest.approx(other.overall.statistic, rel=1e-6)


def test_a_term_does_not_depend_on_its_reference():
    """The test of a factor is the same whatever its reference level, and is that of all in a model of it alone."""
    data = study("myeloma_gep")
    levels = np.unique(data.group)
    found = []
    for reference in levels[[0, 4]]:
        names = [level for level in levels if level != reference]
        dummies = (data.group[:, None] == names).astype(float)
        test = schoenfeld_test(dummies, names, data.time, data.event, terms={"group": names})
        assert test.by_term[0].statistic == pytest.approx(test.overall.statistic, rel=1e-10)
        found.append(test.overall.statistic)
    assert found[1] == pytest.approx(found[0], rel=1e-8)


def test_columns_on_another_scale():
    """A column times 1000 plus 7 changes no test."""
    data = study("kidney")
    one = schoenfeld_test(data.design, data.names, data.time, data.event)
    other = schoenfeld_test(data.design * [1000, 1, 1, 1, 1] + 7, data.names, data.time, data.event)
    assert_allclose([test.statistic for test in other.by_term], [test.statistic for test in one.by_term], rtol=1e-7)


def test_a_level_without_events_is_left_out():
    """Its coefficient is infinite and cannot drift: the test is that of the rows of the other levels, on one degree less."""
    data = study("myeloma_gep")
    event = np.where(data.group == "MAF", 0.0, data.event)
    test = schoenfeld_test(data.design, data.names, data.time, event, transform="identity")
    there = data.group != "MAF"
    kept = [k for k, name in enumerate(data.names) if not name.endswith("MAF")]
    names = [data.names[k] for k in kept]
    rest = schoenfeld_test(data.design[there][:, kept], names, data.time[there], event[there], transform="identity")
    assert test.monotone == ("molecular_groupMAF",)
    gone = test.by_term[data.names.index("molecular_groupMAF")]
    assert (gone.degrees_of_freedom, math.isnan(gone.p), math.isnan(gone.statistic)) == (0, True, True)
    assert_allclose([test.by_term[k].statistic for k in kept], [one.statistic for one in rest.by_term], rtol=1e-6)
    assert test.overall.degrees_of_freedom == rest.overall.degrees_of_freedom == 5
    assert test.overall.statistic == pytest.approx(rest.overall.statistic, rel=1e-6)


@pytest.mark.parametrize("event", [[0, 0, 0, 0], [1, 0, 0, 0]])
def test_too_few_events_to_drift(event):
    """Without two event times nothing can drift: no degrees of freedom, and NaN."""
    test = schoenfeld_test([[1], [2], [0.5], [3]], ["x"], [1, 2, 3, 4], event, ties="breslow")
    assert test.overall.degrees_of_freedom == 0
    assert math.isnan(test.overall.p)


def test_one_usable_event_time_is_not_enough():
    """The last of two deaths is alone at risk and tells nothing: rounding is not taken for a degree of freedom. 60 data sets."""
    for seed in range(60):
        x = np.random.default_rng(seed).normal(size=7)
        middle, last = np.argsort(x)[[3, 0]]
        time = np.full(7, 1.5)
        time[middle], time[last] = 1.0, 2.0
        test = schoenfeld_test(x[:, None], ["x"], time, np.isin(np.arange(7), [middle, last]), ties="breslow")
        assert (test.overall.degrees_of_freedom, math.isnan(test.overall.statistic)) == (0, True)


def test_size_and_power():
    """300 trials of 60 patients: under proportional hazards 5 % of p values are below 0.05; under crossing hazards most are."""
    rng = np.random.default_rng(5)
    group = (np.arange(60) % 2).astype(float)
    below = {1.0: 0, 4.0: 0}
    for shape in below:
        for _ in range(300):
            latent = np.where(group == 1, rng.weibull(shape, 60), rng.exponential(size=60))
            time = np.minimum(latent, 2.0)
            below[shape] += schoenfeld_test(group[:, None], ["x"], time, latent < 2.0, ties="breslow").overall.p < 0.05
    lowest, highest = stats.binom.ppf([0.0005, 0.9995], 300, 0.05)
    assert lowest <= below[1.0] <= highest
    assert below[4.0] > 250


def test_what_is_refused():
    """An unknown column of a term, and the logarithm of an event at time 0, are errors."""
    with pytest.raises(DataError, match="does not have: z"):
        schoenfeld_test([[1], [2], [0.5]], ["x"], [1, 2, 3], [1, 1, 1], terms={"z": ["z"]})
    with pytest.raises(DataError, match="no logarithm"):
        schoenfeld_test([[1], [2], [0.5], [4]], ["x"], [0, 2, 3, 4], [1, 1, 1, 0], transform="log")
