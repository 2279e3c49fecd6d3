"""What every listing shares: pages, columns, JSON, and what is said of nothing."""

import json
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from eventflow.cli.listing import Column, Page, page_of, paging, show_listing
from eventflow.cli.output import print_table

COLUMNS = [Column[int]("number", str), Column[int]("#square", lambda number: number * number)]


def show(page: Page[int], *, as_json: bool = False) -> None:
    """Print a page of numbers."""
    show_listing(
        page,
        COLUMNS,
        document=lambda number: {"number": number},
        as_json=as_json,
        empty="There is no number.",
    )


def test_all_pages_together_are_the_listing() -> None:
    """Each begins behind the one before, none is missing or twice, and the last has no cursor."""
    seen: list[int] = []
    after: str | None = None
    sizes = []
    while after != "":
        page = page_of(list(range(25)), cursor=str, limit=10, after=after)
        seen += page.items
        sizes.append(len(page.items))
        after = page.after
    assert (seen, sizes, page.total) == (list(range(25)), [10, 10, 5], 25)


def test_a_full_last_page_has_no_cursor() -> None:
    """Nobody is sent to a page with nothing on it."""
    assert page_of([1, 2], cursor=str, limit=2, after=None) == Page([1, 2], "", 2)


def test_no_more_is_read_than_the_page_needs() -> None:
    """One item more than the page has, which says whether it is the last; no total then."""
    read = []

    def numbers() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    page = page_of(numbers(), cursor=str, limit=3, after="1")
    assert (page, read) == (Page([2, 3, 4], "4", None), [0, 1, 2, 3, 4, 5])


def test_a_cursor_that_is_not_there_is_wrong_use() -> None:
    """It is told, instead of an empty page that looks like the end."""
    with pytest.raises(click.UsageError, match="nothing in this listing goes by --after '9'"):
        page_of([1, 2], cursor=str, limit=2, after="9")


def test_rows_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows on stdout, how to go on on stderr, with a cursor that a shell takes as it is."""
    show(Page([1, 12], "a b", 2000))
    said = capsys.readouterr()
    assert said.out.splitlines() == ["number  square", "1            1", "12         144"]
    assert said.err == "2 of 2,000 shown; more: the same command with --after 'a b'\n"


def test_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """An array, whatever page it is; what is said beside it is on stderr."""
    show(Page([1], "1"), as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out) == [{"number": 1}]
    assert said.err == "1 shown; more: the same command with --after 1\n"


def test_nothing_is_said_and_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout stays empty for people, and is an empty array for programs."""
    show(Page([]))
    assert tuple(capsys.readouterr()) == ("", "There is no number.\n")
    show(Page([]), as_json=True)
    assert tuple(capsys.readouterr()) == ("[]\n", "")


def test_a_cell_is_one_line_and_no_longer_than_its_column() -> None:
    """What is cut ends in an ellipsis; None is an empty cell."""
    column = Column[object]("error", lambda value: value, most=5)
    assert [column.text(value) for value in ("12345", "123456", "a\n  b", None, 0)] == [
        "12345",
        "1234…",
        "a b",
        "",
        "0",
    ]


def test_the_options_of_pages() -> None:
    """A limit with a default and bounds, and a cursor."""

    @click.command()
    @paging(default=7, most=50)
    def command(limit: int, after: str | None) -> None:
        click.echo(f"{limit} {after}")

    runner = CliRunner()
    assert runner.invoke(command, []).stdout == "7 None\n"
    assert runner.invoke(command, ["--limit", "50", "--after", "x"]).stdout == "50 x\n"
    assert runner.invoke(command, ["--limit", "51"]).exit_code == 2
    assert runner.invoke(command, ["--limit", "0"]).exit_code == 2


def test_a_narrow_terminal_wraps_what_names_a_row_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name and the numbers stay whole; the text beside them is wrapped, and none is lost."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_table(["id", "#count", "error"], [["0123456789abcdef", 12345, "one two three four"]])
    lines = click.unstyle(capsys.readouterr().out).splitlines()
    assert "0123456789abcdef" in lines[1]
    assert "12345" in lines[1]
    assert max(map(len, lines)) <= 40
    assert " ".join(" ".join(lines).split()).endswith("four")
