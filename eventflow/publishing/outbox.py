"""What the relay asks of an outbox, whatever framework and database keep its rows.

An outbox row is written in the publisher's own transaction, so that the event is there exactly when
the business data is. Publishing one event id twice is one event: therefore a row may be published
again whenever it is not certain that it was, and no step needs more than to come after another.
"""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

__all__ = [
    "CHANNEL",
    "LONGEST_FAILURE",
    "MOST_AT_ONCE",
    "Claim",
    "Outbox",
    "OutboxRow",
    "RelayPolicy",
    "ordering_key_of",
]

CHANNEL = "eventflow_outbox"
"""The channel on which PostgreSQL tells relays that rows were committed."""

LONGEST_FAILURE = 2_000
"""The most characters of a reason that a row keeps."""

MOST_AT_ONCE = 500
"""The most rows that a relay claims and publishes at once."""

_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row that was claimed.

    Attributes:
        number: The row's own number; a later row has a higher one.
        key: Rows of one key are published in the order of their numbers; empty for any order.
        body: The event, as `eventflow.encoding.encode_event` wrote it.
        attempts: How often it was tried in vain.
    """

    number: int
    key: str
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class RelayPolicy:
    """How a relay works.

    Attributes:
        batch: The most rows that are claimed and published at once; 1 to 500.
        poll: Seconds until it looks again where nothing tells it to; above 0.
        max_attempts: How often an event that cannot be published as it is is tried before its row
            is failed; at least 1.
        retention: Seconds for which a published row is kept; 0 or more.
    """

    batch: int = 200
    poll: float = 0.5
    max_attempts: int = 10
    retention: float = 7 * 86400.0


class Claim(Protocol):
    """Rows in hand. What is said of them holds once the claim's block has ended without an error."""

    @property
    def rows(self) -> Sequence[OutboxRow]:
        """The rows, in the order of their numbers."""

    def published(self, rows: Sequence[OutboxRow]) -> None:
        """Say that these rows' events are in the ledger."""

    def postponed(self, row: OutboxRow, reason: str, seconds: float) -> None:
        """Say that a row was tried in vain: it counts as an attempt, and is due again then."""

    def failed(self, row: OutboxRow, reason: str) -> None:
        """Say that a row is given up; it is kept, with the reason, until a person decides."""


class Outbox(Protocol):
    """The rows of one database, as one relay sees them. Used by one thread.

    Each method raises `StoreError` when the database cannot be used; after that, or after `close`,
    the next call connects again.
    """

    def claim(self, limit: int) -> AbstractContextManager[Claim]:
        """Take rows that are due, at most *limit*, for the block of a `with` statement.

        * A row is given only with, or after, all older rows of its key that wait; what waits for
          its next attempt holds its key back. Rows without a key wait for nobody.
        * Where the database can lock rows and pass over those that are locked, two claims never
          have a row in common, and a row is locked until the block ends. When a relay dies, the
          database ends its connection, and the rows are free.
        * Elsewhere two relays may be given the same rows. Both then publish them in the same order,
          and the second time nothing happens.
        """

    def wait(self, seconds: float) -> None:
        """Return once rows may have been committed, after *seconds* at the latest."""

    def purge(self, age: float, limit: int) -> int:
        """Delete rows that were published more than *age* seconds ago, at most *limit*.

        Returns:
            How many were deleted.
        """

    def close(self) -> None:
        """Let go of all connections. Never raises."""


def ordering_key_of(subject: str | None, ordering_key: str | None) -> str:
    """Return the key under which an event's row is kept in order.

    Args:
        subject: The event's.
        ordering_key: What the publisher said, if anything; an empty one asks for no order.

    Returns:
        The ordering key, else the subject, else nothing. One that is too long for a column that
        every database can index, or that holds what a column cannot, is replaced by its hash.
    """
    key = ordering_key if ordering_key is not None else subject or ""
    if len(key) <= _LONGEST_KEY and "\0" not in key:
        return key
    return f"sha256:{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"
