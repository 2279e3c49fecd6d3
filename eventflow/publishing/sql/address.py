"""From a database's address to the outbox in it."""

from pathlib import Path

from sqlalchemy import URL, Engine, MetaData, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from eventflow.errors import StoreError
from eventflow.publishing.sql.outbox import SqlOutbox
from eventflow.publishing.sql.table import OUTBOX_NAME, outbox_table
from eventflow.settings import mask_url

__all__ = ["open_outbox"]

# One relay's own connections: the one that listens beside the one that claims.
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "sqlite": "sqlite",
}
_PATIENCE = 5  # seconds for another's lock, or for an answer


def open_outbox(url: str, table: str = OUTBOX_NAME) -> SqlOutbox:
    """Prepare the way to an outbox; nothing is asked of the database before it is first used.

    Args:
        url: The database's address as the application has it. The driver that it names may be an
            asynchronous one; a relay uses one of its own.
        table: The table's name; `SCHEMA.NAME` where it is in a schema.

    Raises:
        StoreError: When the address cannot be, its driver is missing, or SQLite's file is.
    """
    schema, _, name = table.rpartition(".")
    return SqlOutbox(
        _open(_read(url), url), outbox_table(MetaData(), name=name, schema=schema or None)
    )


def _read(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError) as error:
        message = (
            f"{mask_url(url)!r} is no database's address: write sqlite:///PATH or "
            "postgresql://USER:PASSWORD@HOST/DATABASE"
        )
        raise StoreError(message) from error
    kind = address.drivername.partition("+")[0]
    if kind not in _DRIVERS:
        message = f"a relay knows the outbox in PostgreSQL and in SQLite, not in {kind!r}"
        raise StoreError(message)
    address = address.set(drivername=_DRIVERS[kind])
    if kind == "sqlite" and not Path(str(address.database)).exists():
        message = (
            f"there is no database {address.database or ':memory:'!r}: write the path of the file "
            "that the application uses"
        )
        raise StoreError(message)
    return address


def _open(address: URL, url: str) -> Engine:
    try:
        if address.drivername == "sqlite":
            return create_engine(
                address,
                poolclass=NullPool,
                hide_parameters=True,
                connect_args={"timeout": _PATIENCE},
            )
        return create_engine(
            address,
            pool_size=2,
            pool_pre_ping=True,
            pool_timeout=_PATIENCE,
            hide_parameters=True,
            connect_args={"connect_timeout": _PATIENCE},
        )
    except ImportError as error:
        message = (
            f"{mask_url(url)} needs PostgreSQL's driver, which is not installed: "
            "pip install 'eventflow[postgres]'"
        )
        raise StoreError(message) from error
    except (SQLAlchemyError, TypeError, ValueError) as error:
        message = f"{mask_url(url)} cannot be used: {error}"
        raise StoreError(message) from error
