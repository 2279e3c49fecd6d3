"""`eventflow outbox relay`: publishes what an application's outbox holds."""

import logging.config
from typing import TYPE_CHECKING

import click

from eventflow.cli.output import say
from eventflow.telemetry import logging_config
from eventflow.units import format_duration

if TYPE_CHECKING:
    from eventflow.publishing import Relay, Relayed
    from eventflow.publishing.sql import SqlOutbox
    from eventflow.settings import Settings

__all__ = ["outbox"]

_MOST_AT_ONCE = 500


@click.group()
def outbox() -> None:
    """Publish what an application has written into its outbox.

    An outbox is a table in the application's own database, and an event's row is committed with the
    business data that it tells of.
    """


@outbox.command()
@click.option(
    "--database-url",
    help="The application's database, as SQLAlchemy writes it; EVENTFLOW_OUTBOX_URL when missing.",
)
@click.option(
    "--table",
    default="eventflow_outbox",
    show_default=True,
    help="The outbox's table; SCHEMA.NAME where it is in a schema.",
)
@click.option("--once", is_flag=True, help="Publish what is there, and end; for cron and tests.")
@click.option(
    "--batch",
    type=click.IntRange(1, _MOST_AT_ONCE),
    default=200,
    show_default=True,
    help="The most events to publish in one call.",
)
def relay(database_url: str | None, table: str, *, once: bool, batch: int) -> None:
    """Publish the outbox's events as they are committed.

    Runs until SIGTERM or Ctrl-C; several may run at once. With PostgreSQL it is told of each
    commit; with SQLite it looks every EVENTFLOW_OUTBOX_POLL.
    """
    from eventflow.app import EventFlow  # noqa: PLC0415 - `--help` need not pay for Celery
    from eventflow.publishing import (  # noqa: PLC0415
        Relay,
        relay_policy,
        stopped_by_signals,
    )
    from eventflow.publishing.sql import open_outbox  # noqa: PLC0415

    flow = EventFlow()
    flow.context.tracing.export_as("outbox-relay")
    address = database_url or flow.settings.outbox_url
    if not address:
        message = (
            "say where the outbox is: --database-url, or EVENTFLOW_OUTBOX_URL in the environment"
        )
        raise click.UsageError(message)
    rows = open_outbox(address, table)
    runner = Relay(rows, flow.publish_many, relay_policy(flow.settings, batch))
    with stopped_by_signals(runner):
        relayed = runner.drain() if once else _run(runner, rows, flow.settings)
    flow.context.tracing.flush()
    click.echo(f"published {relayed.published}, given up {relayed.failed}")


def _run(runner: "Relay", rows: "SqlOutbox", settings: "Settings") -> "Relayed":
    logging.config.dictConfig(logging_config(settings.log_level, settings.log_format))
    how = (
        "PostgreSQL tells it of commits"
        if rows.is_told
        else f"it looks every {format_duration(settings.outbox_poll)}"
    )
    if settings.log_format == "text":
        say(f"the relay of {rows.name} runs: {how}")
    return runner.run()
