"""Where a worker on Redis notes the messages that it has in hand: apart from all other workers.

kombu keeps these notes of all workers of a server in one hash, in which each could read, take and
drop what any other has in hand. Here each set of queues has its own, so that a worker's user needs
no right to another's.
"""

import hashlib
from collections.abc import Iterable

__all__ = ["NO_QUEUES", "unacked_keys"]

NO_QUEUES = "none"
"""Stands for the queues of what reads none, such as Flower, which listens all the same."""

_LONGEST = 100  # characters; more are told apart by a digest


def unacked_keys(queues: Iterable[str]) -> dict[str, str]:
    """Return kombu's transport options for a worker of *queues*.

    Args:
        queues: What it reads; the same queues in any order have the same keys.
    """
    name = "+".join(sorted(set(queues)))
    if len(name) > _LONGEST:
        name = hashlib.sha256(name.encode()).hexdigest()[:32]
    return {
        "unacked_key": f"eventflow:unacked:{name}",
        "unacked_index_key": f"eventflow:unacked-index:{name}",
        "unacked_mutex_key": f"eventflow:unacked-mutex:{name}",
    }
