"""Django on an SQLite in memory, without rows when a test begins."""

import os
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.test.utils import (
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
django.setup()  # before the tests are imported: models cannot be without it


@pytest.fixture(scope="session", autouse=True)
def _database() -> Iterator[None]:
    """Make the database, and keep mails in memory."""
    setup_test_environment()
    before = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(before, verbosity=0)
    teardown_test_environment()


@pytest.fixture(autouse=True)
def _no_rows() -> Iterator[None]:
    """Remove what a test wrote and mailed."""
    yield
    mail.outbox.clear()
    call_command("flush", verbosity=0, interactive=False)


@pytest.fixture(autouse=True)
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a warehouse that fails only when a test says so."""
    monkeypatch.setattr(settings, "WAREHOUSE_FOLDER", tmp_path / "warehouse")
    monkeypatch.setattr(settings, "WAREHOUSE_FAILURE_RATE", 0)
    return tmp_path / "warehouse"


@pytest.fixture
def client() -> Client:
    """Return a customer's browser."""
    return Client()
