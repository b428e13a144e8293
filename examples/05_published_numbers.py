"""Published numbers alone: what two hazard ratios of an abstract support, without any patient's data. Samples nothing.

Run it as `uv run python examples/05_published_numbers.py`. For a paper of your own write a file such as

    schema = 1
    [[hazard_ratio]]
    contrast = "new regimen against old, trial A"
    hr = 0.70
    ci = [0.52, 0.94]
    p = 0.018
    events = [80, 104]        # or n = [150, 152], the patients; both may be left out

and give its path: `br.published("paper.toml")`.
"""

import bayes_rrmm as br


def main() -> None:
    """Everything, then the same under one's own prior, then the question turned round."""
    endpoints = ["os pomalidomide", "pfs2 pomalidomide"]
    print(br.published("west_china_rrmm1", pool=[endpoints]))

    found = br.published("west_china_rrmm1", priors={"earlier trials": {"hazard_ratio": 0.8, "upper95": 1.2}})
    table = found.to_dataframe()
    columns = ["contrast", "posterior_hr", "posterior_lower", "posterior_upper", "p_below_1", "prior_share"]
    print("\nUnder a prior from earlier trials (HR 0.8, below 1.2 with 97.5 %):")
    print(table.loc[table["prior"] == "earlier trials", columns].round(2).to_string(index=False))

    print("\nHow sceptical may one be?")
    for contrast in found.contrasts:
        print(f"{contrast.about}: {contrast.limit_words}")


if __name__ == "__main__":
    main()
