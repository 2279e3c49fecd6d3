"""What every listing shares: columns, JSON, pages, and what is said of an empty one."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import click

from eventflow.cli.output import print_json, print_table, say

__all__ = [
    "Column",
    "Page",
    "after_option",
    "limit_option",
    "page_of",
    "paging",
    "print_rows",
    "say_more",
    "show_listing",
]

ItemT = TypeVar("ItemT")
CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_MOST = 10_000  # rows that one call prints: what people and terminals bear


@dataclass(frozen=True)  # with slots, Python 3.11 could not make a Column[Rule]
class Column(Generic[ItemT]):
    """One column of a table.

    Attributes:
        heading: As it stands above; one that begins with ``#`` is aligned right, as numbers are.
        cell: Gives what stands in it for an item.
        most: Characters that it takes at most, the rest is cut; 0 cuts nothing.
    """

    heading: str
    cell: Callable[[ItemT], object]
    most: int = 0

    def text(self, item: ItemT) -> str:
        """Return the cell's text, on one line, cut to what the column takes."""
        value = self.cell(item)
        line = "" if value is None else " ".join(str(value).split())
        return line if not self.most or len(line) <= self.most else line[: self.most - 1] + "…"


@dataclass(frozen=True)
class Page(Generic[ItemT]):
    """Part of a listing.

    Attributes:
        items: What is on it, in the listing's order.
        after: What ``--after`` takes for the next page; empty when this is the last.
        total: How many there are on all pages; None where that is not known.
    """

    items: Sequence[ItemT]
    after: str = ""
    total: int | None = None


def page_of(
    items: Iterable[ItemT], *, cursor: Callable[[ItemT], str], limit: int, after: str | None
) -> Page[ItemT]:
    """Cut a page out of what is there as a whole, or is read up to the page's end.

    Args:
        items: All of them, in the listing's order.
        cursor: Gives what ``--after`` takes to go on behind an item; no two have the same.
        limit: The most on a page.
        after: The cursor of the last item of the page before; None for the first page.

    Raises:
        click.UsageError: When no item has the cursor *after*.
    """
    rest = iter(items)
    if after is not None and not any(cursor(item) == after for item in rest):
        message = f"nothing in this listing goes by --after {after!r}: begin without it"
        raise click.UsageError(message)
    found = list(islice(rest, limit + 1))
    shown = found[:limit]
    total = len(items) if isinstance(items, Sequence) else None
    return Page(shown, cursor(shown[-1]) if len(found) > limit else "", total)


def limit_option(default: int = 100, most: int = _MOST) -> Callable[[CommandT], CommandT]:
    """Return the option ``--limit``, given to the command as ``limit``.

    Args:
        default: The most rows unless said.
        most: The most that may be asked for.
    """
    return click.option(
        "--limit",
        default=default,
        show_default=True,
        type=click.IntRange(1, most),
        help="At most so many.",
    )


after_option = click.option(
    "--after", metavar="CURSOR", help="The page behind the one that named this cursor."
)
"""The option ``--after``, given to the command as ``after``."""


def paging(default: int = 100, most: int = _MOST) -> Callable[[CommandT], CommandT]:
    """Return the options of a listing in pages, ``--limit`` and ``--after``.

    Args:
        default: The most rows of a page unless said.
        most: The most that may be asked for.
    """

    def decorate(command: CommandT) -> CommandT:
        return limit_option(default, most)(after_option(command))

    return decorate


def print_rows(items: Iterable[ItemT], columns: Sequence[Column[ItemT]]) -> None:
    """Print a table of *items*, a row each.

    Args:
        items: What to print, in order.
        columns: The first names the item.
    """
    print_table(
        [column.heading for column in columns],
        [[column.text(item) for column in columns] for item in items],
    )


def show_listing(
    page: Page[ItemT],
    columns: Sequence[Column[ItemT]],
    *,
    document: Callable[[ItemT], object],
    as_json: bool,
    empty: str,
) -> None:
    """Print a page: rows for people, or a JSON array for programs.

    How to go on stands on stderr either way, so that what is on stdout stays data.

    Args:
        page: What to print.
        columns: The table's.
        document: Gives what ``--json`` prints of an item.
        as_json: Whether to print JSON.
        empty: What is said when there is nothing: a sentence, with what to do if that is known.
    """
    if as_json:
        print_json([document(item) for item in page.items])
    elif page.items:
        print_rows(page.items, columns)
    else:
        say(empty)
    say_more(page)


def say_more(page: Page[ItemT]) -> None:
    """Say on stderr how to go on, where a page is not the last.

    Args:
        page: What was shown.
    """
    if page.after:
        shown = f"{len(page.items):,}"
        if page.total is not None:
            shown = f"{shown} of {page.total:,}"
        say(f"{shown} shown; more: the same command with --after {shlex.quote(page.after)}")
