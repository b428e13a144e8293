"""The tables of diagnostics, parameters and priors show checks.csv, loo.csv, parameters.csv and the plan's priors."""

from __future__ import annotations

import dataclasses

import pandas as pd

from bayes_rrmm.prior_words import prior_lines
from bayes_rrmm.results import Results, results_of
from bayes_rrmm.tables import diagnostics, parameters, priors


def test_each_quantity_has_its_measures(results: Results) -> None:
    """R-hat has three decimals, effective sizes none; every quantity of checks.csv is there, with what was measured."""
    frame = diagnostics(results).to_dataframe().set_index("Quantity")
    checks = results.checks
    measured = checks[checks["of"] == "log_shape"].set_index("check")["measure"]
    expected = [f"{measured['r_hat']:.3f}", f"{measured['ess_bulk']:.0f}", f"{measured['ess_tail']:.0f}", f"{measured['mcse']:.3f}"]
    assert frame.loc["log_shape"].tolist()[1:] == [*expected, "passed"]
    assert set(checks["of"]) - {"sampler"} <= set(frame.index)
    assert "Divergences: 0" in frame.index


def test_leave_one_out_is_that_of_the_file(results: Results) -> None:
    """elpd, its standard error, effective parameters and the largest Pareto k stand under their own heading."""
    loo = results.loo.iloc[0]
    names = diagnostics(results).to_dataframe().query("heading == 'Leave-one-out, by row'")["Quantity"].tolist()
    assert names == [
        f"elpd {loo['elpd_loo']:.1f}, standard error {loo['se']:.1f}",
        f"Effective parameters (p_loo) {loo['p_loo']:.1f}",
        f"Largest Pareto k {loo['pareto_k_max']:.2f}; above 0.7: {loo['n_pareto_k_above_0.7']:.0f} of 90",
    ]
    bare = results_of(dataclasses.replace(results.fit, cohort=None))
    bare.__dict__["checks"] = results.checks
    assert "Leave-one-out" not in str(diagnostics(bare))


def test_what_failed_comes_first(results: Results) -> None:
    """A quantity that failed a check stands above all others, says which check, and the notes say what to do."""
    table = results.checks.copy()
    place = table.index[(table["of"] == "log_shape") & (table["check"] == "r_hat")][0]
    table.loc[place, ["measure", "verdict", "advice"]] = [1.234, "failed", "sample longer"]
    changed = dataclasses.replace(results)
    changed.__dict__.update(results.__dict__)
    changed.__dict__["checks"] = table
    made = diagnostics(changed)
    assert made.lines[0].cells == ("Quantities that failed",)
    assert (made.lines[1].cells[0], made.lines[1].cells[1], made.lines[1].cells[-1]) == ("log_shape", "1.234", "FAILED: r_hat")
    assert made.lines[2].is_heading
    assert "Where r_hat failed: sample longer." in made.notes
    assert [line.cells[0] for line in made.lines].count("log_shape") == 1


def test_parameters_are_rounded_to_their_spread(results: Results) -> None:
    """Each number of a parameter has the decimals that show two digits of its sd."""
    frame = parameters(results).to_dataframe().set_index("Parameter")
    for _, row in results.parameters.iterrows():
        shown = frame.loc[row["parameter"]]
        digits = 2 if 0.1 <= row["sd"] < 1 else 3
        assert 0.01 <= row["sd"] < 1
        numbers = [f"{row[name]:z.{digits}f}" for name in ("mean", "sd", "q50", "q2.5", "q97.5")]
        assert shown.tolist()[:4] == [*numbers[:3], f"{numbers[3]} to {numbers[4]}"]
        assert shown["R-hat"] == f"{row['r_hat']:.3f}"


def test_priors_are_told_in_words(results: Results) -> None:
    """Every prior of the plan has its line: what it is about, its interval, the events it weighs, where it comes from."""
    frame = priors(results).to_dataframe()
    said = prior_lines(results.fit.plan)
    expected = pd.DataFrame([[line.about, line.interval, line.weight or "-", line.origin] for line in said])
    assert frame["Prior on"].str.lower().tolist() == expected[0].str.lower().tolist()
    assert frame.iloc[:, 1:].to_numpy().tolist() == expected.iloc[:, 1:].to_numpy().tolist()
