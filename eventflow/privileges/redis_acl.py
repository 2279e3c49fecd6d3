"""A user's rules for Redis 7 or Valkey (`ACL SETUSER`), as narrow as they can express it.

A script is allowed by the keys that it is called with, and each command in it by itself. So calling
scripts is granted over all keys that eventflow's scripts name, and commands over far fewer: a stolen
password that runs a script of its own can do no more in it than outside of it. What is granted
beside the first group stands in selectors, each of which holds commands and keys together.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from eventflow.delivery.keys import (
    BUSES,
    DEAD_LETTERS,
    JOURNAL,
    PROCESSES,
    ROUTE,
    Keys,
    canary_key,
    process_key,
)
from eventflow.privileges.duty import Duty, Role
from eventflow.rules import ARCHIVE
from eventflow.transport.unacked import NO_QUEUES, unacked_keys

__all__ = ["Grant", "acl_of"]

_ANY_REPORT = process_key("*")
_SESSION = (
    *("auth", "hello", "ping", "select", "client|setname", "client|id", "time"),
    *("multi", "exec", "discard", "watch", "unwatch", "eval", "evalsha", "script|load"),
    "script|exists",
)
_LEDGER = (
    *("get", "set", "del", "exists", "expire", "persist"),
    *("hget", "hmget", "hgetall", "hset", "hsetnx", "hincrby", "hdel", "hexists", "hlen"),
    *("zadd", "zrem", "zscore", "zcard", "zrange", "zrangebyscore", "zremrangebyscore"),
    *("sadd", "srem", "smembers", "lpush", "rpush", "lpop", "llen", "lrange"),
)
_JOURNAL = ("xadd", "xlen", "xrange", "xdel")
_QUEUE = ("lpush", "rpush", "brpop", "llen")
_EXCHANGES = ("celery.pidbox", "reply.celery.pidbox", "celeryev")


@dataclass(frozen=True, slots=True)
class Grant:
    """Commands, and the keys and channels that they may be used on.

    Attributes:
        commands: Redis commands, `command|subcommand` for one alone.
        keys: Patterns of keys.
        access: What may be done with the keys: `RW`, `R` or `W`.
        channels: Patterns of channels.
    """

    commands: tuple[str, ...]
    keys: tuple[str, ...] = ()
    access: str = "RW"
    channels: tuple[str, ...] = ()

    def __str__(self) -> str:
        mark = "~" if self.access == "RW" else f"%{self.access}~"
        parts = [f"+{command}" for command in self.commands]
        parts += [f"{mark}{key}" for key in dict.fromkeys(self.keys)]
        return " ".join([*parts, *(f"&{channel}" for channel in self.channels)])


def acl_of(duty: Duty, *, has_broker: bool = True) -> list[str]:
    """Return the rules of a user, as `ACL SETUSER` takes them; its passwords stay as they are.

    Args:
        duty: What its processes do.
        has_broker: Whether the server is the broker, and not the ledger alone.

    Returns:
        Words and selectors (in parentheses), each an argument of its own.
    """
    grants = list(_ledger_grants(duty))
    channels: tuple[str, ...] = ()
    if has_broker:
        grants += _broker_grants(duty)
        channels = _subscriptions(duty)
    first = Grant(
        (
            *_SESSION,
            *(("client|reply",) if duty.is_celery_worker else ()),  # for outcomes that are told
            *(("psubscribe", "punsubscribe", "unsubscribe") if channels else ()),
        ),
        _script_keys(duty, has_broker=has_broker),
        channels=channels,
    )
    words = ["on", "resetkeys", "resetchannels", "clearselectors", "-@all", *str(first).split()]
    return [*words, *(f"({grant})" for grant in grants)]


def _script_keys(duty: Duty, *, has_broker: bool) -> tuple[str, ...]:
    """Return the keys that eventflow's and kombu's scripts are called with."""
    if duty.role is Role.MONITOR:
        return (*unacked_keys((NO_QUEUES,)).values(), *_bindings()) if has_broker else ()
    names = list(_called(duty)) if has_broker else []
    publishes = duty.role is Role.PUBLISHER or duty.publishes
    for keys in _keys(duty):
        events = (keys.event("*"), keys.body("*"))
        if publishes:
            names += (keys.queued(ROUTE), keys.lanes, keys.counts(ROUTE))
        names += (keys.journal, keys.counts(JOURNAL))
        if duty.role is Role.PUBLISHER:
            continue
        if duty.role in {Role.WORKER, Role.RECORDER}:
            names += (*_of_targets(keys, duty), *_pauses(keys, duty), *events)
            names += (keys.dead_letters, keys.queued(DEAD_LETTERS), keys.counts(DEAD_LETTERS))
        else:
            names.append("eventflow:*")
        if duty.role is Role.RECORDER:
            names += _of_letters(keys)
    if duty.is_celery_worker:
        names += map(canary_key, duty.reads)
    if has_broker and duty.is_celery_worker:
        names += (*unacked_keys(duty.reads).values(), *_bindings())
    return tuple(names)


def _called(duty: Duty) -> tuple[str, ...]:
    """Return the broker's lists on which scripts put a message, in one step with what it is for."""
    if duty.role is Role.ROUTER:
        return (*((ROUTE,) if duty.publishes else ()), *duty.target_queues)
    accepts = duty.role in {Role.PUBLISHER, Role.OPERATOR} or duty.publishes
    return (ROUTE,) if accepts else ()


