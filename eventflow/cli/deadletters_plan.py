"""How a plan of redriving looks, and what is said of how it went."""

import math
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from eventflow.cli.deadletters_store import letters
from eventflow.cli.deadletters_view import counts_of, document_of
from eventflow.cli.output import print_json, print_table, say, visible
from eventflow.cli.times import iso
from eventflow.redrive import Outcome, Pace, Plan, Redriven, RunState
from eventflow.units import format_duration

__all__ = ["document_of_plan", "document_of_run", "report_run", "report_sent", "show_plan"]

_MOST_ERROR = 80  # characters of an error in a line
_MOST_GROUPS = 5  # failures of a target that the plan names


def show_plan(plan: Plan, pace: Pace | None) -> None:
    """Say what would go, what failed, and what would not go.

    Args:
        plan: The plan.
        pace: How it would go; None where all is sent at once.
    """
    if not plan.total.total:
        say("No dead letter matches.")
    else:
        say(f"{letters(plan.total.total)} {'matches' if plan.total.total == 1 else 'match'}:")
        for line in counts_of(plan.total):
            say(line)
        for line in _failures(plan):
            say(line)
    if plan.homeless:
        say(f"{plan.homeless:,} of them cannot be sent: no target is known.")
    if plan.guarded:
        say(
            f"{letters(plan.guarded)} more stay: redriven too often already (EVENTFLOW_MAX_REDRIVES); "
            "--force sends them all the same."
        )
    if plan.count and pace is not None:
        canary = sum(part.canary for part in plan.parts)
        first = f"{canary:,} first, as a canary; the rest" if canary else "All"
        say(
            f"{first} at {pace.rate:g}/s, until more than {pace.most_failures:.0%} fail or "
            f"nothing has an outcome for {format_duration(pace.patience)}."
        )


def document_of_plan(plan: Plan) -> dict[str, Any]:
    """Return what `--dry-run --json` prints.

    Args:
        plan: The plan.
    """
    return {
        "count": plan.count,
        "homeless": plan.homeless,
        "guarded": plan.guarded,
        "until": iso(plan.until),
        "targets": [
            {
                "target": part.target,
                "count": part.count,
                "canary": part.canary,
                "reasons": {reason.value: number for reason, number in part.reasons.items()},
                "failures": [
                    {
                        "group_id": group.group_id,
                        "count": group.count,
                        "error_type": group.error_type,
                        "error": group.error,
                        "place": group.place,
                    }
                    for group in part.groups
                ],
            }
            for part in plan.parts
        ],
        "sample": [document_of(summary) for summary in plan.sample],
    }


def document_of_run(plan: Plan, state: RunState, which: Sequence[str]) -> dict[str, Any]:
    """Return what `--json` prints of a run.

    Args:
        plan: What was to be done.
        state: How far it came.
        which: The words of the command that chose the letters.
    """
    return {
        "planned": state.planned,
        "guarded": plan.guarded,
        "sent": state.sent,
        "already": state.already,
        "refused": state.refused,
        "succeeded": state.succeeded,
        "died": state.died,
        "failing": state.failing,
        "open": state.open,
        "remaining": state.remaining,
        "stopped": state.stopped,
        "go_on": _go_on(plan, which) if state.remaining else None,
    }


def report_run(
    plan: Plan, state: RunState, which: Sequence[str], *, is_cut_off: bool = False
) -> None:
    """Say how a run went, and how to go on with what remains.

    Args:
        plan: What was to be done.
        state: How far it came.
        which: The words of the command that chose the letters.
        is_cut_off: Whether it ended by an error.
    """
    already = f", {state.already:,} already" if state.already else ""
    fates = (
        (state.succeeded, "delivered"),
        (state.died, "died again"),
        (state.failing, "failing, to be tried again"),
        (state.open, "without an outcome yet"),
    )
    told = ", ".join(f"{number:,} {word}" for number, word in fates if number)
    say(f"{state.sent:,} redriven{already}{f': {told}' if told else ''}.")
    for why, number in state.refused.items():
        say(f"{number:,} refused: {why}.")
    for target, why in state.stopped.items():
        say(f"Stopped {target}: {visible(why)}.", style="red")
    if is_cut_off:
        say("Cut off. Call it again when that is mended: nothing is sent twice.")
    elif state.remaining:
        say(f"{state.remaining:,} remain. Once that is mended: {_go_on(plan, which)}")


def report_sent(told: Sequence[Redriven], *, as_json: bool) -> None:
    """Print what became of each letter, and how many of which.

    Args:
        told: What became of them.
        as_json: Whether to print JSON.
    """
    if as_json:
        print_json([_document_of(item) for item in told])
    elif told:
        columns = ("id", "target", "type", "outcome", "why")
        print_table(columns, [list(_row_of(item)) for item in told])
    numbers = Counter(item.outcome for item in told)
    parts = [f"{numbers[outcome]:,} {outcome.value}" for outcome in Outcome if numbers[outcome]]
    say(f"{', '.join(parts) or 'None was redriven'}.")


def _failures(plan: Plan) -> Iterator[str]:
    """Name the largest groups of what failed."""
    found = sorted(
        (group for part in plan.parts for group in part.groups),
        key=lambda group: -group.count,
    )
    if found:
        yield "by these failures:"
    for group in found[:_MOST_GROUPS]:
        error = " ".join(f"{group.error_type}: {group.error}".strip(": ").split())
        place = f"  at {group.place}" if group.place else ""
        yield visible(f"  {group.count:>6,}  {group.group_id}  {error[:_MOST_ERROR]}{place}")
    if len(found) > _MOST_GROUPS:
        yield f"  and {len(found) - _MOST_GROUPS:,} more: eventflow deadletters groups"


def _go_on(plan: Plan, which: Sequence[str]) -> str:
    """Return the command that sends the rest, and nothing that died since."""
    filters = plan.parts[0].filters
    words = [word for word in which if not word.startswith(("--since=", "--until="))]
    if filters.ids is None:
        # In milliseconds, and wider: the oldest and the newest death are among them.
        if filters.since is not None:
            words.append(f"--since={iso(math.floor(filters.since * 1000) / 1000)}")
        words.append(f"--until={iso(math.ceil(plan.until * 1000) / 1000)}")
    return shlex.join(["eventflow", "deadletters", "redrive", *words])


def _document_of(item: Redriven) -> dict[str, str]:
    return {
        "id": item.letter.id,
        "target": item.letter.target,
        "event_type": item.letter.event_type,
        "outcome": item.outcome.value,
        "why": item.why,
    }


def _row_of(item: Redriven) -> tuple[str, ...]:
    letter = item.letter
    kinds = (letter.target or "-", letter.event_type or "-")
    return (letter.id, *kinds, item.outcome.value, item.why)
