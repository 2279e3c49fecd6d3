"""What is taken out of the ledger by hand is noticed, found and sent again; the rest is said."""

import logging
from collections.abc import Callable

import pytest
import redis

from eventflow.app import EventFlow
from eventflow.delivery import Finish, Ledger, Outcome, Reconciliation
from eventflow.delivery.reconciliation import SLICE
from eventflow.settings import Settings
from eventflow.worker.reconciler import Reconciler
from tests.contracts.ledger import TARGET, VENDOR, body_of, claim, letter_of, register

BUS = "eventflow:{default}:"
LETTERS = "eventflow.dead-letters"
PLACES = ("queued", "running", "waiting", "parked")


@pytest.fixture
def flow(client: redis.Redis, server_settings: Settings) -> EventFlow:
    """An app on the emptied server, which knows the usual target."""
    flow = EventFlow(server_settings)
    flow.context.ledgers.of("default").announce({TARGET: VENDOR.model_dump_json()})
    return flow


@pytest.fixture
def ledger(flow: EventFlow) -> Ledger:
    """Its ledger."""
    return flow.context.ledgers.of("default")


def look(reconciler: Reconciler, times: int = 2) -> int:
    """Have the reconciler look so many times; return the number of its steps."""
    return sum(len(list(reconciler.look())) for _ in range(times))


def in_each_place(ledger: Ledger) -> list[str]:
    """Register four deliveries, one for each of `PLACES`."""
    ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(4)]
    claim(ledger, *ids[1:3])
    ledger.finish(VENDOR, [Finish(ids[2], 1, Outcome.RETRY, delay=600)])
    ledger.park(TARGET, ids[3:])
    return ids


@pytest.mark.parametrize("place", PLACES)
def test_a_delivery_that_is_nowhere_is_sent_again(
    flow: EventFlow, ledger: Ledger, client: redis.Redis, place: str
) -> None:
    """Wherever it was taken from: it is on its queue, in the ledger and in the broker."""
    lost = in_each_place(ledger)[PLACES.index(place)]
    assert client.zrem(f"{BUS}{place}:{TARGET}", lost) == 1
    assert ledger.balances([TARGET])[TARGET].difference == 1
    reconciler = Reconciler(flow.context)
    look(reconciler, 1)
    assert flow.context.sender.depth(TARGET) == 0, "once may be chance"
    look(reconciler, 1)
    assert client.zscore(f"{BUS}queued:{TARGET}", lost) is not None
    assert ledger.journal_entries(1_000)[-1].facts == {"why": "restored"}
    assert flow.context.sender.depth(TARGET) == 1
    assert ledger.balances([TARGET])[TARGET].difference == 0


def test_an_event_that_is_nowhere_is_routed_again(
    flow: EventFlow, ledger: Ledger, client: redis.Redis
) -> None:
    """An event that was accepted, and is on no list, is handed to a router once more."""
    ledger.accept([(f"e{number}", body_of(f"e{number}"), "lane") for number in range(3)])
    client.zrem(f"{BUS}queued:eventflow.route", "e1")
    client.lrem(f"{BUS}lane:lane", 0, "e1")
    look(Reconciler(flow.context))
    assert ledger.balances(["eventflow.route"])["eventflow.route"].difference == 0
    last = ledger.journal_entries(1_000)[-1]
    assert (last.event_id, last.facts) == ("e1", {"why": "restored"})
    works = ledger.begin_route(10, lease=30)
    assert {work.event_id for work in works} == {"e0", "e1", "e2"}
    assert flow.context.sender.depth("eventflow.route") == 1


def test_a_dead_letter_that_nobody_would_record_is(
    flow: EventFlow, ledger: Ledger, client: redis.Redis
) -> None:
    """One that is kept, and on no list, is on the recorder's again; a list's empty entry is not."""
    ledger.balances([LETTERS])
    ledger.bury([letter_of(f"e{number}") for number in range(3)])
    client.zrem(f"{BUS}queued:{LETTERS}", "e1:device-vendor")
    client.hdel(f"{BUS}dead-letters", "e2:device-vendor")
    look(Reconciler(flow.context))
    told = ledger.balances([LETTERS])[LETTERS]
    assert (told.queued, told.difference) == (2, 1)
    assert client.zrange(f"{BUS}queued:{LETTERS}", 0, -1) == [
        b"e0:device-vendor",
        b"e1:device-vendor",
    ]
    assert flow.context.sender.depth(LETTERS) == 1


