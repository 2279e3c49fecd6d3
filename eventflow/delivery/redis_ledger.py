"""The ledger in Redis or Valkey: each method is one script, or one plain command."""

import json
from collections.abc import Sequence
from math import ceil

import redis

from eventflow.delivery.accepting import Accepted, WriteCall
from eventflow.delivery.answers import (
    Acceptance,
    Moved,
)
from eventflow.delivery.at_once import AtOnce
from eventflow.delivery.calls import CALL_AGAIN, JUST_NOW
from eventflow.delivery.keys import BUSES, DEAD_LETTERS, ROUTE
from eventflow.delivery.limits import packed_limits
from eventflow.delivery.packing import CommandPacker, Template
from eventflow.delivery.redis_claims import RedisClaims
from eventflow.delivery.redis_routes import RedisRoutes
from eventflow.delivery.redis_sights import RedisSights
from eventflow.delivery.redis_steering import RedisSteering
from eventflow.delivery.scripts import Argument, guarded, ledger_error
from eventflow.records import DeadLetter
from eventflow.rules.targets import Target

__all__ = ["RedisLedger"]

_ACCEPTANCES = {
    1: Acceptance.NEW,
    2: Acceptance.PENDING,
    0: Acceptance.DUPLICATE,
    3: Acceptance.FULL,
}


_PACKER = CommandPacker()


