"""The system checks: what `manage.py check` says."""

from typing import Any

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connections
from django.test import override_settings


def found(*, databases: list[str] | None = None) -> dict[str, str]:
    """Return what eventflow's checks find, by id."""
    messages = checks.run_checks(databases=databases)
    return {item.id: item.msg for item in messages if item.id.startswith("eventflow.")}


def test_nothing_is_wrong_with_the_defaults() -> None:
    """A project that sets nothing hears nothing."""
    assert {} == found(databases=["default"])


@pytest.mark.parametrize(
    ("values", "part"),
    [
        pytest.param({"BROKER": "x"}, "EVENTFLOW['BROKER']: there is no such", id="a key"),
        pytest.param({"BROKER_URL": "http://x"}, 'EVENTFLOW["BROKER_URL"]: ', id="a value"),
        pytest.param({"CELERY": "shop.app"}, 'EVENTFLOW["CELERY"]: ', id="a Celery app"),
        pytest.param(["OUTBOX"], "EVENTFLOW is a list", id="no dict"),
    ],
)
def test_wrong_settings_are_errors(values: Any, part: str) -> None:
    """`manage.py` refuses to start with them, and says which."""
    with override_settings(EVENTFLOW=values):
        assert part in found()["eventflow.E001"]
        with pytest.raises(SystemCheckError):
            call_command("check")


def test_requests_in_transactions_are_better_with_the_outbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With ATOMIC_REQUESTS, what a failure to publish means is told, unless the outbox is on."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert "ATOMIC_REQUESTS is on for 'default'" in found()["eventflow.I001"]
    with override_settings(EVENTFLOW={"OUTBOX": True}):
        assert {} == found()


def test_a_database_that_cannot_pass_over_locked_rows_is_told() -> None:
    """On SQLite several relays are no quicker than one; asked only with the outbox on."""
    with override_settings(EVENTFLOW={"OUTBOX": True}):
        assert "SQLite" in found(databases=["default"])["eventflow.I003"]
        assert {} == found()


def test_a_missing_table_is_told() -> None:
    """Where the migrations did not run, the command to run is in the hint."""
    with override_settings(EVENTFLOW={"OUTBOX": True}):
        call_command("migrate", "eventflow", "zero", verbosity=0)
        try:
            assert (
                "'default' is missing or out of date"
                in (found(databases=["default"])["eventflow.W002"])
            )
        finally:
            call_command("migrate", "eventflow", verbosity=0)
        assert "eventflow.W002" not in found(databases=["default"])


def test_the_migrations_are_complete() -> None:
    """The models say nothing that no migration does."""
    call_command("makemigrations", "eventflow", check=True, dry_run=True, verbosity=0)
