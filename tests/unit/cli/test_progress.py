"""How far long work is, as it is shown."""

import io
import sys

import pytest

from eventflow.cli import progress
from eventflow.cli.progress import describe_progress, show_progress


class Terminal(io.StringIO):
    """A terminal that keeps what is written."""

    def isatty(self) -> bool:
        """Return true."""
        return True


class Watch:
    """A clock that goes on when told."""

    def __init__(self) -> None:
        self.at = 1000.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.at


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """The clock by which progress is told."""
    watch = Watch()
    monkeypatch.setattr(progress, "time", watch)
    return watch


def test_lines_are_sparse(watch: Watch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal: one in ten seconds, and one at the end."""
    with show_progress("replayed", 3000) as shown:
        for _ in range(3000):
            watch.at += 1 / 128  # which a float has exactly
            shown.advance()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "replayed: 1,280 of 3,000 (42 %), 128/s, 13s to go",
        "replayed: 2,560 of 3,000 (85 %), 128/s, 3s to go",
        "replayed: 3,000 of 3,000 (100 %), 128/s",
    ]


def test_what_was_done_before_is_not_fast(watch: Watch, capsys: pytest.CaptureFixture[str]) -> None:
    """Work that goes on has its share done, and its time to go by its own rate."""
    with show_progress("replayed", 2000, done=1000) as shown:
        watch.at += 10
        shown.reach(1100)
    assert capsys.readouterr().err == "replayed: 1,100 of 2,000 (55 %), 10/s, 1m to go\n"


def test_a_total_may_change(watch: Watch, capsys: pytest.CaptureFixture[str]) -> None:
    """What comes meanwhile is counted in."""
    with show_progress("moved") as shown:
        watch.at += 2
        shown.reach(100, 400)
    assert capsys.readouterr().err == "moved: 100 of 400 (25 %), 50/s, 6s to go\n"


@pytest.mark.usefixtures("watch")
def test_nothing_beside_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asked for JSON is told nothing."""
    with show_progress("replayed", 10, quiet=True) as shown:
        shown.advance(5)
        shown.reach(10)
    assert tuple(capsys.readouterr()) == ("", "")


def test_an_error_is_the_last_word(watch: Watch, capsys: pytest.CaptureFixture[str]) -> None:
    """What fails goes up as it is, and no line says that it was done."""

    def work() -> None:
        with show_progress("replayed", 10) as shown:
            watch.at += 1
            shown.advance(1 // 0)

    with pytest.raises(ZeroDivisionError):
        work()
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is done, of how many, and how fast."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with show_progress("replayed", 1000) as shown:
        shown.advance(250)
        shown.reach(1000)
    written = terminal.getvalue()
    assert "replayed" in written
    assert "1000/1000" in written
    assert "/s" in written


@pytest.mark.parametrize(
    ("done", "total", "rate", "expected"),
    [
        (0, None, 0.0, "sent: 0"),
        (0, 0, 0.0, "sent: 0 of 0 (100 %)"),
        (999, 1000, 0.5, "sent: 999 of 1,000 (99 %), 30.0/m, 2s to go"),
        (1200, None, 400.0, "sent: 1,200, 400/s"),
    ],
)
def test_a_line(done: int, total: int | None, rate: float, expected: str) -> None:
    """It says what is known, and 100 % for nothing but the end."""
    assert describe_progress("sent", done, total, rate) == expected
