"""EventFlow: the one object that users hold. It wires the floors together and does nothing else."""

import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

from celery import Celery

from eventflow.delivery import BreakerStatus, Ledgers, TargetStatus
from eventflow.errors import SubscriberError
from eventflow.events import DEFAULT_BUS, Event
from eventflow.publishing import Publishable, Publisher, with_envelope
from eventflow.records import DeadLetter
from eventflow.rules import RuleSource
from eventflow.schemas import EventModel
from eventflow.schemas.source import SchemaSource
from eventflow.settings import Settings, load_settings
from eventflow.subscribers import Subscribers
from eventflow.telemetry import Tracing
from eventflow.tls import warn_of_unchecked
from eventflow.transport import MessageSender, Sender, deliver_message
from eventflow.transport.calls import Calls
from eventflow.worker import (
    WorkerContext,
    configure_app,
    hook_signals,
    hook_telemetry,
    make_app,
    register_tasks,
    secure_app,
)

__all__ = ["EventFlow"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


class EventFlow:
    """Publish events, and bind subscribers to targets.

    Args:
        settings: What to run with; from the environment (`EVENTFLOW_…`) when missing.
        celery: An existing Celery app to join; its broker is used, its settings are kept. Without
            one, an app of eventflow's own is made.

    Raises:
        SettingsError: When a setting cannot be.

    Example:
        flow = EventFlow()
        app = flow.celery

        @flow.subscriber("device-vendor")
        def unlock_door(event: Event[CourierArrived], delivery: Delivery) -> None: ...

        flow.publish(CourierArrived(parcel_id=...))
    """

    def __init__(self, settings: Settings | None = None, *, celery: Celery | None = None) -> None:
        self._settings = settings if settings is not None else load_settings()
        is_joined = celery is not None
        if celery is not None:
            self._settings = _on_broker_of(celery, self._settings)
        self._celery = celery if celery is not None else make_app(self._settings)
        configure_app(self._celery)
        secure_app(self._celery, self._settings, is_joined=is_joined)
        warn_of_unchecked(self._settings)
        self._subscribers = Subscribers()
        self._ledgers = Ledgers(self._settings)
        sender = Sender(self._celery, silence=self._settings.publish_deadline)
        self._sender: MessageSender = sender
        schemas = SchemaSource(self._settings.schemas, interval=self._settings.schemas_interval)
        # Who publishes waits for one silence and no more, and shares no connection with workers.
        calls = Calls(self._celery, self._settings, sender.wire)
        own_ledgers = Ledgers(self._settings, patient=False, write_call=calls.to_routers)
        tracing = Tracing(self._settings.traces)
        self._publisher = Publisher(
            self._settings, own_ledgers, self._sender, schemas, tracing=tracing
        )
        self._context = WorkerContext(
            settings=self._settings,
            celery=self._celery,
            ledgers=self._ledgers,
            sender=self._sender,
            subscribers=self._subscribers,
            rules=RuleSource(self._settings.rules, interval=self._settings.rules_interval),
            schemas=schemas,
            tracing=tracing,
            calls=calls,
        )
        self._celery.eventflow_context = self._context
        register_tasks(self._celery, self._context)
        hook_signals(self._celery, self._context, is_joined=is_joined)
        hook_telemetry(
            self._celery, tracing, log_format=self._settings.log_format, is_joined=is_joined
        )

    @property
    def celery(self) -> Celery:
        """The Celery app: `app = flow.celery` makes `celery -A <module> worker` work."""
        return self._celery

    @property
    def context(self) -> WorkerContext:
        """The parts that its workers use."""
        return self._context

    @property
    def settings(self) -> Settings:
        """What it runs with."""
        return self._settings

    def publish(self, event: Publishable, **envelope: Any) -> Event[Any]:
        """Publish one event; when this returns, it is in the ledger.

        Args:
            event: An `EventModel`, or an `Event`.
            envelope: For a model: fields of the envelope, such as `id`, `subject` or `bus`.

        Returns:
            The event, with its id and time.

        Raises:
            EventError: When it does not fit its schema (the message names every fault and its
                path), is too large, too deep, or holds what JSON cannot.
            SchemaError: When the schema files are faulty, and never were without fault.
            PublishError: When the ledger cannot be reached, or does not answer within the deadline
                (`EVENTFLOW_PUBLISH_DEADLINE`); never later than that, however it fails.
        """
        return self._publisher.publish([with_envelope(event, envelope)])[0]

    def publish_many(self, events: Sequence[Publishable]) -> list[Event[Any]]:
        """Publish events: all, or a PublishError that names what did not go.

        Args:
            events: Models and events. All are checked before the first goes.

        Returns:
            The events, in order.

        Raises:
            EventError: When one cannot be published as it is; then none is.
            PublishError: When the ledger cannot be reached, or does not answer within the deadline,
                which is that of each 500 events.
        """
        return self._publisher.publish(events)

    def prepare(self, events: Sequence[Publishable]) -> list[tuple[Event[Any], bytes]]:
        """Check events as `publish_many` does, and publish none: for an outbox.

        Returns:
            Each event, and its JSON, which `eventflow.encoding.decode_event` reads back.

        Raises:
            EventError: When one cannot be published as it is.
        """
        return self._publisher.prepare(events)

    async def apublish(self, event: Publishable, **envelope: Any) -> Event[Any]:
        """Publish one event from a coroutine: as `publish`, and the loop is never blocked.

        Cancelled, it may have been accepted or not.
        """
        return (await self._publisher.apublish([with_envelope(event, envelope)]))[0]

    async def apublish_many(self, events: Sequence[Publishable]) -> list[Event[Any]]:
        """Publish events from a coroutine: as `publish_many`, and the loop is never blocked."""
        return await self._publisher.apublish(events)

    def subscriber(self, target: str) -> Callable[[FunctionT], FunctionT]:
        """Bind the decorated function to *target*, the target's name in YAML.

        Returns:
            A decorator that gives the function back as it was.

        Raises:
            SubscriberError: When the target has a subscriber already.
        """
        if not isinstance(target, str):
            message = "write @flow.subscriber('TARGET'), with the target's name in YAML"
            raise SubscriberError(message)

        def bind(function: FunctionT) -> FunctionT:
            self._subscribers.add(target, function)
            return function

        return bind

    def upcast(
        self, old: type[EventModel] | str, new: type[EventModel] | str
    ) -> Callable[[FunctionT], FunctionT]:
        """Bind the decorated function to the step from an older version of an event to a newer.

        Subscribers get the version that their annotation names; an older event is taken through
        the upcasters that lead there, one that is replayed too.

        Args:
            old: The older version: a model, whose instance the function is handed, or
                `SOURCE/TYPE/VERSION`, for which it is handed the data as a dict.
            new: The newer version; the function returns its data, as a model or a dict.

        Returns:
            A decorator that gives the function back as it was.

        Raises:
            SubscriberError: When they are no two versions of one event, or are bound already.
        """
        return self._converter(old, new, is_upcast=True)

    def downcast(
        self, new: type[EventModel] | str, old: type[EventModel] | str
    ) -> Callable[[FunctionT], FunctionT]:
        """Bind the decorated function to the step from a newer version of an event to an older.

        For subscribers that still ask for the older one. See `upcast`.

        Args:
            new: The newer version.
            old: The older version.

        Returns:
            A decorator that gives the function back as it was.

        Raises:
            SubscriberError: When they are no two versions of one event, or are bound already.
        """
        return self._converter(new, old, is_upcast=False)

    def _converter(
        self, old: type[EventModel] | str, new: type[EventModel] | str, *, is_upcast: bool
    ) -> Callable[[FunctionT], FunctionT]:
        def bind(function: FunctionT) -> FunctionT:
            self._subscribers.converters.add(old, new, function, is_upcast=is_upcast)
            return function

        return bind

    def discover(self, package: str) -> None:
        """Have every module of *package* imported when a worker starts.

        Args:
            package: The package's name; `__name__` in its `__init__.py`.
        """
        module = sys.modules.get(package) or import_module(package)
        names = [
            f"{package}.{found.name}"
            for found in pkgutil.iter_modules(getattr(module, "__path__", []))
            if not found.name.startswith("_")
        ]
        self._celery.conf.include = [*(self._celery.conf.include or []), *names]

    @contextmanager
    def rewired(self, context: WorkerContext) -> Iterator[None]:
        """Have it publish to, and answer from, the parts of another context for a while.

        `eventflow.testing` stands on this: what a test publishes through the flow stays in the
        test's memory. For one thread: all of the process's threads see the exchange.

        Args:
            context: Its ledgers and sender are used.
        """
        own = (self._ledgers, self._sender, self._publisher, self._context)
        self._ledgers, self._sender, self._context = context.ledgers, context.sender, context
        self._publisher = self._publisher.on(context.ledgers, context.sender)
        try:
            yield
        finally:
            self._ledgers, self._sender, self._publisher, self._context = own

    def status(self, bus: str = DEFAULT_BUS) -> dict[str, TargetStatus]:
        """Count each target's deliveries, and tell whether it is paused.

        Raises:
            LedgerError: When the ledger cannot be reached.
        """
        ledger = self._ledgers.of(bus)
        return ledger.status(sorted(self._context.book.of(bus)))

    def breakers(self, bus: str = DEFAULT_BUS) -> dict[str, BreakerStatus]:
        """Tell the state of each target's circuit breaker.

        Raises:
            LedgerError: When the ledger cannot be reached.
        """
        return self._ledgers.of(bus).breakers(sorted(self._context.book.of(bus)))

    def redrive(self, letters: Sequence[DeadLetter]) -> list[str]:
        """Send dead letters to their targets again, each with a fresh budget. Safe to repeat.

        Args:
            letters: As the store gives them; those without an event and a target are passed over.

        Returns:
            The ids of those that were revived now; the rest is in flight, or was revived before.

        Raises:
            LedgerError: When the ledger cannot be reached.
            TransportError: When the broker cannot be; the deliveries are registered all the same.
        """
        revived: list[str] = []
        messages = []
        for letter in letters:
            if letter.event is None or not letter.target:
                continue
            if not self._ledgers.of(letter.bus).revive(letter):
                continue
            revived.append(letter.id)
            target = self._context.book.get(letter.bus, letter.target)
            deliveries = [(letter.id, letter.event_type, 0)]
            messages.append(
                deliver_message(letter.bus, target.name, target.queue, target.task, deliveries)
            )
        self._sender.send(messages)
        return revived


def _on_broker_of(celery: Celery, settings: Settings) -> Settings:
    """Return settings whose ledger is in a joined app's broker, unless they say where it is."""
    url = str(celery.conf.broker_url or "")
    if settings.redis_url or settings.broker_url or not url.startswith("redis"):
        return settings
    return settings.with_changes(broker_url=url)
