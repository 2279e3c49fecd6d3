"""Durations (`10s`), rates (`50/s`), timestamps, and the one place that reads the clock."""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

__all__ = [
    "Clock",
    "Rate",
    "format_duration",
    "format_time",
    "parse_duration",
    "parse_rate",
    "system_clock",
]

Clock = Callable[[], float]
"""Returns seconds since the epoch; passed in wherever a decision depends on time."""

system_clock: Clock = time.time

_SECOND = 1000  # milliseconds
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_RATE = re.compile(r"(\d+(?:\.\d+)?)/(s|m|h|d)")


def parse_duration(text: str) -> float:
    """Read a duration such as `10s`, `500ms`, `15m`, `24h` or `1h30m`.

    Args:
        text: Numbers, each with its unit: ms, s, m, h or d.

    Returns:
        The duration in seconds.

    Raises:
        ValueError: When *text* is no duration; the message shows what one looks like.
    """
    compact = text.strip()
    if not _DURATION.fullmatch(compact):
        message = f"{text!r} is not a duration: write a number and a unit, such as 10s, 15m or 24h"
        raise ValueError(message)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(compact))
    if not math.isfinite(seconds):
        message = f"{text[:20]!r}… is longer than a duration can be"
        raise ValueError(message)
    return seconds


def format_duration(seconds: float) -> str:
    """Write seconds the way `parse_duration` reads them, to the millisecond.

    Args:
        seconds: Zero or more.

    Returns:
        Such as ``1h30m``, ``10s`` or ``250ms``.
    """
    # In whole milliseconds, or 59.9999 seconds would become "60s" and 1m59.9999s "1m60s".
    rest = round(seconds * 1000)
    if 0 < rest < _SECOND:
        return f"{rest}ms"
    parts = []
    for unit, length in (("d", 86400 * _SECOND), ("h", 3600 * _SECOND), ("m", 60 * _SECOND)):
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count}{unit}")
    if rest or not parts:
        parts.append(f"{_write_number(rest / _SECOND)}s")
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so long.

    Attributes:
        count: How many; more than zero.
        seconds: In how long, in seconds.
    """

    count: float
    seconds: float

    def __str__(self) -> str:
        units = {1.0: "s", 60.0: "m", 3600.0: "h", 86400.0: "d"}
        # A rate that YAML cannot write is brought to one second, which it can.
        unit = units.get(self.seconds, "s")
        count = self.count if self.seconds in units else self.count / self.seconds
        return f"{_write_number(count)}/{unit}"


def parse_rate(text: str) -> Rate:
    """Read a rate such as `50/s` or `1000/h`.

    Args:
        text: A number above zero, a slash, and s, m, h or d.

    Returns:
        The rate.

    Raises:
        ValueError: When *text* is no rate, or zero.
    """
    match = _RATE.fullmatch(text.strip())
    if not match or float(match[1]) == 0 or not math.isfinite(float(match[1])):
        message = (
            f"{text!r} is not a rate: write a number, a slash and a unit, such as 50/s or 100/m"
        )
        raise ValueError(message)
    return Rate(float(match[1]), _SECONDS[match[2]])


def format_time(seconds: float) -> str:
    """Write a moment as RFC 3339 in UTC.

    Args:
        seconds: Since the epoch.

    Returns:
        Such as ``2026-11-23T19:56:00.123Z``.
    """
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write_number(value: float) -> str:
    """Write a number in full: neither `1e+06` nor `50.0`, which the readers would not take."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
