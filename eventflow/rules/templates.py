"""Input templates: JSON values with placeholders such as `<who>`, filled from an event.

A template is data, never text that is parsed again after filling: whatever a value holds,
quotes and braces included, the result has the template's own structure.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from eventflow.rules.paths import MISSING
from eventflow.rules.reader import MAX_DEPTH

__all__ = [
    "EVENT_JSON",
    "MAX_PLACEHOLDERS",
    "MAX_TEMPLATE",
    "RESERVED",
    "Template",
    "TemplateFault",
    "compact",
    "compile_template",
]

MAX_TEMPLATE = 8192
"""The most characters that a template may have, as at EventBridge."""
MAX_PLACEHOLDERS = 100
"""How often a template may use placeholders; it bounds how much larger than the event it gets."""

EVENT_JSON = "aws.events.event.json"
RESERVED = frozenset(
    {
        "aws.events.rule-arn",
        "aws.events.rule-name",
        "aws.events.event.ingestion-time",
        "aws.events.event",
        EVENT_JSON,
    }
)
"""EventBridge's own placeholders, which need no path."""

Resolve = Callable[[str], Any]  # the name of a placeholder to its JSON value, or MISSING

# Backslashes count only right before a placeholder: \<who> is the text <who>.
_PLACEHOLDER = re.compile(r"(\\*)<([A-Za-z0-9_.-]+)>")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_JSON_LIKE = ("{", "[", '"')
_NOT_JSON = re.compile(r"NaN|Infinity")


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """What is wrong with a template.

    Attributes:
        path: Where in the template.
        message: What is wrong and what to do.
        at_key: Whether the last key of *path* is at fault, not what it leads to.
    """

    path: tuple[str | int, ...]
    message: str
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class _Value:
    """A placeholder alone: the value itself, of whatever type."""

    name: str


