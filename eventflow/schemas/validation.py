"""Whether an event fits its schema, and what is done about it where it does not."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jsonschema_rs import Validator

from eventflow.errors import SchemaError
from eventflow.schemas.compiled import compile_schema
from eventflow.schemas.document import SchemaDocument, Status, Unknown, Validation
from eventflow.schemas.faults import MAX_FAULTS, Fault, find_faults
from eventflow.schemas.names import SchemaName
from eventflow.schemas.repository import Repository
from eventflow.schemas.work import MAX_LEVELS, deepest, is_deeper

__all__ = ["Action", "CheckResult", "Fault", "SchemaCheck"]

_MOST_REMEMBERED = 1024  # texts of `dataschema`, which outsiders write


class Action(StrEnum):
    """What is done about an event."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of checking one event.

    Attributes:
        action: Whether it goes on, goes on with a warning, or is refused.
        schema: What it was checked by; None where it has no schema.
        faults: Why it does not fit, at most `MAX_FAULTS`.
        message: What to tell a person where the action is not to pass; several lines.
    """

    action: Action
    schema: SchemaName | None = None
    faults: tuple[Fault, ...] = ()
    message: str = ""

    @property
    def log_action(self) -> str:
        """The name that a warning of this has in the log."""
        if self.schema is None:
            return "schema_unknown"
        return "schema_mismatch" if self.faults else "schema_deprecated"


_PASSED = CheckResult(Action.PASS)


class SchemaCheck:
    """Checks events by one repository. Thread-safe; each schema is compiled when first used.

    Args:
        repository: The schemas and their policy.
        before: The check that this one takes the place of: what it warned of is not told again.
    """

    def __init__(self, repository: Repository, *, before: "SchemaCheck | None" = None) -> None:
        self._repository = repository
        self._validators: dict[SchemaName, tuple[Validator, int, int]] = {}
        self._named: dict[str, SchemaName | None] = {}
        self._told: set[SchemaName] = before.told if before is not None else set()

    @property
    def told(self) -> set[SchemaName]:
        """The deprecated schemas that this process has warned of."""
        return self._told

    @property
    def repository(self) -> Repository:
        """The schemas and their policy."""
        return self._repository

    def check(
        self, event_source: str, event_type: str, dataschema: str | None, bus: str, data: Any
    ) -> CheckResult:
        """Check one event's data.

        Args:
            event_source: The event's source.
            event_type: Its type.
            dataschema: The schema that it names, if any; used where it is one of this source and
                type, and else the newest version that is no draft is.
            bus: Its bus.
            data: Its data, as JSON has it.
        """
        validation, unknown = self._repository.policy.of_bus(bus)
        versions = self._repository.versions(event_source, event_type)
        if not versions:
            if unknown is Unknown.ALLOW:
                return _PASSED
            return self._judge_unknown(event_source, event_type, dataschema, unknown)
        document = self._choose(event_source, event_type, dataschema)
        validation = document.validation or validation
        if validation is Validation.OFF:
            return CheckResult(Action.PASS, document.name)
        validator, levels, size = self._validator(document)
        if levels < MAX_LEVELS and is_deeper(data, levels):
            message = (
                f"has more than {levels} levels, and no more can be checked: the "
                "alternatives of the schema branch anew at each level"
            )
            faults: tuple[Fault, ...] = (Fault("data", message),)
        elif validator.is_valid(data):
            return self._judge_status(document)
        else:
            faults = find_faults(validator, data, schema_bytes=size)
        is_refused = validation is Validation.ENFORCE and document.status is not Status.DRAFT
        return CheckResult(
            Action.REFUSE if is_refused else Action.WARN,
            document.name,
            faults[:MAX_FAULTS],
            _describe(document, faults),
        )

    def _choose(self, event_source: str, event_type: str, dataschema: str | None) -> SchemaDocument:
        if dataschema is not None:
            name = self._parse(dataschema)
            if name is not None and (name.source, name.type) == (event_source, event_type):
                document = self._repository.get(name)
                if document is not None:
                    return document
        current = self._repository.current(event_source, event_type)
        assert current is not None  # there are versions
        return current

    def _parse(self, text: str) -> SchemaName | None:
        if text in self._named:
            return self._named[text]
        try:
            name = SchemaName.parse(text)
        except SchemaError:  # any address may stand there
            name = None
        if len(self._named) < _MOST_REMEMBERED:
            self._named[text] = name
        return name

    def _validator(self, document: SchemaDocument) -> tuple[Validator, int, int]:
        """Return the compiled schema, how many levels it may be asked about, and its bytes."""
        known = self._validators.get(document.name)
        if known is None:
            validator = compile_schema(document.whole, document.dialect)
            size = len(json.dumps(document.whole))
            known = self._validators[document.name] = validator, deepest(document.whole), size
        return known

    def _judge_unknown(
        self, event_source: str, event_type: str, dataschema: str | None, unknown: Unknown
    ) -> CheckResult:
        # An EventModel names itself as its schema: the model has checked the data.
        name = self._parse(dataschema) if dataschema is not None else None
        if name is not None and (name.source, name.type) == (event_source, event_type):
            return _PASSED
        known = [kind for source, kind in self._repository.types if source == event_source]
        has = f"its source has: {', '.join(known)}" if known else "its source has none"
        message = (
            f"event {event_type!r} of {event_source!r} has no schema in {self._repository.root} "
            f"({has}): see that source and type are right, or write "
            f"{self._repository.root}/{event_source}/{event_type}/1.0.json"
        )
        action = Action.REFUSE if unknown is Unknown.REFUSE else Action.WARN
        return CheckResult(action, message=message)

    def _judge_status(self, document: SchemaDocument) -> CheckResult:
        if document.status is not Status.DEPRECATED or document.name in self._told:
            return CheckResult(Action.PASS, document.name)
        self._told.add(document.name)
        message = (
            f"event {document.name.type!r} of {document.name.source!r} has the schema "
            f"{document.file}, which is deprecated from {document.deprecated_on} on: publish "
            f"version {document.successor} of it"
        )
        return CheckResult(Action.WARN, document.name, message=message)


def _describe(document: SchemaDocument, faults: tuple[Fault, ...]) -> str:
    name = document.name
    # Each ends in a sign, so that it reads well in one line, as dead letters have it.
    shown = [f"  {fault};" for fault in faults[:MAX_FAULTS]]
    if len(faults) > MAX_FAULTS:
        shown.append("  and more;")
    return "\n".join(
        [
            f"event {name.type!r} of {name.source!r} does not fit its schema {document.file}:",
            *shown,
            f"  mend what publishes it; `eventflow schemas show {name}` says what may be there",
        ]
    )
