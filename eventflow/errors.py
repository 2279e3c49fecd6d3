"""Every error that eventflow raises, and the two exceptions that a subscriber raises to steer.

    EventflowError
    ├── SettingsError      a setting cannot be what it is
    ├── EventError         an event is malformed, too large or too deep
    ├── PatternError       an event pattern is invalid
    ├── RuleError          rule files are faulty; holds every fault
    ├── SchemaError        schema files are faulty, or disagree; holds every fault
    ├── PublishersError    the file of the gateway's publishers is faulty; holds every fault
    ├── SubscriberError    a subscriber cannot be bound
    ├── PublishError       events could not be accepted
    ├── LedgerError        the ledger cannot be reached, or answered nonsense
    ├── TransportError     the broker cannot be reached
    │   └── QueueError     it can be, and a queue cannot be had there
    ├── StoreError         the SQL store cannot be used
    ├── DeliveryTimeout    a subscriber ran longer than its target's timeout
    ├── UnknownTaskError   no worker here has the task that a target names
    ├── StartError         a process cannot start as asked
    ├── ReplayError        a replay cannot be started as asked
    └── BusError           a test asked its bus for what it cannot do

    Retry, Refuse          control flow: they derive from Exception, not from EventflowError

Constructors take positional arguments with defaults, so that every error survives pickling and
Celery's JSON form, which both rebuild an exception by ``cls(*args)``.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

__all__ = [
    "BusError",
    "DeliveryTimeout",
    "EventError",
    "EventflowError",
    "LedgerError",
    "PatternError",
    "Problem",
    "PublishError",
    "PublishersError",
    "QueueError",
    "Refuse",
    "ReplayError",
    "Retry",
    "RuleError",
    "SchemaError",
    "SettingsError",
    "StartError",
    "StoreError",
    "SubscriberError",
    "TransportError",
    "UnknownTaskError",
]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault in a file: where it is and what is wrong.

    Attributes:
        file: The file's path as the user would type it; empty when there is no file.
        line: 1-based; 0 when unknown.
        column: 1-based; 0 when unknown.
        path: Where in the document, such as ``rules.unlock.pattern.detail``.
        message: What is wrong and what to do.
    """

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = ":".join(
            [
                self.file or "<input>",
                *(str(number) for number in (self.line, self.column) if number),
            ]
        )
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class EventflowError(Exception):
    """The base of every error that eventflow raises on purpose."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class _ProblemsError(EventflowError):
    """An error that carries every fault found, not just the first."""

    def __init__(
        self,
        message: str = "",
        problems: Sequence[Problem | tuple[str, int, int, str, str]] = (),
    ) -> None:
        super().__init__(message)
        # Celery's JSON form brings each problem back as the list of its fields.
        self.problems = tuple(
            item if isinstance(item, Problem) else Problem(*item) for item in problems
        )
        self.args = (message, [list(astuple(problem)) for problem in self.problems])

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {problem}" for problem in self.problems)])


class SettingsError(EventflowError):
    """A setting has a value that cannot be; the message names the variable and what is allowed."""


class EventError(EventflowError):
    """An event is malformed, too large or too deep; *path* names the field."""

    def __init__(self, message: str = "", path: str = "") -> None:
        super().__init__(message)
        self.args = (message, path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class PatternError(EventflowError):
    """An event pattern is invalid; *path* is where, as ``detail.door.kind[0]``."""

    def __init__(self, message: str = "", path: str = "") -> None:
        super().__init__(message)
        self.args = (message, path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class RuleError(_ProblemsError):
    """Rule files are faulty; *problems* holds every fault, with file, line and column."""


class SchemaError(_ProblemsError):
    """Schema files are faulty; *problems* holds every fault, with its file and its path."""


class PublishersError(_ProblemsError):
    """The file of publishers is faulty; *problems* holds every fault, and never a secret."""


class SubscriberError(EventflowError):
    """A subscriber cannot be bound: a second one for its target, or a signature that cannot be."""


class PublishError(EventflowError):
    """Events could not be accepted.

    Attributes:
        accepted: Ids of the events that are safely in the ledger.
        rejected: Ids of the events that are not, or of which it is not known.
        unknown: Those of the rejected of which it is not known. To publish the same events again is
            always right: an id counts once.
    """

    def __init__(
        self,
        message: str = "",
        accepted: Sequence[str] = (),
        rejected: Sequence[str] = (),
        unknown: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.args = (message, list(accepted), list(rejected), list(unknown))
        self.accepted = tuple(accepted)
        self.rejected = tuple(rejected)
        self.unknown = tuple(unknown)


class LedgerError(EventflowError):
    """The ledger (Redis or Valkey) cannot be reached, or answered what it should not."""


class TransportError(EventflowError):
    """The broker cannot be reached, or refused a message."""


class QueueError(TransportError):
    """The broker answers, and a queue cannot be had: refused, or another of its name is there."""


class StoreError(EventflowError):
    """The SQL store cannot be reached or refused a statement."""


class DeliveryTimeout(EventflowError):  # noqa: N818 - the design's word
    """A subscriber ran longer than its target's timeout."""


class UnknownTaskError(EventflowError):
    """No subscriber and no Celery task of this worker goes by the name that the target gives."""


class StartError(EventflowError):
    """A process cannot start as asked; the message says why and what to do."""


class ReplayError(EventflowError):
    """A replay cannot be started as asked; the message says why and what to do."""


class BusError(EventflowError):
    """A test asked `eventflow_bus` for what it cannot do; the message says what to write instead."""


class Retry(Exception):  # noqa: N818 - control flow, not an error
    """Raised by a subscriber: not now, try this delivery again later. It counts as an attempt.

    Args:
        after: Seconds to wait, as in a vendor's ``Retry-After``; None waits as the target's
            policy says.
        reason: Shown wherever the attempt is.
    """

    def __init__(self, after: float | None = None, reason: str = "") -> None:
        super().__init__(after, reason)
        self.after = after
        self.reason = reason

    def __str__(self) -> str:
        when = "by policy" if self.after is None else f"after {self.after:g} s"
        return f"retry {when}: {self.reason}" if self.reason else f"retry {when}"


class Refuse(Exception):  # noqa: N818 - control flow, not an error
    """Raised by a subscriber: never. The delivery becomes a dead letter at once.

    Args:
        reason: Why, for the people who will read the dead letter.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
