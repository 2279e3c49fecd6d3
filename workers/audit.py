"""The audit: one line of JSON for every event, in a file that only grows."""

import json
import os
import time
from typing import Any

from eventflow import Delivery, Event
from workers import flow

__all__ = ["keep"]


@flow.subscriber("audit")
def keep(event: Event[dict[str, Any]], delivery: Delivery) -> None:
    """Append the event; who reads the file takes the first line of each delivery."""
    entry = {"delivery": delivery.id, "at": time.time(), "event": event.to_eventbridge()}
    line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
    # One write to an appending descriptor: lines of several processes never mix.
    file = os.open(
        os.environ.get("AUDIT_FILE", "audit.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
    )
    try:
        os.write(file, line)
    finally:
        os.close(file)
