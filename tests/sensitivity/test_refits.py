"""Refits: made once, resumed after an interruption, a failing one marked and never lost among the others."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import fits
import numpy as np
import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plan import Plan
from bayes_rrmm.resolved_priors import Location
from bayes_rrmm.sensitivity import refits as engine
from bayes_rrmm.sensitivity.refits import Refit, key_of, probability_error, read_off, run_refits, workers_for

ASKED = br.HazardRatio("group", "b", versus="a")


class Counting:
    """A sampler that counts what it is asked, and raises from the refit of a given name on."""

    def __init__(self, broken: str = "", error: type[BaseException] = RuntimeError, bad: str = "") -> None:
        self.names: list[str] = []
        self.broken, self.error, self.bad = broken, error, bad

    def __call__(self, refit: Refit) -> Fit:
        self.names.append(refit.name)
        if refit.name == self.broken:
            raise self.error("initialization failed")
        fit = fits.laplace_fit(refit.plan, refit.cohort, size=2000)
        if refit.name == self.bad:
            fit.tree["sample_stats"]["diverging"][0, :3] = True
        return fit


def under(plan: Plan, sd: float) -> Plan:
    return plan.with_priors(replace(plan.priors, coefficients=(Location(0.0, sd), *plan.priors.coefficients[1:])))


@pytest.fixture
def refits(patients: pd.DataFrame) -> list[Refit]:
    """Three refits under priors of three widths, and the first again under another name."""
    cohort, plan = fits.cohort_and_plan(patients, "group")
    made = [Refit(f"sd {sd}", under(plan, sd), cohort) for sd in (0.1, 1.0, 3.0)]
    return [*made, replace(made[0], name="once more")]


def test_equal_refits_are_made_once(refits: list[Refit]) -> None:
    """Four refits of three kinds: three are sampled, each reading has its own name, and the width follows the prior's."""
    sample = Counting()
    found = run_refits(refits, sample, ASKED)
    assert sample.names == ["sd 0.1", "sd 1.0", "sd 3.0"]
    assert [item.name for item in found] == ["sd 0.1", "sd 1.0", "sd 3.0", "once more"]
    assert replace(found[3], name="sd 0.1") == found[0]
    assert found[0].log_sd < found[1].log_sd < found[2].log_sd
    assert all(item.passed and item.attempts == 1 for item in found)


def test_refits_side_by_side_say_the_same(refits: list[Refit]) -> None:
    """Three at a time, in threads: the same numbers in the same order, each kind sampled once, and progress told of each."""
    alone, told = Counting(), []
    together = run_refits(refits, alone, ASKED, workers=3, progress=lambda done, total, name: told.append((done, total, name)))
    assert sorted(alone.names) == ["sd 0.1", "sd 1.0", "sd 3.0"]
    one_by_one = run_refits(refits, Counting(), ASKED)
    assert [replace(item, seconds=0.0) for item in together] == [replace(item, seconds=0.0) for item in one_by_one]
    assert sorted(told[:3]) == [(0, 4, "sd 0.1"), (1, 4, "sd 1.0"), (2, 4, "sd 3.0")]
    assert told[3:] == [(4, 4, "")]


def test_an_interruption_ends_refits_side_by_side(refits: list[Refit], tmp_path: Path) -> None:
    """An interruption of one of two workers ends the run; what was done is kept, and only the rest is sampled again."""
    with pytest.raises(KeyboardInterrupt):
        run_refits(refits, Counting("sd 3.0", KeyboardInterrupt), ASKED, folder=tmp_path, workers=2)
    kept = len(list(tmp_path.glob("*.json")))
    again = Counting()
    run_refits(refits, again, ASKED, folder=tmp_path, workers=2)
    assert kept + len(again.names) == 3
    assert "sd 3.0" in again.names


@pytest.mark.parametrize(("cores", "chains", "workers"), [(1, 4, 1), (2, 4, 1), (8, 4, 2), (9, 4, 2), (None, 4, 1), (8, 2, 4)])
def test_every_chain_has_a_core(monkeypatch: pytest.MonkeyPatch, cores: int | None, chains: int, workers: int) -> None:
    """As many refits at a time as there are cores for all their chains, and one at least."""
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert workers_for(chains) == workers


def test_an_interrupted_run_takes_up_where_it_stopped(refits: list[Refit], tmp_path: Path) -> None:
    """What was written before an interruption is read back to the last digit, and only the rest is sampled."""
    whole = run_refits(refits, Counting(), ASKED)
    with pytest.raises(KeyboardInterrupt):
        run_refits(refits, Counting("sd 3.0", KeyboardInterrupt), ASKED, folder=tmp_path / "refits")
    assert len(list((tmp_path / "refits").glob("*.json"))) == 2
    again = Counting()
    resumed = run_refits(refits, again, ASKED, folder=tmp_path / "refits")
    assert again.names == ["sd 3.0"]
    assert [replace(item, seconds=0.0) for item in resumed] == [replace(item, seconds=0.0) for item in whole]


def test_a_file_cut_short_or_of_another_layout_is_not_read(refits: list[Refit], tmp_path: Path) -> None:
    """Half a file, and one written by another layout, are sampled again."""
    run_refits(refits, Counting(), ASKED, folder=tmp_path)
    first, second = (tmp_path / f"{key_of(refit, ASKED)}.json" for refit in refits[:2])
    first.write_text(first.read_text()[:50])
    second.write_text(json.dumps({**json.loads(second.read_text()), "layout": 0}))
    again = Counting()
    run_refits(refits, again, ASKED, folder=tmp_path)
    assert again.names == ["sd 0.1", "sd 1.0"]


