"""The ledger in a real Valkey keeps every promise of the contract, and leaves nothing behind."""

import pytest
import redis

from eventflow.delivery import (
    Finish,
    Outcome,
    Planned,
    RedisLedger,
    Routing,
    Verdict,
    WrittenCall,
    connect_redis,
)
from eventflow.errors import LedgerError
from eventflow.journal import JournalState
from tests.contracts.calls import CallContract, TakeContract, accepted, take
from tests.contracts.journal import MOST, JournalContract
from tests.contracts.ledger import TARGET, VENDOR, LedgerContract, claim, register
from tests.contracts.limits import BreakerContract, PoisonContract, RateContract
from tests.contracts.restrictions import RestrictionContract
from tests.contracts.sights import SightContract, StoryContract
from tests.contracts.steering import BalanceContract, PauseContract, balance


@pytest.fixture
def ledger(client: redis.Redis) -> RedisLedger:
    """An empty ledger."""
    return RedisLedger(client)


class TestRedisLedger(LedgerContract):
    """The contract, on Redis."""

    def test_nothing_but_the_memory_of_the_id_is_left(
        self, ledger: RedisLedger, client: redis.Redis
    ) -> None:
        """Once all is delivered, an event costs one small key with an end."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)])
        left = {key.decode() for key in client.scan_iter()}
        event = "eventflow:{default}:event:e1"
        counts = {f"eventflow:{{default}}:counts:{name}" for name in (TARGET, "eventflow.route")}
        assert {event, *counts, "eventflow:buses"} == left
        assert 86_000 < client.ttl(event) <= 86_400

    def test_an_event_that_was_taken_out_stays_out(
        self, ledger: RedisLedger, client: redis.Redis
    ) -> None:
        """Finishing the delivery of an event that someone has deleted does not make a part of it anew."""
        [identity] = register(ledger, "e1", TARGET)
        client.delete("eventflow:{default}:event:e1")
        claim(ledger, identity)
        assert [True] == ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)]).recorded
        assert not client.exists("eventflow:{default}:event:e1")

    def test_a_window_of_zero_forgets_at_once(self, client: redis.Redis) -> None:
        """Zero is a window: nothing is remembered."""
        ledger = RedisLedger(client, window=0)
        ledger.accept([("e1", b"{}", "lane")])
        ledger.finish_route("e1", "T", [], [])
        assert not client.exists("eventflow:{default}:event:e1")

    def test_scripts_survive_a_flush(self, ledger: RedisLedger, client: redis.Redis) -> None:
        """A server that forgot its scripts, as after a restart, is given them again."""
        register(ledger, "e1", TARGET)
        client.script_flush()
        assert claim(ledger, f"e1:{TARGET}")[0].verdict == Verdict.RUN

    def test_buses_do_not_touch(self, client: redis.Redis) -> None:
        """The same id on two buses is two events."""
        one, two = RedisLedger(client, bus="one"), RedisLedger(client, bus="two")
        register(one, "e1", TARGET)
        assert claim(two, f"e1:{TARGET}")[0].verdict == Verdict.GONE
        assert {b"one"} == client.smembers("eventflow:buses")

    def test_a_server_that_is_not_there_is_named(self) -> None:
        """The error says where it looked and what to do."""
        ledger = RedisLedger(connect_redis("redis://127.0.0.1:1/0", timeout=0.5))
        with pytest.raises(
            LedgerError, match=r"127\.0\.0\.1:1 cannot be used.*EVENTFLOW_REDIS_URL"
        ):
            ledger.accept([("e1", b"{}", "lane")])


class TestRedisBreaker(BreakerContract):
    """Circuit breakers, on Redis."""


class TestRedisRate(RateContract):
    """Rates, on Redis."""


class TestRedisPoison(PoisonContract):
    """Poison, on Redis."""


class TestRedisRestrictions(RestrictionContract):
    """Replays, on Redis."""


class TestRedisSights(SightContract):
    """What it shows of one event, in Redis."""


class TestRedisJournal(JournalContract):
    """The journal, on Redis."""

    @pytest.fixture
    def ledger(self, client: redis.Redis) -> RedisLedger:
        """An empty ledger with a journal."""
        return RedisLedger(client, journal_most=MOST)

    def test_without_a_journal_nothing_is_kept(self, client: redis.Redis) -> None:
        """It can be switched off, and then drops nothing either."""
        ledger = RedisLedger(client)
        register(ledger, "e1", TARGET)
        assert JournalState() == ledger.journal_state()
        assert not client.exists("eventflow:{default}:journal")

    def test_an_entry_of_a_newer_version_is_dropped_and_said(
        self, ledger: RedisLedger, client: redis.Redis, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It keeps nothing behind it back, and is counted with the rest that is missing."""
        client.xadd("eventflow:{default}:journal", {"s": "teleported", "e": "e1"})
        register(ledger, "e2")
        assert ["e2", "e2"] == [entry.event_id for entry in ledger.journal_entries(10)]
        assert "cannot be read" in caplog.text
        assert (2, 1) == (ledger.journal_state().waiting, ledger.journal_state().dropped)


