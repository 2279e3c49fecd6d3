"""A target's limits as the ledger's scripts read them: breaker, rate, and how many in flight."""

from eventflow.rules.targets import CircuitBreaker, Target

__all__ = ["BURST", "limit_arguments"]

BURST = 0.1
"""Seconds of a rate that may be saved up: in any second at most a tenth more than the rate says."""


def limit_arguments(target: Target) -> list[str | float | int]:
    """Return what `lua/shared/limits.lua` reads, in its order; an empty string is no limit.

    Args:
        target: Whose limits.
    """
    rate = target.rate_limit
    per_second = rate.count / rate.seconds if rate is not None else None
    # A target without a breaker can still be held by hand; then these say how it comes back.
    breaker = target.circuit_breaker if target.circuit_breaker is not None else CircuitBreaker()
    return [
        per_second if per_second is not None else "",
        max(1.0, per_second * BURST) if per_second is not None else "",
        target.max_in_flight if target.max_in_flight is not None else "",
        breaker.failure_rate if target.circuit_breaker is not None else "",
        breaker.min_calls,
        breaker.window,
        breaker.open_for,
        breaker.probes,
    ]
