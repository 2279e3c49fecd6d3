"""What the tasks of one process work with."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from celery import Celery

from eventflow.delivery import Ledgers
from eventflow.errors import RuleError
from eventflow.rules import RuleSource, Target
from eventflow.schemas.source import SchemaSource
from eventflow.settings import Settings
from eventflow.subscribers import Subscribers
from eventflow.telemetry import Tracing
from eventflow.transport import MessageSender
from eventflow.transport.calls import Calls
from eventflow.worker.pace import Paces
from eventflow.worker.restrictions import Restrictions
from eventflow.worker.silence import SilenceNotes
from eventflow.worker.singles import Singles
from eventflow.worker.stopping import StopFlag
from eventflow.worker.stores import ProcessStores

__all__ = ["TargetBook", "WorkerContext"]

_FRESH_FOR = 1.0  # seconds


class TargetBook:
    """What the ledger says of targets: their queues and policies, as a router announced them.

    So a worker needs no rule files, and all processes hold the same policy. Kept for a second, and
    asked for at once where a target is not known.
    """

    def __init__(self, ledgers: Ledgers) -> None:
        self._ledgers = ledgers
        self._by_bus: dict[str, tuple[float, dict[str, Target]]] = {}

    def of(self, bus: str) -> dict[str, Target]:
        """Return the targets of *bus*, by name.

        Raises:
            LedgerError: When the ledger cannot be reached.
        """
        known = self._by_bus.get(bus)
        if known is not None and time.monotonic() - known[0] < _FRESH_FOR:
            return known[1]
        return self._read(bus)

    def get(self, bus: str, name: str) -> Target:
        """Return one target; one that nobody announced has the default policy."""
        target = self.of(bus).get(name)
        if target is None:
            target = self._read(bus).get(name)
        return target if target is not None else Target(name=name, task=name)

    def _read(self, bus: str) -> dict[str, Target]:
        announced = self._ledgers.of(bus).targets()
        targets = {name: Target.model_validate_json(text) for name, text in announced.items()}
        # No lock: a fork while another thread held it would hold it for ever in the child.
        self._by_bus[bus] = (time.monotonic(), targets)
        return targets


@dataclass
class WorkerContext:
    """The parts that the tasks use, made once for each EventFlow.

    Attributes:
        settings: The process's settings.
        celery: The Celery app.
        ledgers: The way to the ledgers.
        sender: The way to the broker.
        subscribers: The functions bound to targets.
        rules: The rule files, read again when they change.
        schemas: The schema files, likewise.
        tracing: Makes the spans of routing and attempts.
        chance: Returns a number from 0 to below 1: what the jitter of retries is drawn from.
        own_queues: The queues that are eventflow's, known once a worker starts.
        reads_one_queue: Whether a worker here reads one queue alone, so that a task may wait for more
            of it.
        book: What the ledger says of targets.
        restrictions: What the ledger says of replays.
        stores: The way to the store, for recorders.
        paces: How fast the subscribers here are.
        calls: Writes messages for a ledger whose server is the broker too; None where none is.
        shown: How many deliveries that failed Celery was told of one by one.
        stopping: Set once the worker is told to stop.
        silence: What its rules are silent about; None where nobody asks, as in tests.
    """

    settings: Settings
    celery: Celery
    ledgers: Ledgers
    sender: MessageSender
    subscribers: Subscribers
    rules: RuleSource
    schemas: SchemaSource
    tracing: Tracing = field(default_factory=Tracing)
    chance: Callable[[], float] = random.random
    calls: Calls | None = None
    book: TargetBook = field(init=False)
    restrictions: Restrictions = field(init=False)
    stores: ProcessStores = field(init=False)
    paces: Paces = field(default_factory=Paces, init=False)
    shown: Singles = field(default_factory=Singles, init=False)
    stopping: StopFlag = field(default_factory=StopFlag, init=False)
    own_queues: frozenset[str] = field(default=frozenset(), init=False)
    reads_one_queue: bool = field(default=False, init=False)
    silence: SilenceNotes | None = field(default=None, init=False)
    _announced: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.book = TargetBook(self.ledgers)
        self.restrictions = Restrictions(self.ledgers)
        self.stores = ProcessStores(self.settings)

    def announce(self) -> None:
        """Tell the ledger of the current rules' targets, once for each change of the rules.

        Raises:
            RuleError: When the rules never were without fault.
            LedgerError: When the ledger cannot be reached.
        """
        rules = self.rules.current()
        if rules.fingerprint == self._announced:
            return
        definitions = {name: target.model_dump_json() for name, target in rules.announced.items()}
        for bus in sorted(rules.buses | {"default"}):
            self.ledgers.of(bus).announce(definitions)
        if self.silence is not None:
            self.silence.begin(rules)
        self._announced = rules.fingerprint

    def buses_of_rules(self) -> frozenset[str]:
        """Return the buses that the rule files name; none where there are no valid files."""
        try:
            return self.rules.current().buses
        except RuleError:
            return frozenset()

    def targets_of_rules(self) -> dict[str, Target]:
        """Return the targets that the rule files define; none where there are no valid files."""
        try:
            return dict(self.rules.current().targets)
        except RuleError:
            return {}
