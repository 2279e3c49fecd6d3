"""What every outbox must do for its relay; a backend's test class gives the fixtures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from eventflow.encoding import encode_event
from eventflow.errors import EventError, PublishError
from eventflow.events import Event
from eventflow.publishing import Outbox, Relay, RelayPolicy

__all__ = ["OutboxContract", "Published", "Table", "body_of"]


@dataclass(frozen=True, slots=True)
class Table:
    """A backend's rows, as a test sees them.

    Attributes:
        write: Commits a row, given its key and body.
        states: Returns the state of each row, in order: `waiting`, `published` or `failed`.
        open: Returns another relay's view of the same rows.
        hasten: Makes every row that waits for its next attempt due now.
        is_locking: Whether two claims never have a row in common.
    """

    write: Callable[[str, str], None]
    states: Callable[[], list[str]]
    open: Callable[[], Outbox]
    hasten: Callable[[], None]
    is_locking: bool


class Published:
    """Takes events as `EventFlow.publish_many` does; what it is told to refuse, it refuses."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.invalid: set[str] = set()
        self.is_away = False
        self.room = 1_000_000

    def __call__(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.id in self.invalid:
                raise EventError("is not as its schema says", "data.door")
        ids = [event.id for event in events]
        if self.is_away:
            raise PublishError("the ledger cannot be reached", [], ids)
        taken = ids[: self.room]
        self.ids += taken
        if len(taken) < len(ids):
            raise PublishError("the backlog is full", taken, ids[self.room :])


def body_of(identity: str) -> str:
    """Return the body of an event of this id."""
    return encode_event(Event(id=identity, source="s", type="T", data={"n": 1})).decode()


class OutboxContract:
    """Tests of a `claim`, and of the relay on it."""

    @pytest.fixture
    def table(self) -> Table:
        """The backend's rows, of which there are none yet."""
        raise NotImplementedError

    @pytest.fixture
    def published(self) -> Published:
        """Where the relay publishes to."""
        return Published()

    def write(self, table: Table, *rows: str) -> None:
        """Write rows such as `k:e1`: a key, and the event's id."""
        for row in rows:
            key, _, identity = row.partition(":")
            table.write(key, body_of(identity))

    def relay(self, table: Table, published: Published, **policy: int) -> Relay:
        """Return a relay of these rows."""
        return Relay(table.open(), published, RelayPolicy(**policy))

    def test_what_was_written_is_published_in_order(self, table, published) -> None:
        """Each row is published once, in the order of writing, and is marked."""
        self.write(table, "a:e1", "b:e2", "a:e3", ":e4")
        relay = self.relay(table, published)
        assert 4 == relay.drain().published
        assert ["e1", "e2", "e3", "e4"] == published.ids
        assert ["published"] * 4 == table.states()
        assert 0 == relay.drain().claimed

    @pytest.mark.parametrize("batch", [1, 2, 3])
    def test_small_batches_keep_the_order(self, table, published, batch) -> None:
        """However few rows are claimed at once, the rows of a key come in their order."""
        self.write(table, "a:a1", "a:a2", "b:b1", "a:a3", "b:b2", "a:a4")
        self.relay(table, published, batch=batch).drain()
        assert ["a1", "a2", "a3", "a4"] == [one for one in published.ids if one[0] == "a"]
        assert ["b1", "b2"] == [one for one in published.ids if one[0] == "b"]

    def test_what_is_claimed_is_nobody_elses(self, table) -> None:
        """Where rows can be locked, a second relay gets neither a claimed row nor one behind it."""
        if not table.is_locking:
            pytest.skip("this database cannot pass over locked rows")
        self.write(table, "a:e1", "a:e2", "b:e3", ":e4")
        with table.open().claim(1) as first, table.open().claim(10) as second:
            assert ["a"] == [row.key for row in first.rows]
            assert ["b", ""] == [row.key for row in second.rows]

    def test_a_claim_that_fails_marks_nothing(self, table, published) -> None:
        """A relay that ends in the middle of a claim leaves every row as it was."""
        self.write(table, "a:e1")
        outbox = table.open()

        def publish(_: Sequence[Event]) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            Relay(outbox, publish).drain()
        assert ["waiting"] == table.states()
        assert 1 == self.relay(table, published).drain().published

    def test_a_ledger_that_is_away_costs_nothing(self, table, published) -> None:
        """The error is raised, the rows wait without an attempt counted, and go later."""
        self.write(table, "a:e1", "a:e2")
        published.is_away = True
        relay = self.relay(table, published, max_attempts=1)
        for _ in range(3):
            with pytest.raises(PublishError):
                relay.drain()
        published.is_away = False
        assert 2 == relay.drain().published
        assert ["e1", "e2"] == published.ids

    def test_what_was_accepted_is_marked(self, table, published) -> None:
        """Of a list that goes in part, that part is published, and the rest waits."""
        self.write(table, "a:e1", "a:e2", "a:e3")
        published.room = 2
        with pytest.raises(PublishError):
            self.relay(table, published).drain()
        assert ["published", "published", "waiting"] == table.states()

    def test_an_invalid_event_holds_back_its_key_alone(self, table, published) -> None:
        """While it waits for its next attempt, other keys go on; when it is valid, its key follows."""
        self.write(table, "a:e1", "a:bad", "a:e2", "b:e3", ":e4")
        published.invalid = {"bad"}
        relay = self.relay(table, published)
        assert 3 == relay.drain().published
        assert {"e1", "e3", "e4"} == set(published.ids)
        assert ["published", "waiting", "waiting", "published", "published"] == table.states()
        published.invalid = set()
        table.hasten()
        relay.drain()
        assert ["bad", "e2"] == published.ids[3:]

    def test_an_invalid_event_is_given_up(self, table, published) -> None:
        """After the last attempt its row is failed, and its key goes on without it."""
        self.write(table, "a:bad", "a:e2")
        published.invalid = {"bad"}
        relay = self.relay(table, published, max_attempts=2)
        assert 0 == relay.drain().published
        table.hasten()
        relayed = relay.drain()
        assert (1, 1) == (relayed.failed, relayed.published)
        assert ["failed", "published"] == table.states()

    def test_a_body_that_cannot_be_read_is_given_up(self, table, published) -> None:
        """What is no event is failed like any other that cannot be published."""
        table.write("a", "{")
        self.write(table, "b:e1")
        relayed = self.relay(table, published, max_attempts=1).drain()
        assert (1, 1) == (relayed.failed, relayed.published)
        assert ["failed", "published"] == table.states()

    def test_many_waiting_rows_of_a_key_hide_nobody(self, table, published) -> None:
        """A key that is held back, with more rows than a batch has, keeps no other key waiting."""
        published.invalid = {"bad"}
        self.write(table, "a:bad", *(f"a:a{number}" for number in range(5)), "b:b1")
        assert 1 == self.relay(table, published, batch=2).drain().published
        assert ["b1"] == published.ids

    def test_old_rows_are_deleted(self, table, published) -> None:
        """Published rows are deleted when they are old enough; what waits or has failed stays."""
        self.write(table, "a:e1", "b:bad", "c:e3")
        published.invalid = {"bad"}
        self.relay(table, published, max_attempts=1).relay()
        self.write(table, "d:e4")
        outbox = table.open()
        assert 0 == outbox.purge(3600, 10)
        assert 1 == outbox.purge(0, 1)
        assert 1 == outbox.purge(0, 10)
        assert ["failed", "waiting"] == table.states()
        outbox.close()
