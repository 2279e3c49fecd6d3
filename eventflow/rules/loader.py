"""Rule files into a rule set: every fault of every file is found, none of them is fatal alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eventflow.errors import Problem, RuleError
from eventflow.events import write_path
from eventflow.patterns import Pattern
from eventflow.rules.archives import Archive
from eventflow.rules.documents import ArchiveDocument, InputDocument, RuleDocument
from eventflow.rules.faults import read_faults, suggest, unknown_key
from eventflow.rules.files import Listing, list_files
from eventflow.rules.inputs import InputTransform, compile_input
from eventflow.rules.nodes import Entry, MappingNode, Place, locate, locate_text, plain
from eventflow.rules.pattern_reading import compile_pattern
from eventflow.rules.reader import MAX_BYTES, read_document
from eventflow.rules.ruleset import Rule, RuleSet, RuleTarget
from eventflow.rules.targets import NAME_RULE, RESERVED_PREFIX, Target, is_name

__all__ = ["Loaded", "load_rules", "read_rules"]

_SECTIONS = ("rules", "targets", "archives")
_TARGET_KEYS = frozenset(Target.model_fields) - {"name"}
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A rule set together with where in its files everything stands.

    Attributes:
        rule_set: The rule set.
        definitions: The file and the entry of each definition, by section and name.
    """

    rule_set: RuleSet
    definitions: Mapping[tuple[str, str], tuple[str, Entry]]


def load_rules(path: Path) -> RuleSet:
    """Load every rule file of a directory.

    Args:
        path: The directory, which is searched to its bottom; or a single file.

    Returns:
        The rule set.

    Raises:
        RuleError: When anything is wrong; its `problems` name everything that is, with file,
            line and column.
    """
    return read_rules(path).rule_set


def read_rules(path: Path) -> Loaded:
    """Load rules as `load_rules` does, and keep where everything stands.

    Raises:
        RuleError: When anything is wrong.
    """
    loading = _Loading(list_files(path))
    rule_set = loading.load()
    if rule_set is None:
        problems = sorted(set(loading.problems))
        count = "1 fault" if len(problems) == 1 else f"{len(problems)} faults"
        message = f"the rules in {str(path)!r} have {count}:"
        raise RuleError(message, problems)
    definitions = {
        (section, name): (definition.file, definition.entry)
        for section, named in loading.known.items()
        for name, definition in named.items()
    }
    return Loaded(rule_set, definitions)


@dataclass(frozen=True, slots=True)
class _Definition:
    """One rule, target or archive as it stands in a file."""

    file: str
    section: str
    name: str
    entry: Entry

    @property
    def place(self) -> str:
        return f"{self.file}:{self.entry.place.line}"


