"""When a failed delivery is tried again: pure, with chance passed in."""

from collections.abc import Callable

from eventflow.rules.targets import RetryPolicy

__all__ = ["next_delay"]

_MOST_DOUBLINGS = 1000  # beyond this a power of any factor is past every maximum


def next_delay(policy: RetryPolicy, attempt: int, random: Callable[[], float]) -> float:
    """Return how long to wait after a failed attempt.

    Args:
        policy: The target's retry policy.
        attempt: The attempt that failed, from 1.
        random: Returns a number from 0 to below 1; used only for jitter.

    Returns:
        Seconds: `initial * factor ** (attempt - 1)`, at most `max`; with full jitter, evenly
        anywhere from zero to that (as in "Exponential Backoff And Jitter", AWS Architecture Blog).
    """
    if policy.backoff == "constant":
        ceiling = min(policy.initial, policy.max)
    else:
        try:
            ceiling = policy.initial * policy.factor ** min(attempt - 1, _MOST_DOUBLINGS)
        except OverflowError:
            ceiling = policy.max
        ceiling = min(ceiling, policy.max)
    return ceiling * random() if policy.jitter == "full" else ceiling
