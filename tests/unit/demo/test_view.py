"""The demo's live view: lines where there is no terminal, a table where there is one."""

import io

import pytest
from rich.console import Console

from eventflow.cli.demo_view import PlainView, Row, TerminalView

_ROWS = [
    Row("audit", queued=0, delivered=2, retrying=0, parked=0, dead=0, p50_ms=0.0, p90_ms=1234.4),
    Row("door", queued=3, delivered=0, retrying=4, parked=6, dead=5, p50_ms=None, p90_ms=None),
]


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """A title and a line for each target, on stderr; a latency of zero is one."""
    with PlainView(clock=lambda: 0.0) as view:
        view.show("published 2 of 5", _ROWS)

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "published 2 of 5",
        "  audit: 0 queued, 2 delivered, 0 retrying, 0 parked, 0 dead, p50 0 ms, p90 1,234 ms",
        "  door: 3 queued, 0 delivered, 4 retrying, 6 parked, 5 dead",
    ]


def test_plain_lines_come_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """What is shown more often than every three seconds is passed over."""
    moments = iter([0.0, 0.0, 0.0, 1.0, 2.9, 3.0, 3.0])
    with PlainView(clock=lambda: next(moments)) as view:
        for number in range(4):
            view.show(f"look {number}", [])

    assert capsys.readouterr().err.splitlines() == ["look 0", "look 3"]


def test_table_has_every_number() -> None:
    """On a terminal each target is a row."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, highlight=False, no_color=True)
    with TerminalView(console) as view:
        view.show("published 2 of 5", _ROWS)

    lines = [" ".join(line.split()) for line in screen.getvalue().splitlines()]
    assert any("published 2 of 5" in line for line in lines)
    assert any("audit 0 2 0 0 0 0 1,234" in line for line in lines)
    assert any("door 3 0 4 6 5 - -" in line for line in lines)
