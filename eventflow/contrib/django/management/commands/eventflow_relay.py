"""`manage.py eventflow_relay`: publishes what the outbox holds."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections, router

from eventflow.contrib.django.configuration import get_flow
from eventflow.contrib.django.listening import can_listen
from eventflow.contrib.django.models import OutboxEvent
from eventflow.contrib.django.outbox import DjangoOutbox
from eventflow.errors import EventflowError
from eventflow.publishing import (
    MOST_AT_ONCE,
    Relay,
    Relayed,
    RelayPolicy,
    relay_policy,
    stopped_by_signals,
)
from eventflow.settings import Settings
from eventflow.units import format_duration

__all__ = ["Command"]


class Command(BaseCommand):
    """Publishes the outbox's events as they are committed; several may run at once."""

    help = (
        "Publish the outbox's events as they are committed. Runs until SIGTERM or Ctrl-C; several "
        "may run at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--once", action="store_true", help="publish what is there, and end; for cron and tests"
        )
        parser.add_argument(
            "--batch",
            type=int,
            default=RelayPolicy().batch,
            help=f"the most events to publish in one call, 1 to {MOST_AT_ONCE} (default: %(default)s)",
        )
        parser.add_argument(
            "--database",
            help="whose outbox, by its name in DATABASES (default: the one that routers name, "
            "which is 'default' without any)",
        )

    def handle(self, *_: Any, once: bool, batch: int, database: str | None, **__: Any) -> None:
        """Run the relay.

        Raises:
            CommandError: When an option or a setting cannot be; with --once, also when the ledger
                or the database cannot be reached.
        """
        alias = database if database is not None else router.db_for_write(OutboxEvent)
        if alias not in connections.settings:
            message = (
                f"there is no database {alias!r}: DATABASES has {', '.join(connections.settings)}"
            )
            raise CommandError(message)
        if not 1 <= batch <= MOST_AT_ONCE:
            message = f"--batch: {batch} is not between 1 and {MOST_AT_ONCE}"
            raise CommandError(message)
        try:
            flow = get_flow()
            relay = Relay(
                DjangoOutbox(alias), flow.publish_many, relay_policy(flow.settings, batch)
            )
            with stopped_by_signals(relay):
                relayed = relay.drain() if once else self._run(relay, alias, flow.settings)
        except EventflowError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"published {relayed.published}, given up {relayed.failed}")

    def _run(self, relay: Relay, alias: str, settings: Settings) -> Relayed:
        how = (
            "PostgreSQL tells it of commits"
            if can_listen(alias)
            else f"it looks every {format_duration(settings.outbox_poll)}"
        )
        self.stdout.write(f"the relay of the database {alias!r} runs: {how}")
        self.stdout.flush()
        return relay.run()
