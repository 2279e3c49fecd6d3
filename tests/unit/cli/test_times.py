"""Moments on the command line: written for people and programs, read from options."""

from datetime import UTC, datetime

import click
import pytest
from click.testing import CliRunner

from eventflow.cli.times import MOMENT, ago, iso, moment, read_moment, span, until

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "never"),
        (NOW, "2026-11-23 20:00:00Z (just now)"),
        (NOW - 0.5, "2026-11-23 19:59:59Z (just now)"),
        (NOW - 59.9, "2026-11-23 19:59:00Z (59s ago)"),
        (NOW - 60, "2026-11-23 19:59:00Z (1m ago)"),
        (NOW - 3 * 3600, "2026-11-23 17:00:00Z (3h ago)"),
        (NOW - 400 * 86400, "2025-10-19 20:00:00Z (400d ago)"),
        (NOW + 0.5, "2026-11-23 20:00:00Z (just now)"),
        (NOW + 90, "2026-11-23 20:01:30Z (in 1m)"),
    ],
)
def test_a_moment_is_absolute_and_relative(seconds: float, expected: str) -> None:
    """Both at once, and a moment ahead says so; zero is never."""
    assert moment(seconds, NOW) == expected


def test_what_was_written_can_be_read_again() -> None:
    """The absolute part of a moment is what `--since` takes, so it may be copied."""
    assert read_moment(moment(NOW - 3600, NOW).partition(" (")[0], NOW) == NOW - 3600


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (ago(0, NOW), "never"),
        (ago(NOW - 120, NOW), "2m ago"),
        (ago(NOW + 120, NOW), "just now"),
        (until(0, NOW), "never"),
        (until(NOW + 120, NOW), "in 2m"),
        (until(NOW - 120, NOW), "now"),
        (span(0), "0ms"),
        (span(0.4123), "412ms"),
        (span(7200), "2h"),
    ],
)
def test_lengths_and_distances(written: str, expected: str) -> None:
    """The largest unit is enough for people."""
    assert written == expected


def test_programs_get_rfc_3339() -> None:
    """With milliseconds, in UTC; never is null."""
    assert (iso(NOW + 0.25), iso(0)) == ("2026-11-23T20:00:00.250Z", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15m", NOW - 900),
        (" 1h30m ", NOW - 5400),
        ("0s", NOW),
        ("now", NOW),
        ("2026-11-23T19:00:00Z", NOW - 3600),
        ("2026-11-23 19:00:00Z", NOW - 3600),
        ("2026-11-23T20:00:00+01:00", NOW - 3600),
        ("2026-11-23", NOW - 20 * 3600),
    ],
)
def test_a_moment_is_read(text: str, expected: float) -> None:
    """How long ago, an RFC 3339 time with any zone, or a day of UTC."""
    assert read_moment(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "15", "-15m", "2026-11-23T19:00:00", "2026-13-01"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    """A time without a zone, too: it would be another moment on another machine."""
    with pytest.raises(ValueError, match="nor a time with its zone, such as 2026-11-23T19:56:00Z"):
        read_moment(text, NOW)


def test_an_option_takes_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its value is in seconds since the epoch; a wrong one is wrong use, and says what is right."""
    monkeypatch.setattr("eventflow.cli.times.system_clock", lambda: NOW)

    @click.command()
    @click.option("--since", type=MOMENT, default=5.0)
    def command(since: float) -> None:
        click.echo(repr(since))

    runner = CliRunner()
    assert runner.invoke(command, ["--since", "1h"]).stdout == f"{NOW - 3600!r}\n"
    assert runner.invoke(command, []).stdout == "5.0\n"
    refused = runner.invoke(command, ["--since", "soon"])
    assert (refused.exit_code, "such as 15m or 3d" in refused.stderr) == (2, True)
    far = runner.invoke(command, ["--since", "0001-01-01T00:00:00+14:00"])
    assert (far.exit_code, far.exception) in ((0, None), (2, far.exception))
