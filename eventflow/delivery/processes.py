"""What runs: each process's report of itself, kept in Redis for as long as the process lives.

    eventflow:processes            zset    process's identity -> when it was last seen
    eventflow:process:<identity>   string  its report as JSON, which expires

A process that stops in order takes its report away. That of one that is killed expires, and its
identity stays in the set for an hour, so that someone may ask what has become of it.
"""

import time
from dataclasses import dataclass
from typing import Any

import redis
from pydantic import BaseModel, ConfigDict, ValidationError

from eventflow.delivery.keys import PROCESSES, process_key
from eventflow.delivery.scripts import guarded

__all__ = ["ProcessBook", "ProcessReport", "Roster"]

_REMEMBERED = 3600.0  # seconds


class ProcessReport(BaseModel):
    """What a process says of itself. Fields of another version are passed over.

    Attributes:
        identity: Its name and a random part: two processes of one name are two.
        name: Celery's node name, such as `device-vendor@host`.
        host: The machine's name.
        pid: The process's id there.
        queues: The queues that it reads, sorted.
        started_at: When it began, seconds since the epoch by its own clock.
        seen_at: When it reported last, by the ledger's clock.
        clock_offset: Seconds that its clock is ahead of the ledger's; negative when behind.
        versions: Of eventflow, Python and the libraries whose versions should agree.
        broker: Its broker's address, without password.
        rules: The fingerprint of its rules; empty where it has none.
        rule_faults: Faults in its rule files as they are now.
        named_targets: The targets that its enabled rules name, sorted.
        subscribers: The targets that its subscribers are bound to, sorted.
        unable: Targets whose queue it reads, and for which it has neither a subscriber nor a task.
        answers_canaries: Whether it knows what a canary is; a process of an older version does not.
        other_tasks: How many tasks that are not eventflow's it has taken so far.
        other_tasks_running: How many of these run.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    identity: str
    name: str
    host: str = ""
    pid: int = 0
    queues: tuple[str, ...] = ()
    started_at: float = 0.0
    seen_at: float = 0.0
    clock_offset: float = 0.0
    versions: dict[str, str] = {}
    broker: str = ""
    rules: str = ""
    rule_faults: int = 0
    named_targets: tuple[str, ...] = ()
    subscribers: tuple[str, ...] = ()
    unable: tuple[str, ...] = ()
    answers_canaries: bool = False
    other_tasks: int = 0
    other_tasks_running: int = 0


@dataclass(frozen=True, slots=True)
class Roster:
    """Which processes there are.

    Attributes:
        alive: Those whose report has not expired, by name.
        vanished: Identities of those that ended without a word in the last hour, and how many
            seconds ago each was last seen.
    """

    alive: tuple[ProcessReport, ...]
    vanished: dict[str, float]


class ProcessBook:
    """The processes' reports on one server. Safe in threads and after a fork.

    Every method raises LedgerError when the server cannot be reached.

    Args:
        client: From `connect_redis`.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client  # redis-py types each answer as "now or awaitable"

    def clock(self) -> tuple[float, float]:
        """Return the server's time, and by how many seconds this process's clock is ahead of it."""
        before = time.time()
        seconds, micros = guarded(self._client, self._client.time)
        now = float(seconds) + float(micros) / 1e6
        return now, (before + time.time()) / 2 - now

    def report(self, report: ProcessReport, lifetime: float) -> None:
        """Write a process's report.

        Args:
            report: The report.
            lifetime: Seconds after which it expires unless it is written again.
        """
        pipeline = self._client.pipeline(transaction=False)
        key = process_key(report.identity)
        pipeline.set(key, report.model_dump_json(), px=max(1, round(lifetime * 1000)))
        pipeline.zadd(PROCESSES, {report.identity: report.seen_at})
        pipeline.zremrangebyscore(PROCESSES, "-inf", report.seen_at - _REMEMBERED)
        guarded(self._client, pipeline.execute)

    def remove(self, identity: str) -> None:
        """Take a report away: its process stops in order, and so its name is nobody's to miss."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.delete(process_key(identity)).zrem(PROCESSES, identity)
        guarded(self._client, pipeline.execute)
        # Second, and apart: a user with few rights may not read what others have reported.
        lost = [other for other in self.roster().vanished if _name_of(other) == _name_of(identity)]
        if lost:
            guarded(self._client, lambda: self._client.zrem(PROCESSES, *lost))

    def roster(self) -> Roster:
        """Return which processes there are."""
        entries = guarded(
            self._client, lambda: self._client.zrange(PROCESSES, 0, -1, withscores=True)
        )
        seen = {identity.decode(): float(at) for identity, at in entries}
        if not seen:
            return Roster((), {})
        now, _ = self.clock()
        keys = [process_key(identity) for identity in seen]
        texts = guarded(self._client, lambda: self._client.mget(keys))
        reports = [_read(text) for text in texts]
        alive = sorted((one for one in reports if one), key=lambda one: one.identity)
        vanished = {
            identity: now - at
            for (identity, at), text in zip(seen.items(), texts, strict=True)
            if text is None and now - at < _REMEMBERED
        }
        return Roster(tuple(alive), vanished)


def _name_of(identity: str) -> str:
    return identity.rpartition(":")[0]


def _read(text: bytes | None) -> ProcessReport | None:
    if text is None:
        return None
    try:
        return ProcessReport.model_validate_json(text)
    except ValidationError:  # of a version that is not ours
        return None