class TestRedisPause(PauseContract):
    """Pauses, on Redis."""


class TestRedisBalance(BalanceContract):
    """Balances, on Redis."""

    def test_what_is_taken_away_is_a_difference(
        self, ledger: RedisLedger, client: redis.Redis
    ) -> None:
        """An entry that someone deletes is registered, and nowhere."""
        ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(3)]
        client.zrem(f"eventflow:{{default}}:queued:{TARGET}", ids[1])
        assert balance(ledger).difference == 1

    def test_a_record_that_is_gone_is_counted(
        self, ledger: RedisLedger, client: redis.Redis
    ) -> None:
        """An entry whose delivery is gone is taken away by its claim, and missing from then on."""
        [identity] = register(ledger, "e1", TARGET)
        client.delete(f"eventflow:{{default}}:delivery:{identity}")
        assert claim(ledger, identity)[0].verdict == Verdict.GONE
        told = balance(ledger)
        assert (told.queued, told.vanished, told.difference) == (0, 1, 1)

    def test_a_ledger_of_before_is_taken_for_right(
        self, ledger: RedisLedger, client: redis.Redis
    ) -> None:
        """What an older version had registered is no difference, and what comes then is counted."""
        register(ledger, "e0", TARGET)
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)])
        client.hdel(f"eventflow:{{default}}:counts:{TARGET}", "registered", "before")
        register(ledger, "e2", TARGET)
        assert (balance(ledger).registered, balance(ledger).difference) == (3, 0)
        register(ledger, "e3", TARGET)
        assert (balance(ledger).registered, balance(ledger).difference) == (4, 0)


class TestRedisStory(StoryContract):
    """One event's journal, in Redis."""

    @pytest.fixture
    def ledger(self, client: redis.Redis) -> RedisLedger:
        """An empty ledger with a journal."""
        return RedisLedger(client, journal_most=10_000)


class TestRedisCalls(CallContract):
    """Messages, in Redis."""

    def test_a_call_that_is_due_is_put_on_its_queue(
        self, ledger: RedisLedger, client: redis.Redis
    ) -> None:
        """In the step that registers what it is for; no second one while it is on its way."""
        calls = {name: WrittenCall(f"queue-{name}", b"call " + name.encode()) for name in (TARGET,)}
        both = [Planned(TARGET, ("r",), None), Planned("other", ("r",), None)]

        def called(event_id: str) -> frozenset[str]:
            return ledger.finish_routes([Routing(event_id, "T", both)], calls).called

        first, second = accepted(ledger, 2)
        assert {"other"} == called(first), "whose message the ledger has not"
        assert not called(second)
        assert [b"call device-vendor"] == client.lrange(f"queue-{TARGET}", 0, -1)

    def test_a_call_is_for_something(self, ledger: RedisLedger, client: redis.Redis) -> None:
        """Where nothing is registered, since it was routed before, none is sent."""
        [first] = accepted(ledger, 1)
        planned = [Planned(TARGET, ("r",), None)]
        ledger.finish_routes([Routing(first, "T", planned)])
        take(ledger)
        calls = {TARGET: WrittenCall("queue", b"call")}
        assert [False] == ledger.finish_routes([Routing(first, "T", planned)], calls).recorded
        assert not client.exists("queue")


class TestRedisTakes(TakeContract):
    """Lists, in Redis."""
