"""What the demo shows while it runs: a live table on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from eventflow.cli.output import say

__all__ = ["PlainView", "Row", "TerminalView", "View", "make_view"]

_PLAIN_EVERY = 3.0  # seconds
_COLUMNS = ("target", "queued", "delivered", "retrying", "parked", "dead", "p50 ms", "p90 ms")


@dataclass(frozen=True, slots=True)
class Row:
    """One target as it stands now.

    Attributes:
        target: Its name.
        queued: Deliveries that wait for a worker or are with one.
        delivered: Deliveries that the outside world has accepted.
        retrying: Deliveries that wait for their next attempt.
        parked: Deliveries that wait for the circuit breaker to close.
        dead: Dead letters, refused ones among them.
        p50_ms: Publish to acceptance outside, the median; None before the first.
        p90_ms: The same, for nine of ten.
    """

    target: str
    queued: int
    delivered: int
    retrying: int
    parked: int
    dead: int
    p50_ms: float | None
    p90_ms: float | None


class View(Protocol):
    """Shows how things stand. Used as a context manager, so that the terminal is given back."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, title: str, rows: Sequence[Row], *, is_alarm: bool = False) -> None:
        """Show the targets under a title, a loud one if need be; call it as often as you like."""


class TerminalView:
    """A table that is redrawn in its place, on stderr."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, title: str, rows: Sequence[Row], *, is_alarm: bool = False) -> None:
        """Redraw the table."""
        style = "bold red" if is_alarm else "bold"
        self._live.update(_draw(title, style, rows), refresh=True)


class PlainView:
    """A few lines every few seconds, where there is no terminal to redraw.

    Args:
        clock: Returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def show(self, title: str, rows: Sequence[Row], *, is_alarm: bool = False) -> None:
        """Say a line for each target, unless it was said just now."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + _PLAIN_EVERY
        say(title, style="red" if is_alarm else None)
        for row in rows:
            latency = f", p50 {_number(row.p50_ms)} ms, p90 {_number(row.p90_ms)} ms"
            say(
                f"  {row.target}: {row.queued} queued, {row.delivered} delivered, "
                f"{row.retrying} retrying, {row.parked} parked, {row.dead} dead"
                f"{latency if row.delivered else ''}"
            )


def make_view() -> View:
    """Return the view that fits where stderr goes."""
    if sys.stderr.isatty():
        return TerminalView(Console(stderr=True, highlight=False))
    return PlainView()


def _draw(title: str, style: str, rows: Sequence[Row]) -> Table:
    table = Table(
        title=title, title_style=style, title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name == "target" else "right", min_width=8)
    for row in rows:
        table.add_row(
            row.target,
            str(row.queued),
            f"[green]{row.delivered}[/green]",
            f"[yellow]{row.retrying}[/yellow]" if row.retrying else "0",
            f"[yellow]{row.parked}[/yellow]" if row.parked else "0",
            f"[red]{row.dead}[/red]" if row.dead else "0",
            _number(row.p50_ms),
            _number(row.p90_ms),
        )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
