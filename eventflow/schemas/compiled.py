"""JSON Schemas compiled: by the meta-schema first, with a regular expression engine that is linear.

`format` is asserted: an email that is none is a fault, as it is one for a typed model. Of date-time
and time the offset may be missing and a space may stand for the T, as pydantic writes and reads
them. A format that no one knows is passed over. Regular expressions run on an engine that cannot backtrack, so no
text takes more than linear time; what it cannot express (look-around, back-references) is a fault.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import jsonschema_rs
from jsonschema_rs import RegexOptions, Validator

from eventflow.events import describe_kind

__all__ = ["SchemaFault", "compile_schema", "meta_faults", "pattern_faults"]

_CLASSES: dict[str, type[Validator]] = {
    "https://json-schema.org/draft/2020-12/schema": jsonschema_rs.Draft202012Validator,
    "https://json-schema.org/draft/2019-09/schema": jsonschema_rs.Draft201909Validator,
    "http://json-schema.org/draft-07/schema": jsonschema_rs.Draft7Validator,
    "http://json-schema.org/draft-06/schema": jsonschema_rs.Draft6Validator,
    "http://json-schema.org/draft-04/schema": jsonschema_rs.Draft4Validator,
}
_TYPES = "array, boolean, integer, null, number, object, string"
_meta: dict[str, Validator] = {}


class SchemaFault(NamedTuple):
    """What is wrong with a schema.

    Attributes:
        path: Where in it.
        message: What is wrong.
    """

    path: tuple[str | int, ...]
    message: str


def meta_faults(schema: Any, dialect: str) -> list[SchemaFault]:
    """Return why *schema* is no JSON Schema of that dialect; nothing where it is one."""
    if not isinstance(schema, dict | bool):
        return [SchemaFault((), f"is no schema: it must be an object, not {describe_kind(schema)}")]
    validator = _meta.get(dialect)
    if validator is None:
        name = dialect if "draft/20" in dialect else f"{dialect}#"
        validator = _meta[dialect] = _CLASSES[dialect]({"$ref": name}, offline=True)
    faults: dict[tuple[str | int, ...], str] = {}
    for error in validator.iter_errors(schema):
        path = tuple(error.instance_path)
        at_pattern = path[-1:] == ("pattern",) or path[-2:-1] == ("patternProperties",)
        if error.kind.name == "format" and at_pattern:
            continue  # said below, with the reason
        message = f"is no JSON Schema: {error.message}"
        if path[-1:] == ("type",):
            message = f"is no type: write one or more of {_TYPES}"
        faults.setdefault(path, message)
    return [SchemaFault(path, message) for path, message in faults.items()]


def pattern_faults(schema: Any, path: tuple[str | int, ...] = ()) -> list[SchemaFault]:
    """Return the regular expressions of *schema* itself that cannot be taken."""
    if not isinstance(schema, dict):
        return []
    found: list[tuple[tuple[str | int, ...], str]] = []
    if isinstance(schema.get("pattern"), str):
        found.append(((*path, "pattern"), schema["pattern"]))
    named = schema.get("patternProperties")
    if isinstance(named, dict):
        found += [((*path, "patternProperties", name), name) for name in named]
    return [
        SchemaFault(place, _describe_pattern(text)) for place, text in found if not _is_linear(text)
    ]


def compile_schema(schema: Mapping[str, Any] | bool, dialect: str) -> Validator:
    """Compile a schema whose references all lead into itself.

    Raises:
        ValueError: When it cannot be.
    """
    return _CLASSES[dialect](
        schema if isinstance(schema, bool) else dict(schema),
        formats=_FORMATS,
        validate_formats=True,
        pattern_options=RegexOptions(),
        offline=True,
    )


_TIME = r"(?P<clock>\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)?"
_DATE_TIME = re.compile(rf"(?P<day>\d{{4}}-\d\d-\d\d)[Tt ]{_TIME}", re.ASCII)
_CLOCK_TIME = re.compile(_TIME, re.ASCII)


def _is_date_time(text: str) -> bool:
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return False
    try:
        date.fromisoformat(found["day"])
    except ValueError:
        return False
    return _is_clock(found["clock"])


def _is_time(text: str) -> bool:
    found = _CLOCK_TIME.fullmatch(text)
    return found is not None and _is_clock(found["clock"])


def _is_clock(text: str) -> bool:
    return text[:2] < "24" and text[3:5] < "60" and text[6:] <= "60"  # a leap second


_FORMATS = {"date-time": _is_date_time, "time": _is_time}


def _is_linear(pattern: str) -> bool:
    try:
        jsonschema_rs.Draft202012Validator(
            {"pattern": pattern}, pattern_options=RegexOptions(), offline=True
        )
    except ValueError:
        return False
    return True


def _describe_pattern(pattern: str) -> str:
    if re.search(r"\(\?<?[=!]", pattern):
        why = "it looks around ((?=…), (?!…)), which cannot be matched in linear time"
    elif re.search(r"\\[1-9]", pattern):
        why = "it refers back (\\1), which cannot be matched in linear time"
    else:
        why = "it is no regular expression, or one of too many states"
    return f"is a pattern that cannot be used: {why}"
