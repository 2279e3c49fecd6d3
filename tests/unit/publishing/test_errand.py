"""One call of publish(), with a ledger and a broker that answer when the test says so."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from eventflow.delivery import Accepted, MemoryLedger
from eventflow.errors import PublishError, TransportError
from eventflow.events import Event
from eventflow.publishing.carriers import Carriers
from eventflow.publishing.errand import Errand
from eventflow.publishing.parts import Part, Wording
from eventflow.publishing.preparation import Ready
from eventflow.publishing.waker import Waker
from eventflow.transport import Message

WORDING = Wording(full=lambda bus: f"{bus} is full", late="late", crowded="crowded")


class Gate:
    """Whoever comes waits until it is opened."""

    def __init__(self) -> None:
        self.is_reached = threading.Event()
        self._open = threading.Event()

    def pass_through(self) -> None:
        """Wait until it is open."""
        self.is_reached.set()
        assert self._open.wait(60)

    def open(self) -> None:
        """Let all through."""
        self._open.set()


class Broker:
    """Takes messages, or fails, or hangs at a gate."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.gate: Gate | None = None
        self.error: Exception | None = None

    def send(self, messages: Sequence[Message]) -> None:
        """Take messages."""
        if self.gate is not None:
            self.gate.pass_through()
        if self.error is not None:
            raise self.error
        self.sent += messages

    def post(self, messages: Sequence[Message]) -> None:
        """Take messages."""
        self.send(messages)

    def depth(self, queue: str) -> int:
        """Count nothing."""
        return 0

    def declare(self, queues: object) -> None:
        """Do nothing."""


class Ledger(MemoryLedger):
    """Hangs at a gate before the events that it is told to."""

    def __init__(self, most: int = 0) -> None:
        super().__init__(most=most)
        self.gates: dict[str, Gate] = {}

    def accept(self, events: Sequence[tuple[str, bytes, str]]) -> Accepted:
        """Take events."""
        for event_id, _, _ in events:
            if event_id in self.gates:
                self.gates[event_id].pass_through()
        return super().accept(events)

    def of(self, _bus: str) -> MemoryLedger:
        """Be the ledger of every bus."""
        return self


Run = Callable[[Errand], threading.Thread]


@pytest.fixture
def run() -> Iterator[Run]:
    """Return a function that runs an errand in a thread, which has ended when the test has."""
    threads: list[threading.Thread] = []

    def start(errand: Errand) -> threading.Thread:
        thread = threading.Thread(target=errand.run, args=(lambda work: work(),))
        thread.start()
        threads.append(thread)
        return thread

    yield start
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def broker() -> Broker:
    """A broker that takes everything."""
    return Broker()


def parts_of(*parts: Sequence[str]) -> list[Part]:
    """Return parts with events of these ids."""
    return [
        Part(
            "default",
            [Ready(Event(id=name, source="s", type="T", data={}), b"{}") for name in part],
        )
        for part in parts
    ]


def errand_of(ledger: Ledger, waker: Waker, *parts: Sequence[str]) -> Errand:
    """Return an errand with events of these ids."""
    ledgers: Any = ledger
    return Errand(parts_of(*parts), ledgers, waker, seconds=60, most_named=20, wording=WORDING)


def test_a_late_ledger_is_unknown(broker: Broker, run: Run) -> None:
    """What was sent and not answered is neither accepted nor surely not, and the error says so."""
    ledger = Ledger()
    gate = ledger.gates["b"] = Gate()
    errand = errand_of(ledger, Waker(broker, pause=60), ["a"], ["b"], ["c"])
    run(errand)
    assert gate.is_reached.wait(60)
    errand.give_up()
    with pytest.raises(
        PublishError, match=r"2 of 3 events .*: late\. Whether the ledger took 1 of"
    ) as e:
        errand.done.result(0)
    assert (e.value.accepted, e.value.rejected, e.value.unknown) == (("a",), ("b", "c"), ("b",))
    gate.open()


def test_nothing_more_is_begun_after_the_deadline(broker: Broker, run: Run) -> None:
    """What the error calls not accepted is not accepted later, behind the caller's back."""
    ledger = Ledger()
    gate = ledger.gates["a"] = Gate()
    errand = errand_of(ledger, Waker(broker, pause=60), ["a"], ["b"])
    thread = run(errand)
    assert gate.is_reached.wait(60)
    errand.give_up()
    gate.open()
    thread.join(60)
    assert [work.event_id for work in ledger.begin_route(9, lease=9)] == ["a"]
    assert len(broker.sent) == 1, "what was accepted after all has its router woken"


def test_a_silent_broker_costs_no_event(broker: Broker, run: Run) -> None:
    """With the ledger's answer the events are published, whatever the broker does until the deadline."""
    broker.gate = Gate()
    waker = Waker(broker, pause=60)
    errand = errand_of(Ledger(), waker, ["a"])
    run(errand)
    assert broker.gate.is_reached.wait(60)
    assert not errand.done.done()
    errand.give_up()
    errand.done.result(0)
    assert waker.is_away
    broker.gate.open()


