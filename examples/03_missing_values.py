"""Missing covariates: half of this synthetic cohort has no maintenance status. What does that do?

Run it as `uv run python examples/03_missing_values.py`.
"""

import bayes_rrmm as br


def main() -> None:
    """Every reading of the gaps, then the probability of each missing value."""
    analysis = br.load_analysis("os_maintenance")
    print(br.compare_missing(analysis, br.load_data("rrmm1-synthetic")))

    fit = br.fit(analysis, br.read_cohort("rrmm1-synthetic", analysis))
    values = br.missing_values(fit)
    had = values[values["level"] == "yes"].set_index("row")
    print("\nHow probable maintenance is in patients whose status is unknown (SYNTHETIC patients):")
    print(had["probability"].describe()[["min", "25%", "50%", "75%", "max"]].round(2).to_string())
    print(f"Before their own outcome is looked at it is {had['from_covariates_alone'].iloc[0]:.2f} for each of them.")


if __name__ == "__main__":
    main()
