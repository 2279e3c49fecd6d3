"""The outbox on SQLite, where rows cannot be locked."""

import pytest

from tests.contracts.outbox import OutboxContract, Table
from tests.django_shop.databases import table_of


class TestOnSqlite(OutboxContract):
    """SQLite does what every outbox does."""

    @pytest.fixture
    def table(self) -> Table:
        """The rows."""
        return table_of("default")

    def test_two_relays_publish_the_same_in_the_same_order(self, table, published) -> None:
        """Where both claim a row, both publish it after all that is older, and the first one counts."""
        self.write(table, "a:e1", "a:e2")
        slow, quick = table.open(), self.relay(table, published)
        with slow.claim(10) as claim:
            quick.drain()
            self.write(table, "a:e3")
            quick.drain()
            assert [row.number for row in claim.rows] == sorted(row.number for row in claim.rows)
            claim.published(claim.rows)
        assert ["e1", "e2", "e3"] == published.ids
        assert ["published"] * 3 == table.states()
