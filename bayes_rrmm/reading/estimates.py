"""Estimates: draws of a clinical quantity that never lose their meaning."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_rrmm.errors import FitError, nearest
from bayes_rrmm.reading.scales import Scale, scale_of
from bayes_rrmm.specification.analysis import IntervalChoice


@dataclass(frozen=True)
class Estimates:
    """Draws with dimensions (chain, draw) and one for each label: a group of the `by` variable, a time, a comparison.

    `unit` is the unit of the values (ratio, probability, rank or a unit of time), `population` whom they are about,
    `contrast` none, difference or ratio, `origin` the fit they come from, `interval` how they are summarised.
    `horizon` is that of an RMST or a median. `mark` says that the fit's diagnostics failed, and is empty otherwise.
    `extrapolated` is True, by label, where the quantity lies beyond the follow-up of its group. Values may be
    +infinity where a median is not reached. Arithmetic aligns exactly and refuses other draws, units or populations.
    """

    draws: xr.DataArray
    estimand: str
    endpoint: str
    unit: str
    population: str
    origin: str
    interval: IntervalChoice
    extrapolated: xr.DataArray
    contrast: str = "none"
    term: str = ""
    by: str = ""
    given: float | None = None
    horizon: float | None = None
    null: float | None = None
    notes: tuple[str, ...] = ()
    mark: str = ""

    @property
    def scale(self) -> Scale:
        """The scale on which its values are compared, and a shortest interval is the shortest."""
        return scale_of(self.estimand, self.contrast)

    @property
    def label_dims(self) -> tuple[str, ...]:
        """The dimensions beside chain and draw."""
        return tuple(str(dim) for dim in self.draws.dims if dim not in ("chain", "draw"))

    def sel(self, **labels: Any) -> Estimates:
        """The draws of one label of each named dimension. Raises FitError with the nearest label when there is none."""
        for dim, label in labels.items():
            if dim not in self.label_dims:
                raise FitError(f"these estimates have no dimension {dim!r}; {nearest(dim, self.label_dims)}")
            known = self.draws[dim].to_numpy().tolist()
            if label not in known:
                raise FitError(f"{label!r} is no {dim}; {nearest(str(label), map(str, known))}")
        return replace(self, draws=self.draws.sel(labels), extrapolated=self.extrapolated.sel(labels))

    def to_xarray(self) -> xr.DataArray:
        """The draws as a DataArray whose attributes say what they are."""
        attributes = {
            "estimand": self.estimand,
            "endpoint": self.endpoint,
            "unit": self.unit,
            "population": self.population,
            "contrast": self.contrast,
        }
        return self.draws.assign_attrs(attributes)

    def to_dataframe(self) -> pd.DataFrame:
        """The summary: a row a label; see `summarise`."""
        from bayes_rrmm.reading.summary import summarise  # noqa: PLC0415  # a summary is of estimates, so it imports them

        return summarise(self)

    def __repr__(self) -> str:
        notes = "".join(f"\n{text}" for text in ([self.mark] if self.mark else []) + [f"Note: {note}" for note in self.notes])
        return f"{self._title()}\n{self.to_dataframe().to_string(index=False)}{notes}"

    def _repr_html_(self) -> str:
        mark = f"<p><strong>{html.escape(self.mark)}</strong></p>" if self.mark else ""
        notes = "".join(f"<p>Note: {html.escape(note)}</p>" for note in self.notes)
        return f"{mark}<p>{html.escape(self._title())}</p>{self.to_dataframe().to_html(index=False)}{notes}"

    def _title(self) -> str:
        contrast = "" if self.contrast == "none" else f", {self.contrast}"
        return f"{self.endpoint} {self.estimand}{contrast} ({self.unit}; population: {self.population})"

    def __sub__(self, other: Estimates | float) -> Estimates:
        return self._combine(other, "difference")

    def __truediv__(self, other: Estimates | float) -> Estimates:
        return self._combine(other, "ratio")

    def _combine(self, other: Estimates | float, contrast: str) -> Estimates:
        if not isinstance(other, Estimates):
            values = self.draws - other if contrast == "difference" else self.draws / other
            null = None if self.null is None else (self.null - other if contrast == "difference" else self.null / other)
            unit = self.unit if contrast == "difference" else f"{self.unit} / {other:g}"
            return replace(self, draws=values, null=null, unit=unit)
        self._require_same(other)
        mine, theirs = _bare(self.draws, other.draws), _bare(other.draws, self.draws)
        if set(self.label_dims) != set(other.label_dims) or any(not mine[dim].equals(theirs[dim]) for dim in self.label_dims):
            raise FitError("these estimates cannot be combined: their labels differ; select one label of each with sel.")
        left, right = xr.align(mine, theirs, join="exact")
        if np.isinf(left).any() or np.isinf(right).any():
            raise FitError("a contrast of medians is undefined where one is not reached; use horizon=inf or RMST.")
        values = left - right if contrast == "difference" else left / right
        extrapolated = _bare(self.extrapolated, other.extrapolated) | _bare(other.extrapolated, self.extrapolated)
        return replace(
            self,
            draws=values,
            extrapolated=extrapolated,
            contrast=contrast,
            unit="ratio" if contrast == "ratio" else self.unit,
            null=0.0 if contrast == "difference" else 1.0,
        )

    def _require_same(self, other: Estimates) -> None:
        for what in ("origin", "unit", "population", "endpoint", "estimand", "contrast", "given", "horizon"):
            mine, theirs = getattr(self, what), getattr(other, what)
            if mine != theirs:
                name = "fit (the draws are not paired)" if what == "origin" else f"{what} ({mine} and {theirs})"
                raise FitError(f"these estimates cannot be combined: they differ in their {name}.")


def _bare(values: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Without the scalar labels in which the two differ: what is left must align exactly."""
    mixed = [
        name
        for name, coord in values.coords.items()
        if coord.ndim == 0 and (name not in other.coords or not coord.equals(other.coords[name]))
    ]
    return values.drop_vars(mixed)
