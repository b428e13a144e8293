"""`bayes-rrmm models`: the shipped analyses, listed, printed, copied, and a template of the table they take."""

from __future__ import annotations

from pathlib import Path

import click

from bayes_rrmm.cli.shared import print_json, shared


@click.group(invoke_without_command=True)
@shared
@click.pass_context
def models(context: click.Context, quiet: bool, as_json: bool) -> None:
    """List the shipped analyses; `show NAME` prints one, `copy NAME FILE` makes a copy to edit."""
    if context.invoked_subcommand is not None:
        return
    from bayes_rrmm.catalogue import model_names
    from bayes_rrmm.read import load_analysis

    titles = {name: load_analysis(name).title for name in model_names()}
    if as_json:
        print_json({"models": titles})
        return
    for name, title in titles.items():
        click.echo(name if quiet else f"{name:<28} {title}")


@models.command("show")
@click.argument("name")
@shared
def models_show(name: str, quiet: bool, as_json: bool) -> None:  # noqa: ARG001  # a text is a text, quiet or not
    """Print a shipped analysis."""
    from bayes_rrmm.catalogue import model_text

    text = model_text(name)
    if as_json:
        print_json({"name": name, "text": text})
    else:
        click.echo(text, nl=False)


@models.command("copy")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@shared
def models_copy(name: str, file: Path, quiet: bool, as_json: bool) -> None:
    """Copy a shipped analysis to FILE, to be edited; an existing file is left alone."""
    from bayes_rrmm.catalogue import model_text
    from bayes_rrmm.errors import AnalysisError

    text = model_text(name)
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        raise AnalysisError(f"{file}: already exists and is left alone; name another file.") from None
    except OSError as error:
        raise AnalysisError(f"{file}: cannot be written ({error.strerror}); name another file.") from None
    if as_json:
        print_json({"name": name, "file": str(file)})
    elif not quiet:
        click.echo(f"{file}: edit it, then `bayes-rrmm validate {file} DATA`")


@models.command("template")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--analysis", "names", multiple=True, help="Only what this analysis (a name, or a TOML file) reads; may be repeated.")
@shared
def models_template(file: Path, names: tuple[str, ...], quiet: bool, as_json: bool) -> None:
    """Write an empty table for your own patients to FILE.csv, and its dictionary beside it, FILE_dictionary.csv."""
    from bayes_rrmm.read import load_analysis
    from bayes_rrmm.template import write_template

    dictionary = write_template(file, [load_analysis(name) for name in names])
    if as_json:
        print_json({"file": str(file), "dictionary": str(dictionary)})
    elif not quiet:
        click.echo(f"{file}: one row a patient. {dictionary}: what each column means, and what it may hold.")
