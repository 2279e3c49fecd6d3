"""Why data does not fit a schema, in words that tell everything but the values themselves.

What an event holds may be secret, and a message goes to logs and dead letters: a fault says what
kind of value is there (a string of 12 characters), never which.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from jsonschema_rs import ValidationError, ValidationErrorKind, Validator

from eventflow.events import describe_kind, write_path

__all__ = ["MAX_FAULTS", "MAX_VALUES", "Fault", "find_faults"]

MAX_FAULTS = 20
"""The most faults of one event that are told one by one."""

MAX_VALUES = 2_000
"""The most values that an event may hold for all its faults to be looked for; of more, the first."""

_MOST_WORK = 50_000_000  # values, times bytes of their schema: each fault holds a part of that
_MOST_NAMES = 8  # of an enumeration, or of keys
_MOST_TEXT = 80  # characters of what a schema or an event's key says


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing about an event's data that does not fit.

    Attributes:
        path: Where, such as `data.parcel.id`.
        message: What is there and what the schema asks for.
        steps: The path again, as keys and indexes below the data.
    """

    path: str
    message: str
    steps: tuple[str | int, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def find_faults(
    validator: Validator, data: Any, most: int = MAX_FAULTS + 1, *, schema_bytes: int = 0
) -> tuple[Fault, ...]:
    """Return why *data* does not fit; nothing where it does.

    Args:
        validator: A compiled schema.
        data: What JSON can hold. Where it holds much, only the first fault is looked for: the
            validator makes all of them before it gives the first one, each with its part of the
            schema, and an event of 1 MiB may have 100,000.
        most: Where to stop.
        schema_bytes: How long the schema is.
    """
    values = min(MAX_VALUES, _MOST_WORK // max(schema_bytes, 1))
    errors = _first(validator, data) if _holds_more(data, values) else validator.iter_errors(data)
    return tuple(islice((fault for error in errors for fault in _read(error)), most))


def _first(validator: Validator, data: Any) -> Iterator[ValidationError]:
    try:
        validator.validate(data)
    except ValidationError as error:
        yield error


def _holds_more(data: Any, values: int) -> bool:
    pending = [data]
    while pending and values >= 0:
        value = pending.pop()
        values -= 1
        if isinstance(value, dict | list):
            if len(value) > values:
                return True
            pending.extend(value.values() if isinstance(value, dict) else value)
    return values < 0


def _read(error: ValidationError) -> Iterator[Fault]:
    steps = tuple(error.instance_path)
    kind = error.kind
    if isinstance(kind, ValidationErrorKind.Required):
        path = (*steps, kind.property)
        yield Fault(write_path(("data", *path)), "is missing", path)
    elif isinstance(kind, _UNEXPECTED):
        for name in kind.unexpected:
            message = "is no field of the schema, which allows no others"
            yield Fault(write_path(("data", *steps, name)), message, (*steps, name))
    elif isinstance(kind, _CHOICES) and kind.context:
        # What one wants to know is why the alternative that was meant does not fit.
        nearest = min(kind.context, key=_distance)
        yield Fault(write_path(("data", *steps)), _describe(error), steps)
        for inner in nearest:
            for fault in _read(inner):
                message = f"{fault.message} (by the nearest of the schemas of {kind.name})"
                yield Fault(fault.path, message, fault.steps)
    else:
        yield Fault(write_path(("data", *steps)), _describe(error), steps)


_UNEXPECTED = (ValidationErrorKind.AdditionalProperties, ValidationErrorKind.UnevaluatedProperties)
_CHOICES = (ValidationErrorKind.AnyOf, ValidationErrorKind.OneOfNotValid)


def _distance(faults: Sequence[ValidationError]) -> tuple[int, int]:
    """Say how far data is from fitting: by what tells alternatives apart, then by all the rest."""
    telling = sum(fault.kind.name in {"const", "enum", "type"} for fault in faults)
    return telling, len(faults)


def _describe(error: ValidationError) -> str:
    name = error.kind.name
    if name in {"falseSchema", "false"}:
        return "must not be there"
    words = _WORDS.get(name)
    wanted = words(error.kind) if words is not None else f"does not fit {name}"
    return f"{wanted}; it is {_kind_of(error.instance)}"


def _bound(sentence: str) -> Callable[[Any], str]:
    def words(kind: Any) -> str:
        names = ("limit", "multiple_of")
        return sentence.format(next((getattr(kind, it) for it in names if hasattr(kind, it)), ""))

    return words


def _one_of(kind: Any) -> str:
    several = isinstance(kind, ValidationErrorKind.OneOfMultipleValid)
    count = "several" if several else "none"
    return f"must fit one of the schemas of oneOf, and fits {count}"


_KINDS = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
    "null": "null",
}
# What a fault of each keyword says, of the library's description of it.
_WORDS: dict[str, Callable[[Any], str]] = {
    "type": lambda kind: f"must be {_any_of([_KINDS.get(name, name) for name in kind.types])}",
    "enum": lambda kind: f"must be {_any_of([_write(item) for item in kind.options])}",
    "const": lambda kind: f"must be {_write(kind.expected_value)}",
    "format": lambda kind: f"must be of the format {kind.format}",
    "pattern": lambda kind: f"must match {_write(kind.pattern)}",
    "anyOf": _bound("must fit one of the schemas of anyOf, and fits none"),
    "oneOf": _one_of,
    "not": _bound("must not fit the schema of not"),
    "minimum": _bound("must be {} or more"),
    "maximum": _bound("must be {} or less"),
    "exclusiveMinimum": _bound("must be more than {}"),
    "exclusiveMaximum": _bound("must be less than {}"),
    "multipleOf": _bound("must be a multiple of {}"),
    "minLength": _bound("must have {} characters or more"),
    "maxLength": _bound("must have {} characters or less"),
    "minItems": _bound("must have {} items or more"),
    "maxItems": _bound("must have {} items or less"),
    "minProperties": _bound("must have {} fields or more"),
    "maxProperties": _bound("must have {} fields or less"),
    "uniqueItems": _bound("must have no item twice"),
    "contains": _bound("must have an item that fits the schema of contains"),
    "propertyNames": _bound("must have no field whose name does not fit propertyNames"),
}


def _kind_of(value: object) -> str:
    """Say what is there without saying it."""
    if isinstance(value, str):
        return f"a string of {len(value)} character{'' if len(value) == 1 else 's'}"
    if isinstance(value, list):
        return f"an array of {len(value)} item{'' if len(value) == 1 else 's'}"
    if isinstance(value, dict):
        return f"an object of {len(value)} field{'' if len(value) == 1 else 's'}"
    return describe_kind(value)


def _any_of(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    shown = names[:_MOST_NAMES]
    more = len(names) - len(shown)
    return f"one of {', '.join(shown)}{f' and {more} more' if more else ''}"


def _write(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
