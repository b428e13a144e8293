"""What patients are called where others than those who hold the data read of them: by how far each moves the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import ascii_uppercase

import numpy as np
import pandas as pd

from bayes_rrmm.sensitivity.dossier_folder import Dossier


def by_influence(found: Dossier) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of `left_out`, those who move the hazard ratio most first: of the group's patients, and of the others."""
    left_out = found.to_dataframe("left_out")
    order = np.argsort(-left_out["shift"].abs().fillna(-1.0).to_numpy(dtype=float), kind="stable")
    member = left_out.iloc[order]["in_group"].astype(bool)
    return left_out.iloc[order][member], left_out.iloc[order][~member]


def patient_names(found: Dossier) -> dict[str, str]:
    """The name of each patient, by the label that tells the rows: patient A, B, ... of the group, other 1, 2, ... outside it."""
    inside, outside = by_influence(found)
    names = {str(who): f"patient {_letters(place)}" for place, who in enumerate(inside["patient"])}
    return names | {str(who): f"other {place}" for place, who in enumerate(outside["patient"], 1)}


def without_rows(text: str, names: Mapping[str, str]) -> str:
    """The text with each patient called by name in place of the number of a row; one who has none is `one patient`."""
    if names:
        labels = sorted(names, key=len, reverse=True)
        text = re.sub("|".join(rf"{re.escape(label)}(?!\d)" for label in labels), lambda found: names[found.group()], text)
    return re.sub(r"\brows? \d+(, \d+)*( and \d+ more)?", "one patient", text)


def _letters(place: int) -> str:
    """A to Z, then AA, AB, ..."""
    before, last = divmod(place, len(ascii_uppercase))
    return (_letters(before - 1) if before else "") + ascii_uppercase[last]
