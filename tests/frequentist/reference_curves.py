"""Our Kaplan-Meier curves and log-rank tests in the shape of R's result files, for the table of every reference number."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from r_results import Study
from scipy import special

from bayes_rrmm.frequentist import KaplanMeier, at_risk, kaplan_meier, log_rank
from bayes_rrmm.frequentist.kaplan_meier import ROUNDING


def curves_of(data: Study) -> dict[str, Any]:
    """km: the overall curve, and that of each group."""
    groups = {group: _curve(data, group) for group in data.r["km"]["by_group"]}
    return {"overall": _curve(data, "overall"), "by_group": groups}


def _curve(data: Study, group: str) -> dict[str, Any]:
    rows, r = data.endpoint(data.of(group)), data.kaplan_meier(group)
    curves = {interval: kaplan_meier(*rows, interval=interval) for interval in ("log-log", "log")}
    one = curves["log-log"]
    times, horizon = r["landmarks"]["time"], r["rmst"]["horizon"]
    # Convention "extended": R holds the last value of S beyond the follow-up.
    mean, error = (replace(one, last_follow_up=math.inf) if r["horizon_beyond_followup"] else one).rmst(horizon)
    return {
        "n": one.rows,
        "events": one.events,
        "max_time": one.last_follow_up,
        "median_first_time_S_le_half": one.median()[0],
        **{key: one.quantile(dead)[0] for key, dead in (("q25", 0.25), ("median", 0.5), ("q75", 0.75))},
        "rmst": {"horizon": horizon, "rmean": mean, "se": error},
        "landmarks": {
            "time": times,
            "surv": [one.survival_at(t)[0] for t in times],
            "std_err_surv": [one.standard_error_at(t) for t in times],
            "n_risk": [_at_next_exit(rows, t) for t in times],
        },
        **{f"ci_{interval}": _limits(curve, times) for interval, curve in curves.items()},
    }


def _limits(curve: KaplanMeier, times: list[float]) -> dict[str, Any]:
    found = {key: [_time(curve, side, 1 - dead) for side in ("lower", "upper")] for key, dead in QUARTILES}
    return found | {f"surv_{side}": [curve.survival_at(t)[k] for t in times] for k, side in ((1, "lower"), (2, "upper"))}


QUARTILES = (("q25", 0.25), ("median", 0.5), ("q75", 0.75))


def _time(curve: KaplanMeier, side: str, height: float) -> float:
    """Where a limit comes down to a height; convention "sorted limit": R sorts it, and of one that rises again takes the last."""
    limit = np.where(curve.survival == 0, 0.0, curve.lower) if side == "lower" else curve.upper
    below = np.flatnonzero(limit <= height + ROUNDING)
    first = curve.quantile(1 - height)[1 if side == "lower" else 2]
    if len(below) == 0:
        return first
    assert first == curve.time[below[0]]
    return float(curve.time[below[np.argmax(limit[below])]])


def _at_next_exit(rows: tuple[Any, ...], t: float) -> float:
    """Convention "next exit": R's number at risk at t is that at the next exit, and 0 after the last."""
    later = rows[0][rows[0] >= t]
    return float(at_risk([np.min(later)], rows[0], rows[2])[0]) if len(later) else 0.0


def follow_up_of(data: Study) -> dict[str, Any]:
    """reverse_km: the median of the censoring times with both intervals."""
    found = {}
    for interval, key in (("log-log", "ci_loglog"), ("log", "ci_log")):
        found["median"], *limits = kaplan_meier(data.time, 1 - data.event, data.entry, interval=interval).median()
        found[key] = limits
    return found


def log_rank_of(data: Study) -> dict[str, Any]:
    """logrank: statistic, degrees of freedom, p, observed and expected events, groups in R's order."""
    found = log_rank(data.time, data.event, data.group, data.entry)
    order = [found.groups.index(group) for group in data.r["km"]["by_group"]]
    numbers = {"observed": found.observed[order], "expected": found.expected[order]} if "observed" in data.r["logrank"] else {}
    return {"chisq": found.statistic, "df": found.degrees_of_freedom, "p": found.p} | numbers


def chi_squared(statistic: float, freedom: int) -> float:
    """The p value of a chi-squared statistic."""
    return float(special.chdtrc(freedom, statistic))
