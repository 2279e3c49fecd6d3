"""`eventflow demo`: a day of parcels from start to end, and the account of it."""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from eventflow.cli.output import json_option, print_json, say
from eventflow.events import Event

if TYPE_CHECKING:
    from eventflow.cli.demo_place import Place
    from eventflow.cli.demo_run import Run

__all__ = ["demo"]

_LOCK = "up.lock"  # the lock of `eventflow up`: neither starts on the other's data


@click.command()
@click.option(
    "--events",
    "count",
    type=click.IntRange(1, 100_000),
    default=200,
    show_default=True,
    metavar="N",
    help="How many events the day has.",
)
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own events instead, one JSON object a line, with EventBridge's or eventflow's names.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Makes the day again.")
@click.option("--keep", is_flag=True, help="Leave all of it up at the end, until Ctrl-C.")
@json_option
def demo(count: int, path: Path | None, *, seed: int, keep: bool, as_json: bool) -> int:
    """Run a day of parcels, start to end.

    Starts everything on data of its own (.eventflow/demo) and publishes a day of in-garage
    delivery, with a device vendor that fails a third of its calls and is down for a while. Ends
    with an account: every event x target delivered, dead-lettered or refused, none missing, none
    twice. Exits with 1 if it is not so. One producer breaks its event's schema, and is stopped.
    """
    # `--help` need not pay for Celery and SQLAlchemy.
    from eventflow.cli.demo_day import break_schema, make_day  # noqa: PLC0415
    from eventflow.cli.demo_place import Place, find_reference  # noqa: PLC0415
    from eventflow.cli.deployment import flower_url  # noqa: PLC0415
    from eventflow.cli.event_files import read_events  # noqa: PLC0415
    from eventflow.cli.ports import any_port, free_port  # noqa: PLC0415
    from eventflow.cli.running import RunLock  # noqa: PLC0415
    from eventflow.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    limits = {"max_bytes": settings.max_event_bytes, "max_depth": settings.max_event_depth}
    events: Sequence[Event[Any]] = (
        read_events(path, **limits)
        if path is not None
        else make_day(count, seed=seed, date=datetime.now(UTC))
    )
    reference = find_reference(Path.cwd()).resolve()
    # The reader's own events are left as they are; nor is one stopped where there are no schemas.
    is_own = path is not None or not (reference / "schemas").is_dir()
    careless = None if is_own else break_schema(datetime.now(UTC))
    data_dir = settings.data_dir / "demo"
    with (
        RunLock(data_dir / _LOCK, "eventflow demo") as lock,
        free_port(settings.flower_port) as flower_port,
    ):
        _wipe(data_dir)
        lock.note(flower=flower_url(flower_port))
        place = Place(
            reference=reference,
            data_dir=data_dir.absolute(),
            # None that workers call by themselves: another deployment of this machine, or the demo
            # before this one, would have its calls in this one's account.
            vendor_port=any_port(),
            flower_port=flower_port,
        )
        return _run(
            place,
            events,
            careless=careless,
            seed=seed,
            keep=keep,
            as_json=as_json,
            shown=data_dir,
        )


def _run(
    place: "Place",
    events: Sequence[Event[Any]],
    *,
    careless: Event[Any] | None,
    seed: int,
    keep: bool,
    as_json: bool,
    shown: Path,
) -> int:
    from eventflow.cli.demo_report import Report  # noqa: PLC0415 - as above
    from eventflow.cli.demo_run import Run  # noqa: PLC0415
    from eventflow.cli.demo_view import make_view  # noqa: PLC0415
    from eventflow.cli.deployment import flower_url  # noqa: PLC0415

    flower = flower_url(place.flower_port)
    run = Run(place, events, seed=seed, note=say, careless=careless)
    say(f"Starting the server, the workers and a simulated vendor; their logs are in {shown}/logs.")
    started = time.monotonic()
    with _interruptible(run.supervisor.hurry) as begin_stopping, run:
        try:
            took = time.monotonic() - started
            say(f"All is up after {took:.1f} s. Flower: {flower}")
            with make_view() as view:
                run.publish(view)
                account = run.settle(view)
            report = Report(
                account=account,
                letter=run.choose_letter(),
                stopped=run.stopped,
                calls=run.outside.calls,
                failed=run.outside.failed,
                seconds=run.seconds,
                flower=flower,
                data_dir=shown,
                unwatched=run.expectation.unwatched,
                kept=keep,
            )
            if as_json:
                print_json(report.to_json())
            else:
                report.print()
            if keep:
                _stay_up(run)
        finally:
            begin_stopping()
            say("Stopping all of it.")
    return 0 if account.balanced else 1


def _stay_up(run: "Run") -> None:
    run.mend()
    say("The vendor now knows its doors and fails no more: redrive what died. Ctrl-C stops it all.")
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


@contextmanager
def _interruptible(hurry: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Have Ctrl-C and SIGTERM raise KeyboardInterrupt once, and then hurry the stopping.

    Yields:
        To be called when the stopping begins without a signal.
    """
    is_stopping = False

    def begin_stopping() -> None:
        nonlocal is_stopping
        is_stopping = True

    def handle(_number: int, _frame: FrameType | None) -> None:
        if is_stopping:
            hurry()
            return
        begin_stopping()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield begin_stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wipe(data_dir: Path) -> None:
    """Remove what the last run left, but for the lock that this one holds."""
    for entry in data_dir.iterdir():
        if entry.name == _LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
