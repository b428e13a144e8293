"""The model as formulas: likelihood, baseline and every prior with its numbers. Definitions: STATISTICS, section 2."""

from __future__ import annotations

from bayes_rrmm.plan import Plan
from bayes_rrmm.resolved_priors import INTERVAL_SD, Location

BASELINE_NAMES = {"median": "log M", "log_rate": "b0", "log_scale": "b0", "log_hazards": "a_j"}


def formal_model(plan: Plan) -> list[str]:
    """A line a formula. Times are in the endpoint's unit, no constant of the likelihood is dropped."""
    lines = [
        "log L_i = w_i { d_i log h_i(t_i) − [H_i(t_i) − H_i(e_i)] }     (time t, event d, entry e, weight w)",
        "h_i(t) = h0(t) exp(x_i′β" + (" + u_i" if plan.encoding.pooled else "") + ")" + (" · frailty_c(i)" if plan.frailty else ""),
        *_baseline(plan),
        *_coefficients(plan),
        *_pooled(plan),
    ]
    return lines + _frailty(plan)


def _baseline(plan: Plan) -> list[str]:
    kind, prior = plan.priors.baseline_kind, _normal(plan.priors.baseline)
    stated = f"{BASELINE_NAMES[kind]} ~ {prior}"
    if plan.family == "piecewise-exponential":
        return [_intervals(plan), *_log_hazards(plan, prior)]
    hazard = {"median": "log 2 · (t / M)", "log_rate": "exp(b0) · t", "log_scale": "(t / exp(b0))"}[kind]
    if plan.family == "exponential":
        return [f"H0(t) = {hazard}", stated]
    return [f"H0(t) = {hazard}^k", stated, f"log k ~ {_normal(plan.priors.log_shape)}"]


def _intervals(plan: Plan) -> str:
    cuts = ", ".join(f"{cut:g}" for cut in plan.cuts)
    return f"h0(t) = exp(a_j) on (c_(j−1), c_j], cut points {cuts or 'none'}, the last interval open"


def _log_hazards(plan: Plan, prior: str) -> list[str]:
    if plan.priors.baseline_kind == "log_hazards":
        if plan.smoothing == "random-walk":
            return [f"a_1 ~ {prior}, a_j = a_(j−1) + σ z_j, z_j ~ Normal(0, 1)", _sigma(plan)]
        return [f"a_j ~ {prior}, independent"]
    level = f"log M ~ {prior}, μ = log(log 2 / M)"
    if plan.smoothing == "random-walk":
        return [level, "a_j = μ + r_j, r a random walk of steps σ z_j, z_j ~ Normal(0, 1), centred at mean 0", _sigma(plan)]
    return [level, f"a_j = μ + δ_j, δ_j ~ Normal(0, {INTERVAL_SD:g})"]


def _sigma(plan: Plan) -> str:
    return f"σ ~ HalfNormal({plan.priors.sigma_sd:g})"


def _coefficients(plan: Plan) -> list[str]:
    """Coefficients with the same prior on one line."""
    alike: dict[str, list[str]] = {}
    for column, prior in zip(plan.encoding.columns, plan.priors.coefficients, strict=True):
        alike.setdefault(_normal(prior), []).append(column.name)
    return [f"β[{'], β['.join(names)}] ~ {prior}" for prior, names in alike.items()]


def _pooled(plan: Plan) -> list[str]:
    lines = []
    normal, horseshoes = iter(plan.priors.tau_sd), iter(plan.priors.horseshoes)
    for pooled in plan.encoding.pooled:
        if pooled.is_horseshoe:
            prior = next(horseshoes)
            lines.append(
                f"u[{pooled.term}] = τ l z, l² = c² λ² / (c² + τ² λ²), z ~ Normal(0, 1), λ ~ HalfCauchy(1), "
                f"τ ~ HalfCauchy({prior.tau:.3g}), c² ~ InvGamma({prior.slab_df / 2:g}, "
                f"{prior.slab_df * prior.slab_scale**2 / 2:g})"
            )
        else:
            lines.append(f"u[{pooled.term}] = τ z, z ~ Normal(0, 1), τ ~ HalfNormal({next(normal):g})")
    return lines


def _frailty(plan: Plan) -> list[str]:
    if plan.frailty is None:
        return []
    spread = f"HalfNormal({plan.priors.frailty_sd:g})"
    if plan.frailty == "gamma":
        return [f"frailty ~ Gamma(1/θ, rate 1/θ), θ ~ {spread}, integrated out"]
    return [f"frailty = exp(τ z), z ~ Normal(0, 1), τ ~ {spread}"]


def _normal(prior: Location) -> str:
    if prior.nu is None:
        return f"Normal({prior.mean:.3g}, {prior.sd:.3g})"
    return f"StudentT({prior.nu:g}, {prior.mean:.3g}, {prior.sd:.3g})"
