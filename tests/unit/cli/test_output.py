"""What commands print, and how."""

import io
import json

import click
import pytest

from eventflow.cli.lines import PrefixedLines
from eventflow.cli.output import cause_lines, print_json, print_table, say, visible
from eventflow.errors import StartError


def test_a_table_is_aligned_and_uncut(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal, columns are aligned, numbers right, and nothing is cut."""
    long = "x" * 300
    print_table(["name", "#count"], [["a", 5], [long, 1000]])
    assert capsys.readouterr().out.splitlines() == [
        f"name{'':<297} count",
        f"a{'':<300}     5",
        f"{long}   1000",
    ]


def test_an_empty_table_has_its_headings(capsys: pytest.CaptureFixture[str]) -> None:
    """A listing of nothing still says what its columns are."""
    print_table(["name", "#count"], [])
    assert capsys.readouterr().out == "name  count\n"


def test_a_table_takes_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """What looks like markup or an escape is data."""
    print_table(["name"], [["[red]x[/red]"], ["\x1b[31mred"], [None]])
    assert capsys.readouterr().out == "name\n[red]x[/red]\n\\x1b[31mred\nNone\n"


def test_json_is_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON is indented, keeps letters, and reads back as it was."""
    print_json([{"name": "Zoë", "count": 0}])
    said = capsys.readouterr().out
    assert '"name": "Zoë"' in said
    assert json.loads(said) == [{"name": "Zoë", "count": 0}]


def test_json_refuses_what_is_no_json() -> None:
    """A number that JSON does not have is an error, not invalid output."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json(float("nan"))


def test_talk_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Talk never mixes with data, and has no colour where there is no terminal."""
    say("hello", style="red")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),  # would rename the terminal
        ("a\rb", "a\\x0db"),  # would overwrite the line
        ("\x9b31m", "\\x9b31m"),  # an escape in one byte
        ("Zoë ☂", "Zoë ☂"),
    ],
)
def test_control_characters_are_written_out(text: str, expected: str) -> None:
    """Control characters are shown, everything else stays."""
    assert visible(text) == expected


def test_causes_are_said_once() -> None:
    """A chain of causes ends, even where it is a circle."""
    first, second = StartError("first"), StartError("second")
    first.__cause__, second.__cause__ = second, first
    assert list(cause_lines(first)) == ["Error: first", "  caused by StartError: second"]


def test_a_cause_without_a_message_is_its_name() -> None:
    """A cause that says nothing is named."""
    error = StartError("first")
    error.__cause__ = TimeoutError()
    assert list(cause_lines(error)) == ["Error: first", "  caused by TimeoutError"]


def test_lines_stand_behind_their_names() -> None:
    """Lines of several processes are aligned, and plain where there is no terminal."""
    stream = io.StringIO()
    lines = PrefixedLines(stream, width=8)
    lines.write("router", "ready")
    lines.write("device-vendor", "\x1b[2J", loud=True)
    lines.write("router", "")
    assert stream.getvalue() == ("router   | ready\ndevice-vendor | \\x1b[2J\nrouter        | \n")


def test_lines_have_a_colour_for_each_name_on_a_terminal() -> None:
    """On a terminal each name has a colour of its own, and keeps it."""
    stream = _Terminal()
    lines = PrefixedLines(stream)
    for name in ("a", "b", "a"):
        lines.write(name, "x")
    assert stream.getvalue().splitlines() == [
        "",  # each line begins at the left margin, whatever the keyboard wrote there
        f"{click.style('a |', fg='cyan')} x",
        "",
        f"{click.style('b |', fg='magenta')} x",
        "",
        f"{click.style('a |', fg='cyan')} x",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[2026-11-23 20:55:19,539: INFO/MainProcess] ready.", "20:55:19 ready."),
        ("[2026-11-23 20:55:19,539: ERROR/ForkPoolWorker-1] a: [b]", "20:55:19 ERROR a: [b]"),
        ("[2026-11-23] anything else", "[2026-11-23] anything else"),
    ],
)
def test_celerys_lines_begin_with_the_time(line: str, expected: str) -> None:
    """Of what stands before each line of Celery's, the time stays, and the level if it matters."""
    stream = io.StringIO()
    PrefixedLines(stream).write("a", line)
    assert stream.getvalue() == f"a | {expected}\n"


def test_lines_are_dropped_when_the_terminal_has_gone() -> None:
    """A closed terminal does not stop the processes whose lines it showed."""
    stream = _Gone()
    PrefixedLines(stream).write("a", "x")
    assert stream.tries == 1


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Gone(io.StringIO):
    tries = 0

    def write(self, _text: str) -> int:
        self.tries += 1
        raise OSError(5, "Input/output error")
