"""A replay at the terminal: the parts that it needs, its progress, how it ended."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from eventflow.cli.actor import record_audit
from eventflow.cli.output import print_json, say
from eventflow.cli.progress import show_progress
from eventflow.cli.replay_view import document_of
from eventflow.errors import ReplayError, StoreError
from eventflow.settings import load_settings
from eventflow.store import open_engine, store_exists
from eventflow.store.replay_records import ReplayProgress, ReplayState, StoredReplay
from eventflow.store.replays import ReplayStore
from eventflow.units import system_clock

if TYPE_CHECKING:
    from eventflow.replay.run import Tell
    from eventflow.replay.service import Replayer

__all__ = ["as_wrong_use", "opened_replays", "replaying", "show_run"]


@contextmanager
def opened_replays() -> Iterator[ReplayStore]:
    """Give the store of replays.

    Raises:
        StoreError: When there is no store, which looking does not make.
    """
    url = load_settings().store_url
    if not store_exists(url):
        message = f"there is no store yet ({url.removeprefix('sqlite:///')}): nothing was replayed"
        raise StoreError(message)
    engine = open_engine(url)
    try:
        yield ReplayStore(engine)
    finally:
        engine.dispose()


@contextmanager
def replaying() -> Iterator["Replayer"]:
    """Give what runs replays; the embedded server runs meanwhile, if it is the one.

    Raises:
        StoreError: When there is no store, and so no archive.
    """
    from eventflow.app import EventFlow  # noqa: PLC0415 - the other commands need no Celery
    from eventflow.embedded import running_server  # noqa: PLC0415
    from eventflow.replay.service import Replayer  # noqa: PLC0415

    flow = EventFlow()
    if not store_exists(flow.settings.store_url):
        message = "there is no store yet, and so no archive: `eventflow archive list` tells more"
        raise StoreError(message)
    with ExitStack() as stack:
        is_alone = False
        if flow.settings.embedded:
            is_alone = stack.enter_context(running_server(flow.settings)).owned
        engine = open_engine(flow.settings.store_url)
        stack.callback(engine.dispose)
        yield Replayer(flow, engine)
    if is_alone:
        say("Nothing runs here now: `eventflow up` delivers what was sent.")


@contextmanager
def as_wrong_use() -> Iterator[None]:
    """Have what cannot be replayed as asked be said as a wrong use of the command."""
    try:
        yield
    except ReplayError as error:
        raise click.UsageError(error.message) from error


def show_run(
    deed: str,
    run: Callable[["Tell"], StoredReplay],
    *,
    name: str,
    as_json: bool,
    target: str = "",
    done: int = 0,
) -> int:
    """Run a replay, show how far it is, and say how it ended.

    Args:
        deed: What the audit says was done.
        run: Runs it; given what is to be told how far it is.
        name: The replay's name.
        as_json: Whether to print how it ended as JSON, and nothing else.
        target: The target that is started, for the audit.
        done: How many events had been seen before, of one that is resumed.

    Returns:
        The exit code.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    is_noted, said = False, ""
    with show_progress("replayed", done=done, quiet=as_json) as progress:

        def tell(how: ReplayProgress) -> None:
            nonlocal is_noted, said
            if not is_noted:  # it runs: nothing has refused it
                record_audit(deed, target=target, facts={"replay": name})
                is_noted = True
            progress.reach(how.seen, how.total)
            if how.note not in {"", said} and not as_json:
                say(f"Waits: {how.note}", style="yellow")
            said = how.note

        ended = run(tell)
    facts = {"replay": name, "state": ended.state.value}
    record_audit("replay end", target=target, count=ended.progress.sent, facts=facts)
    return _report(ended, name, as_json=as_json)


def _report(ended: StoredReplay, name: str, *, as_json: bool) -> int:
    if as_json:
        print_json(document_of(ended, system_clock()))
    sent = f"{ended.progress.sent:,} of {ended.progress.seen:,} events sent"
    if ended.state is ReplayState.COMPLETED:
        say(f"Replay {name} is complete: {sent}.")
        return 0
    if ended.state is ReplayState.CANCELLED:
        say(f"Replay {name} was cancelled: {sent}.", style="yellow")
        return 1
    if ended.state is ReplayState.RUNNING:
        say(f"Replay {name} was taken over by {ended.owner}.", style="yellow")
        return 1
    say(f"Interrupted: {sent}. `eventflow replay resume {name}` goes on.", style="yellow")
    return 130
