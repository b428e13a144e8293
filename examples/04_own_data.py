"""Your own data: from dates and a hospital's column names to a checked hazard ratio.

Run it as `uv run python examples/04_own_data.py`. The page beside it, your_cohort.md, does the same from a terminal.
"""

import pandas as pd

import bayes_rrmm as br

DAYS_A_MONTH = 30.4375
ANALYSIS = """
schema = 1
title = "Overall survival after salvage transplant"
question = "Do patients with a salvage transplant live longer from second-line treatment than the rest?"

[endpoint]
name = "OS"
time = "months"
event = "dead"
unit = "months"

[model]
formula = "transplant"
baseline = "weibull"

[variables.transplant]
reference = "no"

[priors]
baseline = { median_survival = 48, upper95 = 240 }
transplant = { hazard_ratio = 1.0, upper95 = 5.0 }

[[estimands]]
kind = "hazard-ratio"
of = "transplant"
"""


def from_the_hospital() -> pd.DataFrame:
    """A table as a database gives it: dates, and a status in words. (Made from the synthetic cohort; read yours here.)"""
    cohort = br.load_data("rrmm1-synthetic")
    start = pd.to_datetime(cohort["second_line_start"] + "-01")
    days = (cohort["os_months"].astype(float) * DAYS_A_MONTH).round()
    return pd.DataFrame(
        {
            "second_line": start,
            "last_seen": start + pd.to_timedelta(days, unit="D"),
            "status": cohort["os_event"].map({"1": "dead", "0": "alive"}),
            "transplant": cohort["salvage_asct"],
        }
    )


def main() -> None:
    """Dates to months, status to 0 and 1, then as always."""
    raw = from_the_hospital()
    table = pd.DataFrame(
        {
            "months": (raw["last_seen"] - raw["second_line"]).dt.days / DAYS_A_MONTH,
            "dead": raw["status"].map({"dead": 1, "alive": 0}),
            "transplant": raw["transplant"],
        }
    )
    analysis = br.parse_analysis(ANALYSIS)  # or br.load_analysis("mine.toml")
    cohort = br.read_cohort(table, analysis)
    print(br.validate(analysis, cohort))
    fit = br.fit(analysis, cohort)
    print(br.diagnose(fit))
    print(br.compare_with_frequentist(fit, cohort))


if __name__ == "__main__":
    main()
