"""The formula library's one place: typed covariates in, raw design columns out, with the state of their transforms."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import DataError, shortened


def materialise(text: str, typed: pd.DataFrame, transforms: dict[str, Any]) -> tuple[Floats, list[tuple[str, str]], dict[str, Any]]:
    """Raw design columns without the intercept, the (term, column) names of each, and the state of the transforms.

    Raises DataError where a function cannot be computed, such as a spline outside the range it was learnt on.
    """
    from formulaic import Formula, ModelSpec
    from formulaic.errors import FactorEvaluationError

    spec = ModelSpec(formula=Formula(text), transform_state=json_copy(transforms), na_action="ignore")
    try:
        with np.errstate(divide="ignore", invalid="ignore"):  # check_finite names the row of what is not finite
            matrix = spec.get_model_matrix(typed if len(typed.columns) else pd.DataFrame({"_": np.zeros(len(typed))}))
    except FactorEvaluationError as error:
        reason = shortened(" ".join(str(error.__cause__ or error).split()), 200)
        raise DataError(
            f"formula {text!r}: a term cannot be computed ({reason}); correct the values, or change the formula."
        ) from None
    learnt = matrix.model_spec
    names = []
    for term, positions in learnt.term_indices.items():
        names += [(str(term), str(matrix.columns[position])) for position in positions]
    return np.asarray(matrix, dtype=np.float64)[:, 1:], names[1:], json_copy(learnt.transform_state)


def json_copy(state: dict[str, Any]) -> dict[str, Any]:
    """A deep copy that JSON can hold and that keeps whole-number keys."""
    return cast("dict[str, Any]", with_whole_keys(json.loads(json.dumps(state, default=float))))


def with_whole_keys(value: Any) -> Any:
    """What JSON gave back, with keys that are whole numbers as whole numbers again."""
    if not isinstance(value, dict):
        return value
    return {int(key) if key.isdigit() else key: with_whole_keys(item) for key, item in value.items()}


MOST_DESIGNS = 64


@dataclass
class Designs:
    """The designs last made, by the values they were made of; at most `MOST_DESIGNS`, and read-only."""

    made: dict[tuple[object, ...], Floats] = field(default_factory=dict)

    def of(self, frame: pd.DataFrame, variables: Sequence[str], make: Callable[[pd.DataFrame], Floats]) -> Floats:
        """What `make` makes of the rows, or made of rows with the same values of `variables`. Raises what it raises."""
        key = (len(frame), *(tuple(frame[name].tolist()) for name in variables if name in frame.columns))
        if key not in self.made:
            design = make(frame)
            design.setflags(write=False)
            if len(self.made) >= MOST_DESIGNS:
                del self.made[next(iter(self.made))]
            self.made[key] = design
        return self.made[key]


def column_moments(values: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weighted means and sds (n - 1 in the denominator) of the columns; a weight of 0 leaves a value out."""
    total = np.broadcast_to(weight, values.shape).sum(axis=0)
    mean = (weight * values).sum(axis=0) / total
    sd = np.sqrt((weight * (values - mean) ** 2).sum(axis=0) / np.maximum(total - 1.0, 1.0))
    return np.asarray(mean), np.asarray(sd)
