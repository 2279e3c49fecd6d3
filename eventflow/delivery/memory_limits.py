"""What holds a target back, in memory: the circuit breaker and the tokens of its rate.

As in `lua/shared/limits.lua` and `lua/finish.lua`; both read no clock, and are told the time.
"""

from dataclasses import dataclass, field

from eventflow.delivery.answers import BreakerChange, BreakerState, BreakerStatus
from eventflow.delivery.limits import BURST
from eventflow.rules.targets import CircuitBreaker, Target

__all__ = ["MemoryBreaker", "Tokens"]

_PARTS = 10  # of a window: so finely calls are forgotten


@dataclass(slots=True)
class MemoryBreaker:
    """A target's circuit breaker, and what it has counted.

    Attributes:
        state: As it was left; `now` says what has become of it since.
        since: When that state began.
        until: When an open one lets a probe through; None until a person closes it.
        calls: The calls that were counted when it opened.
        failed: Those of them that had failed.
        error: The last error then.
        reason: What the person said who opened it.
        probe: The delivery that is let through; None where none is under way.
        probe_until: The end of that one's lease.
        sent: The delivery that was put on the queue as a probe.
        passed: Probes in a row that went well.
        counted: Calls and failed calls, by the number of a tenth of a window since the epoch.
    """

    state: BreakerState = BreakerState.CLOSED
    since: float = 0.0
    until: float | None = None
    calls: int = 0
    failed: int = 0
    error: str = ""
    reason: str = ""
    probe: str | None = None
    probe_until: float = 0.0
    sent: str | None = None
    passed: int = 0
    counted: dict[int, tuple[int, int]] = field(default_factory=dict)

    def now(self, now: float) -> tuple[BreakerState, float | None, str | None]:
        """Return the state now, when it may change by itself, and the probe that is under way."""
        if self.state is BreakerState.CLOSED:
            return BreakerState.CLOSED, None, None
        if self.state is BreakerState.OPEN:
            if self.until is None or self.until > now:
                return BreakerState.OPEN, self.until, None
            return BreakerState.HALF_OPEN, None, None
        if self.probe is not None and self.probe_until > now:
            return BreakerState.HALF_OPEN, self.probe_until, self.probe
        return BreakerState.HALF_OPEN, None, None

    def status(self, now: float) -> BreakerStatus:
        """Return what is told of it."""
        return BreakerStatus(
            self.now(now)[0],
            since=self.since,
            until=self.until or 0.0,
            calls=self.calls,
            failed=self.failed,
            error=self.error,
            reason=self.reason,
        )

    def begin(self, identity: str, now: float, lease: float) -> None:
        """Note that a delivery runs: of a half-open breaker it is the probe."""
        if self.now(now)[0] is not BreakerState.HALF_OPEN:
            return
        if self.state is BreakerState.OPEN:
            self.state, self.since, self.passed = BreakerState.HALF_OPEN, now, 0
        self.probe, self.probe_until = identity, now + lease

    def note(
        self, target: Target, identity: str, succeeded: bool | None, error: str, now: float
    ) -> BreakerChange:
        """Count how a call went, and return what that changed.

        Args:
            target: Whose policy counts.
            identity: The delivery's id.
            succeeded: None where the integration was not called.
            error: What the call raised.
            now: The time.
        """
        policy = target.circuit_breaker
        state, _, probe = self.now(now)
        if state is BreakerState.CLOSED and policy is not None and succeeded is not None:
            return self._note_closed(policy, succeeded, error, now)
        if state is BreakerState.HALF_OPEN and probe == identity:
            return self._note_probe(policy or CircuitBreaker(), succeeded, error, now)
        return BreakerChange.NONE

    def _note_closed(
        self, policy: CircuitBreaker, succeeded: bool, error: str, now: float
    ) -> BreakerChange:
        part = int(now // (policy.window / _PARTS))
        calls, failed = self.counted.get(part, (0, 0))
        self.counted[part] = (calls + 1, failed + (not succeeded))
        self.counted = {at: kept for at, kept in self.counted.items() if at > part - _PARTS}
        calls = sum(kept[0] for kept in self.counted.values())
        failed = sum(kept[1] for kept in self.counted.values())
        if succeeded or calls < policy.min_calls or failed / calls < policy.failure_rate:
            return BreakerChange.NONE
        self._open(policy, calls, failed, error, now)
        return BreakerChange.OPENED

    def _note_probe(
        self, policy: CircuitBreaker, succeeded: bool | None, error: str, now: float
    ) -> BreakerChange:
        if succeeded is False:
            # The counts of the first time stay: they say why it is open.
            reason = self.reason
            self._open(policy, self.calls, self.failed, error, now)
            self.reason = reason
            return BreakerChange.REOPENED
        self.probe = None
        if succeeded is None:
            return BreakerChange.NONE
        self.passed += 1
        if self.passed < policy.probes:
            return BreakerChange.NONE
        self.reset(BreakerState.CLOSED, now)
        return BreakerChange.CLOSED

    def reset(
        self, state: BreakerState, now: float, *, until: float | None = None, reason: str = ""
    ) -> None:
        """Forget all that was counted, and begin a state."""
        self.state, self.since, self.until, self.reason = state, now, until, reason
        self.calls = self.failed = self.passed = 0
        self.error, self.probe, self.counted = "", None, {}

    def _open(
        self, policy: CircuitBreaker, calls: int, failed: int, error: str, now: float
    ) -> None:
        self.reset(BreakerState.OPEN, now, until=now + policy.open_for)
        self.calls, self.failed, self.error = calls, failed, error


@dataclass(slots=True)
class Tokens:
    """What is left of a target's rate.

    Attributes:
        left: How many there were at `at`; None where none was ever taken.
        at: When.
    """

    left: float | None = None
    at: float = 0.0

    def now(self, target: Target, now: float) -> float:
        """Return how many there are; of a target without a rate, any number."""
        if target.rate_limit is None:
            return float("inf")
        per_second = target.rate_limit.count / target.rate_limit.seconds
        most = max(1.0, per_second * BURST)
        if self.left is None:
            return most
        return min(most, self.left + max(0.0, now - self.at) * per_second)

    def take(self, target: Target, now: float) -> None:
        """Take one."""
        if target.rate_limit is not None:
            self.left, self.at = self.now(target, now) - 1, now

    def next_look(self, target: Target, now: float, soon: float) -> float:
        """Return when there will be enough again for a look to be worth its while."""
        if target.rate_limit is None:
            return now + soon
        per_second = target.rate_limit.count / target.rate_limit.seconds
        wanted = max(1.0, max(1.0, per_second * BURST) / 2)
        return now + max(soon / 2, (wanted - self.now(target, now)) / per_second)