def _ledger_grants(duty: Duty) -> Iterator[Grant]:
    if duty.role is Role.MONITOR:
        return
    if duty.role in {Role.ROUTER, Role.OPERATOR}:
        yield from _grants_of_all(duty)
        return
    for keys in _keys(duty):
        if duty.role is Role.PUBLISHER or duty.publishes:
            yield Grant(("hget", "hset"), (keys.event("*"),))
            yield Grant(("set",), (keys.body("*"),), "W")
            yield Grant(("zadd", "zcard"), (keys.queued(ROUTE),), "W")
            yield Grant(("rpush",), (keys.lanes, keys.lane("*")), "W")
            yield Grant(("hget", "hincrby", "hset", "hlen"), (keys.counts(ROUTE),))
        # Whoever does a step writes it down.
        yield Grant(("xadd", "xlen"), (keys.journal,), "W")
        yield Grant(("hincrby",), (keys.counts(JOURNAL),))
        if duty.role in {Role.WORKER, Role.RECORDER}:
            yield Grant(_LEDGER, _of_targets(keys, duty))
            yield Grant(("hmget",), _pauses(keys, duty), "R")
            # Those of the version before, which may still run: get and exists.
            yield Grant(("get", "mget", "del"), (keys.body("*"),))
            yield Grant(("exists", "hincrby", "hlen", "expire"), (keys.event("*"),))
            yield Grant(("hset", "zadd"), (keys.dead_letters, keys.queued(DEAD_LETTERS)), "W")
            yield Grant(("hincrby",), (keys.counts(DEAD_LETTERS),))
        if duty.role is Role.RECORDER:
            yield Grant((*_LEDGER, *_JOURNAL), _of_letters(keys))
        if duty.is_celery_worker:
            yield Grant(("hgetall",), (keys.targets,), "R")
    if duty.role is Role.PUBLISHER:
        yield Grant(("sadd",), (BUSES,), "W")
        return
    yield Grant(("sadd", "smembers"), (BUSES,))
    yield Grant(("hset", "hdel"), tuple(map(canary_key, duty.reads)), "W")
    yield Grant(("set", "del", "zadd", "zrem", "zremrangebyscore"), (_ANY_REPORT, PROCESSES), "W")


def _grants_of_all(duty: Duty) -> Iterator[Grant]:
    """Return what those may who work on all that the ledger holds."""
    yield Grant((*_LEDGER, *_JOURNAL), ("eventflow:*",))
    yield Grant(("mget",), (_ANY_REPORT,), "R")
    if (
        duty.role is Role.ROUTER
    ):  # it reads many bodies at once; its reconciler looks for what is nowhere
        yield Grant(("mget", "scan", "zscan", "hscan"), ("eventflow:*",), "R")
    else:  # for `eventflow doctor`
        yield Grant(("info", "config|get"))


def _broker_grants(duty: Duty) -> Iterator[Grant]:
    if duty.reads:
        yield Grant(_QUEUE, duty.reads)
        yield Grant(_LEDGER, tuple(unacked_keys(duty.reads).values()))
    if others := tuple(queue for queue in duty.writes if queue not in duty.reads):
        yield Grant(("lpush", "llen"), others, "W")
    if duty.role is Role.MONITOR:
        yield Grant(_LEDGER, tuple(unacked_keys((NO_QUEUES,)).values()))
        yield Grant(("llen",), ("*",), "W")  # lengths; nothing can be written or read by that alone
        yield Grant((*_QUEUE, "del", "exists", "pexpire"), ("*.reply.celery.pidbox", "celeryev.*"))
        yield Grant(("publish",), channels=(_channel(duty, "celery.pidbox"),))
    if duty.is_celery_worker:
        yield Grant(("lpush", "llen", "del", "exists", "pexpire"), ("*.celery.pidbox",), "W")
        yield Grant(("publish",), channels=(_channel(duty, "celeryev/*"),))
    if duty.is_celery_worker or duty.role is Role.MONITOR:
        commands = ("sadd", "srem", "smembers", "zadd", "zrem", "zrangebyscore", "exists", "del")
        yield Grant(commands, _bindings())


def _subscriptions(duty: Duty) -> tuple[str, ...]:
    """Return what is listened to: workers to questions, Flower to what workers tell."""
    if duty.role is Role.MONITOR:
        return (_channel(duty, "celeryev/*"),)
    return (_channel(duty, "celery.pidbox"),) if duty.is_celery_worker else ()


def _channel(duty: Duty, name: str) -> str:
    return f"/{duty.database}.{name}"


def _bindings() -> tuple[str, ...]:
    """Return kombu's tables of who listens to what, of Celery's own exchanges alone."""
    names = ("_kombu.binding", "_kombu.binding_permanent")
    tables = (f"{name}.{exchange}" for exchange in _EXCHANGES for name in names)
    return (*tables, "_kombu.binding_deadlines")


def _keys(duty: Duty) -> list[Keys]:
    return [Keys(bus) for bus in duty.buses]


def _targets(duty: Duty) -> tuple[str, ...]:
    """Return the targets whose deliveries they make; a recorder makes the archives'."""
    return (ARCHIVE,) if duty.role is Role.RECORDER else tuple(name for name, _ in duty.targets)


def _of_targets(keys: Keys, duty: Duty) -> tuple[str, ...]:
    return tuple(
        key
        for target in _targets(duty)
        for key in (
            keys.delivery(f"*:{target}"),
            keys.queued(target),
            keys.running(target),
            keys.told(target, "*"),
            keys.waiting(target),
            keys.parked(target),
            keys.breaker(target),
            keys.tokens(target),
            keys.counts(target),
        )
    )


def _pauses(keys: Keys, duty: Duty) -> tuple[str, ...]:
    return tuple(keys.pause(target) for target in _targets(duty))


def _of_letters(keys: Keys) -> tuple[str, ...]:
    queued, counts = keys.queued(DEAD_LETTERS), keys.counts(DEAD_LETTERS)
    journal = (keys.journal, keys.counts(JOURNAL))
    return (keys.dead_letters, queued, counts, keys.alarms, *journal)
