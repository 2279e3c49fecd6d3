"""What is read of the ledger for monitors and the doctor, in a real Valkey."""

import time

import pytest
import redis

from eventflow.delivery import BreakerState, Finish, Outcome, RedisLedger
from eventflow.delivery.gauges import MOST_AGES, Gauges
from eventflow.delivery.silence import MOST_UNMATCHED, Silence
from tests.contracts.ledger import TARGET, VENDOR, claim, register

PREFIX = "eventflow:{default}:"


@pytest.fixture
def ledger(client: redis.Redis) -> RedisLedger:
    """An empty ledger."""
    return RedisLedger(client)


@pytest.fixture
def gauges(client: redis.Redis) -> Gauges:
    """The numbers of an empty bus."""
    return Gauges(client, "default")


@pytest.fixture
def silence(client: redis.Redis) -> Silence:
    """An empty bus, on which all is silent."""
    return Silence(client, "default")


def age(client: redis.Redis, place: str, identity: str, seconds: float) -> None:
    """Have a delivery be somewhere since so long ago, and accepted as long ago."""
    then = time.time() - seconds
    client.zadd(f"{PREFIX}{place}:{TARGET}", {identity: then})
    client.hset(f"{PREFIX}delivery:{identity}", "accepted", then)


def test_a_target_that_nothing_was_sent_to_has_zeros(gauges: Gauges):
    """Nothing is missing that a dashboard draws."""
    one = gauges.read([TARGET])[TARGET]
    assert (one.queued, one.running, one.waiting, one.parked) == (0, 0, 0, 0)
    assert one.breaker is BreakerState.CLOSED
    assert (one.queued_age, one.parked_age, one.waiting_age) == (0, 0, 0)
    assert (one.overdue, one.unreturned, one.unserved, one.paused) == (0, 0, 0, 0)
    assert gauges.read([]) == {}
    many = [f"target-{number}" for number in range(250)]
    assert list(gauges.read(many)) == many


def test_each_number_is_where_it_is(client: redis.Redis, gauges: Gauges):
    """Counts and ages of what is queued, leased, scheduled and held back."""
    age(client, "queued", "a", 10)
    age(client, "queued", "b", 5)
    age(client, "parked", "c", 40)
    age(client, "running", "d", 3)
    age(client, "waiting", "e", 20)
    client.hset(f"{PREFIX}delivery:e", "accepted", time.time() - 100)
    client.hset(f"{PREFIX}breaker:{TARGET}", mapping={"state": "open", "until": ""})
    client.hset(f"{PREFIX}pause:{TARGET}", mapping={"since": time.time() - 7, "total": 3})
    one = gauges.read(["other", TARGET])[TARGET]
    assert one.paused == pytest.approx(7, abs=2)
    assert (one.queued, one.running, one.waiting, one.parked) == (2, 1, 1, 1)
    assert one.breaker is BreakerState.OPEN
    assert one.queued_age == pytest.approx(10, abs=2)
    assert one.parked_age == pytest.approx(40, abs=2)
    assert one.unreturned == pytest.approx(3, abs=2)
    assert one.overdue == pytest.approx(20, abs=2)
    assert one.waiting_age == pytest.approx(100, abs=2)


@pytest.mark.parametrize("number", [MOST_AGES, MOST_AGES + 1, 5 * MOST_AGES])
def test_the_oldest_that_waits_is_found_in_a_long_schedule(
    client: redis.Redis, gauges: Gauges, number: int
):
    """Where the longest pauses are: at the end, or due at once."""
    now = time.time()
    for place in (0, number - 1):
        client.flushall()
        for index in range(number):
            seconds = 500 if index == place else 5
            client.zadd(f"{PREFIX}waiting:{TARGET}", {f"d{index}": now + 60 + index})
            client.hset(f"{PREFIX}delivery:d{index}", "accepted", now - seconds)
        assert gauges.read([TARGET])[TARGET].waiting_age == pytest.approx(500, abs=3)


def test_a_target_is_unserved_from_its_first_delivery_to_its_next_success(
    ledger: RedisLedger, gauges: Gauges, silence: Silence
):
    """A failure does not end it; what was never sent anything is not unserved."""
    assert silence.unserved([TARGET]) == {}
    register(ledger, "e1", TARGET)
    register(ledger, "e2", TARGET)
    assert list(silence.unserved([TARGET, "other"])) == [TARGET]
    [one] = claim(ledger, f"e1:{TARGET}")
    ledger.finish(VENDOR, [Finish(one.delivery_id, one.attempt, Outcome.RETRY, delay=60)])
    assert list(silence.unserved([TARGET])) == [TARGET]
    assert gauges.read([TARGET])[TARGET].unserved > 0
    [two] = claim(ledger, f"e2:{TARGET}")
    ledger.finish(VENDOR, [Finish(two.delivery_id, two.attempt, Outcome.DONE)])
    assert silence.unserved([TARGET]) == {}
    assert gauges.read([TARGET])[TARGET].unserved == 0


def test_a_rule_is_silent_since_it_is_there(client: redis.Redis, silence: Silence):
    """One that is known already goes on counting; one that is gone is forgotten."""
    silence.begin(["a", "b"])
    client.hset(f"{PREFIX}matches", "a", time.time() - 50)
    silence.begin(["a", "c"])
    matches = silence.matches()
    assert set(matches) == {"a", "c"}
    assert matches["a"] == pytest.approx(50, abs=2)
    assert matches["c"] < 2
    silence.note(["a"], {}, fingerprint="f")
    assert silence.matches()["a"] < 2


def test_events_without_a_rule_are_added_up_until_the_rules_change(silence: Silence):
    """With other rules they may have one."""
    silence.note([], {("shop", "Sold"): 2, ("shop", "Lost|Found"): 1}, fingerprint="f")
    silence.note([], {("shop", "Sold"): 3}, fingerprint="f")
    found = [(one.source, one.type, one.number) for one in silence.unmatched()]
    assert found == [("shop", "Sold", 5), ("shop", "Lost|Found", 1)]
    assert silence.unmatched()[0].last_at == pytest.approx(time.time(), abs=5)
    silence.note([], {("shop", "Other"): 1}, fingerprint="g")
    assert [one.type for one in silence.unmatched()] == ["Other"]


def test_kinds_of_events_are_remembered_to_a_limit(silence: Silence):
    """Those that came first are counted on; later ones are not kept."""
    flood = {("shop", f"Kind{number}"): 1 for number in range(MOST_UNMATCHED + 50)}
    silence.note([], flood, fingerprint="f")
    assert len(silence.unmatched()) == MOST_UNMATCHED
    known = silence.unmatched()[0]
    silence.note([], {("shop", "Late"): 9, (known.source, known.type): 9}, fingerprint="f")
    assert silence.unmatched()[0].number == 10
    assert len(silence.unmatched()) == MOST_UNMATCHED
