"""What a dossier says follows from its numbers: each sentence against tables that call for it, and for its opposite."""

from __future__ import annotations

import math
from dataclasses import replace

import fits
import pandas as pd
import pytest
from test_small_group import around_the_mode, made, two_groups

import bayes_rrmm as br
from bayes_rrmm.fitted import Fit
from bayes_rrmm.sensitivity.group_answer import answer_of, side_of_threshold
from bayes_rrmm.sensitivity.refits import Refit


@pytest.fixture(scope="module")
def dossier() -> br.SmallGroup:
    """Twenty-five patients with a hazard five times that of eighty: HR above 1."""
    return made(two_groups(5.0, size=25), scales=(0.3, 3.0), centres=(0.5, 2.0))


def with_chances(found: br.SmallGroup, section: str, chances: dict[int, float]) -> br.SmallGroup:
    """The dossier with P(HR > 1) of some rows of a section as told, and no Monte Carlo error there."""
    table = getattr(found, section).copy()
    for row, chance in chances.items():
        table.loc[table.index[row], ["p_below_1", "p_error"]] = [1 - chance, 0.0]
    return replace(found, **{section: table})


def test_a_prior_that_expects_the_opposite_is_told_apart(dossier: br.SmallGroup) -> None:
    """With HR above 1 the enthusiastic prior (HR 0.5) expects the opposite: that it alone says no is no need of the prior given,
    while a sceptical no is."""
    assert dossier.side == "above"
    names = list(dossier.priors["prior"])
    opposite = with_chances(dossier, "priors", {names.index("enthusiastic"): 0.9})
    assert "Only a prior that expects the opposite (enthusiastic) takes this answer away" in opposite.conclusion
    sceptical = with_chances(dossier, "priors", {names.index("sceptical"): 0.9})
    assert "does not survive every reasonable prior (not sceptical)" in sceptical.conclusion
    assert "no under sceptical" in sceptical.conclusion


def test_the_side_is_that_of_the_widest_prior_known() -> None:
    """That the widest prior's refit failed does not turn the direction round; the text says which one is the widest known."""

    def sample(refit: Refit) -> Fit:
        if refit.name.startswith("prior centred at 1, sd 5"):
            raise RuntimeError("no start")
        return around_the_mode(refit)

    found = made(two_groups(2.0), sample, scales=(0.1, 0.2, 5.0), centres=(0.9, 1.1))
    assert found.side == "above"
    assert "P(HR > 1)" in found.conclusion
    assert "widest prior centred at 1 whose refit passed (sd 0.2)" in found.conclusion


def test_patients_outside_the_group_count_too(dossier: br.SmallGroup) -> None:
    """One of the others, left out, that turns the answer is named, and nothing is carried without any one patient."""
    assert "nor does leaving out any of the 80 others" in dossier.conclusion
    outside = list(dossier.left_out["in_group"]).index(False)
    found = with_chances(dossier, "left_out", {outside: 0.95})
    who = found.left_out["patient"].iloc[outside]
    assert f"leaving out 1 of the 80 patients outside it would turn it ({who})" in found.conclusion
    assert "one patient's record" in found.conclusion
    assert "without any one patient" not in found.conclusion


def test_within_monte_carlo_error_nothing_turns(dossier: br.SmallGroup) -> None:
    """A probability within two of its Monte Carlo errors of the threshold is on neither side, wherever it stands."""
    row = {"p_below_1": 1 - 0.970, "p_error": 0.003, "passed": True, "hr": 2.0}
    assert side_of_threshold(dossier, row) == 0
    assert side_of_threshold(dossier, {**row, "p_error": 0.002}) == -1
    table = dossier.flipped.assign(p_below_1=1 - 0.970, p_error=0.003)
    near = replace(dossier, flipped=table)
    assert answer_of(near).turned(answer_of(near).changed) == []
    own = replace(dossier, analysed=replace(dossier.analysed, p_below_1=1 - 0.974, p_error=0.003))
    assert "stands at the threshold itself" in own.conclusion