@dataclass(frozen=True, slots=True)
class _Text:
    """Text with placeholders within."""

    parts: tuple["str | _Value", ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read.

    Attributes:
        names: The placeholders that it uses.
    """

    _tree: Any = field(repr=False)
    names: frozenset[str]

    def fill(self, resolve: Resolve, *, omit: bool) -> Any:  # Any: a JSON value
        """Return the template with its placeholders filled.

        Args:
            resolve: Returns a placeholder's value, or `MISSING`.
            omit: Whether a key or an element whose value is missing is dropped; else it is null.
                Within text a missing value leaves nothing.

        Returns:
            A new JSON value; the values put in are those that *resolve* returned, no copies.
        """
        filled = _fill(self._tree, resolve, omit=omit)
        return None if filled is MISSING else filled


def compile_template(
    source: Any,  # a JSON value
    names: Collection[str],
) -> tuple[Template | None, list[TemplateFault]]:
    """Read a template.

    Args:
        source: Any JSON value. A string that begins with ``{``, ``[`` or ``"`` is JSON text, as
            EventBridge has it; any other is text.
        names: The placeholders that have paths.

    Returns:
        The template, None when it has faults; and the faults.
    """
    length = len(source) if isinstance(source, str) else len(compact(source))
    if length > MAX_TEMPLATE:
        message = f"the template has {length:,} characters, and at most {MAX_TEMPLATE:,} may be"
        return None, [TemplateFault((), message)]
    compiler = _Compiler(names)
    if isinstance(source, str) and source.lstrip().startswith(_JSON_LIKE):
        tree = compiler.compile_json(source.strip())
    else:
        tree = compiler.compile(source, ())
    if compiler.uses > MAX_PLACEHOLDERS:
        message = f"placeholders are used {compiler.uses} times, at most {MAX_PLACEHOLDERS} may be"
        compiler.fault((), message)
    if compiler.faults:
        return None, compiler.faults
    return Template(tree, frozenset(compiler.used)), []


def compact(value: Any) -> str:  # Any: a JSON value
    """Write a JSON value without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(slots=True)
class _Compiler:
    names: Collection[str]
    faults: list[TemplateFault] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    uses: int = 0

    def fault(self, path: tuple[str | int, ...], message: str) -> None:
        self.faults.append(TemplateFault(path, message))

    def compile(self, source: Any, path: tuple[str | int, ...], *, alone: bool = True) -> Any:
        """Turn a JSON value into a tree; *alone*: a placeholder alone is the value itself."""
        if isinstance(source, str):
            return self._compile_text(source, path, alone=alone)
        if isinstance(source, list):
            return [
                self.compile(item, (*path, index), alone=alone) for index, item in enumerate(source)
            ]
        if isinstance(source, dict):
            for key in source:
                self._check_key(key, (*path, key))
            return {
                key: self.compile(item, (*path, key), alone=alone) for key, item in source.items()
            }
        return source

    def compile_json(self, source: str) -> Any:
        """Turn JSON text, in which placeholders stand also where values do, into a tree."""
        try:
            text, values = self._mark_values(source)
            constants = iter(values)
            parsed = json.loads(
                text,
                # Each NaN that the marking wrote, in the text's order.
                parse_constant=lambda _: next(constants),
                object_pairs_hook=_unique_pairs,
            )
        except ValueError as error:
            message = (
                f"the template begins like JSON and is none: {error}; for text that begins so, "
                "put the text in double quotes within the template"
            )
            self.fault((), message)
            return None
        return self.compile(parsed, (), alone=False)

    def _mark_values(self, source: str) -> tuple[str, list[_Value]]:
        """Replace each placeholder outside of strings by NaN, and return what each stands for."""
        values: list[_Value] = []
        pieces: list[str] = []
        position = depth = 0
        for match in [*_JSON_STRING.finditer(source), None]:
            outside = source[position : match.start() if match else len(source)]
            if _NOT_JSON.search(_PLACEHOLDER.sub("", outside)):
                message = "NaN and Infinity are not in JSON"
                raise ValueError(message)
            for bracket in re.findall(r"[][{}]", outside):
                depth += 1 if bracket in "[{" else -1
                if depth > MAX_DEPTH:
                    message = f"it is nested deeper than {MAX_DEPTH} levels"
                    raise ValueError(message)
            pieces.append(_PLACEHOLDER.sub(lambda found: self._mark(found, values), outside))
            if match:
                pieces.append(match[0])
                position = match.end()
        return "".join(pieces), values

    def _mark(self, match: re.Match[str], values: list[_Value]) -> str:
        after = match.string[match.end() :].lstrip()
        if after.startswith(":"):
            message = f"<{match[2]}> may not be a key"
            raise ValueError(message)
        values.append(self._use(match[2], ()))
        return f"{match[1]}NaN"

    def _compile_text(self, source: str, path: tuple[str | int, ...], *, alone: bool) -> Any:
        parts: list[str | _Value] = []
        position = 0
        for match in _PLACEHOLDER.finditer(source):
            parts.append(source[position : match.start()])
            parts.append("\\" * (len(match[1]) // 2))
            escaped = len(match[1]) % 2 == 1
            parts.append(f"<{match[2]}>" if escaped else self._use(match[2], path))
            position = match.end()
        parts.append(source[position:])
        meaningful = tuple(part for part in parts if part != "")
        if all(isinstance(part, str) for part in meaningful):
            return "".join(str(part) for part in meaningful)
        if alone and len(meaningful) == 1:
            return meaningful[0]
        if _Value(EVENT_JSON) in meaningful:
            self.fault(path, f"<{EVENT_JSON}> is a whole value and may not stand within text")
        return _Text(meaningful)

    def _use(self, name: str, path: tuple[str | int, ...]) -> _Value:
        self.uses += 1
        self.used.add(name)
        if name not in self.names and name not in RESERVED:
            known = ", ".join(f"<{known}>" for known in sorted({*self.names, *RESERVED}))
            message = (
                f"<{name}> is no placeholder here; there are {known} (write \\<{name}> where "
                "that text is meant)"
            )
            self.fault(path, message)
        return _Value(name)

    def _check_key(self, key: str, path: tuple[str | int, ...]) -> None:
        match = _PLACEHOLDER.search(key)
        if match:
            message = f"a placeholder may not be in a key: {match[0]}"
            self.faults.append(TemplateFault(path, message, at_key=True))


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        message = "a key is written twice in one object"
        raise ValueError(message)
    return document


def _fill(node: Any, resolve: Resolve, *, omit: bool) -> Any:
    if isinstance(node, _Value):
        value = resolve(node.name)
        return None if value is MISSING and not omit else value
    if isinstance(node, _Text):
        return "".join(_write_parts(node, resolve))
    if isinstance(node, dict):
        pairs = ((key, _fill(item, resolve, omit=omit)) for key, item in node.items())
        return {key: value for key, value in pairs if value is not MISSING}
    if isinstance(node, list):
        items = (_fill(item, resolve, omit=omit) for item in node)
        return [item for item in items if item is not MISSING]
    return node


def _write_parts(text: _Text, resolve: Resolve) -> Iterator[str]:
    for part in text.parts:
        value = part if isinstance(part, str) else resolve(part.name)
        if value is MISSING:
            continue
        yield value if isinstance(value, str) else compact(value)
