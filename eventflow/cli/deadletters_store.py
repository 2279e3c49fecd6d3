"""What the commands on dead letters share: the store, what sends, which are meant, and the question."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click
from sqlalchemy import Engine

from eventflow.cli.deadletters_view import counts_of
from eventflow.cli.output import say
from eventflow.cli.progress import show_progress
from eventflow.redrive import Course, LedgerCourse, Redriver
from eventflow.settings import load_settings
from eventflow.store import (
    DeadLetterCount,
    DeadLetterFilter,
    DeadLetterStore,
    open_engine,
    store_exists,
)
from eventflow.store.groups import FailureGroups

__all__ = [
    "Sending",
    "agreed",
    "all_option",
    "chosen",
    "dry_option",
    "groups_of",
    "letters",
    "opened",
    "sending",
    "yes_option",
]

all_option = click.option("--all", "is_all", is_flag=True, help="All of them.")
dry_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


class Sending(NamedTuple):
    """What sends dead letters again.

    Attributes:
        flow: Sends.
        course: Tells how it goes.
        is_alone: Whether nothing runs here that could deliver.
    """

    flow: Redriver
    course: Course
    is_alone: bool = False


@contextmanager
def opened() -> Iterator[Engine]:
    """Give the store of the settings; an empty one where nothing was ever recorded."""
    url = load_settings().store_url
    with ExitStack() as stack:
        if not store_exists(url):
            # Looking must not make a store in whatever folder one happens to stand.
            say(f"There is no store yet ({url.removeprefix('sqlite:///')}): nothing was recorded.")
            place = stack.enter_context(TemporaryDirectory(prefix="eventflow-"))
            url = f"sqlite:///{place}/empty.db"
        engine = open_engine(url)
        stack.callback(engine.dispose)
        yield engine


def groups_of(engine: Engine, *, quiet: bool) -> FailureGroups:
    """Give the groups of failures, with those of letters that an older eventflow has recorded.

    Args:
        engine: The store's.
        quiet: Whether to show nothing while that takes its time.
    """
    groups = FailureGroups(engine)
    if older := groups.count_older():
        with show_progress("grouped", older, quiet=quiet) as progress:
            groups.group_older(progress.advance)
    return groups


@contextmanager
def sending(store: DeadLetterStore) -> Iterator[Sending]:
    """Give what sends dead letters again; the embedded server runs meanwhile, if it is the one.

    Args:
        store: Where it is told from how it goes.
    """
    from eventflow.app import EventFlow  # noqa: PLC0415 - the other commands need no Celery
    from eventflow.embedded import running_server  # noqa: PLC0415

    flow = EventFlow()
    course = LedgerCourse(flow.context.ledgers, store)
    with ExitStack() as stack:
        is_alone = False
        if flow.settings.embedded:
            is_alone = stack.enter_context(running_server(flow.settings)).owned
        yield Sending(flow, course, is_alone)
    if is_alone:
        say("Nothing runs here now: `eventflow up` delivers what was sent.")


def chosen(
    ids: tuple[str, ...], filters: DeadLetterFilter | None, *, is_all: bool
) -> DeadLetterFilter:
    """Return the filter; refuse what says nothing, or two things at once.

    Args:
        ids: The ids that were given.
        filters: What the filters ask for; None where none was given.
        is_all: Whether all are meant.

    Raises:
        click.UsageError: When it is not exactly one of them.
    """
    if sum((bool(ids), filters is not None, is_all)) != 1:
        message = "say which: IDs, or filters such as --target, or --all"
        raise click.UsageError(message)
    return filters if filters is not None else DeadLetterFilter()


def agreed(count: DeadLetterCount, deed: str, *, asks: bool) -> bool:
    """Say what fits, and ask; False where nothing does, or the answer is no.

    Args:
        count: What fits.
        deed: What is done with it, as a question begins.
        asks: Whether to ask at all.
    """
    if not count.total:
        say("No dead letter matches.")
        return False
    say(f"{letters(count.total)} {'matches' if count.total == 1 else 'match'}:")
    for line in counts_of(count):
        say(line)
    if not asks:
        return True
    is_agreed = click.confirm(f"{deed} {count.total:,} of them?", err=True)
    if not is_agreed:
        say("Nothing was done.")
    return is_agreed


def letters(number: int) -> str:
    """Write so many dead letters."""
    return "1 dead letter" if number == 1 else f"{number:,} dead letters"
