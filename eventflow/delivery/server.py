"""What a Redis or Valkey server says of itself; asked by `eventflow doctor`, changed by nothing."""

import re
from dataclasses import dataclass
from typing import Any

import redis

from eventflow.delivery.scripts import guarded
from eventflow.errors import LedgerError

__all__ = ["ServerFacts", "read_server"]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server's version, persistence and memory.

    Attributes:
        kind: `Redis` or `Valkey`.
        version: Its own version.
        speaks: The version of Redis that it is compatible with, as numbers.
        is_replica: Whether it only follows another.
        is_cluster: Whether it is a node of a cluster.
        appends: Whether it writes each change to its append-only file.
        fsync: When that file reaches the disk: `always`, `everysec`, `no`; None when it does not
            tell.
        snapshots: When it writes all its data (`save`); None when it does not tell.
        policy: What it throws away when its memory is full.
        used: Bytes of memory in use.
        most: Bytes that it may use; 0 for any number.
        machine: Bytes of memory that its machine has; 0 when it does not tell.
        writes_fail: What went wrong when it last wrote to its disk; empty when nothing did.
    """

    kind: str
    version: str
    speaks: tuple[int, ...]
    is_replica: bool = False
    is_cluster: bool = False
    appends: bool = True
    fsync: str | None = None
    snapshots: str | None = None
    policy: str = "noeviction"
    used: int = 0
    most: int = 0
    machine: int = 0
    writes_fail: str = ""


def read_server(client: redis.Redis) -> ServerFacts:
    """Ask a server for its facts.

    Args:
        client: From `connect_redis`.

    Raises:
        LedgerError: When it cannot be reached, or this user may not ask.
    """
    told: dict[str, Any] = guarded(client, client.info)
    is_valkey = told.get("server_name") == "valkey"
    spoken = str(told.get("redis_version", "0"))
    failing = [
        f"{what} {told[name]}"
        for what, name in (
            ("the append-only file:", "aof_last_write_status"),
            ("the last snapshot:", "rdb_last_bgsave_status"),
        )
        if told.get(name, "ok") != "ok"
    ]
    return ServerFacts(
        kind="Valkey" if is_valkey else "Redis",
        version=str(told.get("valkey_version", spoken)),
        speaks=tuple(int(part) for part in re.findall(r"\d+", spoken)[:3]),
        is_replica=told.get("role") == "slave",
        is_cluster=bool(told.get("cluster_enabled", 0)),
        appends=bool(told.get("aof_enabled", 0)),
        fsync=_setting(client, "appendfsync"),
        snapshots=_setting(client, "save"),
        policy=str(told.get("maxmemory_policy", "noeviction")),
        used=int(told.get("used_memory", 0)),
        most=int(told.get("maxmemory", 0)),
        machine=int(told.get("total_system_memory", 0)),
        writes_fail=", ".join(failing),
    )


def _setting(client: Any, name: str) -> str | None:
    """Return one setting; None where the server or this user's rights keep it (as hosted ones do)."""
    try:
        found = guarded(client, lambda: client.config_get(name))
    except LedgerError as error:
        if isinstance(error.__cause__, redis.ResponseError):
            return None
        raise
    return str(found[name]) if name in found else None
