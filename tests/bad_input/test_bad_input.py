"""Wrong input of every kind: each is refused with a message that fits one screen, names what is wrong, and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from fault import PIECEWISE, POOLED, Bad, run
from faults_in_analyses import ANALYSES
from faults_in_data import COVARIATES, LONG, OUTCOMES
from faults_in_files import FILES

TABLE = FILES | OUTCOMES | COVARIATES | ANALYSES | LONG


@pytest.mark.parametrize("bad", TABLE.values(), ids=TABLE.keys())
def test_wrong_input_is_refused(bad: Bad, tmp_path: Path, analysis_text) -> None:
    """The refusal is one of this package's, fits one screen, is a sentence, and names what is wrong and what to do."""
    with pytest.raises(bad.kind) as refusal:
        run(bad, tmp_path, analysis_text(bad.formula, bad.endpoint, bad.model, bad.rest))
    message = str(refusal.value).replace(str(tmp_path), "")
    assert [part for part in bad.says if part not in message] == [], message
    assert len(message) <= 700
    assert len(message.splitlines()) <= 6
    assert message.endswith(".")


def test_nothing_else_is_wrong(tmp_path: Path, analysis_text) -> None:
    """The table and the analysis that the faults are put into are sound, also with entry, weight and id, pieces and pooling."""
    run(Bad(()), tmp_path, analysis_text("group + age"))
    endpoint = "entry = 'entry'\nweight = 'n'\nid = 'who'"
    run(Bad(()), tmp_path, analysis_text("group + bs(age, df=4) + sex", endpoint, f"{PIECEWISE}{POOLED}cuts = [6, 12]"))


def test_there_are_at_least_forty_kinds() -> None:
    """The table covers far more than forty kinds of wrong input, no two with the same demands."""
    assert len(TABLE) >= 100
    assert len({(bad.says, bad.model, bad.rest, bad.formula, bad.file, bad.endpoint) for bad in TABLE.values()}) == len(TABLE)
