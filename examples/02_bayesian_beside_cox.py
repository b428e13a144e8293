"""Bayesian beside Cox: what a prior and pooling do to the hazard ratios of small groups.

Run it as `uv run python examples/02_bayesian_beside_cox.py`.
"""

import pandas as pd

import bayes_rrmm as br


def hazard_ratios(name: str, data: str) -> pd.DataFrame:
    """The hazard ratios of a shipped analysis beside Cox, Firth's Cox where events are few, and maximum likelihood."""
    analysis = br.load_analysis(name)
    cohort = br.read_cohort(data, analysis)
    table = br.compare_with_frequentist(br.fit(analysis, cohort)).to_dataframe()
    columns = ["group", "method", "bayes", "bayes_lower", "bayes_upper", "frequentist", "freq_lower", "freq_upper", "verdict"]
    return table.loc[table["estimand"] == "hazard-ratio", [*columns, "reason_code"]].round(2)


def main() -> None:
    """Unpooled and pooled."""
    print("Seven molecular groups, each on its own:")
    print(hazard_ratios("myeloma_gep_weibull", "myeloma-gep").to_string(index=False))
    print("\nThe same groups pooled: small groups are drawn towards the others, Cox is the same:")
    print(hazard_ratios("myeloma_gep_pooled", "myeloma-gep").to_string(index=False))


if __name__ == "__main__":
    main()
