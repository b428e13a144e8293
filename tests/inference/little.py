"""Little models with data of every kind, and few draws of them, in a hash."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor.tensor as pt
from pytensor.raise_op import Assert

ROWS = 12


def values_of(rows: int, seed: int = 3) -> dict[str, Any]:
    """Data of the little model: a matrix, a vector, a number, whole numbers and truth values."""
    rng = np.random.default_rng(seed)
    return {
        "x": rng.normal(size=(rows, 2)),
        "y": rng.normal(size=rows),
        "spread": np.array(0.7),
        "group": rng.integers(0, 3, rows),
        "kept": rng.random(rows) < 0.8,
    }


def little_model(limit: float | None = None) -> pm.Model:
    """A regression on data of every kind; with a `limit` its density raises an error wherever the level is above."""
    given = values_of(ROWS)
    with pm.Model() as model:
        x, y, spread, group, kept = (pm.Data(name, value) for name, value in given.items())
        slope = pm.Normal("slope", 0.0, 1.0, shape=2)
        level = pm.Normal("level", 0.0, 1.0, shape=3)
        scale = pm.HalfNormal("scale", spread)
        mean = level[group] + (x * slope).sum(axis=1)
        if limit is not None:
            mean = Assert("too high")(mean, pt.lt(level[0], limit))
        pm.Potential("fit", pt.switch(kept, -0.5 * ((y - mean) / scale) ** 2 - pt.log(scale), 0.0).sum())
    return model


def smallest_model() -> pm.Model:
    """One parameter and one array: the least there is to compile."""
    with pm.Model() as model:
        y = pm.Data("y", values_of(ROWS)["y"])
        level = pm.Normal("level", 0.0, 1.0)
        pm.Potential("fit", -0.5 * ((y - level) ** 2).sum())
    return model


def draws(compiled: Any, cores: int = 2, seed: int = 5) -> dict[str, Any]:
    """Few draws of every variable, with the statistics that say how they came about."""
    found = nutpie.sample(
        compiled, draws=60, tune=120, chains=2, cores=cores, seed=seed, progress_bar=False, save_warmup=False
    )
    statistics = found["sample_stats"].to_dataset()
    kept = {name: statistics[name].to_numpy() for name in ("diverging", "n_steps", "logp", "energy")}
    return {**{str(name): values.to_numpy() for name, values in found["posterior"].data_vars.items()}, **kept}


def digest(found: dict[str, Any]) -> str:
    """SHA-256 of draws and statistics, to the last bit."""
    made = hashlib.sha256()
    for name in sorted(found):
        made.update(name.encode() + np.ascontiguousarray(found[name]).tobytes())
    return made.hexdigest()
