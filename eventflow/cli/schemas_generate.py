"""`eventflow schemas generate`: typed Python modules of schema files."""

from pathlib import Path

import click

from eventflow.cli.output import say
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.cli.text_files import changed, diff_text, write_texts
from eventflow.errors import StartError

__all__ = ["generate"]


@click.command()
@schemas_option
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="One module for all (a path that ends in .py), or a package with one for each source.",
)
@click.option(
    "--check", "is_check", is_flag=True, help="Write nothing; exit with 1 if one differs."
)
@click.pass_context
def generate(
    ctx: click.Context, schemas_path: Path | None, output: Path, *, is_check: bool
) -> None:
    """Write typed pydantic modules of all schemas, every version.

    The newest published version of an event has the event's name, such as CourierArrived; each
    version also has a name that stays its own, such as CourierArrivedV1_0. Needs the extra
    `schemas`: pip install 'eventflow[schemas]'.
    """
    from eventflow.schemas.generate import generate_module, generate_package  # noqa: PLC0415
    from eventflow.schemas.loader import load_repository  # noqa: PLC0415 - `--help` is quick

    path = choose_schemas(schemas_path)
    repository = load_repository(path)
    if not repository.documents:
        say(f"There are no schemas in {path}, so there is nothing to write.", style="yellow")
        ctx.exit(1)
    if output.suffix == ".py":
        texts = {output: generate_module(repository.documents, repository)}
    else:
        texts = {output / name: text for name, text in generate_package(repository).items()}
    different = changed(texts)
    stale = _stale(output, set(texts))
    _refuse_foreign(different)
    if is_check:
        for file, text in different.items():
            click.echo(diff_text(file, text))
        for file in stale:
            click.echo(f"{file}: no schema is the source of this any more")
        if different or stale:
            say("Write them anew with `eventflow schemas generate`.", style="red")
            ctx.exit(1)
        click.echo(f"{output}: as the schemas say")
        return
    write_texts(different)
    for file in different:
        click.echo(f"wrote {file}")
    for file in stale:
        file.unlink()
        click.echo(f"removed {file}")
    number = len(repository.documents)
    schemas = f"{number} schema{'' if number == 1 else 's'}"
    click.echo(f"{schemas}: {len(different)} written, {len(texts) - len(different)} the same")


def _stale(output: Path, wanted: set[Path]) -> list[Path]:
    """Return the modules that were generated once, for a source that has no schema now."""
    if not output.is_dir():
        return []
    return [
        file for file in sorted(output.glob("*.py")) if file not in wanted and _is_generated(file)
    ]


def _refuse_foreign(texts: dict[Path, str]) -> None:
    for file in texts:
        if file.exists() and file.stat().st_size and not _is_generated(file):
            message = (
                f"{file} was not written by `eventflow schemas generate`, and is not written "
                "over: choose another --output, or move it away"
            )
            raise StartError(message)


def _is_generated(file: Path) -> bool:
    from eventflow.schemas.generate import MARK  # noqa: PLC0415 - as above

    with file.open(encoding="utf-8", errors="replace") as lines:
        return MARK in lines.readline()
