"""What the ledger hands to the recorder and the recorder to the store: the dead letter."""

import json
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eventflow.errors import LedgerError

__all__ = ["DeadLetter", "Reason"]


class Reason(StrEnum):
    """Why something became a dead letter."""

    MAX_ATTEMPTS = "max_attempts"
    MAX_AGE = "max_age"
    POISON = "poison"
    REFUSED = "refused"
    SCHEMA = "schema"
    INPUT = "input"
    UNKNOWN_TASK = "unknown_task"
    UNDECODABLE = "undecodable"
    UNROUTABLE = "unroutable"


class DeadLetter(BaseModel):
    """One delivery (or one message, or one event) that will not be tried again by itself.

    Attributes:
        id: The delivery's id; for what is no delivery, ``message:`` and a digest, or the event's id
            and ``:eventflow.route``. A second death of the same delivery has the same id.
        target: The target's name; empty where there is none.
        bus: The event's bus.
        rules: The rules that matched, in order.
        reason: Why.
        error: The last error's text, one line.
        error_type: The last error's class.
        traceback: The last error's traceback; empty where there is none.
        attempts: How often it was tried.
        event: The event as the ledger kept it, JSON by EventBridge's names; None for a message.
        input: The shaped input as JSON, None where the target gets the event itself.
        message: The raw message (queue, headers, `body_base64`) where it could not be read.
        worker: The worker that gave up.
        accepted_at: When the event was accepted, seconds since the epoch; 0 where unknown.
        first_attempt_at: When it was first tried; 0 if never.
        died_at: When it became a dead letter.
        redrives: How often it had been redriven before.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: str
    target: str = ""
    bus: str = "default"
    rules: tuple[str, ...] = ()
    reason: Reason
    error: str = ""
    error_type: str = ""
    traceback: str = ""
    attempts: int = 0
    event: dict[str, Any] | None = Field(default=None, repr=False)
    input: str | None = Field(default=None, repr=False)
    message: dict[str, Any] | None = Field(default=None, repr=False)
    worker: str = ""
    accepted_at: float = 0.0
    first_attempt_at: float = 0.0
    died_at: float = 0.0
    redrives: int = 0

    @property
    def event_id(self) -> str:
        """The event's id; empty for a message that could not be read."""
        return str(self.event.get("id", "")) if self.event else ""

    @property
    def event_type(self) -> str:
        """The event's type; empty for a message that could not be read."""
        return str(self.event.get("detail-type", "")) if self.event else ""

    def to_json(self) -> str:
        """Write it as the ledger keeps it."""
        document = self.model_dump(mode="json")
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        # An error's text may hold half of a surrogate pair, which no JSON reader takes.
        return text.encode("utf-8", "replace").decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "DeadLetter":
        """Read what `to_json` wrote.

        Raises:
            LedgerError: When it is none.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            message = f"the ledger holds a dead letter that cannot be read: {error}"
            raise LedgerError(message) from None
