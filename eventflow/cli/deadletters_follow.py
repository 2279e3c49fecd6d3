"""A plan of redriving, followed: shown, agreed to, done, reported, and noted in the audit."""

from collections.abc import Iterable, Sequence

import click

from eventflow.cli.actor import record_audit
from eventflow.cli.deadletters_plan import (
    document_of_plan,
    document_of_run,
    report_run,
    report_sent,
    show_plan,
)
from eventflow.cli.deadletters_store import Sending, sending
from eventflow.cli.deadletters_view import columns_of
from eventflow.cli.listing import print_rows
from eventflow.cli.output import print_json, say
from eventflow.cli.progress import show_progress
from eventflow.errors import EventflowError
from eventflow.redrive import (
    Outcome,
    Pace,
    Plan,
    Redriven,
    Run,
    RunState,
    batches_of,
    redrive_letters,
)
from eventflow.store import DeadLetterStore, StoredDeadLetter
from eventflow.units import system_clock

__all__ = ["follow", "send_now"]

_DEED = "deadletters redrive"


def follow(
    store: DeadLetterStore,
    plan: Plan,
    pace: Pace,
    *,
    which: Sequence[str],
    asks: bool,
    is_dry: bool,
    is_watched: bool,
    as_json: bool,
) -> bool:
    """Show a plan, ask, and do it.

    Args:
        store: Where the letters are.
        plan: What to send.
        pace: How quickly and how warily.
        which: The words of the command that chose the letters.
        asks: Whether to ask first.
        is_dry: Whether to show it and no more.
        is_watched: Whether to look how it goes; else all is sent at once.
        as_json: Whether to print JSON.

    Returns:
        False where it stopped before its end.
    """
    if is_dry and as_json:
        print_json(document_of_plan(plan))
        return True
    show_plan(plan, pace if is_watched else None)
    if not plan.count:
        if as_json:
            print_json(document_of_run(plan, RunState(0), which))
        return True
    if is_dry:
        print_rows(plan.sample, columns_of(system_clock()))
        return True
    if asks and not click.confirm(f"Send {plan.count:,} of them?", err=True):
        say("Nothing was done.")
        return True
    with sending(store) as sender:
        if is_watched and not sender.is_alone:
            return _run(store, plan, pace, sender, which=which, as_json=as_json)
        batches = (
            batch for part in plan.parts for batch in batches_of(store, part.filters, part.count)
        )
        send_now(store, sender, batches, which=which, as_json=as_json)
    return True


def send_now(
    store: DeadLetterStore,
    sender: Sending,
    batches: Iterable[Sequence[StoredDeadLetter]],
    *,
    which: Sequence[str],
    as_json: bool,
    most_redrives: int | None = None,
) -> list[Redriven]:
    """Send letters at once, and report what became of each.

    Args:
        store: Where the letters are.
        sender: What sends them.
        batches: Which.
        which: The words of the command that chose them.
        as_json: Whether to print JSON.
        most_redrives: Letters that were redriven so often do not go; None for no such guard.

    Returns:
        What became of each.
    """
    told: list[Redriven] = []
    try:
        for item in redrive_letters(store, sender.flow, batches, most_redrives=most_redrives):
            told.append(item)  # noqa: PERF402 - what was told before an error is kept
    except EventflowError:
        report_sent(told, as_json=as_json)
        say("Then it failed. Call it again when that is mended: nothing is sent twice.")
        raise
    finally:
        sent = [item for item in told if item.outcome is Outcome.REDRIVEN]
        if sent:
            facts = {"which": " ".join(which)}
            record_audit(_DEED, target=_only_target(sent), count=len(sent), facts=facts)
    report_sent(told, as_json=as_json)
    return told


def _run(
    store: DeadLetterStore,
    plan: Plan,
    pace: Pace,
    sender: Sending,
    *,
    which: Sequence[str],
    as_json: bool,
) -> bool:
    """Do a plan; False where it stopped."""
    state = RunState(plan.count)
    target = plan.parts[0].target if len(plan.parts) == 1 else ""
    words = {"which": " ".join(which)}
    record_audit(_DEED, target=target, count=plan.count, facts={"step": "start", **words})
    failure = "interrupted"
    try:
        with show_progress("redriven", plan.count, quiet=as_json) as progress:
            run = Run(
                store,
                sender.flow,
                sender.course,
                pace,
                told=lambda now: progress.reach(now.handled),
            )
            run.go(plan, state)
        failure = ""
    except EventflowError as error:
        failure = str(error)
        raise
    finally:
        fates = {name: getattr(state, name) for name in ("succeeded", "died", "failing", "open")}
        stopped = "; ".join(state.stopped.values()) or failure
        facts = {"step": "end", **words, **fates, "stopped": stopped}
        record_audit(_DEED, target=target, count=state.sent, facts=facts)
        if as_json:
            print_json(document_of_run(plan, state, which))
        report_run(plan, state, which, is_cut_off=bool(failure))
    return not state.stopped


def _only_target(told: Sequence[Redriven]) -> str:
    """Return the target, where all have the same."""
    targets = {item.letter.target for item in told}
    return targets.pop() if len(targets) == 1 else ""
