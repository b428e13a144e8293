"""Words that several tables share: captions, letters of footnotes."""

from __future__ import annotations

import pandas as pd

from bayes_rrmm.results import Results
from bayes_rrmm.run_folder import TEXT_COLUMNS


def caption(what: str, results: Results) -> str:
    """What a table shows, of which analysis, on which endpoint."""
    analysis = results.fit.analysis
    return f"{what}: {analysis.title} ({analysis.endpoint.name})"


def letter(place: int) -> str:
    """The letter of a footnote, from 0: a to z, then aa."""
    return chr(97 + place) if place < 26 else letter(place // 26 - 1) + letter(place % 26)


def filled(table: pd.DataFrame) -> pd.DataFrame:
    """The table with '' in place of a text that is missing, as a run folder's tables are read."""
    texts = [name for name in table.columns if name in TEXT_COLUMNS]
    return table.assign(**{name: table[name].fillna("").astype(str) for name in texts})
