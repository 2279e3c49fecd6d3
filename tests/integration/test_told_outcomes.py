"""Outcomes of a list on their way to a real Valkey: what is there meanwhile, and what goes wrong."""

from uuid import uuid4

import pytest
import redis

from eventflow.delivery import Finish, Outcome, RedisLedger, connect_redis
from eventflow.errors import LedgerError
from eventflow.settings import Settings
from tests.contracts.calls import WaitUntil, attempts, done, ids_of, take
from tests.contracts.ledger import TARGET, VENDOR
from tests.contracts.limits import registered
from tests.faults.proxy import Mode, proxied

TOLD = f"eventflow:{{default}}:told:{TARGET}:one"


@pytest.fixture
def name() -> str:
    """What this test's connections are called."""
    return f"teller-{uuid4().hex}"


@pytest.fixture
def ledger(client: redis.Redis) -> RedisLedger:
    """An empty ledger."""
    return RedisLedger(client)


@pytest.fixture
def teller(ledger: RedisLedger, server_settings: Settings, name: str) -> RedisLedger:
    """The same ledger, on connections that can be told from others."""
    # A server that has never run the script is asked again, on another connection.
    ledger.finish(VENDOR, [done(f"nobody:{TARGET}")])
    url = f"{server_settings.ledger_url}&client_name={name}"
    return RedisLedger(connect_redis(url, timeout=5.0))


def connections(client: redis.Redis, name: str) -> list[str]:
    """Return the numbers of the connections that are called so."""
    return [str(one["id"]) for one in client.client_list() if one["name"] == name]


def cut(client: redis.Redis, name: str) -> None:
    """Close them from the server's side."""
    for number in connections(client, name):
        client.client_kill_filter(_id=number)


def delivered(ledger: RedisLedger) -> int:
    """Return how many successes are recorded."""
    return ledger.status([TARGET])[TARGET].delivered


def test_notes_are_there_until_all_is_recorded(
    ledger: RedisLedger, client: redis.Redis, wait_until: WaitUntil
) -> None:
    """What is told lies with its owner, with an end of its own; then nothing of it is left."""
    ids = registered(ledger, 3)
    take(ledger)
    with ledger.outcomes(VENDOR, owner="one") as outcomes:
        outcomes.tell(done(ids[0]), ids[1])
        outcomes.tell(done(ids[1]), ids[2])
        wait_until(lambda: client.llen(TOLD) == 8)
        assert 86_000 < client.ttl(TOLD) <= 86_400
        assert [True] * 3 == outcomes.settle(done(ids[2])).recorded
        assert not client.exists(TOLD)
    assert 3 == delivered(ledger)


def test_notes_outlive_a_window_of_zero(client: redis.Redis, wait_until: WaitUntil) -> None:
    """That an event is forgotten at once is no reason to forget that it was delivered."""
    ledger = RedisLedger(client, window=0)
    ids = registered(ledger, 2)
    take(ledger)
    with ledger.outcomes(VENDOR, owner="one") as outcomes:
        outcomes.tell(done(ids[0]), ids[1])
        wait_until(lambda: client.ttl(TOLD) > 0)
        assert [ids[1]] == ledger.lost(TARGET, owner="one", delay=60, error="killed")
    assert 1 == delivered(ledger)


def test_many_lists_go_over_one_connection(
    teller: RedisLedger, client: redis.Redis, name: str
) -> None:
    """Answers belong to their questions, whatever is told in between."""
    for number in range(3):
        ids = registered(teller, 3, f"list-{number}-")
        take(teller)
        with teller.outcomes(VENDOR, owner="one") as outcomes:
            outcomes.tell(done(ids[0]), ids[1])
            failed = Finish(ids[1], 1, Outcome.RETRY, delay=60, error_type="E", error="no")
            assert [True, True] == outcomes.settle(failed, ids[2]).recorded
            outcomes.tell(done(ids[2]), "")
            assert [True] == outcomes.settle().recorded
        assert 2 * (number + 1) == delivered(teller)
    assert 1 == len(connections(client, name))


