"""`eventflow schemas export`: the schema files of typed events."""

import pkgutil
from collections.abc import Sequence
from pathlib import Path

import click

from eventflow.cli.output import say
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.cli.text_files import write_texts
from eventflow.schemas.agreement import Difference, Kind, compare_models

__all__ = ["export"]


@click.command()
@click.argument("modules", nargs=-1, metavar="[MODULE]...")
@schemas_option
@click.option(
    "--check", "is_check", is_flag=True, help="Write nothing; exit with 1 if one differs."
)
@click.option(
    "--force", is_flag=True, help="Write over versions that are published, which others rely on."
)
@click.pass_context
def export(
    ctx: click.Context,
    modules: tuple[str, ...],
    schemas_path: Path | None,
    *,
    is_check: bool,
    force: bool,
) -> None:
    """Write the schema files of typed events.

    MODULE is a module or package whose EventModel classes are meant; without one, all that the
    module of EVENTFLOW_WORKERS imports. A new file is a draft until its status says otherwise. What
    a class says nothing of (owner, status, examples) stays as the file has it. A file that says the
    same already is left alone.
    """
    from eventflow.schemas.declared import declared_models  # noqa: PLC0415 - as for Celery below
    from eventflow.schemas.loader import load_repository  # noqa: PLC0415

    path = choose_schemas(schemas_path)
    among = _import(modules)
    models = declared_models(among)
    if not models:
        where = ", ".join(modules) if modules else "what EVENTFLOW_WORKERS imports"
        say(f"There is no EventModel with a source and a type in {where}.", style="yellow")
        ctx.exit(1)
    differences = compare_models(models, load_repository(path))
    if is_check:
        _print_check(differences, len(models))
        ctx.exit(1 if differences else 0)
    refused = [item for item in differences if item.kind is Kind.PUBLISHED and not force]
    if refused:
        for item in refused:
            click.echo(item.problem)
            say(item.diff.rstrip())
        say(f"Nothing was written: {_count(len(refused), 'published version')} would change.")
        ctx.exit(1)
    write_texts({item.file: item.after for item in differences})
    for item in differences:
        click.echo(f"{'wrote' if item.before else 'new'} {item.file}")
    if any(item.kind is Kind.MISSING and '"draft"' in item.after for item in differences):
        say('New ones are drafts, which refuse nothing: set their status to "active" when agreed.')
    same = len(models) - len(differences)
    click.echo(f"{_count(len(models), 'typed event')}: {len(differences)} written, {same} the same")


def _print_check(differences: Sequence[Difference], number: int) -> None:
    for item in differences:
        click.echo(item.problem)
        click.echo(item.diff)
    if differences:
        text = f"{len(differences)} of {_count(number, 'typed event')} and their files disagree."
        say(text, style="red")
    else:
        click.echo(f"{_count(number, 'typed event')}: all agree with their files")


def _import(modules: Sequence[str]) -> list[str] | None:
    """Import what is meant, as Celery would: from the current directory first."""
    from eventflow.cli.application import (  # noqa: PLC0415 - `--help` need not pay for Celery
        import_here,
        import_subscribers,
        load_app,
    )
    from eventflow.settings import load_settings  # noqa: PLC0415

    if not modules:
        import_subscribers(load_app(load_settings()))
        return None
    for name in modules:
        module = import_here(name)
        for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
            import_here(found.name)
    return list(modules)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
