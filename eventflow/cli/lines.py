"""The lines of several processes in one terminal, each behind its process's name."""

import re
import sys
import threading
from typing import TextIO

import click

from eventflow.cli.output import visible

__all__ = ["PrefixedLines"]

# How Celery begins a line: [2026-11-23 20:55:19,539: INFO/MainProcess]
_CELERY = re.compile(r"\[\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d),\d{3}: (\w+)/[^\]]+\]")
_LEVEL_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta")


class PrefixedLines:
    """Writes each line behind a name, in the name's colour where there is a terminal.

    Safe to use from several threads. When the terminal has gone, lines are dropped.

    Args:
        stream: Where to; stdout when missing.
        width: The width of the column of names.
    """

    def __init__(self, stream: TextIO | None = None, *, width: int = 0) -> None:
        self._stream = stream if stream is not None else sys.stdout
        self._width = width
        self._colours: dict[str, str] = {}
        self._lock = threading.Lock()

    def write(self, name: str, line: str, *, loud: bool = False) -> None:
        """Write one line.

        Args:
            name: Whose line it is.
            line: Control characters are shown, never obeyed.
            loud: Whether the line itself stands out, too.
        """
        with self._lock:
            self._width = max(self._width, len(name))
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            prefix = click.style(f"{name:<{self._width}} |", fg=colour)
            text = click.style(visible(line), bold=True) if loud else _shorten(visible(line))
            # The terminal has echoed ^C into the line that begins now.
            start = "\r" if self._stream.isatty() else ""
            try:
                click.echo(f"{start}{prefix} {text}", file=self._stream)
            except OSError:
                return


def _shorten(line: str) -> str:
    """Leave of the beginning of Celery's lines what one reads: the time, and what is amiss."""
    match = _CELERY.match(line)
    if match is None:
        return line
    level = match[2]
    said = "" if level in {"INFO", "DEBUG"} else f" {level}"
    return click.style(f"{match[1]}{said}", fg=_LEVEL_COLOURS.get(level)) + line[match.end() :]