@pytest.mark.parametrize("settles", [True, False])
def test_a_cut_connection_loses_nothing(
    teller: RedisLedger, client: redis.Redis, name: str, wait_until: WaitUntil, *, settles: bool
) -> None:
    """All is said again, or, where its owner ends, was noted before."""
    ids = registered(teller, 3)
    take(teller)
    with teller.outcomes(VENDOR, owner="one") as outcomes:
        outcomes.tell(done(ids[0]), ids[1])
        wait_until(lambda: client.exists(TOLD) == 1)
        cut(client, name)
        if settles:
            assert [True, True] == outcomes.settle(done(ids[1]), ids[2]).recorded
            assert not client.exists(TOLD)
    if not settles:
        assert ids[1:2] == teller.lost(TARGET, owner="one", delay=60, error="killed")
    assert [-1, -1, 1] == attempts(teller, ids) if settles else [-1, 1, 0] == attempts(teller, ids)


def test_who_is_torn_out_of_its_list_has_said_it(
    teller: RedisLedger, client: redis.Redis, wait_until: WaitUntil
) -> None:
    """What was told is recorded, and what comes next reads the answers to its own questions."""
    first, *ids = registered(teller, 4)
    take(teller)
    teller.finish(VENDOR, [done(first)])  # so the server knows the script

    def be_torn() -> None:
        with teller.outcomes(VENDOR, owner="one") as outcomes:
            outcomes.tell(done(ids[0]), ids[1])
            raise SystemExit

    with pytest.raises(SystemExit):
        be_torn()
    wait_until(lambda: delivered(teller) == 2)
    assert [-1, 1, 0] == attempts(teller, ids)
    assert not client.exists(TOLD)


def test_a_server_that_has_forgotten_the_script_is_given_it(
    ledger: RedisLedger, client: redis.Redis
) -> None:
    """As after a restart."""
    ids = registered(ledger, 2)
    take(ledger)
    client.script_flush()
    with ledger.outcomes(VENDOR, owner="one") as outcomes:
        outcomes.tell(done(ids[0]), ids[1])
        assert [True, True] == outcomes.settle(done(ids[1])).recorded
    assert not client.exists(TOLD)


def test_who_may_not_tell_may_not_claim(
    ledger: RedisLedger, client: redis.Redis, server_settings: Settings
) -> None:
    """With the rights of an older version nothing runs whose success could not be told."""
    keys = ["eventflow:{default}:[^t]*", "eventflow:{default}:tokens:*"]
    client.acl_setuser("older", enabled=True, passwords=["+secret"], commands=["+@all"], keys=keys)
    registered(ledger, 2)
    url = server_settings.ledger_url.replace("://", "://older:secret@", 1)
    try:
        with pytest.raises(LedgerError, match="eventflow acl redis"):
            take(RedisLedger(connect_redis(url, timeout=5.0)))
    finally:
        client.acl_deluser("older")
    assert 2 == ledger.status([TARGET])[TARGET].queued


def test_a_record_that_comes_late_leaves_what_is_told_by_then(
    ledger: RedisLedger,
    client: redis.Redis,
    server_settings: Settings,
    name: str,
    wait_until: WaitUntil,
) -> None:
    """Said again on another connection, it comes once more when the next list is under way."""
    ids = registered(ledger, 4)
    first = ids_of(take(ledger, *ids[:2]))
    assert ids[:2] == first[:2]
    with proxied(server_settings.ledger_url) as [proxy]:
        far = RedisLedger(connect_redis(f"{proxy.url}?client_name={name}", timeout=5.0))
        with far.outcomes(VENDOR, owner="one") as late:
            late.tell(done(ids[0]), ids[1])
            wait_until(lambda: client.exists(TOLD) == 1)
            proxy.set(Mode.STALLING)
        # The end of the block has said it, and nobody has heard it yet.
        assert [True, True] == ledger.finish(VENDOR, [done(ids[0]), done(ids[1])]).recorded
        client.delete(TOLD)
        with ledger.outcomes(VENDOR, owner="one") as outcomes:
            outcomes.tell(done(ids[2]), ids[3])
            wait_until(lambda: client.exists(TOLD) == 1)
            proxy.set(Mode.PASSING)
            wait_until(lambda: not proxy.connections and not connections(client, name))
            assert [ids[3]] == ledger.lost(TARGET, owner="one", delay=60, error="killed")
    assert 3 == delivered(ledger)
