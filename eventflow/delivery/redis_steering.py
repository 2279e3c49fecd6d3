"""What the ledger in Redis does for those who steer: pauses, and the balances of targets."""

from collections.abc import Sequence

from eventflow.delivery.balances import Balance, Pause
from eventflow.delivery.redis_targets import RedisTargets
from eventflow.delivery.scripts import guarded

__all__ = ["RedisSteering"]


class RedisSteering(RedisTargets):
    """Steering of one bus. `eventflow.delivery.ledger.Ledger` says what each method does."""

    def pause(self, target: str, *, reason: str, by: str) -> bool:
        """Hold back all deliveries of a target until it is resumed; False if it was paused."""
        return bool(self._scripts.run("pause", [self._keys.pause(target)], [by, reason]))

    def resume(self, target: str) -> bool:
        """Let a paused target's deliveries go on; False if it was not paused."""
        return bool(self._scripts.run("resume", [self._keys.pause(target)], []))

    def pauses(self, targets: Sequence[str]) -> dict[str, Pause]:
        """Tell of those of the targets that are paused."""
        pipeline = self._client.pipeline(transaction=False)
        for target in targets:
            pipeline.hmget(self._keys.pause(target), ["since", "reason", "by"])
        answers = guarded(self._client, pipeline.execute)
        return {
            target: Pause(float(since), (reason or b"").decode(), (by or b"").decode())
            for target, (since, reason, by) in zip(targets, answers, strict=True)
            if since is not None
        }

    def balances(self, targets: Sequence[str]) -> dict[str, Balance]:
        """Count what was registered for each target and where it is, in one moment."""
        if not targets:
            return {}
        keys = [key for name in targets for key in (*self._places(name), self._keys.counts(name))]
        answers = self._scripts.run("balances", keys, [])
        return {
            target: Balance(
                target=target,
                registered=registered,
                delivered=delivered,
                dead=dead,
                queued=queued,
                running=running,
                waiting=waiting,
                parked=parked,
                vanished=vanished,
            )
            for target, (
                queued,
                running,
                waiting,
                parked,
                registered,
                delivered,
                dead,
                vanished,
            ) in zip(targets, answers, strict=True)
        }
