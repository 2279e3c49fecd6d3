"""A target's limits as the ledger's scripts read them: breaker, rate, and how many in flight."""

from struct import Struct

from eventflow.rules.targets import CircuitBreaker, Target

__all__ = ["BURST", "packed_limits"]

BURST = 0.1
"""Seconds of a rate that may be saved up: in any second at most a tenth more than the rate says."""

_LIMITS = Struct(">8d")


def packed_limits(target: Target) -> bytes:
    """Return what `lua/shared/limits.lua` reads: numbers, in its order, of which -1 is no limit.

    Args:
        target: Whose limits.
    """
    rate = target.rate_limit
    per_second = rate.count / rate.seconds if rate is not None else None
    # A target without a breaker can still be held by hand; then these say how it comes back.
    breaker = target.circuit_breaker if target.circuit_breaker is not None else CircuitBreaker()
    limits = (
        per_second,
        max(1.0, per_second * BURST) if per_second is not None else None,
        target.max_in_flight,
        breaker.failure_rate if target.circuit_breaker is not None else None,
        breaker.min_calls,
        breaker.window,
        breaker.open_for,
        breaker.probes,
    )
    return _LIMITS.pack(*(-1 if limit is None else limit for limit in limits))
