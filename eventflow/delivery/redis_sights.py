"""What the ledger in Redis shows of events in flight, to those who ask where one is."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress

from eventflow.delivery.keys import ROUTE
from eventflow.delivery.redis_journal import RedisJournal
from eventflow.delivery.scripts import guarded
from eventflow.delivery.sights import DeliverySight, EventSight, Place
from eventflow.errors import LedgerError
from eventflow.events import delivery_id, split_delivery_id
from eventflow.journal import JournalEntry, read_entry

__all__ = ["RedisSights"]

_PLACES = (Place.QUEUED, Place.RUNNING, Place.WAITING, Place.PARKED)  # as `_places` has them
_SLICE = 1000  # entries of the journal, or bodies, that the server reads in one go
_FIELDS = (
    *("attempts", "crashes", "redrives", "accepted", "first"),
    *("rules", "error_type", "error"),
)


class RedisSights(RedisJournal):
    """Looks, and changes nothing. `eventflow.delivery.ledger.Ledger` says what each method does."""

    def look(self, event_id: str, targets: Sequence[str]) -> EventSight | None:
        """Tell where an event and its deliveries are; None where the ledger does not know it."""
        keys = self._keys
        pipeline = self._client.pipeline(transaction=True)  # or what moves meanwhile is nowhere
        pipeline.hmget(keys.event(event_id), ["state", "accepted", "attempts", "left"])
        pipeline.get(keys.body(event_id))
        pipeline.zscore(keys.queued(ROUTE), event_id)
        pipeline.zscore(keys.running(ROUTE), event_id)
        for target in targets:
            identity = delivery_id(event_id, target)
            pipeline.hmget(keys.delivery(identity), _FIELDS)
            for place in self._places(target):
                pipeline.zscore(place, identity)
        (state, accepted, attempts, left), body, queued, running, *rest = guarded(
            self._client, pipeline.execute
        )
        if state is None:
            return None
        sights = []
        for number, target in enumerate(targets):
            values, *scores = rest[5 * number : 5 * number + 5]
            if values[0] is not None:
                sights.append(_read_delivery(delivery_id(event_id, target), target, values, scores))
        place = Place.QUEUED if queued is not None else Place.NOWHERE
        return EventSight(
            event_id=event_id,
            accepted_at=float(accepted or 0),
            is_routed=state == b"routed",
            place=Place.RUNNING if running is not None else place,
            attempts=int(attempts or 0),
            left=int(left or 0),
            body=body or b"",
            deliveries=tuple(sights),
        )

    def in_flight(self, targets: Sequence[str], most: int) -> list[str]:
        """Return ids of events that are in flight, those that came last first, *most* at most."""
        keys = self._keys
        routes = [keys.queued(ROUTE), keys.running(ROUTE)]
        places = [key for target in targets for key in self._places(target)]
        pipeline = self._client.pipeline(transaction=False)
        for key in (*routes, *places):
            pipeline.zrange(key, -most, -1)
        answers = guarded(self._client, pipeline.execute)
        found: dict[str, None] = {}
        for number, ids in enumerate(answers):
            for identity in reversed(ids):
                text = identity.decode()
                found[text if number < len(routes) else split_delivery_id(text)[0]] = None
        return list(found)[:most]

    def bodies(self, event_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Give the JSON of those of the events that are still in flight."""
        for start in range(0, len(event_ids), _SLICE):
            part = event_ids[start : start + _SLICE]
            pipeline = self._client.pipeline(transaction=False)
            for event_id in part:
                pipeline.get(self._keys.body(event_id))
            answers = guarded(self._client, pipeline.execute)
            for event_id, body in zip(part, answers, strict=True):
                if body is not None:
                    yield event_id, body

    def journal_of(self, event_id: str, since: float, most: int) -> list[JournalEntry]:
        """Return an event's entries that are not in the store yet, replays among them, in order."""
        found: list[JournalEntry] = []
        start, looked_at = f"{int(since * 1000)}", 0
        while start and looked_at < most:
            size = min(_SLICE, most - looked_at)
            begin, *answers = self._scripts.run(
                "journal_of", [self._keys.journal], [start, size, event_id]
            )
            for stream_id, fields in answers:
                values = dict(zip(fields[::2], fields[1::2], strict=True))
                with suppress(LedgerError):  # of a newer version: the recorder says so
                    found.append(read_entry(self._bus, stream_id.decode(), values))
            start, looked_at = begin.decode(), looked_at + size
        return found


def _read_delivery(
    identity: str,
    target: str,
    values: Sequence[bytes | None],
    scores: Sequence[float | None],
) -> DeliverySight:
    attempts, crashes, redrives, accepted, first, rules, error_type, error = values
    places = [
        (place, score) for place, score in zip(_PLACES, scores, strict=True) if score is not None
    ]
    # What was moved while its message ran late may be queued, too: running says more.
    order = (Place.RUNNING, Place.WAITING, Place.PARKED, Place.QUEUED)
    place, at = min(places, key=lambda item: order.index(item[0]), default=(Place.NOWHERE, 0.0))
    return DeliverySight(
        delivery_id=identity,
        target=target,
        place=place,
        at=at,
        attempts=int(attempts or 0),
        crashes=int(crashes or 0),
        redrives=int(redrives or 0),
        accepted_at=float(accepted or 0),
        first_attempt_at=float(first or 0),
        rules=tuple(json.loads(rules or b"[]")),
        error_type=(error_type or b"").decode(),
        error=(error or b"").decode(),
    )
