"""What commands print: data on stdout, talk on stderr, colour only on a terminal."""

import json
import re
import sys
from collections.abc import Iterator, Sequence

import click

__all__ = ["cause_lines", "json_option", "print_json", "print_table", "say", "visible"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNLIMITED = 100_000  # columns, where nobody's terminal wraps the lines

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The option that every listing has."""


def say(message: str, *, style: str | None = None) -> None:
    """Tell the person at the terminal something that is no data.

    Args:
        message: Goes to stderr, with a newline.
        style: A colour's name, for a terminal.
    """
    click.secho(message, err=True, fg=style)


def print_json(value: object) -> None:
    """Print *value* as JSON, for people and programs alike.

    Args:
        value: Whatever `json` can write.
    """
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns: as wide as the terminal, or as the data where there is none.

    Args:
        columns: The headings; one that begins with ``#`` is a column of numbers, aligned right.
            The first is what names a row: a narrow terminal wraps the others before it.
        rows: Each as long as *columns*. Control characters are shown, never obeyed.
    """
    from rich.console import Console  # noqa: PLC0415 - 50 ms that `--help` need not pay
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for place, name in enumerate(columns):
        table.add_column(
            name.removeprefix("#"),
            justify="right" if name[:1] == "#" else "left",
            no_wrap=place == 0 or name[:1] == "#",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(visible(str(cell))) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else _UNLIMITED, highlight=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def visible(text: str) -> str:
    r"""Return *text* with control characters written out, so that a terminal does not obey them.

    Args:
        text: Whatever came with an event.

    Returns:
        The same, with ``\x1b`` for an escape; newlines and tabs stay.
    """
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def cause_lines(error: BaseException) -> Iterator[str]:
    """Say an error and what caused it, one line each.

    Args:
        error: The error; its causes are what it was raised from.

    Yields:
        ``Error: …`` (further lines of a message as they are), then ``  caused by Name: …``.
    """
    yield f"Error: {error}"
    seen = {id(error)}
    cause = error.__cause__
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        text = " ".join(str(cause).split())
        name = type(cause).__name__
        yield f"  caused by {name}: {text}" if text else f"  caused by {name}"
        cause = cause.__cause__
