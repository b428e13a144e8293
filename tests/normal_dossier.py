"""A dossier whose every number is known in closed form: a normal likelihood of log HR under normal priors. Nothing is refitted."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from bayes_rrmm.evidence.prior_grid import GridPrior, prior_grid
from bayes_rrmm.fitted import Fit
from bayes_rrmm.priors import Z975
from bayes_rrmm.resolved_priors import Location
from bayes_rrmm.sensitivity.crossing import CENTRES, SCALES
from bayes_rrmm.sensitivity.dossier_folder import Dossier
from bayes_rrmm.sensitivity.explorer import between, line_table
from bayes_rrmm.sensitivity.group_frequentist import Counted
from bayes_rrmm.sensitivity.group_tables import crossings_table, prior_table, read_columns
from bayes_rrmm.sensitivity.refits import Refitted

P_ERROR = 0.004
SIZES = Counted(9.0, 8.0, 94.0, 76.0)


def posterior(log_hr: float, se: float, mean: float, sd: float) -> Refitted:
    """What a refit would say were the likelihood normal."""
    precision = 1 / se**2 + 1 / sd**2
    centre, spread = (log_hr / se**2 + mean / sd**2) / precision, 1 / math.sqrt(precision)
    lower, upper = (math.exp(centre + sign * Z975 * spread) for sign in (-1, 1))
    p = float(ndtr(-centre / spread))
    return Refitted("", math.exp(centre), lower, upper, 0.95, p, P_ERROR, centre, spread)


def failing(table: pd.DataFrame, rows: list[int], draws: bool = True) -> pd.DataFrame:
    """The table with the refits of these rows failed, or without draws."""
    table = table.copy()
    where = table.index[rows]
    table.loc[where, ["passed", "failed"]] = [False, "r_hat 1.2"]
    if not draws:
        table.loc[where, ["hr", "lower", "upper", "p_below_1"]] = np.nan
    return table


def normal_dossier(
    log_hr: float = -0.5, se: float = 0.35, *, fit: Fit | None = None, patients: int = 9, others: int = 40, alternative: float = 0.5
) -> Dossier:
    """The dossier of a group "few" of so many patients against "many": each of them moves log HR by a known number of sds."""
    grid = [prior for prior in prior_grid(alternative) if prior.name != "flat"]

    def under(prior: GridPrior) -> Refitted:
        return posterior(log_hr, se, prior.mean, prior.sd)

    def cells(places: list[tuple[float, float]]) -> pd.DataFrame:
        rows = [{"sd": sd, "centre": hr, **read_columns(posterior(log_hr, se, math.log(hr), sd))} for sd, hr in places]
        return pd.DataFrame(rows)

    analysed = posterior(log_hr, se, 0.0, 0.8211568810086008)
    curve = cells([(sd, 1.0) for sd in SCALES]).drop(columns="centre")
    contour = cells([(sd, hr) for sd in SCALES[::2] for hr in CENTRES])
    side = "below" if log_hr <= 0 else "above"
    inner = [under(GridPrior(*prior)) for prior in between(*grid[:2])]
    found = [under(prior) for prior in grid]
    left_out, flipped = people(analysed, patients, others)
    tables = {
        "frequentist": pd.DataFrame({"method": ["Cox"], "hr": [math.exp(log_hr)]}),
        "priors": prior_table(Location(0.0, 0.8211568810086008), grid, analysed, found, SIZES, se),
        "explorer": line_table(grid[:2], found[:2], inner),
        "curve": curve,
        "contour": contour,
        "crossings": crossings_table(curve, contour, side, 0.975, log_hr, se),
        "left_out": left_out,
        "flipped": flipped,
        "refits": pd.DataFrame({"section": ["priors"], "name": ["prior"], "prob": [0.95], "passed": [True]}),
    }
    identity, fingerprint = ("", "") if fit is None else (fit.identity, fit.fingerprint)
    return Dossier(
        "few", "many", "group", "A made-up dossier", SIZES, 0.975, side, True, "It is so. It rests on this.", ("a note",), tables,
        "the text\n", identity, fingerprint,
    )  # fmt: skip


def with_table(found: Dossier, section: str, table: pd.DataFrame) -> Dossier:
    """The dossier with another table."""
    return replace(found, tables={**found.tables, section: table})


def people(analysed: Refitted, patients: int, others: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Left out and flipped: the group's patient k moves log HR by 0.05 k sds, up and down by turns; the others hardly."""

    def moved(number: int, shift: float) -> dict[str, Any]:
        factor = math.exp(shift * analysed.log_sd)
        p = float(ndtr(-(analysed.log_mean / analysed.log_sd + shift)))
        limits = {"hr": analysed.hr * factor, "lower": analysed.lower * factor, "upper": analysed.upper * factor}
        said = {"p_below_1": p, "p_error": P_ERROR, "passed": True, "failed": ""}
        return {"patient": f"row {number}", "count": 1.0, **limits, **said}

    inside = [(k, 0.05 * k * (-1) ** k) for k in range(1, patients + 1)]
    outside = [(100 + k, 0.001 * k * (-1) ** k) for k in range(1, others + 1)]
    left_out = [
        {**moved(number, shift), "in_group": number < 100, "method": "refit" if number < 100 else "PSIS", "shift": shift}
        for number, shift in (*inside, *outside)
    ]
    return pd.DataFrame(left_out), pd.DataFrame([moved(number, -2 * shift) for number, shift in inside])