def test_failed_patients_are_counted_and_not_named(dossier: br.SmallGroup) -> None:
    """Refits of patients that failed are told apart from those that turn nothing; nobody among them moves it most."""
    lost = {"passed": False, "hr": math.nan, "p_below_1": math.nan, "shift": math.nan}
    group = dossier.left_out["in_group"]
    left_out = dossier.left_out.copy()
    left_out.loc[group, list(lost)] = list(lost.values())
    found = replace(dossier, left_out=left_out)
    assert "25 refits that failed apart" in found.conclusion
    assert "moves it most" not in found.conclusion
    none = replace(found, flipped=dossier.flipped.assign(**lost))
    assert "the group's patients could not be left out" in none.conclusion


def test_a_failed_fit_stands_first(dossier: br.SmallGroup) -> None:
    """A mark of the fit, or failed diagnostics of its ratio, comes before everything and fails the dossier."""
    marked = replace(dossier, mark="DIAGNOSTICS FAILED: log_shape r_hat 1.2")
    assert not marked.passed
    assert marked.conclusion.startswith("DIAGNOSTICS FAILED: log_shape r_hat 1.2: the fit that all of this is compared with")
    assert "DIAGNOSTICS FAILED: log_shape" in str(marked).splitlines()[2]
    ratio = replace(dossier, analysed=replace(dossier.analysed, failed="R-hat 1.2"))
    assert ratio.conclusion.startswith("DIAGNOSTICS FAILED: R-hat 1.2")


def test_never_and_always_are_told_apart_in_the_contour(dossier: br.SmallGroup) -> None:
    """A line of the contour that reaches the threshold at every centre, and one that does at none."""
    rows = [{"along": "centre", "at": math.nan, "given": sd, "p_start": p, "p_end": p} for sd, p in ((0.5, 0.6), (2.0, 0.999))]
    table = pd.concat([dossier.crossings[dossier.crossings["along"] == "sd"], pd.DataFrame(rows)], ignore_index=True)
    text = str(replace(dossier, crossings=table))
    assert "no centre of the grid is enough at sd 0.5" in text
    assert "every centre of the grid is enough at sd 2" in text


def test_one_patient_is_one(patients: pd.DataFrame) -> None:
    """A group of one: the singular, and a note that without its only patient the answer is the prior's."""
    frame = two_groups(3.0, size=1)
    found = made(frame, scales=(0.3, 3.0), centres=(0.5, 2.0))
    assert "from 1 patient with" in found.conclusion
    assert "Without its only patient few has none" in str(found)
    assert "who moves it most" not in found.conclusion


def test_nothing_that_is_no_number_is_printed() -> None:
    """A comparator without events: no prior weighs so many of its events, and none is said to."""
    frame = two_groups(3.0)
    frame.loc[frame["group"] == "many", "event"] = 0
    frame.loc[frame["group"] == "few", "event"] = 1
    found = made(frame, scales=(0.3, 3.0), centres=(0.5, 2.0))
    assert "nan" not in str(found)


def test_other_rows_are_refused_where_the_fit_has_none() -> None:
    """A fit saved without rows knows what it was made from: another cohort is refused by dossier, power-scaling and shrinkage."""
    cohort, plan = fits.cohort_and_plan(two_groups(3.0), "group", rest='[variables.group]\nreference = "many"')
    other, _ = fits.cohort_and_plan(two_groups(2.0), "group", rest='[variables.group]\nreference = "many"')
    whole = fits.laplace_fit(plan, cohort)
    fit = replace(whole, cohort=None, provenance={**whole.provenance, "data": {"fingerprint": cohort.fingerprint}})
    calls = (br.small_group, br.power_scaling, br.shrinkage)
    for call, rest in zip(calls, (("few",), (), ("group",)), strict=True):
        with pytest.raises(br.RunFolderError, match="not the one the fit was made from"):
            call(fit, other, *rest)
