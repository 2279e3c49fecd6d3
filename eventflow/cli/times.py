"""Moments on the command line: how people read them, how JSON has them, how options take them."""

from datetime import UTC, date, datetime
from typing import Any

import click

from eventflow.units import format_time, parse_duration, system_clock

__all__ = ["MOMENT", "Moment", "ago", "iso", "moment", "read_moment", "span", "until"]

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "m"), (1.0, "s"))
_NEVER = "never"


def moment(seconds: float, now: float | None = None) -> str:
    """Write a moment for people: when exactly, and how far away that is.

    Args:
        seconds: Since the epoch; 0 means never.
        now: Seconds since the epoch; the clock's unless given.

    Returns:
        Such as ``2026-11-29 17:20:04Z (3m ago)`` or ``2026-11-29 17:26:04Z (in 3m)``.
    """
    if not seconds:
        return _NEVER
    return f"{_exactly(seconds)} ({_away(seconds, now)})"


def ago(seconds: float, now: float | None = None) -> str:
    """Write how long ago a moment was.

    Args:
        seconds: Since the epoch; 0 means never.
        now: Seconds since the epoch; the clock's unless given.

    Returns:
        Such as ``3m ago``; ``just now`` for less than a second, and for what is still to come.
    """
    if not seconds:
        return _NEVER
    age = (system_clock() if now is None else now) - seconds
    return "just now" if age < 1 else f"{span(age)} ago"


def until(seconds: float, now: float | None = None) -> str:
    """Write how long it is until a moment.

    Args:
        seconds: Since the epoch; 0 means never.
        now: Seconds since the epoch; the clock's unless given.

    Returns:
        Such as ``in 3m``; ``now`` for less than a second, and for what is past.
    """
    if not seconds:
        return _NEVER
    left = seconds - (system_clock() if now is None else now)
    return "now" if left < 1 else f"in {span(left)}"


def span(seconds: float) -> str:
    """Write a length of time for people, in its largest unit alone.

    Args:
        seconds: Zero or more.

    Returns:
        Such as ``3m``, ``2d``, or, below a second, ``412ms``.
    """
    whole = (f"{seconds // size:.0f}{unit}" for size, unit in _UNITS if seconds >= size)
    return next(whole, f"{seconds * 1000:.0f}ms")


def iso(seconds: float) -> str | None:
    """Write a moment for programs: RFC 3339 in UTC, None (JSON's null) for never.

    Args:
        seconds: Since the epoch; 0 means never.
    """
    return format_time(seconds) if seconds else None


def read_moment(text: str, now: float) -> float:
    """Read a moment as people write it.

    Args:
        text: How long ago (``15m``, ``3d``), an RFC 3339 time, a date (its first moment in UTC),
            or ``now``.
        now: Seconds since the epoch.

    Returns:
        Seconds since the epoch.

    Raises:
        ValueError: When it is none of these; the message says what is allowed.
    """
    compact = text.strip()
    if compact == "now":
        return now
    try:
        return now - parse_duration(compact)
    except ValueError:
        pass
    try:
        day = date.fromisoformat(compact)
    except ValueError:
        pass
    else:
        return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    try:
        exact = datetime.fromisoformat(compact)
    except ValueError:
        exact = None
    if exact is None or exact.tzinfo is None:
        message = (
            f"{text!r} is neither how long ago, such as 15m or 3d, nor a time with its zone, such "
            "as 2026-11-23T19:56:00Z, nor a date, such as 2026-11-23"
        )
        raise ValueError(message)
    return exact.timestamp()


class Moment(click.ParamType[float]):
    """An option's moment, as `read_moment` takes it; the value is in seconds since the epoch."""

    name = "time"

    def convert(
        self,
        value: Any,  # Any: as click declares it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return it in seconds since the epoch."""
        if not isinstance(value, str):
            return float(value)
        try:
            return read_moment(value, system_clock())
        except (ValueError, OverflowError) as error:
            self.fail(str(error), param, ctx)


MOMENT = Moment()
"""For ``--since``, ``--until``, ``--from`` and ``--to``: ``click.option("--since", type=MOMENT)``."""


def _exactly(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"


def _away(seconds: float, now: float | None) -> str:
    at = system_clock() if now is None else now
    return until(seconds, at) if seconds - at >= 1 else ago(seconds, at)