@pytest.mark.parametrize("error", [RuntimeError, br.FitError, ValueError])
def test_a_refit_without_draws_is_marked_and_the_others_go_on(
    refits: list[Refit], error: type[Exception], tmp_path: Path
) -> None:
    """The sampler's error is the reason, every number is NaN, it is tried twice, and it is not kept for the next run."""
    sample = Counting("sd 1.0", error)
    found = run_refits(refits, sample, ASKED, folder=tmp_path)
    assert sample.names.count("sd 1.0") == 2
    assert [item.passed for item in found] == [True, False, True, True]
    assert math.isnan(found[1].hr)
    assert math.isnan(found[1].p_below_1)
    assert "initialization failed" in found[1].failed
    assert not (tmp_path / f"{key_of(refits[1], ASKED)}.json").exists()


def test_divergences_fail_a_refit_after_a_second_try(refits: list[Refit]) -> None:
    """Three divergences are named; the second try has smaller steps and twice the draws."""
    sample = Counting(bad="sd 1.0")
    found = run_refits(refits, sample, ASKED)[1]
    assert sample.names.count("sd 1.0") == 2
    assert found.failed == "divergences 3"
    assert found.attempts == 2
    assert found.divergences == 3
    assert math.isfinite(found.hr)


def test_progress_names_each_refit(refits: list[Refit]) -> None:
    """The callback hears of each refit before it is sampled, and of the end."""
    heard: list[tuple[int, int, str]] = []
    run_refits(refits, Counting(), ASKED, progress=lambda *told: heard.append(told))
    assert heard == [(0, 4, "sd 0.1"), (1, 4, "sd 1.0"), (2, 4, "sd 3.0"), (4, 4, "")]


def test_the_key_knows_prior_rows_statuses_and_sampling(refits: list[Refit]) -> None:
    """Whatever changes a refit's numbers changes its key; the name does not."""
    first = refits[0]
    cohort, plan = first.cohort, first.plan
    keep = np.arange(len(cohort)) > 0
    more = plan.analysis.model_copy(update={"sampling": plan.analysis.sampling.model_copy(update={"seed": 1})})
    others = [
        refits[1],
        replace(first, cohort=cohort.select(keep)),
        replace(first, cohort=replace(cohort, event=np.where(keep, cohort.event, 1 - cohort.event))),
        replace(first, cohort=replace(cohort, weight=np.where(keep, 1.0, 2.0))),
        replace(first, plan=replace(plan, analysis=more)),
    ]
    keys = {key_of(refit, ASKED) for refit in [first, *others]}
    assert len(keys) == 6
    assert key_of(first, br.HazardRatio("group", "c", versus="a")) not in keys
    assert key_of(replace(first, name="other"), ASKED) == key_of(first, ASKED)


def test_a_reading_is_what_summarise_says(refits: list[Refit]) -> None:
    """Median, limits and P(HR < 1) are those of `estimate` and `summarise`; the error is that of a share of the draws."""
    fit = fits.laplace_fit(refits[1].plan, refits[1].cohort)
    found = read_off("it", fit, ASKED)
    (table,) = br.summarise(br.estimate(fit, ASKED), below=1.0).to_dict("records")
    np.testing.assert_allclose([found.hr, *found.interval], [table["median"], table["lower"], table["upper"]], rtol=1e-3)
    assert found.p_below_1 == table["p_below"]
    p = found.p_below_1
    np.testing.assert_allclose(found.p_error, math.sqrt(p * (1 - p) / 2000), rtol=0.2)


def test_the_error_of_a_probability_has_a_value_at_its_ends_and_in_the_middle() -> None:
    """None of 4,000 draws below leaves half a draw of doubt; half of them exactly, the error of 4,000 coins."""
    assert probability_error(np.zeros((4, 1000))) == 0.5 / 4000
    coins = np.random.default_rng(4).permutation(np.resize([0.0, 1.0], 4000)).reshape(4, 1000)
    np.testing.assert_allclose(probability_error(coins), 0.5 / math.sqrt(4000), rtol=0.15)


def test_an_interrupted_sampler_is_no_failed_refit(monkeypatch: pytest.MonkeyPatch, patients: pd.DataFrame) -> None:
    """The sampler keeps Ctrl-C to itself and returns short chains: the dossier stops, where it would go on with a failed refit."""

    def interrupted(*_: object, **__: object) -> Fit:
        raise br.FitError("sampling was interrupted before every chain was complete; nothing was kept, run it again.")

    monkeypatch.setattr("bayes_rrmm.inference.load_sampler", lambda: None)
    monkeypatch.setattr("bayes_rrmm.inference.compile_model", lambda *_: SimpleNamespace(sample=interrupted))
    cohort, plan = fits.cohort_and_plan(patients, "group")
    with pytest.raises(KeyboardInterrupt):
        engine.compiled_sample(Refit("any", plan, cohort))


def test_a_refit_by_other_versions_is_made_anew(refits: list[Refit], monkeypatch: pytest.MonkeyPatch) -> None:
    """The key changes with the version of the sampler, of PyMC and of the package, and with nothing else here."""
    now = key_of(refits[0], ASKED)
    assert key_of(refits[0], ASKED) == now
    for changed in ("bayes-rrmm", "nutpie", "pymc"):
        monkeypatch.setattr(engine, "version", lambda name, changed=changed: "9.9" if name == changed else "1.0")
        mixed = key_of(refits[0], ASKED)
        monkeypatch.setattr(engine, "version", lambda _: "1.0")
        assert key_of(refits[0], ASKED) != mixed
