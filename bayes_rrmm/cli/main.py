"""`bayes-rrmm`: commands, exit codes, and errors printed without a traceback.

Exit codes: 0 fine; 1 any error, wrong usage included; 2 written, but a diagnostic failed.
"""

from __future__ import annotations

import logging
import os
import sys

import click

from bayes_rrmm import __version__
from bayes_rrmm.cli import commands
from bayes_rrmm.cli.demo_command import demo
from bayes_rrmm.cli.missing_command import missing
from bayes_rrmm.cli.models_command import models
from bayes_rrmm.cli.published_command import published
from bayes_rrmm.cli.report_command import report
from bayes_rrmm.cli.sensitivity_command import sensitivity
from bayes_rrmm.cli.shared import ERROR
from bayes_rrmm.cli.simulate_command import simulate
from bayes_rrmm.errors import BayesRrmmError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bayes-rrmm")
def cli() -> None:
    """Bayesian survival models for small groups, each number beside its frequentist counterpart.

    DATA is a CSV or Parquet file, or the name of an embedded data set (rrmm1-synthetic,
    rrmm1-paired-synthetic, myeloma-gep, myeloma-mayo). ANALYSIS is a TOML file, or the name of a
    shipped analysis (see `bayes-rrmm models`).
    """


for command in (
    demo,
    models,
    commands.validate,
    commands.fit,
    commands.check,
    commands.crosscheck,
    missing,
    sensitivity,
    report,
    published,
    simulate,
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code."""
    logging.captureWarnings(True)
    try:
        code = cli.main(args=arguments, prog_name="bayes-rrmm", standalone_mode=False)
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except click.ClickException as error:
        error.show()
        code = ERROR
    except BayesRrmmError as error:
        click.echo(f"error: {error}", err=True)
        code = ERROR
    except (KeyboardInterrupt, click.Abort) as stopped:  # a command that leaves something behind says what
        click.echo(str(stopped) or "interrupted: nothing was written.", err=True)
        code = ERROR
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # the reader has gone; stay quiet at exit
        code = ERROR
    except OSError as error:  # a full disk, a folder that may not be written
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror or error}; make room, or choose another place.", err=True)
        code = ERROR
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
