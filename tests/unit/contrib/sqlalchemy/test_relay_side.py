"""What a relay claims of an SQLAlchemy outbox on SQLite, and the addresses that it takes."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, inspect

from eventflow.contrib.sqlalchemy import outbox_table
from eventflow.errors import StoreError
from eventflow.publishing.sql import open_outbox
from tests.contracts.outbox import OutboxContract, Table
from tests.contracts.sql_table import table_of


class TestOnSqlite(OutboxContract):
    """SQLite does what every outbox does."""

    @pytest.fixture
    def table(self, engine: Engine) -> Iterator[Table]:
        """The rows."""
        with table_of(engine) as table:
            yield table


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("no address", "'no address' is no database's address: write sqlite:///PATH"),
        ("mssql://h/d", "a relay knows the outbox in PostgreSQL and in SQLite, not in 'mssql'"),
        ("sqlite:////nowhere/shop.db", "there is no database '/nowhere/shop.db'"),
        ("sqlite://", "there is no database ':memory:'"),
    ],
)
def test_wrong_addresses_are_refused(url: str, message: str) -> None:
    """What cannot be an outbox's database is said before anything is tried."""
    with pytest.raises(StoreError, match=message):
        open_outbox(url)


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///{}", "sqlite+pysqlite:///{}"])
def test_an_applications_own_driver_does_not_matter(url: str, engine: Engine) -> None:
    """The address may name an asynchronous driver: a relay uses one of its own."""
    with open_outbox(url.format(engine.url.database)).claim(1) as claim:
        assert [] == claim.rows


def test_a_password_is_not_shown() -> None:
    """Neither in the name that a relay says, nor in an error."""
    rows = open_outbox("postgresql+asyncpg://shop:secret@127.0.0.1:1/shop")
    assert rows.is_told
    with pytest.raises(StoreError, match=r"shop:[*]{3}@127\.0\.0\.1:1/shop cannot") as caught:
        rows.purge(0, 1)
    assert "secret" not in str(caught.value)


def test_a_missing_table_is_said(tmp_path: Path) -> None:
    """The error names the table, and asks for the migration."""
    path = tmp_path / "empty.db"
    sqlite3.connect(path).close()
    with pytest.raises(StoreError, match="did the migration that makes 'orders' run there"):
        open_outbox(f"sqlite:///{path}", "orders").purge(0, 1)


def test_the_table_is_the_django_models(engine: Engine) -> None:
    """Columns and indexes have the names of the Django app's, so that one relay serves either."""
    from tests.django_shop.databases import set_up

    set_up()
    from eventflow.contrib.django.models import OutboxEvent

    found = inspect(engine)
    assert {field.column for field in OutboxEvent._meta.get_fields()} == {
        column["name"] for column in found.get_columns("eventflow_outbox")
    }
    assert {index.name for index in OutboxEvent._meta.indexes} == {
        index["name"] for index in found.get_indexes("eventflow_outbox")
    }


def test_a_metadata_has_one_outbox() -> None:
    """Asked twice for its table, it gives the same; a schema and a name may be chosen."""
    metadata = MetaData()
    assert outbox_table(metadata) is outbox_table(metadata)
    other = outbox_table(metadata, name="events", schema="shop")
    assert "shop.events" == other.fullname
    assert other is outbox_table(metadata, name="events", schema="shop")
    assert "shop.eventflow_outbox" == outbox_table(MetaData(schema="shop")).fullname
