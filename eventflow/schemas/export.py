"""Schemas of typed events: the JSON Schema of a model, and the file that it becomes."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from eventflow.errors import SchemaError
from eventflow.schemas.document import KEYWORD
from eventflow.schemas.models import EventModel

__all__ = ["DIALECT", "describe_model", "export_schema", "model_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""What exported schemas are written in."""

_FROM_FILE = ("$id", "$comment", "title", "description", "deprecated", "examples")


class _Generator(GenerateJsonSchema):
    """Pydantic's, without the titles that only say a field's name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's
        return False


def model_schema(model: type[EventModel]) -> dict[str, Any]:
    """Return the JSON Schema of a typed event's data, without what only a file says.

    It is the schema of what the model reads: what is published must be what subscribers can read.
    A value that is written otherwise than it is read, such as by a serializer of its own, may be
    either; a field that is only written (a computed one) may be there.

    Raises:
        SchemaError: When JSON Schema has no word for a field, or the model cannot read what it
            writes.
    """
    read, written = _generate(model, "validation"), _generate(model, "serialization")
    schema = read if read == written else _merge_definitions(model, read, written)
    reference = str(schema.get("$ref", ""))
    if reference.startswith("#/$defs/"):  # a model that holds itself
        target = schema["$defs"][reference.removeprefix("#/$defs/")]
        words = {name: target[name] for name in ("title", "description") if name in target}
        schema = {**words, **schema}
    return {"$schema": DIALECT, **schema}


def export_schema(model: type[EventModel], existing: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a typed event's file is to hold.

    Args:
        model: The typed event.
        existing: What the file holds now; None where there is none. What the model says nothing
            of (owner and status, examples, a description) stays as it is there.
    """
    schema = model_schema(model)
    kept = existing if existing is not None else {}
    schema |= {name: kept[name] for name in _FROM_FILE if name in kept and name not in schema}
    extra = {"status": "draft"} if existing is None else dict(kept.get(KEYWORD, {}))
    said = {"owner": model.event_owner, "status": model.event_status}
    extra |= {name: value for name, value in said.items() if value}
    return {**schema, KEYWORD: extra} if extra else schema


def describe_model(model: type[EventModel]) -> str:
    """Name a class, as an import of it would."""
    return f"{model.__module__}.{model.__qualname__}"


def _generate(model: type[EventModel], mode: JsonSchemaMode) -> dict[str, Any]:
    try:
        schema = model.model_json_schema(schema_generator=_Generator, mode=mode)
    except (PydanticInvalidForJsonSchema, PydanticUserError) as error:
        reason = error.message.splitlines()[0]
        message = (
            f"{describe_model(model)} has no JSON Schema: {reason}; give the field a type that JSON "
            "has, or pydantic's WithJsonSchema"
        )
        raise SchemaError(message) from error
    steady: dict[str, Any] = _steady(schema)
    return steady


def _steady(schema: Any) -> Any:
    """Return the schema with the default of a set in order, which a set itself has not."""
    if isinstance(schema, list):
        return [_steady(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: _steady(value) for name, value in schema.items()}
    if schema.get("uniqueItems") is True and isinstance(schema.get("default"), list):
        schema["default"] = sorted(schema["default"], key=json.dumps)
    return schema


def _merge_definitions(
    model: type[EventModel], read: dict[str, Any], written: dict[str, Any]
) -> dict[str, Any]:
    definitions = {
        name: _merge(model, read.get("$defs", {}).get(name), written.get("$defs", {}).get(name))
        for name in sorted({*read.get("$defs", {}), *written.get("$defs", {})})
    }
    own = [
        {name: value for name, value in schema.items() if name != "$defs"}
        for schema in (read, written)
    ]
    merged: dict[str, Any] = _merge(model, *own)
    return {**merged, "$defs": definitions} if definitions else merged


def _merge(model: type[EventModel], read: Any, written: Any) -> Any:
    """Return a schema of what is read or written."""
    if read is None or written is None or read == written:
        return written if read is None else read
    if "properties" in read and "properties" in written:
        _check_readable(model, read, written)
        properties = {
            name: _merge(model, read["properties"].get(name), written["properties"].get(name))
            for name in {**read["properties"], **written["properties"]}
        }
        return {**read, "properties": properties}
    choices = [_choices(read), _choices(written)]
    missing = [item for item in choices[1] if item not in choices[0]]
    if not missing:
        return read
    words = {name: value for name, value in read.items() if name in {"title", "description"}}
    if "default" in read:
        words["default"] = read["default"]
    return {**words, "anyOf": [*choices[0], *missing]}


def _choices(schema: Mapping[str, Any]) -> list[Any]:
    bare = {
        name: value
        for name, value in schema.items()
        if name not in {"title", "description", "default"}
    }
    return list(bare["anyOf"]) if set(bare) == {"anyOf"} else [bare]


def _check_readable(
    model: type[EventModel], read: Mapping[str, Any], written: Mapping[str, Any]
) -> None:
    """Refuse a model that does not write what it reads: no subscriber could be given its events."""
    unwritten = [name for name in read.get("required", ()) if name not in written["properties"]]
    unread = [name for name in written["properties"] if name not in read["properties"]]
    place = f"{describe_model(model)}{_within(read)}"
    if unwritten:
        message = (
            f"{place} reads {_quote(unwritten)} and never writes it: subscribers could not read "
            "what it publishes; give the field one alias, and no `exclude`"
        )
        raise SchemaError(message)
    if unread and read.get("additionalProperties") is False:
        message = (
            f"{place} writes {_quote(unread)} and forbids it when it reads: subscribers could not "
            "read what it publishes; allow extra fields, or leave it out"
        )
        raise SchemaError(message)


def _within(schema: Mapping[str, Any]) -> str:
    return f" ({schema['title']})" if "title" in schema else ""


def _quote(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
