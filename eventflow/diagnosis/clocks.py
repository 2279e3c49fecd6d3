"""How far clocks may be apart, and how that is said."""

from eventflow.units import format_duration

__all__ = ["MOST_APART", "write_offset"]

MOST_APART = 2.0
"""Seconds. No delivery depends on it, since the ledger's clock decides; what people read does."""


def write_offset(seconds: float) -> str:
    """Write how far one clock is from another, such as ``1m ahead of``.

    Args:
        seconds: How far it is ahead; negative when it is behind.
    """
    return f"{format_duration(round(abs(seconds), 1))} {'ahead of' if seconds > 0 else 'behind'}"
