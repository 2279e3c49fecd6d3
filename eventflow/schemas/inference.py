"""Schemas from data: genson's inference, and what it leaves to be wished for.

What is added: formats, where every text there was has one; maps, which are objects whose keys are
ids rather than names, so that a schema does not grow with each parcel; and a bound for objects with
very many keys. What is left out: enums, since a value that was not seen yet is no wrong one.
"""

import re
from functools import cache
from importlib import import_module
from typing import Any

from jsonschema_rs import Validator

from eventflow.errors import SchemaError
from eventflow.schemas.compiled import compile_schema

__all__ = ["FORMATS", "MAX_NAMES", "Inference", "fits_format", "is_like_an_id", "new_inference"]

FORMATS = ("date-time", "date", "uuid", "uri", "email", "ipv4", "ipv6")
"""The formats that are looked for; of those that fit all texts the first counts."""

MAX_NAMES = 200
"""The most keys of an object that are taken for names; with more it is a map."""

_LONGEST = 2_000  # characters of a text that may have a format
_LIKE_AN_ID = re.compile(
    r"\d+|.*\d{3,}.*|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.DOTALL
)
_LATEST = "https://json-schema.org/draft/2020-12/schema"


class Inference:
    """What is known of one kind of data: it grows with each value, or schema, that is added.

    Args:
        builder: genson's builder, with the strategies of this module.
    """

    def __init__(self, builder: Any) -> None:  # Any: genson ships no types
        self._builder = builder

    def add_data(self, data: Any) -> None:
        """Take in a value."""
        self._builder.add_object(data)

    def add_schema(self, schema: dict[str, Any]) -> None:
        """Take in a schema that was inferred before."""
        self._builder.add_schema(schema)

    def schema(self) -> dict[str, Any]:
        """Return the schema that everything fits which was taken in, without `$schema`."""
        schema: dict[str, Any] = self._builder.to_schema()
        return schema


def new_inference() -> Inference:
    """Return an inference that knows nothing yet.

    Raises:
        SchemaError: When genson is not installed.
    """
    try:
        strategies = import_module("eventflow.schemas.genson_strategies")
    except ImportError as error:
        message = "schemas are discovered with genson: pip install 'eventflow[schemas]'"
        raise SchemaError(message) from error
    return Inference(strategies.Builder(schema_uri=None))


def fits_format(name: str, text: str) -> bool:
    """Tell whether a text has a format; a URI counts as one with `://` alone."""
    if len(text) > _LONGEST or (name == "uri" and "://" not in text):
        return False
    return _format_validator(name).is_valid(text)


def is_like_an_id(key: str) -> bool:
    """Tell whether a key looks like an id: a number, a UUID, or three digits in a row."""
    return _LIKE_AN_ID.fullmatch(key) is not None


@cache
def _format_validator(name: str) -> Validator:
    return compile_schema({"format": name}, _LATEST)
