"""Dead letters as rows of SQL, and back."""

import json
from typing import Any, cast

from sqlalchemy import Row

from eventflow.errors import LedgerError, StoreError
from eventflow.records import DeadLetter, Reason
from eventflow.store.failures import failure_of
from eventflow.store.letters import DeadLetterSummary, State, StoredDeadLetter

__all__ = ["reason_of", "rule_mark", "stored_of", "summary_of", "values_of"]

_MOST_KEY = 300  # characters; an index of PostgreSQL takes 2,704 bytes in all


def values_of(letter: DeadLetter) -> dict[str, Any]:
    """Return the row of a letter that dies for the first time.

    What was never checked, such as the envelope of an event that could not be read, is made fit
    for SQL here: one such letter must not keep the others out. The record keeps it whole.
    """
    failure = failure_of(letter)
    source = letter.event.get("source", "") if letter.event else ""
    record = json.dumps(letter.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    return {
        "id": letter.id,
        "bus": letter.bus,
        "target": letter.target,
        "reason": letter.reason.value,
        "rules": "".join(f"\n{rule}" for rule in letter.rules) + "\n",
        "event_id": _key(letter.event_id),
        "event_type": _key(letter.event_type),
        "source": _key(str(source)),
        "error_type": _key(letter.error_type),
        "error": _text(letter.error),
        "attempts": letter.attempts,
        "accepted_at": letter.accepted_at,
        "first_attempt_at": letter.first_attempt_at,
        "first_died_at": letter.died_at,
        "died_at": letter.died_at,
        "state": State.DEAD.value,
        "redrives": letter.redrives,
        "redriven_at": 0.0,
        "recorded_redrives": letter.redrives,
        "record": _text(record),
        "group_id": failure.group_id,
        "place": _key(failure.place),
    }


def rule_mark(rule: str) -> str:
    """Return what the column `rules` contains if, and only if, *rule* is one of them."""
    return f"\n{rule}\n"


def reason_of(text: str) -> Reason:
    """Read the column `reason`.

    Raises:
        StoreError: When it is one that this version does not know.
    """
    try:
        return Reason(text)
    except ValueError as error:
        message = (
            f"the store holds dead letters with the reason {text!r}, which this eventflow does not "
            "know: were they recorded by a newer one? Upgrade this one"
        )
        raise StoreError(message) from error


def summary_of(row: Row[Any]) -> DeadLetterSummary:
    """Read a row without its record."""
    return DeadLetterSummary(**_fields(row))


def stored_of(row: Row[Any]) -> StoredDeadLetter:
    """Read a row with its record.

    Raises:
        StoreError: When the record was written by a version that this one cannot read.
    """
    try:
        letter = DeadLetter.from_json(cast("str", row.record))
    except LedgerError as error:
        message = (
            f"the dead letter {row.id} cannot be read: was it recorded by a newer eventflow? "
            "Upgrade this one, or purge the letter"
        )
        raise StoreError(message) from error
    return StoredDeadLetter(
        **_fields(row), letter=letter.model_copy(update={"redrives": row.redrives})
    )


def _fields(row: Row[Any]) -> dict[str, Any]:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    values.pop("record", None)
    values.pop("recorded_redrives", None)
    values["reason"] = reason_of(values["reason"])
    values["state"] = State(values["state"])
    values["rules"] = tuple(rule for rule in values["rules"].split("\n") if rule)
    return values


def _key(text: str) -> str:
    return _text(text)[:_MOST_KEY]


def _text(text: str) -> str:
    """Replace what SQL text cannot hold: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
