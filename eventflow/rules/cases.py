"""Tests of rules, as YAML files beside them: events, and which targets each must reach."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from eventflow.encoding import encode_event
from eventflow.errors import EventError, Problem, RuleError
from eventflow.events import Event, validate_event, write_path
from eventflow.rules.faults import read_faults, suggest, unknown_key
from eventflow.rules.files import list_test_files
from eventflow.rules.nodes import Entry, MappingNode, Place, locate, locate_text, plain
from eventflow.rules.reader import MAX_BYTES, read_document

__all__ = ["NOT_STATED", "ExpectedDelivery", "RuleCase", "read_cases"]

NOT_STATED = object()
"""What a test expects of an input that it does not state."""

_SECTION = "tests"
_DEFAULTS = {"id": "test-event", "time": "2000-01-01T00:00:00Z"}


@dataclass(frozen=True, slots=True)
class ExpectedDelivery:
    """One target that a test's event must reach.

    Attributes:
        target: The target's name.
        input: What the target must get in place of the event; `NOT_STATED` for whatever it is.
    """

    target: str
    input: Any = NOT_STATED  # Any: a JSON value


@dataclass(frozen=True, slots=True)
class RuleCase:
    """One test: an event, and every target that it must reach.

    Attributes:
        name: What the test is called.
        event: The event.
        expected: The targets; the event must reach no other.
        file: The file that it stands in.
        line: Its line there, from 1.
    """

    name: str
    event: Event
    expected: tuple[ExpectedDelivery, ...]
    file: str
    line: int


def _read_target(value: object) -> object:
    return {"target": value} if isinstance(value, str) else value


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _TargetDocument(_Document):
    target: str
    input: Any = None


class _CaseDocument(_Document):
    description: str = ""
    event: dict[str, Any]
    targets: tuple[Annotated[_TargetDocument, BeforeValidator(_read_target)], ...]


def read_cases(path: Path, targets: Collection[str]) -> tuple[RuleCase, ...]:
    """Read the tests of a directory of rules.

    Args:
        path: The directory, which is searched to its bottom for ``*.test.yaml``.
        targets: The names of the targets that there are.

    Returns:
        The tests: files sorted, in each the order of the file.

    Raises:
        RuleError: When anything is wrong with them; its `problems` name everything that is.
    """
    files, problems = list_test_files(path)
    reading = _Reading(targets, problems)
    cases = [case for file in files for case in reading.read_file(file)]
    if problems:
        count = "1 fault" if len(problems) == 1 else f"{len(problems)} faults"
        message = f"the tests in {str(path)!r} have {count}:"
        raise RuleError(message, sorted(set(problems)))
    return tuple(cases)


@dataclass(frozen=True, slots=True)
class _Reading:
    targets: Collection[str]
    problems: list[Problem]

    def read_file(self, file: str) -> Iterator[RuleCase]:
        """Yield the tests of a file, and note what is wrong with it."""
        try:
            with Path(file).open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        except OSError as error:
            self._add(file, None, "", f"cannot be read: {error.strerror}")
            return
        reading = read_document(content)
        for fault in reading.faults:
            self._add(file, fault.place, "", fault.message)
        if reading.faults:
            return
        if not isinstance(reading.root, MappingNode):
            self._add(file, None, "", f"holds no tests: write them below {_SECTION!r}")
            return
        for key, entry in reading.root.entries.items():
            if key != _SECTION:
                self._add(file, entry.place, key, unknown_key(key, (_SECTION,)))
            elif isinstance(entry.node, MappingNode):
                for name, inner in entry.node.entries.items():
                    yield from self._read_case(file, name, inner)
            else:
                self._add(file, entry.node.place, key, "must be a mapping of names to tests")

    def _read_case(self, file: str, name: str, entry: Entry) -> Iterator[RuleCase]:
        where = (_SECTION, name)
        values = plain(entry.node)
        if not isinstance(values, dict):
            self._add(file, entry.place, write_path(where), "must be a mapping of a test's keys")
            return
        event = self._read_event(file, where, entry, values.get("event"))
        self._check_targets(file, where, entry, values.get("targets"))
        try:
            document = _CaseDocument.model_validate(values)
        except ValidationError as error:
            for fault in read_faults(error, values, _CaseDocument.model_fields):
                place, taken = locate(entry.node, fault.path, key=fault.at_key)
                place = place if taken else entry.place
                self._add(file, place, write_path((*where, *taken)), fault.message)
            return
        if event is None:
            return
        expected = tuple(
            ExpectedDelivery(
                each.target, each.input if "input" in each.model_fields_set else NOT_STATED
            )
            for each in document.targets
        )
        yield RuleCase(name, event, expected, file, entry.place.line)

    def _read_event(
        self, file: str, where: tuple[str, str], entry: Entry, given: object
    ) -> Event | None:
        if not isinstance(given, dict):
            return None  # the model says so
        try:
            event = validate_event({**_DEFAULTS, **given})
            encode_event(event)
        except EventError as error:
            assert isinstance(entry.node, MappingNode)
            place = locate_text(entry.node.entries["event"].node, error.path)
            path = ".".join((*where, "event", *([error.path] if error.path else [])))
            self._add(file, place, path, error.message)
            return None
        return event

    def _check_targets(
        self, file: str, where: tuple[str, str], entry: Entry, given: object
    ) -> None:
        seen: set[str] = set()
        for index, each in enumerate(given if isinstance(given, list) else ()):
            name = each.get("target") if isinstance(each, dict) else each
            if not isinstance(name, str):
                continue
            place, taken = locate(entry.node, ("targets", index, "target"))
            if name in seen:
                self._add(file, place, write_path((*where, *taken)), f"{name!r} is there twice")
            elif name not in self.targets:
                message = f"no target goes by the name {name!r}{suggest(name, self.targets)}"
                self._add(file, place, write_path((*where, *taken)), message)
            seen.add(name)

    def _add(self, file: str, place: Place | None, path: str, message: str) -> None:
        line, column = (place.line, place.column) if place is not None else (0, 0)
        self.problems.append(Problem(file, line, column, path, message))