def test_nobody_waits_for_a_broker_that_is_away(broker: Broker, run: Run) -> None:
    """Once the broker was late, publishing is done with the ledger's answer; a try goes on behind it."""
    broker.gate = Gate()
    waker = Waker(broker, pause=0)
    waker.give_up(1)
    waker._next_try = time.monotonic()
    errand = errand_of(Ledger(), waker, ["a"])
    run(errand)
    assert broker.gate.is_reached.wait(60)
    errand.done.result(0)
    broker.gate.open()


def test_a_broker_that_is_away_is_tried_now_and_then(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """Between two tries nothing is sent; what was passed over is told; a success ends it."""
    waker = Waker(broker, pause=60)
    broker.error = TransportError("refused")
    [message] = [Message("t", "q", ("default", ["a"]), "i", "s", "w")]
    waker.wake([message], 3)
    broker.error = None
    waker.wake([message], 4)
    assert (broker.sent, waker.is_away) == ([], True)
    assert "3 events are accepted and wait for the broker: refused" in caplog.text
    waker._next_try = time.monotonic()
    waker.wake([message], 1)
    assert (broker.sent, waker.is_away) == ([message], False)


def test_a_full_bus_tells_of_the_rest(broker: Broker) -> None:
    """What was taken of a list is accepted and routed, and the rest surely is not."""
    errand = errand_of(Ledger(most=1), Waker(broker, pause=60), ["a", "b"], ["c"])
    errand.run(lambda work: work())
    with pytest.raises(PublishError, match=r"2 of 3 events .*: default is full") as caught:
        errand.done.result(0)
    error = caught.value
    assert (error.accepted, error.rejected, error.unknown) == (("a",), ("b", "c"), ())
    assert broker.sent[0].args == ("default", ["a"])


def test_what_was_never_begun_is_known() -> None:
    """An errand that no carrier had time for has sent nothing."""
    errand = errand_of(Ledger(), Waker(Broker(), pause=60), ["a"])
    errand.give_up()
    with pytest.raises(PublishError, match="1 of 1 events could not be published: crowded") as e:
        errand.done.result(0)
    assert e.value.unknown == ()


def test_what_the_ledger_has_is_published() -> None:
    """What was accepted before any carrier had time is no error: only its message was not sent."""
    waker = Waker(Broker(), pause=60)
    [part] = parts_of(["a"])
    ledger = Ledger()
    ledgers: Any = ledger
    answers = ledger.accept(part.call[1])
    errand = Errand(
        [part], ledgers, waker, seconds=0, most_named=20, wording=WORDING, answers=answers
    )
    errand.give_up()
    errand.done.result(0)
    assert waker.is_away


def test_routers_are_told_of_what_the_ledger_has(broker: Broker) -> None:
    """The ledger is not asked a second time about what it has answered."""
    [part] = parts_of(["a"])
    ledger = Ledger()
    ledgers: Any = ledger
    waker = Waker(broker, pause=60)
    answers = ledger.accept(part.call[1])
    ledger.gates["a"] = Gate()
    errand = Errand(
        [part], ledgers, waker, seconds=60, most_named=20, wording=WORDING, answers=answers
    )
    errand.run(lambda work: work())
    errand.done.result(0)
    assert broker.sent[0].args == ("default", ["a"])


def test_carriers_are_bounded() -> None:
    """While as many hang as there may be, the next waits, and can be taken back unbegun."""
    carriers = Carriers(most=2)
    gates = [Gate(), Gate()]
    loads = [carriers.start(gate.pass_through) for gate in gates]
    for gate in gates:
        assert gate.is_reached.wait(60)
    begun: list[int] = []
    waiting = carriers.start(lambda: begun.append(1))
    later = carriers.start(lambda: begun.append(2))
    assert waiting.cancel()
    for gate in gates:
        gate.open()
    for load in (*loads, later):
        load.result(60)
    assert begun == [2]


def test_carriers_are_used_again() -> None:
    """One after another is carried by the same thread."""
    carriers = Carriers()
    names: set[str] = set()
    for _ in range(50):
        carriers.start(lambda: names.add(threading.current_thread().name)).result(60)
        while not next(iter(carriers._crews.values()))._idle._value:
            time.sleep(0.001)  # the carrier is about to wait for the next load
    assert len(names) == 1


def test_without_a_thread_it_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the interpreter starts no thread any more, as at its end, the caller does it."""

    def refuse(_thread: threading.Thread) -> None:
        message = "can't start new thread at interpreter shutdown"
        raise RuntimeError(message)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done: list[str] = []
    assert Carriers().start(lambda: done.append(threading.current_thread().name)).done()
    assert done == [threading.current_thread().name]


def test_one_try_at_a_time(broker: Broker) -> None:
    """While a try at a broker that is away hangs, no other hangs beside it."""
    waker = Waker(broker, pause=0)
    broker.gate = Gate()
    message = Message("t", "q", ("default", ["a"]), "i", "s", "w")
    waker.give_up(1)
    waker._next_try = time.monotonic()
    thread = threading.Thread(target=waker.wake, args=([message], 1))
    thread.start()
    assert broker.gate.is_reached.wait(60)
    waker._next_try = time.monotonic()
    waker.wake([message], 1)
    broker.gate.open()
    thread.join(60)
    assert broker.sent == [message]
