"""How long people wait: time to first posterior, refits, effective draws, imports, memory, each beside a baseline of the same run.

    uv run python tests/benchmarks/measure.py                              # this checkout
    uv run python tests/benchmarks/measure.py --against OTHER/bin/python   # and another one's environment, in turns, side by side
    uv run python tests/benchmarks/measure.py --only fit_gep --runs 5

The baseline is `python -c "import pymc, nutpie, lifelines, arviz, matplotlib.pyplot"` in a process of its own, warm: what a
statistician waits for before anything of this package happens. Run it on a machine with nothing else to do. Medians of
`--runs`; what takes over a minute is run once. Every measurement is a process of its own. With `--save` results go to
`results.csv` beside this file, a line each, dated.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
BASELINE = "import pymc, nutpie, lifelines, arviz, matplotlib.pyplot"
GEP, REGIMENS = ("myeloma_gep_weibull", "myeloma-gep"), ("pfs2_regimen_weibull", "rrmm1-synthetic")
COLUMNS = (
    "date", "commit", "cores", "bytecode", "what", "unit", "value", "baseline_seconds", "in_baselines", "runs", "peak_memory_mb",
)  # fmt: skip


@dataclass(frozen=True)
class Measurement:
    """Something to measure: a snippet that prints its figure as JSON, or none, when the figure is the wall time of the process."""

    name: str
    code: str
    unit: str = "s"
    fresh: bool = False
    once: bool = False


def first_posterior(analysis: str, data: str, then: tuple[str, str] | None = None) -> str:
    """Code that fits, and prints the seconds of the compile stage, of the last fit where there are two."""
    fits = [(analysis, data), *([then] if then else [])]
    return f"""
import json
import bayes_rrmm as br
for analysis, data in {fits!r}:
    declared = br.load_analysis(analysis)
    fit = br.fit(declared, br.read_cohort(data, declared))
print(json.dumps(fit.provenance["seconds"]["compile"]))
"""


def command(*words: str) -> str:
    """Code that runs a command of `bayes-rrmm` into a folder of its own."""
    return f"""
import sys, tempfile
with tempfile.TemporaryDirectory() as folder:
    sys.argv = ["bayes-rrmm", *[word.replace("OUT", folder + "/run") for word in {list(words)!r}]]
    from bayes_rrmm.cli.main import main
    main()
"""


REFITS = """
import json, time
import bayes_rrmm as br
from bayes_rrmm.inference import compile_model
from bayes_rrmm.plan import make_plan
analysis = br.load_analysis("myeloma_gep_weibull")
cohort = br.read_cohort("myeloma-gep", analysis)
plan = make_plan(analysis, cohort)
compiled = compile_model(plan, cohort)
compiled.sample(plan, cohort, draws_only=True)
started = time.perf_counter()
for seed in range(10):
    compiled.sample(plan, cohort, seed=seed, draws_only=True)
print(json.dumps(10 / (time.perf_counter() - started)))
"""


def effective(analysis: str, data: str, baseline: str = "") -> str:
    """Code that prints the fewest effective draws of a parameter, for each second of sampling; of another baseline, if named."""
    return f"""
import json
import numpy as np
import bayes_rrmm as br
from arviz_stats.base import array_stats
declared = br.load_analysis({analysis!r})
if {baseline!r}:
    declared = br.parse_analysis(declared.source.replace('"weibull"', {f'"{baseline}"'!r}))
fit = br.fit(declared, br.read_cohort({data!r}, declared))
posterior = fit.tree["posterior"].to_dataset()
fewest = min(
    float(array_stats.ess(draws, method="bulk"))
    for values in posterior.data_vars.values()
    for draws in np.moveaxis(values.to_numpy().reshape(*values.shape[:2], -1), 2, 0)
    if np.ptp(draws) > 0
)
print(json.dumps(fewest / fit.provenance["seconds"]["sample"]))
"""


MEASUREMENTS = (
    Measurement("help", command("--help")),
    Measurement("import", "import bayes_rrmm as br; br.fit, br.read_cohort, br.load_analysis"),
    Measurement("validate", command("validate", *GEP)),
    Measurement("compile_gep", first_posterior(*GEP)),
    Measurement("compile_regimens", first_posterior(*REGIMENS)),
    Measurement("compile_second", first_posterior(*GEP, then=REGIMENS)),
    Measurement("compile_gep_fresh", first_posterior(*GEP), fresh=True, once=True),
    Measurement("compile_regimens_fresh", first_posterior(*REGIMENS), fresh=True, once=True),
    Measurement("fit_gep", command("fit", *GEP, "--out", "OUT", "--quiet")),
    Measurement("fit_regimens", command("fit", *REGIMENS, "--out", "OUT", "--quiet")),
    Measurement("refits", REFITS, unit="refits a second"),
    Measurement("effective_weibull", effective(*GEP), unit="effective draws a second"),
    Measurement("effective_exponential", effective(*GEP, baseline="exponential"), unit="effective draws a second"),
    Measurement("effective_piecewise", effective("myeloma_gep_piecewise", "myeloma-gep"), unit="effective draws a second"),
    Measurement("demo", command("demo", "--out", "OUT", "--quiet"), once=True),
    Measurement("demo_fresh", command("demo", "--out", "OUT", "--quiet"), fresh=True, once=True),
)


@dataclass(frozen=True)
class Found:
    """One run: its figure, the wall seconds of its process, and that process's peak memory."""

    value: float
    seconds: float
    peak_mb: float


