"""A router whose answers are lost is given again what was handed out to it, and no attempt is counted."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from eventflow.delivery import Planned, RedisLedger, RouteWork, Routing
from eventflow.errors import LedgerError
from tests.contracts.ledger import body_of

LEASE, PATIENCE = 30.0, 60.0
_PREFIX = "eventflow:{default}:"


class _Mute(redis.UnixDomainSocketConnection):
    """A connection on which the next answers are lost: what was asked is done."""

    lost = 0

    def read_response(self, *args: Any, **kwargs: Any) -> Any:  # Any: as redis-py has it
        answer = super().read_response(*args, **kwargs)
        if _Mute.lost:
            _Mute.lost -= 1
            self.disconnect()  # type: ignore[no-untyped-call]
            message = "the answer was lost"
            raise redis.ConnectionError(message)
        return answer


@pytest.fixture
def ledger(client: redis.Redis) -> Iterator[RedisLedger]:
    """A ledger with five events of two lanes, on connections that lose what the test says."""
    pool = redis.ConnectionPool(
        connection_class=_Mute,
        path=client.connection_pool.connection_kwargs["path"],
        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 1),
    )
    ledger = RedisLedger(redis.Redis(connection_pool=pool))
    names = [f"e{number}" for number in range(5)]
    ledger.accept([(name, body_of(name), f"lane-{int(name[1]) % 2}") for name in names])
    ledger.begin_route(0, lease=LEASE)  # each script is known to the server from here on
    yield ledger
    _Mute.lost = 0
    pool.disconnect()


def _take(ledger: RedisLedger, most: int = 3, *, lease: float = LEASE) -> list[RouteWork]:
    return ledger.take_routes(most, lease=lease, answers=False, patience=PATIENCE).works


def _ids(works: list[RouteWork]) -> list[str]:
    return [work.event_id for work in works]


def test_one_lost_answer_is_not_noticed(ledger: RedisLedger) -> None:
    """The second question is the first one again: the same events, at their first attempt."""
    _Mute.lost = 1
    works = _take(ledger)

    assert _ids(works) == ["e0", "e1", "e2"]
    assert [(work.attempts, work.body) for work in works] == [
        (1, body_of(work.event_id)) for work in works
    ]
    assert _ids(_take(ledger)) == ["e3", "e4"]


def test_who_gave_up_asks_for_the_same(ledger: RedisLedger) -> None:
    """Both answers are lost, and the caller hears of it: its next question is answered with those."""
    _Mute.lost = 2
    with pytest.raises(LedgerError, match="the answer was lost"):
        _take(ledger)
    works = _take(ledger, 1)

    assert [(work.event_id, work.attempts) for work in works] == [("e0", 1), ("e1", 1), ("e2", 1)]
    assert _ids(_take(ledger)) == ["e3", "e4"]


def test_what_was_routed_meanwhile_is_not_given_again(
    ledger: RedisLedger, client: redis.Redis
) -> None:
    """Nor what has another router by now, since the lease was over."""
    _Mute.lost = 2
    with pytest.raises(LedgerError):
        _take(ledger, lease=0.001)
    while ledger.recover_routes(10) == []:
        pass
    other = RedisLedger(client)
    others = _ids(other.begin_route(1, lease=LEASE))
    other.finish_routes([Routing(others[0], "T", [Planned("vendor", ("r",), None)], [])])
    others += _ids(other.begin_route(1, lease=LEASE))

    works = _take(ledger, 10)

    assert not set(_ids(works)) & set(others)
    left = {"e0", "e1", "e2", "e3", "e4"} - set(others)
    while len(left) > len(works):  # what has ended its router comes alone
        works += _take(ledger, 10)
    assert set(_ids(works)) == left


def test_the_call_for_another_router_is_said_again(
    ledger: RedisLedger, client: redis.Redis
) -> None:
    """That a message is to be sent was in the lost answer too."""
    client.hdel(f"{_PREFIX}counts:eventflow.route", "called")  # that of `accept` was taken
    _Mute.lost = 1
    taken = ledger.take_routes(2, lease=LEASE, answers=False, patience=PATIENCE)

    assert (len(taken.works), taken.left, taken.is_called) == (2, 3, True)
    again = ledger.take_routes(1, lease=LEASE, answers=False, patience=PATIENCE)
    assert not again.is_called, "one is on its way"


def test_what_is_kept_for_it_ends_with_the_lease(ledger: RedisLedger, client: redis.Redis) -> None:
    """One small key for each question, no longer than its events are leased."""
    _take(ledger)
    [key] = client.scan_iter(f"{_PREFIX}drawn:*")

    assert 0 < client.pttl(key) <= LEASE * 1000
