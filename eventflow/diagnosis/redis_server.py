"""Judging a Redis or Valkey: its version, what survives its restart, what it does when it is full."""

from collections.abc import Iterator

from eventflow.delivery import ServerFacts
from eventflow.diagnosis.finding import Finding

__all__ = ["OLDEST_REDIS", "judge_broker_server", "judge_ledger_server"]

OLDEST_REDIS = (6, 2)
"""What the ledger's scripts need."""

_FULL = 0.8  # of its memory
_WHERE = "redis"
_NO_EVICTION = "set maxmemory-policy noeviction, and give it memory enough"


def judge_ledger_server(facts: ServerFacts) -> Iterator[Finding]:
    """Judge the server that holds the ledger.

    Args:
        facts: What it says of itself.

    Yields:
        What is wrong.
    """
    server = f"{facts.kind} {facts.version}"
    if facts.speaks < OLDEST_REDIS:
        needed = ".".join(str(number) for number in OLDEST_REDIS)
        message = f"{server} is too old"
        yield Finding("redis-old", _WHERE, message, f"run Redis {needed} or later, or Valkey")
    if facts.is_replica:
        message = "this server is a replica, which takes no writes and may be behind"
        yield Finding("redis-replica", _WHERE, message, "name the primary in EVENTFLOW_REDIS_URL")
    if facts.is_cluster:
        message = "this server is a node of a cluster, and the ledger needs one whole server"
        advice = "use a single Redis or Valkey; with Sentinel for availability"
        yield Finding("redis-cluster", _WHERE, message, advice)
    if facts.writes_fail:
        message = f"the server failed to write its data to disk: {facts.writes_fail}"
        advice = "look into its log, and for a full disk; until then it may refuse all writes"
        yield Finding("redis-write-failed", _WHERE, message, advice)
    yield from _judge_persistence(facts)
    yield from _judge_memory(facts)


def judge_broker_server(facts: ServerFacts) -> Iterator[Finding]:
    """Judge a broker that is another Redis than the ledger's; what it loses, the ledger finds.

    Args:
        facts: What it says of itself.

    Yields:
        What is wrong.
    """
    if facts.policy != "noeviction" and facts.most:
        message = (
            f"the broker may throw queues away when it reaches its {_size(facts.most)} of memory "
            f"(maxmemory-policy is {facts.policy})"
        )
        yield Finding("broker-evicts", "broker", message, _NO_EVICTION)


def _judge_persistence(facts: ServerFacts) -> Iterator[Finding]:
    append = "set appendonly yes (and appendfsync everysec or always)"
    if facts.fsync is None or facts.snapshots is None:
        message = "the server does not tell its CONFIG, so a part of its persistence is not known"
        advice = "see where it is hosted that data survives a restart"
        yield Finding("redis-config-hidden", _WHERE, message, advice)
    if not facts.appends:
        if facts.snapshots == "":
            message = (
                "the server keeps nothing on disk (appendonly is no, save is empty): a restart "
                "loses every event and delivery in flight"
            )
            yield Finding("redis-not-persistent", _WHERE, message, append)
        else:
            often = f" (save is {facts.snapshots!r})" if facts.snapshots else ""
            message = f"the server keeps only snapshots{often}: a crash loses all that came since the last"
            yield Finding("redis-snapshots-only", _WHERE, message, append)
    elif facts.fsync == "no":
        message = (
            "appendfsync is no: a power failure loses what the system had not written, 30 seconds "
            "of it and more"
        )
        yield Finding("redis-not-synced", _WHERE, message, "set appendfsync everysec, or always")


def _judge_memory(facts: ServerFacts) -> Iterator[Finding]:
    if facts.policy != "noeviction":
        limit = (
            f"its limit of {_size(facts.most)}" if facts.most else "a limit, which it has not yet"
        )
        message = (
            f"maxmemory-policy is {facts.policy}: when memory reaches {limit}, deliveries, or the "
            "memory of what was delivered, are thrown away"
        )
        yield Finding("redis-evicts", _WHERE, message, _NO_EVICTION)
    most, whose = (facts.most, "maxmemory") if facts.most else (facts.machine, "the machine")
    if most and facts.used >= _FULL * most:
        share = f"{facts.used / most:.0%} of {whose} ({_size(facts.used)} of {_size(most)})"
        message = f"{share} is in use; when it is full, publishing and delivering stop"
        advice = "find what waits (`eventflow doctor` and `eventflow retries list`), or add memory"
        yield Finding("redis-memory", _WHERE, message, advice)


def _size(number: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1024:  # noqa: PLR2004 - the unit's own size
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
