"""One YAML text into nodes: nothing but JSON values, within bounds, with every fault's place.

Built on PyYAML's events, which construct nothing: no tag can name a Python object, and the
bounds hold before anything is written out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from eventflow.rules.nodes import Entry, MappingNode, Node, Place, ScalarNode, SequenceNode
from eventflow.rules.scalars import read_scalar

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "Fault", "Reading", "read_document"]

MAX_BYTES = 1024 * 1024
"""The most bytes that one file may have."""
MAX_DEPTH = 120
"""The most levels that a file may be nested."""
MAX_NODES = 100_000
"""The most values and keys that a file may hold, with every alias written out."""

# libyaml's parser where PyYAML has it: ten times as fast, and a router waits for a reload.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML 1.2.2, section 5.1, "Character Set".
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where; a place of None is the file as a whole."""

    place: Place | None
    message: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a text.

    Attributes:
        root: The document; None where it could not be read to its end.
        faults: What is wrong with it, in order.
    """

    root: Node | None
    faults: tuple[Fault, ...]


class _Stop(Exception):  # noqa: N818 - control flow: reading cannot go on
    def __init__(self, place: Place | None, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(place, message)


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not closed yet."""

    node: SequenceNode | MappingNode
    anchor: str | None
    key: str | None = None
    key_place: Place | None = None
    merge: bool = False  # the value that follows is that of a merge key


@dataclass(slots=True)
class _Builder:
    """Takes the parser's events one by one; iterative, so that depth is a fault and no crash."""

    faults: list[Fault] = field(default_factory=list)
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)  # None: still open
    total: int = 0

    def take(self, event: yaml.Event) -> None:
        """Add what *event* says."""
        if isinstance(event, yaml.DocumentStartEvent):
            if self.root is not None:
                raise _Stop(_place(event), "is a second document; write one in each file")
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close()

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        place = _place(event)
        if event.anchor not in self.anchors:
            raise _Stop(place, f"no anchor goes by the name &{event.anchor} above")
        node = self.anchors[event.anchor]
        if node is None:
            raise _Stop(place, f"*{event.anchor} stands within &{event.anchor} itself")
        self._add(node, event, written_as=None)

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        place = _place(event)
        self._check_tag(event)
        # What cannot be UTF-8 would break whatever shows the fault.
        text = event.value.encode("utf-8", errors="replace").decode()
        value: str | float | bool | None = text
        if text != event.value:
            self.faults.append(Fault(place, "holds half of a surrogate pair"))
        elif event.implicit[0] and event.tag is None and not self._expects_key():
            try:
                value = read_scalar(text)
            except ValueError as error:
                self.faults.append(Fault(place, str(error)))
        node = ScalarNode(place, 1, 1, value)
        self._remember(event.anchor, node)
        self._add(node, event, written_as=text)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        place = _place(event)
        self._check_tag(event)
        if self._expects_key():
            raise _Stop(place, "a key must be text, not a mapping or a list")
        if len(self.stack) >= MAX_DEPTH:
            raise _Stop(place, f"is nested deeper than {MAX_DEPTH} levels")
        node: SequenceNode | MappingNode
        if isinstance(event, yaml.MappingStartEvent):
            node = MappingNode(place, 1, 1, {})
        else:
            node = SequenceNode(place, 1, 1, [])
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(node, event.anchor))
        self._count(1, place)

    def _close(self) -> None:
        closed = self.stack.pop()
        self._remember(closed.anchor, closed.node)
        self._attach(closed.node)

    def _add(self, node: Node, event: yaml.Event, *, written_as: str | None) -> None:
        place = _place(event)
        if len(self.stack) + node.height > MAX_DEPTH + 1:
            raise _Stop(place, f"is nested deeper than {MAX_DEPTH} levels with its alias")
        self._count(node.size, place)
        if not self._expects_key():
            self._attach(node)
            return
        if written_as is None:
            raise _Stop(place, "a key must be text, not an alias")
        self._take_key(written_as, place, event)

    def _take_key(self, key: str, place: Place, event: yaml.Event) -> None:
        top = self.stack[-1]
        assert isinstance(top.node, MappingNode)
        earlier = top.node.entries.get(key)
        if earlier is not None:
            message = (
                f"{key!r} is written twice in one mapping; it is at line {earlier.place.line} too"
            )
            self.faults.append(Fault(place, message))
        elif key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
            message = "merge keys (<<) are not YAML 1.2: write the keys out"
            self.faults.append(Fault(place, message))
            top.merge = True
        top.key, top.key_place = key, place

    def _attach(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if isinstance(top.node, SequenceNode):
            top.node.items.append(node)
        else:
            assert top.key is not None
            assert top.key_place is not None
            entry = Entry(top.key_place, node)
            if not top.merge and top.node.entries.setdefault(top.key, entry) is not entry:
                top.node.repeated.append((top.key, entry))
        top.node.size += node.size
        top.node.height = max(top.node.height, node.height + 1)
        top.key, top.key_place, top.merge = None, None, False

    def _expects_key(self) -> bool:
        if not self.stack:
            return False
        top = self.stack[-1]
        return isinstance(top.node, MappingNode) and top.key is None

    def _count(self, size: int, place: Place) -> None:
        self.total += size
        if self.total > MAX_NODES:
            message = f"the file holds more than {MAX_NODES:,} values, with aliases written out"
            raise _Stop(place, message)

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self.anchors[anchor] = node

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None and event.tag != "!":
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"tags such as {shown} are not allowed; values are what JSON has"
            self.faults.append(Fault(_place(event), message))


def read_document(content: bytes) -> Reading:
    """Read a file's bytes.

    Args:
        content: UTF-8 YAML: one document of mappings with text keys, lists and scalars.

    Returns:
        The document and every fault; after a fault of syntax or a bound there is no document.
    """
    if len(content) > MAX_BYTES:
        message = f"the file has {len(content):,} bytes, and at most {MAX_BYTES:,} are allowed"
        return Reading(None, (Fault(None, message),))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace")
        message = f"is not UTF-8: byte 0x{content[error.start]:02x}; save the file as UTF-8"
        return Reading(None, (Fault(_place_after(before), message),))
    stray = _NOT_PRINTABLE.search(text)
    if stray:
        message = f"character U+{ord(stray[0]):04X} cannot stand in YAML; write it as an escape"
        return Reading(None, (Fault(_place_after(text[: stray.start()]), message),))
    return _build(yaml.parse(text, Loader=_Loader))


def _build(events: Iterable[yaml.Event]) -> Reading:
    builder = _Builder()
    try:
        for event in events:
            builder.take(event)
    except _Stop as stop:
        return Reading(None, (*builder.faults, stop.fault))
    except yaml.MarkedYAMLError as error:
        return Reading(None, (*builder.faults, _syntax_fault(error)))
    return Reading(builder.root, tuple(builder.faults))


def _syntax_fault(error: yaml.MarkedYAMLError) -> Fault:
    mark, begins = error.problem_mark, error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark is not None else None
    context = ""
    if error.context:
        line = f" that begins at line {begins.line + 1}" if begins is not None else ""
        context = f" ({error.context}{line})"
    return Fault(place, f"is not YAML: {error.problem}{context}")


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    assert mark is not None
    return Place(mark.line + 1, mark.column + 1)


def _place_after(text: str) -> Place:
    lines = text.replace("\r\n", "\n").split("\n")
    return Place(len(lines), len(lines[-1]) + 1)
