"""What is said of a Redis or Valkey, by what it says of itself."""

from dataclasses import replace

import pytest

from eventflow.delivery import ServerFacts
from eventflow.diagnosis.redis_server import judge_broker_server, judge_ledger_server

GOOD = ServerFacts(
    kind="Valkey",
    version="9.1.2",
    speaks=(7, 2, 4),
    fsync="everysec",
    snapshots="",
    used=10 * 1024**2,
    most=100 * 1024**2,
    machine=8 * 1024**3,
)


def codes(**changes: object) -> list[str]:
    """Return the codes of what is said when a good server differs so."""
    return [finding.code for finding in judge_ledger_server(replace(GOOD, **changes))]  # type: ignore[arg-type]


def said(**changes: object) -> str:
    """Return the one thing that is said when a good server differs so."""
    [finding] = judge_ledger_server(replace(GOOD, **changes))  # type: ignore[arg-type]
    return str(finding)


def test_nothing_is_said_of_a_good_server():
    """Append-only, without eviction, with room: that is what the ledger needs."""
    assert codes() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"speaks": (6, 0, 16)}, ["redis-old"], id="before 6.2"),
        pytest.param({"speaks": (6, 2, 0)}, [], id="6.2 is the first that does"),
        pytest.param({"speaks": (10, 0)}, [], id="versions are numbers"),
        pytest.param({"is_replica": True}, ["redis-replica"], id="replica"),
        pytest.param({"is_cluster": True}, ["redis-cluster"], id="cluster"),
        pytest.param({"writes_fail": "the last snapshot: err"}, ["redis-write-failed"], id="disk"),
        pytest.param({"appends": False}, ["redis-not-persistent"], id="nothing on disk"),
        pytest.param(
            {"appends": False, "snapshots": "3600 1"}, ["redis-snapshots-only"], id="snapshots"
        ),
        pytest.param({"snapshots": "3600 1"}, [], id="both"),
        pytest.param({"fsync": "no"}, ["redis-not-synced"], id="never synced"),
        pytest.param({"fsync": "always"}, [], id="always synced"),
        pytest.param(
            {"fsync": None, "snapshots": None}, ["redis-config-hidden"], id="hosted, and appends"
        ),
        pytest.param(
            {"fsync": None, "snapshots": None, "appends": False},
            ["redis-config-hidden", "redis-snapshots-only"],
            id="hosted, and does not",
        ),
        pytest.param({"policy": "volatile-lru"}, ["redis-evicts"], id="evicts what expires"),
        pytest.param({"policy": "allkeys-lru", "most": 0}, ["redis-evicts"], id="no limit yet"),
        pytest.param({"used": 80 * 1024**2}, ["redis-memory"], id="four fifths of its memory"),
        pytest.param({"used": 79 * 1024**2}, [], id="less"),
        pytest.param({"used": 7 * 1024**3, "most": 0}, ["redis-memory"], id="of the machine's"),
        pytest.param({"used": 7 * 1024**3, "most": 0, "machine": 0}, [], id="not told"),
    ],
)
def test_what_is_wrong_has_its_code(changes, expected):
    """Each fault alone has its own code."""
    assert codes(**changes) == expected


def test_a_finding_says_numbers_and_what_to_do():
    """The line has the part, the severity, the code, the numbers, and the remedy."""
    assert said(used=90 * 1024**2) == (
        "redis: warning redis-memory: 90% of maxmemory (90 MiB of 100 MiB) is in use; when it is "
        "full, publishing and delivering stop: find what waits (`eventflow doctor` and `eventflow "
        "retries list`), or add memory"
    )
    assert "set maxmemory-policy noeviction" in said(policy="allkeys-lru")
    assert "its limit of 100 MiB" in said(policy="allkeys-lru")
    assert "set appendonly yes" in said(appends=False)
    assert "run Redis 6.2 or later" in said(speaks=(5, 0), kind="Redis", version="5.0.14")


def test_a_broker_need_only_keep_its_queues():
    """What a broker's crash loses, the ledger sends again; what it evicts would be lost for long."""
    careless = replace(GOOD, appends=False, snapshots="", fsync="no")
    assert list(judge_broker_server(careless)) == []
    evicting = replace(careless, policy="allkeys-lru")
    assert [finding.code for finding in judge_broker_server(evicting)] == ["broker-evicts"]
