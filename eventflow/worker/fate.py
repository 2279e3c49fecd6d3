"""How Celery, and so Flower, shows what became of a single delivery: as the task's own fate.

That costs Celery ten times what a task costs that returns, since it copies each frame of the traceback.
"""

from celery.exceptions import Ignore
from celery.exceptions import Retry as CeleryRetry
from celery.utils.serialization import get_pickleable_exception

from eventflow.delivery import Outcome
from eventflow.errors import EventflowError
from eventflow.worker.made import Made
from eventflow.worker.singles import Singles

__all__ = ["DeadLetterError", "show_fate"]


class DeadLetterError(EventflowError):
    """Shown as the failure of a task whose delivery became a dead letter without a last error."""


def show_fate(made: Made, delivery_id: str, shown: Singles, bus: str, target: str) -> None:
    """Raise what makes Celery, and so Flower, show a single delivery for what it is.

    Args:
        made: What the task has made.
        delivery_id: The delivery that its message names.
        shown: How many of the target's retries were shown.
        bus: The delivery's bus.
        target: Its target.

    Raises:
        Retry, Ignore: While they are few; of more the task's result tells.
        Exception: The subscriber's own, of a delivery that is dead.
    """
    own = [attempt for claim, attempt in made.attempts if claim.delivery_id == delivery_id]
    attempt = own[0] if own else None
    finish = attempt.finish if attempt is not None else None
    if attempt is None or finish is None:
        # A second message for the same delivery says nothing of how the delivery went; of what its task
        # took along its result does.
        if not made.also and shown.add(bus, target):
            raise Ignore
        return
    if finish.outcome is Outcome.RETRY and shown.add(bus, target):
        assert attempt.error is not None
        raise CeleryRetry(exc=_plain(attempt.error), when=finish.delay)
    if finish.outcome is Outcome.DEAD:
        if attempt.error is not None:
            raise _plain(attempt.error)
        reason = finish.letter.reason.value if finish.letter else ""
        message = f"dead letter: {reason}"
        raise DeadLetterError(message)


def _plain(error: BaseException) -> Exception:
    """Return an exception that can go from a pool's process to its parent, whatever it holds."""
    if isinstance(error, MemoryError):
        # Celery raises this one again in the parent, which would keep the message in hand for ever.
        message = f"MemoryError: {error}"
        return DeadLetterError(message)
    plain: Exception = get_pickleable_exception(error)
    return plain
