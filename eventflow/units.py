"""Durations (`10s`), rates (`50/s`), timestamps, and the one place that reads the clock."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

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
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(compact))


def format_duration(seconds: float) -> str:
    """Write seconds the way `parse_duration` reads them, shortest form first.

    Args:
        seconds: Zero or more.

    Returns:
        Such as ``1h30m``, ``10s`` or ``250ms``.
    """
    if seconds == 0:
        return "0s"
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    parts = []
    rest = seconds
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, _SECONDS[unit])
        if count:
            parts.append(f"{count:g}{unit}")
    if rest:
        parts.append(f"{rest:.3g}s" if rest < 60 and not parts else f"{rest:.0f}s")  # noqa: PLR2004
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
        unit = {1.0: "s", 60.0: "m", 3600.0: "h", 86400.0: "d"}[self.seconds]
        return f"{self.count:g}/{unit}"


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
    if not match or float(match[1]) == 0:
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
