"""Writing dead letters: what is known of a delivery, or of a message that nobody can read."""

import base64
import hashlib
import json
import time
import traceback
from typing import Any

from eventflow.delivery import Claim
from eventflow.records import DeadLetter, Reason
from eventflow.worker.identity import worker_name

__all__ = ["letter_of_delivery", "letter_of_message", "raw_event"]

_MOST_ERROR = 2_000  # characters
_MOST_TRACEBACK = 20_000  # characters: the end of a traceback says most


def raw_event(body: bytes) -> dict[str, Any] | None:
    """Return the event as the ledger kept it; None when it is no JSON object."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def letter_of_delivery(
    claim: Claim, target: str, bus: str, reason: Reason, error: BaseException | None
) -> DeadLetter:
    """Write the dead letter of a delivery.

    Args:
        claim: The claim of its last attempt.
        target: Its target.
        bus: Its bus.
        reason: Why it died.
        error: What its last attempt raised; None when its budget was found spent, in which case
            the ledger's note of the last attempt is used.
    """
    return DeadLetter(
        id=claim.delivery_id,
        target=target,
        bus=bus,
        rules=claim.rules,
        reason=reason,
        error=_one_line(str(error)) if error is not None else claim.error,
        error_type=type(error).__qualname__ if error is not None else claim.error_type,
        traceback=_traceback(error),
        attempts=claim.attempt,
        event=raw_event(claim.body),
        input=claim.input,
        worker=worker_name(),
        accepted_at=claim.accepted_at,
        first_attempt_at=claim.first_attempt_at,
        died_at=time.time(),
        redrives=claim.redrives,
    )


def letter_of_message(
    *,
    queue: str,
    tag: str,
    body: bytes,
    headers: object,
    content_type: str,
    reason: Reason,
    error: str,
) -> DeadLetter:
    """Write the dead letter of a broker message that cannot be read or run.

    Args:
        queue: Where it was.
        tag: The broker's tag of it: read twice after a crash, it is one dead letter all the same.
        body: Its bytes.
        headers: Its headers, whatever they are.
        content_type: Its content type.
        reason: Why it cannot be run.
        error: What was found.
    """
    message = {
        "queue": queue,
        "content_type": content_type,
        "headers": _plain(headers),
        "body_base64": base64.b64encode(body).decode(),
    }
    digest = hashlib.sha256(json.dumps([tag, message], sort_keys=True).encode()).hexdigest()[:32]
    return DeadLetter(
        id=f"message:{digest}",
        reason=reason,
        error=_one_line(error),
        message=message,
        worker=worker_name(),
        died_at=time.time(),
    )


def _plain(value: object) -> object:
    try:
        return json.loads(json.dumps(value, default=repr))
    except (ValueError, RecursionError):
        return repr(value)[:_MOST_ERROR]


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_ERROR else line[: _MOST_ERROR - 1] + "…"


def _traceback(error: BaseException | None) -> str:
    if error is None or error.__traceback__ is None:
        return ""
    text = "".join(traceback.format_exception(error))
    return text if len(text) <= _MOST_TRACEBACK else "…" + text[-_MOST_TRACEBACK:]
