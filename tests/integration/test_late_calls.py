"""What a worker asked of the ledger and gave up does nothing when the network brings it late."""

from collections.abc import Callable, Iterator

import pytest
import redis

from eventflow.delivery import Draw, Finish, Outcome, RedisLedger, connect_redis
from eventflow.errors import LedgerError
from eventflow.settings import Settings
from tests.contracts.calls import WaitUntil
from tests.contracts.ledger import LEASE, TARGET, VENDOR
from tests.contracts.limits import registered
from tests.faults.proxy import Mode, Proxy, proxied

PATIENCE = 0.3  # seconds
NAME = "far"
DRAW = Draw(most=2, look=50, answers=True, patience=60.0)
AGAIN = Draw(most=2, look=50, answers=True, patience=60.0, repeats=True)


@pytest.fixture
def proxy(server_settings: Settings) -> Iterator[Proxy]:
    """A proxy before the ledger."""
    with proxied(server_settings.ledger_url) as [proxy]:
        yield proxy
        proxy.set(Mode.PASSING)


@pytest.fixture
def far(proxy: Proxy, client: redis.Redis) -> RedisLedger:
    """The ledger, through the proxy, for one who waits briefly."""
    return RedisLedger(connect_redis(f"{proxy.url}?client_name={NAME}", timeout=PATIENCE))


@pytest.fixture
def let_through(proxy: Proxy, client: redis.Redis, wait_until: WaitUntil) -> Callable[[], None]:
    """Let the network go on, until all that it held has arrived and is done."""

    def is_over() -> bool:
        return not proxy.connections and NAME not in {one["name"] for one in client.client_list()}

    def let_through() -> None:
        assert proxy.connections
        proxy.set(Mode.PASSING)
        wait_until(is_over)

    return let_through


@pytest.mark.parametrize("draw", [DRAW, AGAIN], ids=["first", "again"])
def test_a_claim_that_comes_late_claims_nothing(
    far: RedisLedger,
    proxy: Proxy,
    client: redis.Redis,
    let_through: Callable[[], None],
    draw: Draw,
) -> None:
    """Neither is anything leased to who does not know it, nor taken from who has it by now."""
    near = RedisLedger(client)
    ids = registered(near, 3)
    far.take(VENDOR, [], DRAW, lease=LEASE, owner="two")  # it knows how late it is there
    released = [Finish(identity, 1, Outcome.RELEASE) for identity in ids[:2]]
    near.finish(VENDOR, released)
    proxy.set(Mode.STALLING)
    with pytest.raises(LedgerError, match="cannot be used"):
        far.take(VENDOR, [], draw, lease=LEASE, owner="one")
    held = near.take(VENDOR, [], AGAIN, lease=LEASE, owner="one").claims
    let_through()
    assert 2 == len(held)
    assert (2, 1) == (near.status([TARGET])[TARGET].running, near.status([TARGET])[TARGET].queued)
    assert not {one.delivery_id for one in held} & set(near.queued(TARGET, 10))


def test_the_first_claim_of_all_is_asked_when_it_is_known_how_late_it_is(
    far: RedisLedger, proxy: Proxy, client: redis.Redis, let_through: Callable[[], None]
) -> None:
    """So that one, too, does nothing when it comes late."""
    near = RedisLedger(client)
    registered(near, 1)
    proxy.set(Mode.STALLING)
    with pytest.raises(LedgerError, match="cannot be used"):
        far.take(VENDOR, [], DRAW, lease=LEASE, owner="one")
    let_through()
    assert 0 == near.status([TARGET])[TARGET].running
    assert 1 == len(far.take(VENDOR, [], DRAW, lease=LEASE, owner="one").claims)


def test_a_clock_that_was_set_forward_claims_at_the_second_try(
    far: RedisLedger, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too late by a clock that is not right any more is asked once more, by the right one."""
    registered(RedisLedger(client), 1)
    far._ledger_clock.read(1_000_000_000.0)
    assert 1 == len(far.take(VENDOR, [], DRAW, lease=LEASE, owner="one").claims)
    monkeypatch.setattr(far._ledger_clock, "read", lambda _: None)
    far._ledger_clock._read = (1_000_000_000.0, 0.0)
    with pytest.raises(LedgerError, match="asked twice"):
        far.take(VENDOR, [], DRAW, lease=LEASE, owner="one")
