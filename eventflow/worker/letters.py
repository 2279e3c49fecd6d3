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

__all__ = [
    "MOST_BODY",
    "MOST_ERROR",
    "MOST_HEADERS",
    "MOST_TRACEBACK",
    "letter_of_delivery",
    "letter_of_message",
    "one_line",
    "raw_event",
    "write_traceback",
]

MOST_BODY = 1024 * 1024
"""Bytes of a message that nobody can read which are kept; of more, its length and digest are too."""

MOST_HEADERS = 64 * 1024
"""Characters of its headers that are kept."""

MOST_ERROR = 2_000
"""Characters of an error."""

MOST_TRACEBACK = 20_000
"""Characters of a traceback: its end, which says most."""


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
        error=one_line(str(error)) if error is not None else claim.error,
        error_type=type(error).__qualname__ if error is not None else claim.error_type,
        traceback=write_traceback(error),
        attempts=claim.attempt,
        event=raw_event(claim.body),
        input=claim.input,
        worker=worker_name(),
        accepted_at=claim.accepted_at,
        first_attempt_at=claim.first_attempt_at,
        # Never before its claim, though the ledger's clock is ahead of this one's.
        died_at=max(time.time(), claim.now),
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
    message: dict[str, object] = {
        "queue": queue,
        "content_type": content_type[:MOST_ERROR],
        "headers": _plain(headers),
        "body_base64": base64.b64encode(body[:MOST_BODY]).decode(),
    }
    if len(body) > MOST_BODY:
        # Whole, it would weigh on Redis and on the store for good.
        message["body_bytes"] = len(body)
        message["body_sha256"] = hashlib.sha256(body).hexdigest()
    digest = hashlib.sha256(json.dumps([tag, message], sort_keys=True).encode()).hexdigest()[:32]
    return DeadLetter(
        id=f"message:{digest}",
        reason=reason,
        error=one_line(error),
        message=message,
        worker=worker_name(),
        died_at=time.time(),
    )


def _plain(value: object) -> object:
    try:
        text = json.dumps(value, default=repr)
    except (ValueError, RecursionError):
        return repr(value)[:MOST_ERROR]
    return json.loads(text) if len(text) <= MOST_HEADERS else f"{text[:MOST_HEADERS]}…"


def one_line(text: str) -> str:
    """Return an error's text as one line, cut where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_ERROR else line[: MOST_ERROR - 1] + "…"


def write_traceback(error: BaseException | None) -> str:
    """Return an error's traceback, its end where it is too long; empty where there is none."""
    if error is None or error.__traceback__ is None:
        return ""
    text = "".join(traceback.format_exception(error))
    return text if len(text) <= MOST_TRACEBACK else "…" + text[-MOST_TRACEBACK:]
