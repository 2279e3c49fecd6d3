"""How far long work is: a bar on a terminal, a line now and then elsewhere, all on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from eventflow.cli.output import say
from eventflow.cli.times import span

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

__all__ = ["Progress", "describe_progress", "show_progress"]

_EVERY = 10.0  # seconds between two lines, where there is no terminal


class Progress(Protocol):
    """What long work tells of how far it is."""

    def advance(self, number: int = 1) -> None:
        """Say that *number* more are done."""

    def reach(self, done: int, total: int | None = None) -> None:
        """Say how many are done in all, and how many there are if that has changed."""


@contextmanager
def show_progress(
    what: str, total: int | None = None, *, done: int = 0, quiet: bool = False
) -> Iterator[Progress]:
    """Show how far the work inside of the ``with`` is, how fast it goes, and how long it will take.

    Args:
        what: What happens to what is counted, such as ``replayed``.
        total: How many there are; None where that is not known.
        done: How many were done before, of work that goes on: they count as done, not as fast.
        quiet: Whether to show nothing, as with ``--json``.
    """
    if quiet:
        yield _Silent()
    elif sys.stderr.isatty():
        with _bar(what, total, done) as progress:
            yield progress
    else:
        lines = _Lines(what, total, done)
        yield lines
        lines.end()


class _Silent:
    """Shows nothing."""

    def advance(self, number: int = 1) -> None:
        del number

    def reach(self, done: int, total: int | None = None) -> None:
        del done, total


class _Lines:
    """A line at most every so often, and one at the end."""

    def __init__(self, what: str, total: int | None, done: int) -> None:
        self._what = what
        self._total = total
        self._done = done
        self._before = done
        self._began = self._said_at = time.monotonic()
        self._said: str | None = None

    def advance(self, number: int = 1) -> None:
        self.reach(self._done + number)

    def reach(self, done: int, total: int | None = None) -> None:
        self._done = done
        self._total = self._total if total is None else total
        if time.monotonic() - self._said_at >= _EVERY:
            self._say()

    def end(self) -> None:
        self._say()

    def _say(self) -> None:
        self._said_at = time.monotonic()
        rate = (self._done - self._before) / max(self._said_at - self._began, 1e-9)
        line = describe_progress(self._what, self._done, self._total, rate)
        if line != self._said:
            say(line)
        self._said = line


def describe_progress(what: str, done: int, total: int | None, rate: float) -> str:
    """Say in a line how far work is.

    Args:
        what: What happens to what is counted.
        done: How many are done.
        total: How many there are; None where that is not known.
        rate: How many a second.

    Returns:
        Such as ``replayed: 1,200 of 5,000 (24 %), 400/s, 9s to go``.
    """
    parts = [f"{what}: {done:,}"]
    if total is not None:
        share = 100 if done >= total else done * 100 // total
        parts[0] += f" of {total:,} ({share} %)"
    if rate > 0:
        parts.append(_rate(rate))
        if total is not None and done < total:
            parts.append(f"{span((total - done) / rate)} to go")
    return ", ".join(parts)


class _Bar:
    """A bar of rich's, with how fast it goes."""

    def __init__(self, bar: "RichProgress", what: str, total: int | None, done: int) -> None:
        self._bar = bar
        self._task = bar.add_task(what, total=total, completed=done, rate="")
        self._done = self._before = done
        self._began = time.monotonic()

    def advance(self, number: int = 1) -> None:
        self.reach(self._done + number)

    def reach(self, done: int, total: int | None = None) -> None:
        self._done = done
        rate = (done - self._before) / max(time.monotonic() - self._began, 1e-9)
        self._bar.update(self._task, completed=done, total=total, rate=_rate(rate))


@contextmanager
def _bar(what: str, total: int | None, done: int) -> Iterator[Progress]:
    from rich import progress as rich  # noqa: PLC0415 - 50 ms that nobody else need pay
    from rich.console import Console  # noqa: PLC0415

    with rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[rate]}"),
        rich.TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
    ) as bar:
        yield _Bar(bar, what, total, done)


def _rate(rate: float) -> str:
    """Write how many a second; or a minute, where it is less than one a second."""
    if rate <= 0:
        return ""
    return f"{rate:,.0f}/s" if rate >= 1 else f"{rate * 60:,.1f}/m"
