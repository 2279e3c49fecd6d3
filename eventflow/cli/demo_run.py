"""One run of the demo: starts everything, publishes the day, waits until all is settled."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from eventflow.app import EventFlow
from eventflow.cli.demo_account import Account, balance
from eventflow.cli.demo_outside import Outside
from eventflow.cli.demo_place import Place
from eventflow.cli.demo_plan import Expectation, expect
from eventflow.cli.demo_processes import Logs, vendor_process
from eventflow.cli.demo_view import Row, View
from eventflow.cli.deployment import Roll, deployment_processes, flower_process
from eventflow.cli.supervisor import Supervisor
from eventflow.delivery import TargetStatus
from eventflow.embedded import EmbeddedServer
from eventflow.errors import EventError
from eventflow.events import Event
from eventflow.records import Reason
from eventflow.rules import load_rules
from eventflow.settings import Settings, load_settings
from eventflow.store import DeadLetterFilter, DeadLetterStore, DeadLetterSummary, open_engine

__all__ = ["Run"]

_SPAN = 12.0  # seconds that a day takes
_FASTEST = 50.0  # events a second; a longer list takes longer
_OUTAGE = 5.0  # seconds
_TICK = 0.02
_LOOK_EVERY = 0.4
_STILL = 20.0  # seconds without anything happening, after which nothing more is waited for
_READY_WITHIN = 60.0
_PAGE = 1000


@dataclass
class Run:
    """A run of the demo. A context manager: what it started, it stops.

    Args:
        place: Where.
        events: The day.
        seed: Of the vendor's failures.
        note: Told, in a line, what happens to a process.
        careless: Published in the middle of the day, by somebody who breaks its schema.

    Attributes:
        stopped: The events that did not fit their schemas and so never left their producer, and
            what the producer was told.
    """

    place: Place
    events: Sequence[Event[Any]]
    seed: int
    note: Callable[[str], None]
    careless: Event[Any] | None = None
    published: dict[str, float] = field(default_factory=dict, init=False)
    stopped: dict[str, str] = field(default_factory=dict, init=False)
    letters: dict[str, DeadLetterSummary] = field(default_factory=dict, init=False)
    seconds: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.rules = load_rules(self.place.reference / "rules")
        careless = [self.careless] if self.careless is not None else []
        middle = len(self.events) // 2
        self._day = [*self.events[:middle], *careless, *self.events[middle:]]
        self.expectation: Expectation = expect(self._day, self.rules, accepted_at=time.time())
        self.settings: Settings = load_settings(
            broker_url="",
            redis_url="",
            database_url="",
            data_dir=self.place.data_dir,
            rules=self.place.reference / "rules",
            schemas=self.place.reference / "schemas",
        )
        self.flow = EventFlow(self.settings)
        self.outside = Outside(self.place.vendor_url, self.place.audit_file)
        self.supervisor = Supervisor(on_line=self._keep_line, on_note=self._say_note)
        self._logs = Logs(self.place.logs)
        self._stack = ExitStack()
        self._is_down = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._logs.close)
            server = EmbeddedServer(self.settings)
            stack.callback(server.stop)
            server.start()
            # Celery looks for `workers` here before it looks anywhere else.
            stack.enter_context(chdir(self.place.reference))
            self._start(stack)
            engine = open_engine(self.settings.store_url)
            stack.callback(engine.dispose)
            self.store = DeadLetterStore(engine)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def publish(self, view: View) -> None:
        """Publish the day, with an outage of the vendor in the middle of it."""
        count = len(self._day)
        span = max(min(_SPAN, count * 0.25), count / _FASTEST)
        start = time.monotonic()
        due = iter((start + index * span / count, event) for index, event in enumerate(self._day))
        outage = _outage(start, span)
        upcoming = next(due, None)
        with self._looking(view) as look:
            while upcoming is not None:
                if time.monotonic() >= upcoming[0]:
                    self._publish(upcoming[1])
                    upcoming = next(due, None)
                else:
                    time.sleep(_TICK)
                self._turn(is_down=outage(time.monotonic()))
                look()
        while outage(time.monotonic()):
            time.sleep(_TICK)
        self._turn(is_down=False)
        self.seconds += time.monotonic() - start

    def settle(self, view: View) -> Account:
        """Wait until every delivery has arrived or died, or nothing happens any more.

        Returns:
            The account of that moment.
        """
        start = changed = time.monotonic()
        before: object = None
        with self._looking(view) as look:
            while time.monotonic() - changed < _STILL:
                self.look()
                look()
                account = self.account()
                state = self.status()
                if not account.missing and not any(map(_is_busy, state.values())):
                    break
                if (account, state) != before:
                    before, changed = (account, state), time.monotonic()
                time.sleep(_LOOK_EVERY / 4)
        self.seconds += time.monotonic() - start
        self.look()
        return self.account()

    def look(self) -> None:
        """Read what has arrived outside, and the dead letters."""
        self.outside.look()
        self.letters = {letter.id: letter for letter in _read_letters(self.store)}

    def account(self) -> Account:
        """Draw up the account of what was seen at the last look."""
        dead = {
            letter.id: letter.reason
            for letter in self.letters.values()
            if letter.target not in self.expectation.unwatched
        }
        return balance(
            self.expectation.targets,
            published=self.published,
            arrivals=self.outside.arrivals,
            dead=dead,
        )

    def status(self) -> dict[str, TargetStatus]:
        """Count each target's deliveries, as the ledger has them."""
        buses = sorted({event.bus for event in self.events})
        return {
            f"{target} ({bus})" if len(buses) > 1 else target: state
            for bus in buses
            for target, state in self.flow.status(bus).items()
        }

    def choose_letter(self) -> DeadLetterSummary | None:
        """Return a dead letter worth looking at: a refused one rather than another."""
        letters = sorted(self.letters.values(), key=lambda letter: letter.died_at)
        refused = [letter for letter in letters if letter.reason == Reason.REFUSED]
        return next(iter([*refused, *letters]), None)

    def mend(self) -> None:
        """Have the outside world fail no more and know everybody, so that a redrive succeeds."""
        self.outside.control(failure_rate=0.0, unknown=[], broken=[])

    def _start(self, stack: ExitStack) -> None:
        roll = Roll(self.flow.celery)
        environment = self.place.environment(os.environ)
        self.supervisor.add(vendor_process(self.place, environment, seed=self.seed))
        for process in deployment_processes(self.rules, roll, environment=environment):
            self.supervisor.add(process)
        stack.callback(self.supervisor.stop)
        self.supervisor.start()
        self.supervisor.wait_until_ready(_READY_WITHIN)
        # Flower asks the workers once, at its start.
        flower = flower_process("workers", self.place.flower_port, environment=environment)
        self.supervisor.add(flower)
        self.supervisor.wait_until_ready(_READY_WITHIN)

    def _publish(self, event: Event[Any]) -> None:
        now = time.time()
        try:
            self.flow.publish(event)
        except EventError as error:
            self.stopped[event.id] = str(error)
            # Nothing is to come of it: what was published under its id before still counts.
            if event.id not in self.published:
                self.expectation.targets.pop(event.id, None)
        else:
            self.published.setdefault(event.id, now)

    def _turn(self, *, is_down: bool) -> None:
        if is_down != self._is_down:
            self.outside.control(outage=is_down)
            self._is_down = is_down

    @contextmanager
    def _looking(self, view: View) -> Iterator[Callable[[], None]]:
        """Give a function that looks and shows, but not more often than is worth it."""
        next_look = 0.0

        def look() -> None:
            nonlocal next_look
            if time.monotonic() < next_look:
                return
            self.look()
            self._show(view)
            next_look = time.monotonic() + _LOOK_EVERY

        yield look
        self._show(view)

    def _show(self, view: View) -> None:
        vendor = "the vendor is down" if self._is_down else "the vendor is up"
        title = (
            f"published {len(self.published)} of {len(self.events)}; {vendor}; "
            f"{self.outside.failed} of {self.outside.calls} calls outside have failed"
        )
        view.show(title, self._rows(), is_alarm=self._is_down)

    def _rows(self) -> list[Row]:
        account = self.account()
        rows = []
        for target, state in self.status().items():
            line = account.targets.get(target)
            rows.append(
                Row(
                    target=target,
                    queued=state.queued + state.running,
                    delivered=line.delivered if line is not None else state.delivered,
                    retrying=state.waiting,
                    parked=state.parked,
                    dead=state.dead,
                    p50_ms=line.p50_ms if line is not None else None,
                    p90_ms=line.p90_ms if line is not None else None,
                )
            )
        return rows

    def _keep_line(self, name: str, line: str) -> None:
        self._logs.write(name, line)

    def _say_note(self, name: str, what: str) -> None:
        self._logs.write(name, f"-- {what}")
        self.note(f"{name} {what}")


def _read_letters(store: DeadLetterStore) -> Iterator[DeadLetterSummary]:
    after = None
    while page := store.list(DeadLetterFilter(), limit=_PAGE, after=after):
        yield from page
        after = page[-1].cursor


def _outage(start: float, span: float) -> Callable[[float], bool]:
    """Return whether the vendor is down at a moment: for a while, from the middle of the day."""
    begin = start + 0.4 * span
    return lambda moment: begin <= moment < begin + _OUTAGE


def _is_busy(state: TargetStatus) -> bool:
    return bool(state.queued or state.running or state.waiting or state.parked)