class RedisLedger(RedisClaims, RedisRoutes, RedisSights, RedisSteering):
    """One bus's ledger. Fulfils `eventflow.delivery.ledger.Ledger`, which says what each does.

    Args:
        client: From `connect_redis`.
        bus: The bus.
        window: How long, in seconds, an event's id is remembered once all is delivered.
        most: How many events may wait to be routed before `accept` takes no more; 0 for any number.
        journal_most: How many entries of the journal may wait for the recorder; 0 for no journal.
        write_call: Writes the message that calls a router, where the server is the broker too.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        bus: str = "default",
        window: float = 86400.0,
        most: int = 0,
        journal_most: int = 0,
        write_call: WriteCall | None = None,
    ) -> None:
        super().__init__(client, bus, journal_most=journal_most)
        self._write_call = write_call
        self._at_once = AtOnce(client)
        self._forms: dict[bool, Template] = {}  # by whether there is a message
        self._window = ceil(window)
        self._most = most
        self._known = False

    def accept(self, events: Sequence[tuple[str, bytes, str]]) -> Accepted:
        """Take events, each with its id, JSON and lane; when this returns, they are safe."""
        if not self._known:  # movers look only at buses that they know of
            guarded(self._client, lambda: self._client.sadd(BUSES, self._bus))
            self._known = True
        return _read_accepted(
            self._run_noting("accept", *self._accept_words(events, self._call_for(events)))
        )

    def accept_at_once(
        self, events: Sequence[tuple[str, bytes, str]], seconds: float
    ) -> Accepted | None:
        """Take events as `accept` does, in so many seconds at most, whatever happens.

        Args:
            events: As those of `accept`.
            seconds: How long it may take.

        Returns:
            As `accept`; None where it cannot be done so: no connection is open, or something is wrong.
            Then `accept` is to be asked, which may find them accepted.

        Raises:
            LedgerError: When there is no answer in time: they may be accepted, or not.
        """
        if not self._known:
            return None
        command = self._accept_command(events, self._call_for(events))
        answer = guarded(self._client, lambda: self._at_once.ask(command, seconds))
        return None if answer is None else _read_accepted(answer)

    async def accept_in_loop(
        self, events: Sequence[tuple[str, bytes, str]], seconds: float
    ) -> Accepted | None:
        """Take events as `accept_at_once` does, from a coroutine; no loop is blocked."""
        if not self._known:
            return None
        command = self._accept_command(events, self._call_for(events))
        try:
            answer = await self._at_once.ask_in_loop(command, seconds)
        except redis.TimeoutError as error:
            raise ledger_error(self._client, error) from error
        return None if answer is None else _read_accepted(answer)

    def be_ready(self) -> None:
        """Have a connection open for `accept_at_once`; this may take long."""
        self._at_once.keep_one()

    def _call_for(self, events: Sequence[tuple[str, bytes, str]]) -> bytes | None:
        return self._write_call(self._bus, events) if self._write_call is not None else None

    def _accept_words(
        self, events: Sequence[tuple[str, bytes, str]], message: bytes | None
    ) -> tuple[list[str], list[Argument]]:
        keys = [self._keys.queued(ROUTE), self._keys.lanes, self._keys.counts(ROUTE)]
        if message is not None:
            keys.append(ROUTE)  # the broker's list
        arguments: list[Argument] = [self._keys.prefix, self._most, CALL_AGAIN, message or b""]
        for event in events:
            arguments += event
        return keys, arguments

    def _accept_command(
        self, events: Sequence[tuple[str, bytes, str]], message: bytes | None
    ) -> bytes:
        """Return the command of `accept` as it is sent; that of one event is filled into a form."""
        if len(events) > 1:
            words = self._noting.command("accept", *self._accept_words(events, message))
            return b"".join(_PACKER.pack(*words))
        form = self._forms.get(message is not None)
        if form is None:
            keys, arguments = self._accept_words((), message)
            changing = [None] * 4  # the message, and the three words of an event
            form = Template(self._noting.command("accept", keys, [*arguments[:-1], *changing]))
            self._forms[message is not None] = form
        return form.pack((message or b"", *events[0]))

    def move(self, targets: Sequence[Target], limit: int) -> Moved:
        """Queue again what is due, what was lost with its worker, and what may run now."""
        if not targets:
            return Moved({}, [], None)
        names: list[str] = []
        arguments: list[Argument] = [limit, self._keys.prefix, self._window]
        for target in targets:
            names += self._places(target.name)
            names += (self._keys.breaker(target.name), self._keys.tokens(target.name))
            names.append(self._keys.pause(target.name))
            arguments += (packed_limits(target), target.retry.max_age, target.name)
        nearest, *moved = self._run_noting("move", names, arguments)
        by_target: dict[str, list[str]] = {}
        for number, _kind, identity in moved:
            by_target.setdefault(targets[number - 1].name, []).append(identity.decode())
        lost = [identity.decode() for _number, kind, identity in moved if kind == b"lost"]
        return Moved(by_target, lost, float(nearest) if nearest else None)

    def stale(self, names: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Tell, for each name with anything queued, its oldest age and its lag behind claims."""
        keys = [key for name in names for key in (self._keys.queued(name), self._keys.counts(name))]
        answers = self._scripts.run("oldest", keys, [])
        return {
            name: (float(answer[0]), float(answer[1]))
            for name, answer in zip(names, answers, strict=True)
            if answer
        }

    def requeue(self, name: str, older_than: float, *, empty: bool, limit: int) -> list[str]:
        """Take what has been queued too long, to send its message again."""
        keys = [self._keys.queued(name), self._keys.counts(name)]
        kind = {ROUTE: "e", DEAD_LETTERS: ""}.get(name, "d")
        ids = self._run_noting("requeue", keys, [older_than, int(empty), limit, kind])
        return [identity.decode() for identity in ids]

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters that belong to no delivery, for the recorder."""
        arguments: list[Argument] = [
            text for letter in letters for text in (letter.id, letter.to_json())
        ]
        guarded(self._client, lambda: self._client.sadd(BUSES, self._bus))
        self._scripts.run("bury", self._letter_keys(), arguments)

    def letters(self, ids: Sequence[str], *, also: int = 0) -> list[tuple[str, bytes]]:
        """Return dead letters that are to be recorded, and so many that came just now: id, JSON."""
        answer = self._scripts.run("letters", self._letter_keys()[:2], [also, JUST_NOW, *ids])
        return [
            (identity.decode(), text)
            for identity, text in zip(answer[::2], answer[1::2], strict=True)
        ]

    def recorded(self, letters: Sequence[tuple[str, bytes]]) -> int:
        """Forget dead letters that are safely in the store; return how many were not forgotten."""
        arguments = [part for letter in letters for part in letter]
        return int(self._scripts.run("recorded", self._letter_keys(), arguments))

    def revive(self, letter: DeadLetter) -> bool:
        """Register a dead letter's delivery again; False if it is in flight or was revived."""
        keys = [
            self._keys.delivery(letter.id),
            self._keys.event_of(letter.id),
            self._keys.body_of(letter.id),
            *self._registry(letter.target),
        ]
        body = json.dumps(letter.event, ensure_ascii=False, separators=(",", ":"))
        rules = json.dumps(letter.rules)
        arguments: list[Argument] = [letter.id, letter.target, letter.redrives, body]
        arguments += (letter.event_type, rules, letter.input or "")
        return bool(self._run_noting("revive", keys, arguments))


def _read_accepted(answer: Sequence[int]) -> Accepted:
    is_call_due, *answers = answer
    return Accepted(map(_ACCEPTANCES.__getitem__, answers), is_call_due=bool(is_call_due))
