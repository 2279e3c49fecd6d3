"""What is known of each queue's canary: a message that does nothing but show that it was taken.

eventflow:canaries          set    the queues that ever had one
eventflow:canary:<queue>    hash   sent, answered: when the last was; since: when the first was sent
                                   that is not answered; readers: who read the queue then;
                                   progress, moved: what had gone on there, and since when it has
                                   not; stuck: since when nobody is believed to read it
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from eventflow.delivery.keys import CANARIES, canary_key
from eventflow.delivery.scripts import Scripts, guarded

__all__ = ["CanaryBook", "CanaryStatus"]


@dataclass(frozen=True, slots=True)
class CanaryStatus:
    """A queue's canary. All times are seconds since the epoch by the ledger's clock, 0 for never.

    Attributes:
        queue: The queue.
        sent: When the last one was sent.
        answered: When one was taken from the queue last.
        since: When the first was sent that is not answered; 0 when none is on its way.
        readers: The identities of the processes that read the queue then.
        progress: What had gone on there at the last look; it changes with every claim.
        moved: When that changed last.
        stuck: Since when nobody is believed to take anything from it; 0 when all is well.
    """

    queue: str
    sent: float = 0.0
    answered: float = 0.0
    since: float = 0.0
    readers: tuple[str, ...] = ()
    progress: str = ""
    moved: float = 0.0
    stuck: float = 0.0

    @property
    def waiting_since(self) -> float:
        """Since when nothing has been seen to happen there; 0 when no canary is on its way."""
        return max(self.since, self.moved) if self.since else 0.0


class CanaryBook:
    """The queues' canaries. Every method raises LedgerError when the server cannot be reached.

    Args:
        client: From `connect_redis`.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client  # redis-py types each answer as "now or awaitable"
        self._scripts = Scripts(client)

    def answer(self, queue: str) -> None:
        """Note that a canary was taken from a queue."""
        self._scripts.run("answer_canary", [canary_key(queue)], [])

    def read(self) -> dict[str, CanaryStatus]:
        """Return what is known of each queue that ever had a canary."""
        names = guarded(self._client, lambda: self._client.smembers(CANARIES))
        queues = sorted(name.decode() for name in names)
        pipeline = self._client.pipeline(transaction=False)
        for queue in queues:
            pipeline.hgetall(canary_key(queue))
        answers = guarded(self._client, pipeline.execute)
        return {queue: _read(queue, kept) for queue, kept in zip(queues, answers, strict=True)}

    def sent(self, queue: str, now: float, readers: Sequence[str]) -> None:
        """Note that a canary is sent, before it is: then its answer cannot come first.

        Args:
            queue: Where to.
            now: The ledger's time.
            readers: The identities of the processes that read the queue.
        """
        key = canary_key(queue)
        pipeline = self._client.pipeline(transaction=False)
        pipeline.sadd(CANARIES, queue)
        pipeline.hset(key, mapping={"sent": now, "readers": json.dumps(list(readers))})
        pipeline.hsetnx(key, "since", now)
        guarded(self._client, pipeline.execute)

    def moved(self, queue: str, now: float, progress: str) -> None:
        """Note what has gone on at a queue."""
        facts = {"progress": progress, "moved": now}
        guarded(self._client, lambda: self._client.hset(canary_key(queue), mapping=facts))

    def stuck(self, queue: str, now: float | None) -> None:
        """Note since when nobody is believed to read a queue; None when somebody does."""
        key = canary_key(queue)
        if now is None:
            guarded(self._client, lambda: self._client.hdel(key, "stuck"))
        else:
            guarded(self._client, lambda: self._client.hset(key, "stuck", now))

    def forget(self, queue: str) -> None:
        """Know nothing more of a queue that nobody reads any more."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.delete(canary_key(queue)).srem(CANARIES, queue)
        guarded(self._client, pipeline.execute)


def _read(queue: str, kept: dict[bytes, bytes]) -> CanaryStatus:
    def number(name: bytes) -> float:
        return float(kept.get(name, 0))

    return CanaryStatus(
        queue,
        sent=number(b"sent"),
        answered=number(b"answered"),
        since=number(b"since"),
        readers=tuple(json.loads(kept.get(b"readers", b"[]"))),
        progress=kept.get(b"progress", b"").decode(),
        moved=number(b"moved"),
        stuck=number(b"stuck"),
    )
