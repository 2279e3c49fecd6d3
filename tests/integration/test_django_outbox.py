"""The outbox with real parts: PostgreSQL, relays that are killed, a server with several workers."""

from collections.abc import Iterator

import pytest

from tests.contracts.outbox import OutboxContract, Table
from tests.django_shop.databases import emptied, postgres_database, table_of
from tests.integration.postgres import MISSING, PostgresServer, find_binaries, running_postgres
from tests.servers import require


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A private PostgreSQL."""
    pytest.importorskip("psycopg", reason="no driver: pip install 'eventflow[postgres]'")
    binaries = require(find_binaries(), MISSING)
    with running_postgres(binaries) as running:
        yield running


@pytest.fixture(scope="module")
def alias(server: PostgresServer) -> Iterator[str]:
    """That PostgreSQL as a database of Django's."""
    with postgres_database(server) as name:
        yield name


class TestOnPostgresql(OutboxContract):
    """PostgreSQL does what every outbox does, and locks what is claimed."""

    @pytest.fixture
    def table(self, alias: str) -> Iterator[Table]:
        """The rows."""
        with emptied(alias):
            yield table_of(alias)
