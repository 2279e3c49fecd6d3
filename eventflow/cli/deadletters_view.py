"""How dead letters look: as rows, as JSON, and one of them as its whole story."""

import base64
import json
import shlex
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from eventflow.cli.listing import Column
from eventflow.cli.output import visible
from eventflow.cli.times import iso, moment
from eventflow.records import Reason
from eventflow.store import (
    DeadLetterCount,
    DeadLetterSummary,
    State,
    StoredDeadLetter,
    redrive_refusal,
)

__all__ = ["advice_of", "columns_of", "counts_of", "document_of", "story_of"]

_MOST_ERROR = 60  # characters of an error in a row
_TIMES = ("accepted_at", "first_attempt_at", "first_died_at", "died_at", "redriven_at")

_REASONS = {
    Reason.MAX_ATTEMPTS: "every attempt that its target's policy allows has failed",
    Reason.MAX_AGE: "its next attempt would have come later than its target's policy allows",
    Reason.POISON: "it has ended its worker as often as its target's policy allows",
    Reason.REFUSED: "its subscriber refused it for good",
    Reason.SCHEMA: "the event does not fit its subscriber's model",
    Reason.INPUT: "its target's input could not be made from the event",
    Reason.UNKNOWN_TASK: "no worker has the subscriber or task that its target names",
    Reason.UNDECODABLE: "it could not be read",
    Reason.UNROUTABLE: "no router could route it",
}


def columns_of(now: float) -> list[Column[DeadLetterSummary]]:
    """Return the columns of a table of dead letters.

    Args:
        now: Seconds since the epoch.
    """
    return [
        Column("id", lambda item: item.id),
        Column("target", lambda item: item.target or "-"),
        Column("type", lambda item: item.event_type or "-"),
        Column("reason", lambda item: item.reason.value),
        Column("#attempts", lambda item: item.attempts),
        Column("error", _error_of, most=_MOST_ERROR),
        Column("died", lambda item: moment(item.died_at, now)),
    ]


def counts_of(count: DeadLetterCount) -> Iterator[str]:
    """Say how many there are, a line for each target and reason.

    Args:
        count: The store's answer.
    """
    for (target, reason), number in count.groups.items():
        yield f"  {number:>6,}  {target or '(no target)'}  {reason.value}"


def document_of(summary: DeadLetterSummary) -> dict[str, Any]:
    """Return what `--json` prints: times as RFC 3339, null for never.

    Args:
        summary: A dead letter; with all that it carries where the store gave it so.
    """
    document = {
        item.name: getattr(summary, item.name)
        for item in fields(summary)
        if item.name not in {*_TIMES, "letter"}
    }
    document["rules"] = list(summary.rules)
    for name in _TIMES:
        document[name] = iso(getattr(summary, name))
    if isinstance(summary, StoredDeadLetter):
        letter = summary.letter
        document |= {
            "traceback": letter.traceback,
            "worker": letter.worker,
            "event": letter.event,
            "input": None if letter.input is None else _json_of(letter.input),
            "message": letter.message,
        }
    return document


def story_of(stored: StoredDeadLetter, now: float) -> Iterator[str]:
    """Tell all that is known of a dead letter, its payload included, line by line.

    Args:
        stored: The dead letter.
        now: Seconds since the epoch.
    """
    for name, value in _facts(stored, now):
        if value:
            yield visible(f"{name:<12}{value}")
    for title, text in _parts(stored):
        yield ""
        yield f"{title}:"
        yield from (f"  {visible(line)}" for line in text.splitlines())


def advice_of(stored: StoredDeadLetter) -> str:
    """Say what can be done about a dead letter.

    Args:
        stored: The dead letter.
    """
    if refusal := redrive_refusal(stored):
        return f"It cannot be redriven: {refusal}."
    return f"To send it again: eventflow deadletters redrive {shlex.quote(visible(stored.id))}"


def _error_of(summary: DeadLetterSummary) -> str:
    return f"{summary.error_type}: {summary.error}".strip(": ")


def _facts(stored: StoredDeadLetter, now: float) -> Iterator[tuple[str, str]]:
    letter = stored.letter
    explained = _REASONS.get(stored.reason, "")
    died_before = stored.first_died_at != stored.died_at
    yield "id", stored.id
    yield "state", _state(stored, now)
    yield "target", stored.target
    yield "event", f"{stored.event_type} from {stored.source}" if letter.event else ""
    yield "event id", stored.event_id
    yield "bus", stored.bus
    yield "rules", ", ".join(stored.rules)
    yield "reason", f"{stored.reason.value}: {explained}".strip(": ")
    yield "error", _error_of(stored)
    yield "at", stored.place
    yield "group", stored.group_id
    yield "attempts", str(stored.attempts)
    yield "accepted", moment(stored.accepted_at, now)
    yield "first tried", moment(stored.first_attempt_at, now)
    yield "first died", moment(stored.first_died_at, now) if died_before else ""
    yield "died", moment(stored.died_at, now)
    yield "worker", letter.worker


def _state(stored: StoredDeadLetter, now: float) -> str:
    if not stored.redrives:
        return stored.state.value
    times = "once" if stored.redrives == 1 else f"{stored.redrives} times"
    last = f", last {moment(stored.redriven_at, now)}" if stored.redriven_at else ""
    if stored.state is State.REDRIVEN:
        return f"redriven {times}{last}, and has not died again since"
    return f"dead, after it was redriven {times}{last}"


def _parts(stored: StoredDeadLetter) -> Iterator[tuple[str, str]]:
    letter = stored.letter
    if letter.event is not None:
        yield "event", _pretty(letter.event)
    if letter.input is not None:
        yield "input, shaped for its target", _pretty(_json_of(letter.input))
    if letter.message is not None:
        yield "message", _pretty(letter.message)
        if body := _body_of(letter.message):
            yield "the message's body, as text", body
    if letter.traceback:
        yield "traceback", letter.traceback


def _body_of(message: dict[str, Any]) -> str:
    try:
        return base64.b64decode(str(message.get("body_base64", ""))).decode(errors="replace")
    except ValueError:
        return ""


def _json_of(text: str) -> Any:  # Any: JSON
    try:
        return json.loads(text)
    except ValueError:
        return text


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
