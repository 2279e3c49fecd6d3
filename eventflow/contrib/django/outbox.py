"""The outbox on Django's model: what a relay claims, in order per key, and how it is marked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.db import Error, connections, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from eventflow.contrib.django.listening import Listener
from eventflow.contrib.django.models import OutboxEvent, OutboxState
from eventflow.errors import StoreError
from eventflow.publishing import LONGEST_FAILURE, OutboxRow

__all__ = ["DjangoOutbox"]


class DjangoOutbox:
    """The rows of one database, for one relay; see `eventflow.publishing.Outbox`.

    Args:
        alias: The database's name in `settings.DATABASES`.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._listener = Listener(alias)

    @property
    def _rows(self) -> Any:  # Any: Django has no types
        return OutboxEvent.objects.using(self._alias).order_by("pk")

    @contextmanager
    def claim(self, limit: int) -> Iterator["_Claim"]:
        """Take rows that are due; they stay locked until the block ends, where they can be."""
        with self._guarded():
            if not connections[self._alias].features.has_select_for_update_skip_locked:
                # Nothing is locked, so nothing is held: a transaction that stays open while events
                # are published would keep every writer of an SQLite waiting.
                yield _Claim(self._rows, self._due(limit, self._rows, self._rows))
                return
            with transaction.atomic(using=self._alias, durable=True):
                locked = self._rows.select_for_update(skip_locked=True)
                yield _Claim(self._rows, self._due(limit, locked, locked))

    def wait(self, seconds: float) -> None:
        """Return once rows may have been committed, after *seconds* at the latest."""
        with self._guarded():
            self._listener.wait(seconds)

    def purge(self, age: float, limit: int) -> int:
        """Delete rows that were published more than *age* seconds ago, at most *limit*."""
        with self._guarded():
            before = timezone.now() - timedelta(seconds=age)
            old = self._rows.filter(state=OutboxState.PUBLISHED, published_at__lt=before)
            numbers = list(old.values_list("pk", flat=True)[:limit])
            deleted, _ = self._rows.filter(pk__in=numbers, state=OutboxState.PUBLISHED).delete()
            return int(deleted)

    def close(self) -> None:
        """Let go of the connections."""
        with suppress(Error):
            self._listener.close()
        with suppress(Error):
            connections[self._alias].close()

    def _due(self, limit: int, heads_of: Any, followers_of: Any) -> list[Any]:
        """Choose rows so that none overtakes another of its key, whatever other relays do.

        Who has locked the oldest waiting row of a key has the key. Others see that row as waiting
        until the marks are committed, so that to them no later one is the oldest.
        """
        now = timezone.now()
        older = OutboxEvent.objects.filter(
            state=OutboxState.WAITING, ordering_key=OuterRef("ordering_key"), pk__lt=OuterRef("pk")
        )
        heads = list(
            heads_of.filter(state=OutboxState.WAITING, due_at__lte=now).filter(
                Q(ordering_key="") | ~Exists(older)
            )[:limit]
        )
        chosen = {row.ordering_key: row for row in heads if row.ordering_key}
        if not chosen or len(heads) >= limit:
            return heads
        return sorted(
            [*heads, *self._followers(chosen, limit - len(heads), followers_of)],
            key=lambda row: int(row.pk),
        )

    def _followers(self, heads: dict[str, Any], limit: int, followers_of: Any) -> list[Any]:
        """Take what comes after the oldest rows of keys, up to the first that cannot be had."""
        waiting = self._rows.filter(state=OutboxState.WAITING, ordering_key__in=heads)
        wanted = waiting.exclude(pk__in=[row.pk for row in heads.values()])
        seen = list(wanted.values_list("pk", "ordering_key")[:limit])
        if not seen:
            return []
        now = timezone.now()
        numbers = [number for number, _ in seen]
        due = followers_of.filter(pk__in=numbers, state=OutboxState.WAITING, due_at__lte=now)
        had = {row.pk: row for row in due}
        ended: set[str] = set()
        taken = []
        for number, key in seen:
            # Older than its key's head: its transaction ended just now, and it was not to be seen.
            if number < heads[key].pk or number not in had:
                ended.add(key)
            if key not in ended:
                taken.append(had[number])
        return taken

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Error as error:
            message = (
                f"the outbox in the database {self._alias!r} cannot be used: {error}".rstrip()
                + ' (was "manage.py migrate" run there?)' * _is_missing_table(error)
            )
            raise StoreError(message) from error


class _Claim:
    """Rows in hand; see `eventflow.publishing.Claim`."""

    def __init__(self, table: Any, found: Sequence[Any]) -> None:  # Any: Django has no types
        self._table = table
        self.rows: Sequence[OutboxRow] = [
            OutboxRow(int(row.pk), row.ordering_key, row.body, row.attempts) for row in found
        ]

    def published(self, rows: Sequence[OutboxRow]) -> None:
        """Mark rows as published."""
        numbers = [row.number for row in rows]
        self._table.filter(pk__in=numbers).update(
            state=OutboxState.PUBLISHED, published_at=timezone.now(), failure=""
        )

    def postponed(self, row: OutboxRow, reason: str, seconds: float) -> None:
        """Count an attempt in vain, and have the row wait."""
        due = timezone.now() + timedelta(seconds=seconds)
        self._waiting(row).update(
            attempts=F("attempts") + 1, failure=reason[:LONGEST_FAILURE], due_at=due
        )

    def failed(self, row: OutboxRow, reason: str) -> None:
        """Give a row up, and keep it."""
        self._waiting(row).update(
            attempts=F("attempts") + 1,
            failure=reason[:LONGEST_FAILURE],
            state=OutboxState.FAILED,
        )

    def _waiting(self, row: OutboxRow) -> Any:
        # Where nothing is locked, another relay may have published it meanwhile.
        return self._table.filter(pk=row.number, state=OutboxState.WAITING)


def _is_missing_table(error: Error) -> bool:
    text = str(error)
    return "no such table" in text or "does not exist" in text or "doesn't exist" in text
