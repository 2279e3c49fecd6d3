"""The timeline of an event: each entry of its journal, in words."""

from collections.abc import Iterator
from datetime import UTC, datetime

from eventflow.cli.output import visible
from eventflow.cli.times import iso, moment, span
from eventflow.journal import JournalEntry, Step

__all__ = ["describe_entry", "entry_document", "entry_line", "stamp", "timeline"]

_QUEUED = {
    "due": "its time has come, and it is queued again",
    "free": "it may go on, and is queued again",
    "sent again": "its message was lost, and is sent again",
    "restored": "it was nowhere in the ledger, and is queued again",
}
_LOST = {
    "lease": "its worker did not come back in time",
    "worker": "its worker ended",
    "router": "its router ended",
    "vanished": "its record was taken out of the ledger, by other hands than eventflow's",
}
_HELD = {
    "paused": "its target is paused",
    "breaker": "the circuit breaker is open",
    "in_flight": "as many run as may",
    "rate": "the rate is used up",
    "turn": "others were held back before it",
}


def timeline(entries: list[JournalEntry], now: float) -> Iterator[str]:
    """Give the lines of a timeline.

    Args:
        entries: In order.
        now: Seconds since the epoch.
    """
    start = entries[0].at if entries else 0.0
    width = max((len(_who(entry)) for entry in entries), default=0)
    for entry in entries:
        yield entry_line(entry, start, width, now)


def entry_line(entry: JournalEntry, start: float, width: int, now: float) -> str:
    """Write one line of the timeline.

    Args:
        entry: What happened.
        start: When the story began, seconds since the epoch.
        width: Of the column of targets.
        now: Seconds since the epoch.

    Returns:
        When, how long after the beginning, whose, and what.
    """
    after = f"+{span(max(0.0, entry.at - start))}"
    what = visible(describe_entry(entry, now))
    return f"{stamp(entry.at)}  {after:>6}  {_who(entry):<{width}}  {what}".rstrip()


def stamp(seconds: float) -> str:
    """Write a moment of the timeline, to the millisecond, in UTC."""
    at = datetime.fromtimestamp(round(seconds, 3), UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}Z"


def describe_entry(entry: JournalEntry, now: float) -> str:
    """Say what happened, in one line.

    Args:
        entry: The entry.
        now: Seconds since the epoch.
    """
    facts, error = entry.facts, _error_of(entry)
    why = str(facts.get("why", ""))
    match entry.step:
        case Step.ACCEPTED:
            said = "accepted"
        case Step.DUPLICATE:
            said = "published again with the same id: passed over"
        case Step.MATCHED:
            said = _describe_match(entry)
        case Step.UNROUTABLE:
            said = f"cannot be delivered ({facts.get('reason', '')}){_because(error)}"
        case Step.QUEUED:
            said = _QUEUED.get(why, "queued again")
        case Step.PARKED:
            said = (
                f"held back: {_HELD.get(str(facts.get('by')), 'its target may not be called now')}"
            )
        case Step.LOST:
            said = f"lost: {_LOST.get(why, 'it never came back')}{_because(error)}"
        case Step.REDRIVEN:
            said = f"sent again: redrive {facts.get('redrives', '')}".strip()
        case Step.ATTEMPT:
            said = _describe_attempt(entry, now)
    return said


def entry_document(entry: JournalEntry) -> dict[str, object]:
    """Return what ``--json`` says of an entry."""
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "step": entry.step.value,
        "replay": entry.replay_name or None,
        "target": entry.target or None,
        "attempt": entry.attempt or None,
        "outcome": entry.outcome or None,
        "duration": entry.duration or None,
        "due_at": iso(entry.due_at),
        "error_type": entry.error_type or None,
        "error": entry.error or None,
        "facts": dict(entry.facts),
    }


def _who(entry: JournalEntry) -> str:
    replay = f"replay {entry.replay_name}" if entry.replay_name else ""
    return " ".join(filter(None, (entry.target or "event", f"({replay})" if replay else "")))


def _describe_match(entry: JournalEntry) -> str:
    targets = entry.facts.get("targets") or {}
    if not targets:
        return "routed: no rule matched"
    rules = dict.fromkeys(rule for names in targets.values() for rule in names)
    return f"routed by {', '.join(rules)} to {', '.join(targets)}"


def _describe_attempt(entry: JournalEntry, now: float) -> str:
    error = _error_of(entry)
    took = f" after {span(entry.duration)}" if entry.duration else ""
    change = f"; the circuit breaker {entry.facts['breaker']}" if "breaker" in entry.facts else ""
    match entry.outcome:
        case "done":
            took = f" in {span(entry.duration)}" if entry.duration else ""
            return f"attempt {entry.attempt} succeeded{took}{change}"
        case "retry":
            due = f"; due again {moment(entry.due_at, now)}" if entry.due_at else ""
            return f"attempt {entry.attempt} failed{took}{_because(error)}{due}{change}"
        case "dead":
            reason = entry.facts.get("reason", "")
            return (
                f"attempt {entry.attempt} was the last{took}{_because(error)}; "
                f"dead letter ({reason}){change}"
            )
        case "release":
            return f"attempt {entry.attempt} was given back untried{_because(error)}"
        case _:
            return f"attempt {entry.attempt}: {entry.outcome}{_because(error)}"


def _because(error: str) -> str:
    return f": {error}" if error else ""


def _error_of(entry: JournalEntry) -> str:
    return " ".join(f"{entry.error_type}: {entry.error}".strip(": ").split())
