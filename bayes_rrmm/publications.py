"""Publications, embedded or in a file of the user's, and what their hazard ratios support by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from bayes_rrmm.errors import AnalysisError, nearest
from bayes_rrmm.evidence import Pools, PublishedEvidence, assess
from bayes_rrmm.from_file import toml_text
from bayes_rrmm.published_record import Published, parse_published

WANTED = "a file of published numbers (`schema = 1`, then `[[hazard_ratio]]` with contrast, hr and ci)"


def published_names() -> list[str]:
    """Names of the publications whose numbers are embedded, in alphabetical order."""
    folder = files("bayes_rrmm") / "data" / "published"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_published(name_or_path: str | Path) -> Published:
    """Every number of an embedded publication given by its name, or of a file whose path ends in .toml.

    Raises AnalysisError naming the file, the key, its value, the rule, and the nearest valid key or name.
    """
    if str(name_or_path).lower().endswith(".toml"):
        return parse_published(toml_text(Path(name_or_path), WANTED), origin=str(name_or_path))
    names = published_names()
    if name_or_path not in names:
        raise AnalysisError(
            f"{str(name_or_path)!r} is not an embedded publication, nor a path ending in .toml; {nearest(str(name_or_path), names)}"
        )
    text = (files("bayes_rrmm") / "data" / "published" / f"{name_or_path}.toml").read_text(encoding="utf-8")
    return parse_published(text, origin=str(name_or_path))


def published(
    source: str | Path | Published,
    *,
    alternative: float = 0.5,
    priors: Mapping[str, Any] | None = None,
    threshold: float = 0.975,
    below: float = 0.8,
    pool: Pools = (),
) -> PublishedEvidence:
    """What each published hazard ratio supports by itself. STATISTICS, section 7.

    `source` is an embedded publication's name, a path ending in .toml, or what `load_published` returns. For each hazard ratio:
    whether interval, estimate and p value agree; the events it weighs; the posterior under a sceptical prior (5 % beyond the
    hazard ratio `alternative`), an enthusiastic, a neutral, a vague and a flat one, and `priors` of your own ({"trial":
    {"hazard_ratio": 0.7, "upper95": 1.2}}), with P(HR < 1) and P(HR < `below`); the reverse-Bayes limit; the prior at which the
    probability of the estimate's side of 1 crosses `threshold`. `pool` lists groups of contrasts to pool,
    [["os pomalidomide", "pfs2 pomalidomide"]], or is "all".

    Raises AnalysisError in words: a missing file, an unknown key, an interval the wrong way round, a name that is not there.
    """
    numbers = source if isinstance(source, Published) else load_published(source)
    title = "these numbers" if isinstance(source, Published) else str(source)
    return assess(numbers, title, alternative=alternative, priors=priors, threshold=threshold, below=below, pools=pool)
