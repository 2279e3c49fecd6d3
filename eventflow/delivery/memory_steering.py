"""What the ledger in memory does for those who steer: pauses, and the balances of targets."""

from collections.abc import Sequence

from eventflow.delivery.balances import Balance, Pause
from eventflow.delivery.memory_targets import MemoryTargets, one_at_a_time

__all__ = ["MemorySteering"]


class MemorySteering(MemoryTargets):
    """Steering of one bus. `eventflow.delivery.ledger.Ledger` says what each method does."""

    @one_at_a_time
    def pause(self, target: str, *, reason: str, by: str) -> bool:
        """Hold back all deliveries of a target until it is resumed; False if it was paused."""
        kept = self._targets[target]
        if kept.pause is not None:
            return False
        kept.pause = Pause(self._clock(), reason, by)
        return True

    @one_at_a_time
    def resume(self, target: str) -> bool:
        """Let a paused target's deliveries go on; False if it was not paused."""
        kept = self._targets[target]
        if kept.pause is None:
            return False
        kept.pauses_over, kept.pause = kept.paused(self._clock()), None
        return True

    @one_at_a_time
    def pauses(self, targets: Sequence[str]) -> dict[str, Pause]:
        """Tell of those of the targets that are paused."""
        found = {name: self._targets[name].pause for name in targets}
        return {name: pause for name, pause in found.items() if pause is not None}

    @one_at_a_time
    def balances(self, targets: Sequence[str]) -> dict[str, Balance]:
        """Count what was registered for each target and where it is, in one moment."""
        return {name: self._balance(name) for name in targets}

    def _balance(self, name: str) -> Balance:
        kept = self._targets[name]
        return Balance(
            target=name,
            registered=kept.registered,
            delivered=kept.delivered,
            dead=kept.dead,
            queued=len(kept.queued),
            running=len(kept.running),
            waiting=len(kept.waiting),
            parked=len(kept.parked),
        )
