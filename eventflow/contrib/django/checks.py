"""System checks: wrong settings, a table that is missing, and what the database cannot do."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import connections, router
from django.db.migrations.executor import MigrationExecutor

from eventflow.contrib.django.configuration import load_celery, read_settings
from eventflow.errors import SettingsError
from eventflow.settings import Settings

__all__ = ["check_databases", "check_settings", "check_transactions", "register_checks"]

_LABEL = "eventflow"


def register_checks() -> None:
    """Have Django run these checks; those that ask a database only when it asks databases."""
    checks.register(check_settings, _LABEL)
    checks.register(check_transactions, _LABEL)
    checks.register(check_databases, _LABEL, checks.Tags.database)


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """Say every fault of `settings.EVENTFLOW` and of the environment."""
    found: list[checks.CheckMessage] = []
    for read in (read_settings, load_celery):
        try:
            read()
        except SettingsError as error:
            hint = "Mend it in settings.EVENTFLOW, or in the environment; see the reference of settings."
            found.append(checks.Error(str(error), hint=hint, id="eventflow.E001"))
    return found


def check_transactions(**_: Any) -> list[checks.CheckMessage]:
    """Say what requests in transactions mean for events that do not go through the outbox."""
    settings = _settings()
    if settings is None or settings.outbox:
        return []
    aliases = [
        alias
        for alias, values in connections.settings.items()
        if values.get("ATOMIC_REQUESTS", False)
    ]
    if not aliases:
        return []
    message = (
        f"ATOMIC_REQUESTS is on for {_names(aliases)}: events that a view publishes go after the "
        "request's commit, so that a failure to publish is an error 500 although all else is saved."
    )
    hint = 'With EVENTFLOW["OUTBOX"] = True both are saved or neither is.'
    return [checks.Info(message, hint=hint, id="eventflow.I001")]


def check_databases(
    *, databases: Sequence[str] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """Say where the outbox's table is missing, and where relays cannot share the work."""
    settings = _settings()
    if settings is None or not settings.outbox:
        return []
    model = apps.get_model(_LABEL, "OutboxEvent")
    found: list[checks.CheckMessage] = []
    for alias in databases or ():
        if not router.allow_migrate_model(alias, model):
            continue
        connection = connections[alias]
        if _waiting_migrations(connection):
            message = f"The outbox's table in the database {alias!r} is missing or out of date."
            hint = f"Run: manage.py migrate {_LABEL} --database {alias}"
            # No error: `migrate` itself checks the database first.
            found.append(checks.Warning(message, hint=hint, id="eventflow.W002"))
        if not connection.features.has_select_for_update_skip_locked:
            message = (
                f"The database {alias!r} ({connection.display_name}) cannot pass over locked rows: "
                "several relays would all publish the same events, which is safe, and no quicker."
            )
            hint = "Run one eventflow_relay for it; in production use PostgreSQL."
            found.append(checks.Info(message, hint=hint, id="eventflow.I003"))
    return found


def _settings() -> Settings | None:
    try:
        return read_settings()
    except SettingsError:
        return None  # check_settings says it


def _names(aliases: Sequence[str]) -> str:
    return " and ".join(repr(alias) for alias in aliases)


def _waiting_migrations(connection: Any) -> bool:
    executor = MigrationExecutor(connection)
    targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == _LABEL]
    return bool(executor.migration_plan(targets))
