"""`eventflow schemas docs`: pages and an AsyncAPI document of every event that has a schema."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click

from eventflow.cli.output import say
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.errors import StartError
from eventflow.rules import RuleSet, load_rules
from eventflow.schemas import EventModel
from eventflow.schemas.loader import load_repository
from eventflow.settings import Settings, load_settings

__all__ = ["docs"]


@click.command()
@schemas_option
@click.option(
    "--output",
    "-o",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder to write; it is made where it is missing.",
)
@click.option(
    "--title", default="Events", show_default=True, help="What the pages are headed with."
)
@click.option("--yaml", "with_yaml", is_flag=True, help="Write asyncapi.yaml as well.")
@click.option(
    "--models/--no-models",
    "with_models",
    default=True,
    help="Name the EventModel classes that publish; EVENTFLOW_WORKERS is imported for that.",
)
def docs(
    schemas_path: Path | None, folder: Path, title: str, with_yaml: bool, with_models: bool
) -> None:
    """Write pages and an AsyncAPI document of every event that has a schema.

    The folder opens in a browser as it is, by index.html, without a server or a network. Who
    receives an event is taken from the rules in EVENTFLOW_RULES. A second run changes nothing;
    pages of events that are no more are removed, and nothing else is.
    """
    from eventflow.catalogue import (  # noqa: PLC0415 - Jinja2, which `--help` need not load
        build_catalogue,
        write_catalogue,
    )

    settings = load_settings()
    repository = load_repository(choose_schemas(schemas_path))
    rule_set = _rules(settings.rules)
    models = _models(settings) if with_models else ()
    catalogue = build_catalogue(repository, rule_set=rule_set, models=models, title=title)
    written = write_catalogue(
        catalogue,
        folder,
        shows_rules=rule_set is not None,
        protocol=_protocol(settings),
        with_yaml=with_yaml,
    )
    click.echo(
        f"{_count(len(catalogue.events), 'event')} in {folder / 'index.html'}: "
        f"{_count(len(written.files), 'file')}, {len(written.changed)} changed, "
        f"{len(written.removed)} removed"
    )


def _rules(path: Path) -> RuleSet | None:
    if not path.exists():
        say(f"There are no rules at {path}: who receives is left out. EVENTFLOW_RULES names them.")
        return None
    return load_rules(path)


def _models(settings: Settings) -> tuple[type[EventModel], ...]:
    from eventflow.cli.application import import_subscribers, load_app  # noqa: PLC0415 - Celery

    try:
        import_subscribers(load_app(settings))
    except StartError as error:
        say(f"The classes that publish are left out: {error}")
        return ()
    # Those as well that were generated from a schema file: they publish like any other.
    return tuple(model for model in _derived(EventModel) if model.event_declared)


def _derived(model: type[EventModel]) -> Iterator[type[EventModel]]:
    for each in model.__subclasses__():
        yield each
        yield from _derived(each)


def _protocol(settings: Settings) -> str:
    scheme = urlsplit(settings.celery_broker_url).scheme
    return scheme if scheme.startswith("amqp") else "redis"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