@dataclass(slots=True)
class _Loading:
    listing: Listing
    problems: list[Problem] = field(default_factory=list)
    # Whether every file could be read: if not, a name may be defined in what could not.
    complete: bool = True
    definitions: dict[str, list[_Definition]] = field(
        default_factory=lambda: {section: [] for section in _SECTIONS}
    )
    # The first definition of each name, by section.
    known: dict[str, dict[str, _Definition]] = field(
        default_factory=lambda: {section: {} for section in _SECTIONS}
    )
    _spoiled: set[tuple[str, Place]] = field(default_factory=set)

    def load(self) -> RuleSet | None:
        """Return the rule set, or None where there are problems."""
        self.problems.extend(self.listing.problems)
        self.complete = not self.listing.problems
        for found in self.listing.files:
            self._read_file(found.path)
        targets = [self._read_target(definition) for definition in self.definitions["targets"]]
        self._check_queues([target for target in targets if target is not None])
        rules = [self._read_rule(definition) for definition in self.definitions["rules"]]
        archives = [self._read_archive(definition) for definition in self.definitions["archives"]]
        if self.problems:
            return None
        return RuleSet(
            (target for target in targets if target is not None),
            (rule for rule in rules if rule is not None),
            (archive for archive in archives if archive is not None),
        )

    def _read_file(self, file: str) -> None:
        try:
            with Path(file).open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        except OSError as error:
            self.complete = False
            self._add(file, None, (), f"cannot be read: {error.strerror}")
            return
        reading = read_document(content)
        for fault in reading.faults:
            self._add(file, fault.place, (), fault.message)
            if fault.place is not None:
                self._spoiled.add((file, fault.place))
        if reading.root is not None and isinstance(reading.root, MappingNode):
            self._read_sections(file, reading.root)
            return
        self.complete = False
        if not reading.faults:
            place = reading.root.place if reading.root else None
            message = "holds no rules and no targets: write them, or remove the file"
            self._add(file, place, (), message)

    def _read_sections(self, file: str, root: MappingNode) -> None:
        for key, entry in (*root.entries.items(), *root.repeated):
            if key not in _SECTIONS:
                self._add(file, entry.place, (key,), unknown_key(key, _SECTIONS))
            elif isinstance(entry.node, MappingNode):
                self._read_names(file, key, entry.node)
            elif plain(entry.node) is not None:
                message = "must be a mapping of names to definitions"
                self._add(file, entry.node.place, (key,), message)
                self.complete = False

    def _read_names(self, file: str, section: str, node: MappingNode) -> None:
        known = self.known[section]
        for name, entry in (*node.entries.items(), *node.repeated):
            definition = _Definition(file, section, name, entry)
            self.definitions[section].append(definition)
            earlier = known.setdefault(name, definition)
            if earlier is not definition:
                message = f"{name!r} is defined already, at {earlier.place}"
                self._add(file, entry.place, (section, name), message)
            if not is_name(name):
                message = f"{name!r} cannot be a name: write {NAME_RULE}"
                self._add(file, entry.place, (section, name), message)

    def _read_target(self, definition: _Definition) -> Target | None:
        values = self._read_mapping(definition)
        if values is None:
            return None
        name = definition.name
        if "name" in values:
            self._add_at(definition, ("name",), unknown_key("name", _TARGET_KEYS), key=True)
            del values["name"]
        try:
            # A name that cannot be is told once already; the rest is checked all the same.
            target = Target.model_validate({**values, "name": name if is_name(name) else "x"})
        except ValidationError as error:
            for fault in read_faults(error, values, _TARGET_KEYS):
                self._add_at(definition, fault.path, fault.message, key=fault.at_key)
            return None
        for key, value in ((None, name), ("queue", values.get("queue", ""))):
            if value.startswith(RESERVED_PREFIX):
                message = f"{value!r}: names that begin with {RESERVED_PREFIX} are reserved"
                self._add_at(definition, (key,) if key else (), message, key=not key)
        return target if is_name(name) else None

    def _check_queues(self, targets: Iterable[Target]) -> None:
        owners: dict[str, str] = {}
        for target in targets:
            owner = owners.setdefault(target.queue, target.name)
            if owner != target.name:
                message = (
                    f"the queue {target.queue!r} is that of the target {owner!r} already; each "
                    "target has a queue of its own"
                )
                self._add_at(self.known["targets"][target.name], ("queue",), message)

    def _read_rule(self, definition: _Definition) -> Rule | None:
        values = self._read_mapping(definition)
        if values is None:
            return None
        # Each check looks at the file's own values, so that a fault in one hides none in another.
        pattern = self._read_pattern(definition, values)
        self._check_named_targets(definition, values)
        inputs = self._read_inputs(definition, values)
        try:
            document = RuleDocument.model_validate(values)
        except ValidationError as error:
            for fault in read_faults(error, values, RuleDocument.model_fields):
                self._add_at(definition, fault.path, fault.message, key=fault.at_key)
            return None
        if self.problems or pattern is None:
            return None
        return Rule(
            name=definition.name,
            pattern=pattern,
            targets=tuple(
                RuleTarget(each.target, inputs.get(index))
                for index, each in enumerate(document.targets)
            ),
            description=document.description,
            owner=document.owner,
            bus=document.bus,
            enabled=document.enabled,
            file=definition.file,
            line=definition.entry.place.line,
        )

    def _read_archive(self, definition: _Definition) -> Archive | None:
        values = self._read_mapping(definition)
        if values is None:
            return None
        pattern = self._read_pattern(definition, values)
        try:
            document = ArchiveDocument.model_validate(values)
        except ValidationError as error:
            for fault in read_faults(error, values, ArchiveDocument.model_fields):
                self._add_at(definition, fault.path, fault.message, key=fault.at_key)
            return None
        if self.problems or pattern is None:
            return None
        return Archive(
            **document.model_dump(exclude={"pattern"}),
            name=definition.name,
            pattern=pattern,
            file=definition.file,
            line=definition.entry.place.line,
        )

    def _read_inputs(
        self, definition: _Definition, values: dict[str, Any]
    ) -> dict[int, InputTransform]:
        """Return the input of each of the rule's targets that has one."""
        given = values.get("targets")
        inputs = {}
        for index, each in enumerate(given if isinstance(given, list) else ()):
            if not isinstance(each, dict) or "input" not in each:
                continue
            try:
                document = InputDocument.model_validate(each["input"])
            except ValidationError:
                continue  # the rule's model says so
            transform, faults = compile_input(document)
            for fault in faults:
                path = ("targets", index, "input", *fault.path)
                self._add_at(definition, path, fault.message, key=fault.at_key)
            if transform is not None:
                inputs[index] = transform
        return inputs

    def _check_named_targets(self, definition: _Definition, values: dict[str, Any]) -> None:
        given = values.get("targets")
        targets = self.known["targets"]
        seen: set[str] = set()
        for index, each in enumerate(given if isinstance(given, list) else ()):
            name = each.get("target") if isinstance(each, dict) else each
            if not isinstance(name, str):
                continue
            path = ("targets", index, "target")
            if name in seen:
                self._add_at(definition, path, f"the rule names {name!r} twice")
            elif name not in targets and self.complete:
                message = f"no target goes by the name {name!r}{suggest(name, targets)}"
                self._add_at(definition, path, message)
            seen.add(name)

    def _read_pattern(self, definition: _Definition, values: dict[str, Any]) -> Pattern | None:
        source = values.get("pattern")
        if not isinstance(source, dict):
            return None  # the model says so
        assert isinstance(definition.entry.node, MappingNode)
        node = definition.entry.node.entries["pattern"].node
        pattern, faults = compile_pattern(source)
        for fault in faults:
            below = (
                f".{fault.path}" if fault.path and not fault.path.startswith("[") else fault.path
            )
            self._report(
                definition.file,
                locate_text(node, fault.path),
                f"{definition.section}.{definition.name}.pattern{below}",
                fault.message,
            )
        return pattern

    def _read_mapping(self, definition: _Definition) -> dict[str, Any] | None:
        values = plain(definition.entry.node)
        if isinstance(values, dict):
            return values
        noun = {"rules": "a rule", "targets": "a target", "archives": "an archive"}
        message = f"must be a mapping of {noun[definition.section]}'s keys"
        self._add_at(definition, (), message)
        return None

    def _add_at(
        self, definition: _Definition, path: _Path, message: str, *, key: bool = False
    ) -> None:
        """Add a problem at a path within a definition, or at the deepest part of it there is."""
        place, taken = locate(definition.entry.node, path, key=key)
        if not taken:
            place = definition.entry.place
        self._add(definition.file, place, (definition.section, definition.name, *taken), message)

    def _add(self, file: str, place: Place | None, path: _Path, message: str) -> None:
        self._report(file, place, write_path(path), message)

    def _report(self, file: str, place: Place | None, path: str, message: str) -> None:
        if place is None:
            self.problems.append(Problem(file, 0, 0, path, message))
        elif (file, place) not in self._spoiled:  # what follows from a fault is none of its own
            self.problems.append(Problem(file, place.line, place.column, path, message))
