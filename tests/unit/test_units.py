"""Durations, rates and moments, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventflow.units import (
    Rate,
    format_duration,
    format_time,
    parse_duration,
    parse_rate,
    system_clock,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),  # zero is a value
        ("500ms", 0.5),
        ("10s", 10.0),
        ("1.5s", 1.5),
        ("15m", 900.0),
        ("24h", 86400.0),
        ("2d", 172800.0),
        ("1h30m", 5400.0),
        (" 10s ", 10.0),
    ],
)
def test_parse_duration(text: str, seconds: float) -> None:
    """A duration is numbers with their units, added up to seconds."""
    assert seconds == parse_duration(text)


@pytest.mark.parametrize("text", ["", "10", "s", "-1s", "10 s", "1y", "1h 30m", "1e3s", "½h"])
def test_parse_duration_refuses(text: str) -> None:
    """What is no duration is quoted, and what one looks like is said."""
    with pytest.raises(ValueError) as caught:
        parse_duration(text)
    expected = f"{text!r} is not a duration: write a number and a unit, such as 10s, 15m or 24h"
    assert expected == str(caught.value)


def test_parse_duration_refuses_infinity() -> None:
    """A number too large for a float is an error, not an endless wait."""
    with pytest.raises(ValueError, match="longer than a duration can be"):
        parse_duration("9" * 400 + "d")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (1.5, "1.5s"),
        (10, "10s"),
        (59.9999, "1m"),  # not 60s
        (90.5, "1m30.5s"),
        (119.9999, "2m"),  # not 1m60s
        (5400, "1h30m"),
        (86400, "1d"),
        (90061, "1d1h1m1s"),
        (86400 * 10**7, "10000000d"),  # not 1e+07d
    ],
)
def test_format_duration(seconds: float, text: str) -> None:
    """Seconds are written in their largest units, to the millisecond."""
    assert text == format_duration(seconds)


@given(st.floats(min_value=0, max_value=1e9))
def test_duration_round_trip(seconds: float) -> None:
    """What is written reads back to the millisecond."""
    assert seconds == pytest.approx(parse_duration(format_duration(seconds)), abs=0.00051)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("50/s", Rate(50, 1)),
        ("0.5/s", Rate(0.5, 1)),
        ("100/m", Rate(100, 60)),
        ("1000/h", Rate(1000, 3600)),
        ("1234567/h", Rate(1234567, 3600)),
        ("1000000/d", Rate(1000000, 86400)),
    ],
)
def test_rate_round_trip(text: str, rate: Rate) -> None:
    """A rate reads and writes as the same text, large counts in full."""
    assert rate == parse_rate(text)
    assert text == str(rate)


def test_rate_of_another_window() -> None:
    """A rate over a window that has no unit is written for one second."""
    assert "2.5/s" == str(Rate(25, 10))


@pytest.mark.parametrize("text", ["", "50", "/s", "0/s", "0.0/m", "-1/s", "50/w", "9" * 400 + "/s"])
def test_parse_rate_refuses(text: str) -> None:
    """What is no rate, zero among it, is an error that shows what one looks like."""
    with pytest.raises(ValueError, match="such as 50/s or 100/m"):
        parse_rate(text)


def test_format_time() -> None:
    """A moment is written in UTC with milliseconds and a Z."""
    assert "1970-01-01T00:00:00.000Z" == format_time(0)
    assert "2026-11-23T19:56:00.123Z" == format_time(1795463760.1235)


def test_system_clock_is_now() -> None:
    """The system's clock counts seconds since the epoch: it is after this test was written."""
    assert "2026-11-01T00:00:00.000Z" < format_time(system_clock())