def run(python: str, code: str, unit: str = "s", fresh: bool = False, printed: bool = False) -> Found:
    """Run code in a process of its own, with an empty compilation cache where `fresh`. Raises CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | ({"PYTENSOR_FLAGS": f"base_compiledir={cache}"} if fresh else {})
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            started = time.perf_counter()
            # elsewhere, since Python would import the package of the folder it is run in, not its own environment's
            process = subprocess.Popen([python, "-c", code], stdout=out, stderr=errors, env=environment, cwd=cache)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            errors.seek(0)
            if process.returncode not in (0, 2):  # 2: written, but a diagnostic failed
                raise subprocess.CalledProcessError(process.returncode, code, out.read(), errors.read())
            value = json.loads(out.read().splitlines()[-1]) if printed else seconds
    return Found(value, seconds, usage.ru_maxrss / 1024)


def measure(pythons: list[str], names: list[str], runs: int) -> Iterator[dict[str, object]]:
    """A row for each measurement and environment; environments take turns, run by run, with the baseline between them."""
    for item in MEASUREMENTS:
        if names and item.name not in names:
            continue
        found: dict[str, list[Found]] = {python: [] for python in pythons}
        base: list[float] = []
        for number in range(1 if item.once else runs + 1):
            for python in pythons:
                one = run(python, item.code, item.unit, item.fresh, printed="json.dumps" in item.code)
                if item.once or number:  # the first run warms what it reads
                    found[python].append(one)
            started = run(pythons[0], BASELINE).seconds
            if number or (item.once and (started := run(pythons[0], BASELINE).seconds)):  # warm, like what stands beside it
                base.append(started)
        baseline = statistics.median(base)
        for python in pythons:
            value = statistics.median(one.value for one in found[python])
            yield {
                "date": datetime.now(UTC).date().isoformat(),
                "commit": commit_of(python),
                "cores": os.cpu_count(),
                "bytecode": "none" if sys.dont_write_bytecode else "kept",
                "what": item.name,
                "unit": item.unit,
                "value": f"{value:.3g}",
                "baseline_seconds": f"{baseline:.3g}",
                "in_baselines": f"{(value if item.unit == 's' else value * baseline) / (baseline if item.unit == 's' else 1):.3g}",
                "runs": len(found[python]),
                "peak_memory_mb": f"{max(one.peak_mb for one in found[python]):.0f}",
            }


def commit_of(python: str) -> str:
    """The commit of the checkout that an environment has installed, marked where its package is not as committed."""
    where = "import bayes_rrmm, pathlib; print(pathlib.Path(bayes_rrmm.__file__).parent)"
    elsewhere = tempfile.gettempdir()
    package = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True, cwd=elsewhere).stdout.strip()

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", package, *words], capture_output=True, text=True, check=False).stdout.strip()

    return git("describe", "--always") + ("-dirty" if git("status", "--porcelain", ".") else "")


def main() -> None:
    """Measure, print a line each, and with --save append them to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", help="the Python of another environment, measured in turns")
    parser.add_argument("--only", action="append", default=[], choices=[item.name for item in MEASUREMENTS])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    target = HERE / "results.csv"
    for row in measure([sys.executable, *([asked.against] if asked.against else [])], asked.only, asked.runs):
        print(*(f"{name}={value}" for name, value in row.items()), flush=True)
        if asked.save:
            new = not target.exists()
            with target.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                if new:
                    writer.writeheader()
                writer.writerow(row)


if __name__ == "__main__":
    main()
