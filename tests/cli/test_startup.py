"""The command line answers at once: help imports nothing heavy, and every command has one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

SAMPLERS = ("pymc", "pytensor", "nutpie", "numba")
HEAVY = (*SAMPLERS, "arviz", "arviz_stats", "matplotlib", "lifelines", "formulaic", "xarray", "pandas", "scipy", "numpy")
COMMANDS = ("demo", "models", "validate", "fit", "check", "crosscheck", "published")


def test_help_imports_nothing_heavy() -> None:
    """`bayes-rrmm --help` loads no sampler, plotting, data-frame or array library."""
    code = (
        "import sys\nsys.argv = ['bayes-rrmm', '--help']\nfrom bayes_rrmm.cli.main import main\n"
        f"try:\n    main()\nfinally:\n    print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == "LOADED []"
    assert ended.stdout.startswith("Usage: bayes-rrmm")


@pytest.mark.parametrize("arguments", [(), *[(command,) for command in COMMANDS], ("models", "show"), ("models", "copy")])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help(arguments: tuple[str, ...], flag: str, cli: Callable) -> None:
    """Every command prints its usage and its options on standard output and ends with 0."""
    ended = cli(*arguments, flag)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: {' '.join(('bayes-rrmm', *arguments))} ")
    if arguments:
        assert "--json" in ended.out
        assert "--quiet" in ended.out
    else:
        assert all(f"  {command} " in ended.out for command in COMMANDS)


def test_version(cli: Callable) -> None:
    """`--version` is the package's own."""
    import bayes_rrmm

    assert cli("--version").out == f"bayes-rrmm, version {bayes_rrmm.__version__}\n"
