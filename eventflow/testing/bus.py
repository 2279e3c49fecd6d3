"""The bus that a test publishes to: everything but the servers and the waiting is real."""

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from eventflow.app import EventFlow
from eventflow.delivery import BreakerStatus, DeliveryState
from eventflow.errors import BusError
from eventflow.events import DEFAULT_BUS, Event
from eventflow.publishing import Publishable
from eventflow.records import DeadLetter
from eventflow.rules import RuleSet
from eventflow.settings import load_settings
from eventflow.testing.attempts import Attempt
from eventflow.testing.engine import MOST_AT_ONCE, Engine
from eventflow.testing.finding import bare_flow
from eventflow.testing.reasons import check_names
from eventflow.testing.routes import Routes
from eventflow.units import parse_duration

__all__ = ["MemoryBus"]


class MemoryBus:
    """A bus in the memory of a test, on a flow's own rules, subscribers and policies.

    Used as a context manager. Within it, what is published through the flow itself (by the code
    under test, or by a subscriber) goes to this bus too. Nothing is delivered until it is asked
    for. Its clock stands still until `advance` moves it.

    Args:
        flow: Whose subscribers are called. Without one only rules are tested: each target is played
            by a stand-in that succeeds.
        rules: The directory of rule files; the flow's own unless said.
    """

    def __init__(self, flow: EventFlow | None = None, *, rules: str | Path | None = None) -> None:
        settings = flow.settings if flow is not None else load_settings()
        if rules is not None:
            settings = settings.with_changes(rules=Path(rules))
        self._flow = flow if flow is not None else bare_flow(settings)
        self._engine = Engine(self._flow, settings, fakes_all=flow is None)
        self._routes = Routes(
            self._engine.ledgers, self._engine.context.rules.current, self._engine.route
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._flow.rewired(self._engine.context))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def flow(self) -> EventFlow:
        """The flow under test; within the context it publishes here."""
        return self._flow

    @property
    def rules(self) -> RuleSet:
        """The rules in force."""
        return self._engine.context.rules.current()

    @property
    def now(self) -> datetime:
        """The time by the bus's clock."""
        return datetime.fromtimestamp(self._engine.now, UTC)

    def publish(self, event: Publishable, **envelope: Any) -> Event[Any]:
        """Publish one event, as `EventFlow.publish` does."""
        self._check_entered()
        return self._flow.publish(event, **envelope)

    def publish_many(self, events: Sequence[Publishable]) -> list[Event[Any]]:
        """Publish events, as `EventFlow.publish_many` does."""
        self._check_entered()
        return self._flow.publish_many(events)

    def published(self, bus: str = DEFAULT_BUS) -> list[Event[Any]]:
        """Return the events that were published, by the test or by the code under test."""
        return list(self._engine.ledgers.watched(bus).published.values())

    def assert_routed(self, event: Publishable, *, to: Collection[str]) -> None:
        """Fail unless an event reaches these targets and no other; say why it does not.

        Args:
            event: One that was published; of another it is asked where it would go.
            to: The targets' names; empty for none at all.
        """
        __tracebackhide__ = True
        self._check_targets(to)
        self._routes.check(event, {to} if isinstance(to, str) else set(to))

    def assert_not_routed(self, event: Publishable, *, to: Collection[str] | None = None) -> None:
        """Fail if an event reaches any of these targets; any at all, unless they are named."""
        __tracebackhide__ = True
        self._check_targets(to or ())
        names = {to} if isinstance(to, str) else set(self.rules.targets if to is None else to)
        self._routes.check_not(event, names)

    def deliver_next(self, target: str | None = None) -> Attempt | None:
        """Make the next delivery that may be made now.

        Args:
            target: The target's name; None for whichever is next.

        Returns:
            The attempt; None when there is nothing to deliver now.
        """
        if target is not None:
            self._check_targets([target])
        self._check_entered()
        return self._engine.deliver_next(target)

    def deliver_all(self) -> list[Attempt]:
        """Make every delivery that may be made now, also of what subscribers publish meanwhile.

        A retry that is not due yet waits for `advance`, as does what a rate holds back.

        Returns:
            The attempts, in order.
        """
        self._check_entered()
        return self._engine.deliver_all()

    def advance(self, duration: str | float | timedelta) -> list[Attempt]:
        """Let time pass; whatever comes due on the way is delivered at its own time.

        Args:
            duration: Such as ``15m``, or seconds, or a timedelta.

        Returns:
            The attempts, in order.
        """
        self._check_entered()
        return self._engine.advance(_seconds(duration))

    def settle(self, within: str | float | timedelta = "48h") -> list[Attempt]:
        """Let time pass until nothing is left to be delivered.

        Args:
            within: The longest that this may take, by the bus's clock.

        Returns:
            The attempts, in order.

        Raises:
            BusError: When something is left after that time.
        """
        self._check_entered()
        made = self._engine.settle(_seconds(within))
        left = self._engine.left()
        if left:
            listed = ", ".join(f"{count} of {name!r}" for name, count in left.items())
            message = f"after {within} there are still deliveries that wait: {listed}"
            raise BusError(message)
        return made

    def fail(
        self, target: str, *, times: int | None = None, error: BaseException | None = None
    ) -> None:
        """Have the next attempts at a target fail, without a call of its subscriber.

        Args:
            target: The target's name.
            times: So many; every one unless said.
            error: What is raised: any exception, `Retry` and `Refuse` among them.
        """
        self._check_targets([target])
        error = error or ConnectionError(f"the test has {target!r} fail")
        self._engine.cast.fail(target, error, times)

    def fake(self, target: str, function: Callable[..., Any] | None = None) -> None:
        """Have a function play a target in place of its subscriber.

        Args:
            target: The target's name.
            function: Called as a subscriber is, by its own annotations; without one, a stand-in
                that succeeds. What the real subscriber could not be handed is a dead letter still.
        """
        self._check_targets([target])
        self._engine.cast.fake(target, function)

    def restore(self, target: str) -> None:
        """Undo `fail` and `fake`: the target's own subscriber is called again."""
        self._check_targets([target])
        self._engine.cast.restore(target)

    def attempts(
        self, target: str | None = None, *, event: Publishable | None = None
    ) -> list[Attempt]:
        """Return the attempts that were made so far, in order.

        Args:
            target: The attempts at this target alone.
            event: The attempts with this event alone.
        """
        self._check_targets([target] if target is not None else [])
        wanted = event.id if isinstance(event, Event) else None
        return [
            attempt
            for attempt in self._engine.attempts
            if target in (None, attempt.target) and wanted in (None, attempt.event_id)
        ]

    def dead_letters(self, target: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, in the order of their deaths; those of one target, if named."""
        self._check_targets([target] if target is not None else [])
        self._engine.route()
        return [letter for letter in self._engine.dead if target in (None, letter.target)]

    def redrive(self, target: str | None = None) -> list[str]:
        """Send dead letters to their targets again, as `eventflow deadletters redrive` does.

        Returns:
            The ids of the deliveries that were revived.
        """
        chosen = self.dead_letters(target)
        revived = self._flow.redrive(chosen)
        self._engine.dead = [one for one in self._engine.dead if one.id not in set(revived)]
        return revived

    def waiting(self, target: str, bus: str = DEFAULT_BUS) -> list[DeliveryState]:
        """Return a target's deliveries that wait for their next attempt, soonest first."""
        self._check_targets([target])
        return self._engine.ledgers.of(bus).waiting(target, MOST_AT_ONCE)

    def breaker(self, target: str, bus: str = DEFAULT_BUS) -> BreakerStatus:
        """Return the state of a target's circuit breaker."""
        self._check_targets([target])
        return self._engine.ledgers.of(bus).breakers([target])[target]

    def _check_targets(self, names: Collection[str]) -> None:
        fault = check_names(self.rules, {names} if isinstance(names, str) else set(names))
        if fault:
            raise BusError(fault)

    def _check_entered(self) -> None:
        if self._flow.context is not self._engine.context:
            message = (
                "use it in a `with MemoryBus(...) as bus:`, or ask for the fixture eventflow_bus"
            )
            raise BusError(message)


def _seconds(duration: str | float | timedelta) -> float:
    if isinstance(duration, timedelta):
        return duration.total_seconds()
    return parse_duration(duration) if isinstance(duration, str) else float(duration)
