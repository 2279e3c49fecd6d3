"""What the ledger in Redis does for routers: events are handed out, and their deliveries registered."""

import json
import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache

import redis

from eventflow.delivery.accepting import NO_CALLS, WrittenCall
from eventflow.delivery.answers import Planned, RouteWork
from eventflow.delivery.calls import Routed, RoutesTaken, Routing, patience_of
from eventflow.delivery.journal_facts import letter_facts, match_facts
from eventflow.delivery.keys import DEAD_LETTERS, ROUTE
from eventflow.delivery.packing import cut
from eventflow.delivery.redis_journal import RedisJournal
from eventflow.delivery.scripts import Argument, is_unanswered
from eventflow.errors import LedgerError
from eventflow.events import delivery_id
from eventflow.journal import MOST_ERROR
from eventflow.records import DeadLetter

__all__ = ["RedisRoutes"]

_TEXTS = 5  # of one event that is handed out


class RedisRoutes(RedisJournal):
    """Routing of one bus. `eventflow.delivery.ledger.Ledger` says what each method does."""

    _window: int

    def __init__(self, client: redis.Redis, bus: str, *, journal_most: int = 0) -> None:
        super().__init__(client, bus, journal_most=journal_most)
        self._unanswered: list[str] = []  # the names of questions for events

    def begin_route(self, most: int, *, lease: float) -> list[RouteWork]:
        """Hand out events that are not routed yet, lanes in turn, and count the attempt."""
        return self._begin_route([most, lease, "", "", ""]).works

    def take_routes(
        self, most: int, *, lease: float, answers: bool, patience: float
    ) -> RoutesTaken:
        """Hand out events as `begin_route`; say what is left, and whether to call another router."""
        try:
            name = self._unanswered.pop()
        except IndexError:
            name = secrets.token_hex(8)
        try:
            return self._begin_route([most, lease, int(answers), patience, name])
        except LedgerError as error:
            if is_unanswered(error):
                self._unanswered.append(name)  # and so the next one is answered with the same
            raise

    def _begin_route(self, how: Sequence[Argument]) -> RoutesTaken:
        keys = [self._keys.queued(ROUTE), self._keys.running(ROUTE), self._keys.lanes]
        keys.append(self._keys.counts(ROUTE))
        arguments = [self._keys.prefix, *how]
        left, is_called, lengths, text = self._scripts.run("begin_route", keys, arguments)
        works = [
            RouteWork(event_id.decode(), body, float(accepted), int(attempts), lane.decode())
            for event_id, lane, body, accepted, attempts in cut(lengths, text, _TEXTS)
        ]
        return RoutesTaken(works, left, bool(is_called))

    def recover_routes(self, limit: int) -> list[str]:
        """Take back events whose router's lease has ended, to send their message again."""
        keys = [self._keys.running(ROUTE), self._keys.queued(ROUTE), self._keys.lanes]
        ids = self._run_noting("recover_routes", keys, [self._keys.prefix, limit])
        return [identity.decode() for identity in ids]

    def finish_route(
        self,
        event_id: str,
        event_type: str,
        deliveries: Sequence[Planned],
        letters: Sequence[DeadLetter],
    ) -> bool:
        """Register all deliveries and mark the event routed, in one step; False if it was."""
        routing = Routing(event_id, event_type, deliveries, letters)
        return self.finish_routes([routing]).recorded[0]

    def finish_routes(
        self, routings: Sequence[Routing], calls: Mapping[str, WrittenCall] = NO_CALLS
    ) -> Routed:
        """Register all deliveries of each event and mark it routed; each event on its own."""
        names = dict.fromkeys(item.target for one in routings for item in one.deliveries)
        numbers = {name: number for number, name in enumerate(names, start=1)}
        arguments: list[Argument] = [self._keys.prefix, self._window, len(numbers)]
        for name in numbers:
            patience = patience_of(name)
            message = calls[name].entry if name in calls else b""
            arguments += (name, "" if patience is None else patience, message)
        for routing in routings:
            facts = match_facts(routing.deliveries, routing.letters)
            arguments += (routing.event_id, routing.event_type)
            arguments.append(json.dumps(facts) if facts is not None else "")
            arguments += (len(routing.deliveries), len(routing.letters))
            for item in routing.deliveries:
                arguments += (numbers[item.target], delivery_id(routing.event_id, item.target))
                arguments += (_rules_text(item.rules), item.input or "", item.trace)
            for letter in routing.letters:
                arguments += (letter.target or ROUTE, letter.id, letter.to_json())
                arguments += (letter.error_type, letter.error[:MOST_ERROR])
                arguments.append(json.dumps(letter_facts(letter)))
        keys = [self._keys.queued(ROUTE), self._keys.running(ROUTE), *self._letter_keys()[:2]]
        keys += [self._keys.counts(ROUTE), self._keys.counts(DEAD_LETTERS)]
        keys += [calls[name].queue for name in numbers if name in calls]
        recorded, due = self._run_noting("finish_routes", keys, arguments)
        called = frozenset(name for name, is_due in zip(numbers, due, strict=True) if is_due)
        return Routed([bool(answer) for answer in recorded], called)

    def call(self, name: str, *, patience: float) -> bool:
        """Decide whether a queue is to be sent a message; if so, it counts as sent."""
        keys = [self._keys.queued(name), self._keys.counts(name)]
        return bool(self._scripts.run("call", keys, [patience]))

    def _letter_keys(self) -> list[str]:
        keys = self._keys
        return [keys.dead_letters, keys.queued(DEAD_LETTERS), keys.counts(DEAD_LETTERS)]


@lru_cache(1024)
def _rules_text(rules: tuple[str, ...]) -> str:
    return json.dumps(rules)