def test_many_are_found_in_slices(flow: EventFlow, ledger: Ledger, client: redis.Redis) -> None:
    """A search goes over thousands of keys in steps, each of them short, and finds every one."""
    ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(3 * SLICE)]
    client.delete(f"{BUS}queued:{TARGET}")
    steps = look(Reconciler(flow.context))
    assert steps > 3 * 2, "each event has a key, and each delivery"
    assert ledger.balances([TARGET])[TARGET].queued == len(ids)
    assert flow.context.sender.depth(TARGET) == len(ids)


@pytest.mark.parametrize("place", PLACES)
def test_an_entry_without_its_record_is_taken_away(
    flow: EventFlow, ledger: Ledger, client: redis.Redis, place: str
) -> None:
    """What nothing is known of cannot be delivered: it is counted, and no worker meets it."""
    ids = in_each_place(ledger)
    client.delete(f"{BUS}delivery:{ids[PLACES.index(place)]}")
    [_, identity] = register(ledger, "other", "x", TARGET)
    client.zrem(f"{BUS}queued:{TARGET}", identity)  # something differs, so it is looked at
    look(Reconciler(flow.context))
    balance = ledger.balances([TARGET])[TARGET]
    assert (balance.vanished, balance.difference) == (1, 1)
    assert client.zscore(f"{BUS}queued:{TARGET}", identity) is not None


def test_what_cannot_be_explained_is_said_once(
    flow: EventFlow, ledger: Ledger, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """A delivery that is gone with its record is missing: said with the number, and not repeated."""
    [identity] = register(ledger, "e1", TARGET)
    client.zrem(f"{BUS}queued:{TARGET}", identity)
    client.delete(f"{BUS}delivery:{identity}")
    reconciler = Reconciler(flow.context)
    with caplog.at_level(logging.ERROR, "eventflow.reconciler"):
        look(reconciler, 5)
    [record] = caplog.records
    assert vars(record)["action"] == "balance_difference"
    assert (vars(record)["target"], vars(record)["difference"]) == (TARGET, 1)
    register(ledger, "e2", TARGET)
    client.delete(f"{BUS}queued:{TARGET}", f"{BUS}delivery:e2:{TARGET}")
    with caplog.at_level(logging.ERROR, "eventflow.reconciler"):
        look(reconciler, 2)
    assert [vars(record)["difference"] for record in caplog.records] == [1, 2]


def test_a_difference_is_settled_by_a_person(
    flow: EventFlow, ledger: Ledger, client: redis.Redis
) -> None:
    """Once it is known what became of it, the balance is even, and the next difference is new."""
    [identity] = register(ledger, "e1", TARGET)
    client.delete(f"{BUS}queued:{TARGET}", f"{BUS}delivery:{identity}")
    repairs = flow.context.ledgers.reconciliation("default")
    assert repairs.settle(TARGET) == 1
    assert repairs.settle(TARGET) == 0
    assert ledger.balances([TARGET])[TARGET].difference == 0
    register(ledger, "e2", TARGET)
    client.delete(f"{BUS}queued:{TARGET}")
    assert ledger.balances([TARGET])[TARGET].difference == 1


def test_a_sound_ledger_is_left_alone(flow: EventFlow, ledger: Ledger, client: redis.Redis) -> None:
    """Where nothing differs, one step for each bus is all that is done."""
    in_each_place(ledger)
    before = {key: client.dump(key) for key in client.keys("eventflow:*")}
    assert look(Reconciler(flow.context), 3) == 3
    after = {key: client.dump(key) for key in client.keys("eventflow:*")}
    changed = {key for key in after if before.get(key) != after[key]}
    assert changed <= {
        f"{BUS}counts:{name}".encode() for name in (TARGET, "eventflow.route", LETTERS)
    }


def test_a_bus_of_any_name_is_searched(client: redis.Redis) -> None:
    """Letters that mean something in a pattern of Redis mean themselves in a bus's name."""
    other = Reconciliation(client, "b*")
    client.hset("eventflow:{bx}:delivery:e1:t", "attempts", 0)
    client.hset("eventflow:{b*}:delivery:e2:t", "attempts", 0)
    found = [ids for _, ids in other.restore_deliveries(["t"]) if ids]
    assert found == [["e2:t"]]


def test_one_router_oversees(
    flow: EventFlow, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    """Of two that ask, the first has it until its time is over; it may keep it."""
    ledgers = flow.context.ledgers
    assert ledgers.oversee("one", 30)
    assert not ledgers.oversee("two", 30)
    assert ledgers.oversee("one", 0.05)
    wait_until(lambda: ledgers.oversee("two", 30))
    assert not ledgers.oversee("one", 30)
