"""Django in a test's own process: set up once, its tables made, its rows removed between tests."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from eventflow.publishing import Outbox
from tests.contracts.outbox import Table
from tests.django_shop import settings as shop_settings
from tests.integration.postgres import PostgresServer

__all__ = ["emptied", "further_database", "on_postgres", "set_up", "table_of"]


@functools.cache
def set_up() -> None:
    """Set Django up on an SQLite in memory, with all tables; once a process."""
    # Not by the environment: it would reach the processes of other tests, and their Celery apps.
    values = {name: value for name, value in vars(shop_settings).items() if name.isupper()}
    settings.configure(**values)
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)


@contextmanager
def further_database(alias: str, **values: Any) -> Iterator[str]:
    """Have one more database, with all tables; its settings are Django's.

    Yields:
        Its alias.
    """
    set_up()
    databases = connections.configure_settings({"default": {}, alias: values})
    connections.settings[alias] = databases[alias]
    try:
        call_command("migrate", run_syncdb=True, verbosity=0, database=alias)
        yield alias
    finally:
        for name in [name for name in connections.settings if name.startswith(alias)]:
            connections[name].close()
            del connections[name]
            del connections.settings[name]


def on_postgres(server: PostgresServer) -> dict[str, str]:
    """Return the settings of this server's database."""
    engine = "django.db.backends.postgresql"
    return {"ENGINE": engine, "NAME": "postgres", "USER": "tester", "HOST": server.folder}


@contextmanager
def emptied(alias: str = "default") -> Iterator[None]:
    """Remove all rows of the shop and of the outbox after a test."""
    from eventflow.contrib.django.models import OutboxEvent  # after Django is set up
    from tests.django_shop.models import Order

    try:
        yield
    finally:
        for model in (OutboxEvent, Order):
            model.objects.using(alias).all().delete()


def table_of(alias: str) -> Table:
    """Return the outbox's rows in this database, for the contract's tests."""
    from django.utils import timezone

    from eventflow.contrib.django.models import OutboxEvent
    from eventflow.contrib.django.outbox import DjangoOutbox

    rows: Any = OutboxEvent.objects.using(alias)
    used: list[Any] = []

    def write(key: str, body: str) -> None:
        rows.create(event_id="e", bus="default", source="s", type="T", ordering_key=key, body=body)

    def open_other() -> Outbox:
        # Another relay has a connection of its own.
        if alias == "default":
            return DjangoOutbox(alias)
        name = f"{alias}-{len(used)}"
        connections.settings[name] = connections.settings[alias]
        used.append(name)
        return DjangoOutbox(name)

    def states() -> list[str]:
        return list(rows.order_by("pk").values_list("state", flat=True))

    is_locking = connections[alias].features.has_select_for_update_skip_locked
    return Table(
        write=write,
        states=states,
        open=open_other,
        hasten=lambda: rows.update(due_at=timezone.now()),
        is_locking=is_locking,
    )
