"""Whether kombu's Redis transport is, to the letter, the one that the quick channel was written for.

The quick channel (redis_quick.py) stands in for parts of kombu that are nobody's interface. A name
that is still there may mean something else in the next version, so what is compared is the source of
each part. Where one differs, messages go kombu's own way: that is right in every version, and only
slower, whereas a worker that refused to start over a patch release would be an outage.
"""

import hashlib
import inspect
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from typing import Any

from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

__all__ = ["find_changes"]

_LENGTH = 16  # characters of a digest

# After a new version of kombu was read, and its difference is none to the quick channel:
# python -c "from eventflow.transport.kombu_check import digests; print(dict(digests()))"
_KNOWN = {
    "Channel._after_fork": "42364ec5b4b12937",
    "Channel._brpop_read": "c42518699709f2df",
    "Channel._create_client": "dae92bc4075dafb9",
    "Channel._disconnect_pools": "db50da048a22b16d",
    "Channel._do_restore_message": "8b430df94e45b5b0",
    "Channel.conn_or_acquire": "25883caca6c4121e",
    "Channel.pool": "5a99b1533403c64d",
    "QoS.ack": "1bc15a4ddf541af6",
    "QoS.append": "35c655f6ecc62fe6",
    "QoS.reject": "747a02434344d1a6",
    "QoS.restore_by_tag": "58e161d81b6fe18d",
    "QoS.restore_unacked": "8954efef014d546e",
    "virtual.Channel.basic_consume": "0fec962694938b61",
    "virtual.Message.__init__": "c90d08ccfa2e3e9a",
    "virtual.QoS.ack": "0714292b916fecb2",
    "virtual.QoS.append": "b388f0cd6485c28a",
}
_OWNERS: dict[str, type] = {
    "Channel": kombu_redis.Channel,
    "QoS": kombu_redis.QoS,
    "virtual.Channel": virtual.Channel,
    "virtual.Message": virtual.Message,
    "virtual.QoS": virtual.QoS,
}


@cache
def find_changes() -> str | None:
    """Return what is not as it was in the kombu that the quick channel knows, None when all is."""
    changed = sorted(name for name, digest in digests() if digest != _KNOWN[name])
    if not changed:
        return None
    return f"kombu {version('kombu')} has another {', '.join(changed)}"


def digests() -> Iterator[tuple[str, str]]:
    """Yield the name of each part and the digest of its source; empty where it has none."""
    for name in _KNOWN:
        owner, _, part = name.rpartition(".")
        yield name, _digest_of(vars(_OWNERS[owner]).get(part))


def _digest_of(part: Any) -> str:
    function: Any = part.fget if isinstance(part, property) else part
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):  # it is not there, or came without its source
        return ""
    return hashlib.sha256(source.encode()).hexdigest()[:_LENGTH]
