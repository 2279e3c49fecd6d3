"""One schema file: a JSON Schema of an event's data, and what `x-eventflow` says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from eventflow.schemas.names import SchemaName, Version

__all__ = ["KEYWORD", "Compatibility", "SchemaDocument", "Status", "Unknown", "Validation"]

KEYWORD = "x-eventflow"
"""The keyword of a schema file that holds what JSON Schema has no word for."""


class Status(StrEnum):
    """How far a schema is."""

    DRAFT = "draft"
    ACTIVE = "active"
    DEPRECATED = "deprecated"


class Validation(StrEnum):
    """What is done about an event that does not fit its schema."""

    ENFORCE = "enforce"
    WARN = "warn"
    OFF = "off"


class Unknown(StrEnum):
    """What is done about an event that has no schema."""

    ALLOW = "allow"
    WARN = "warn"
    REFUSE = "refuse"


class Compatibility(StrEnum):
    """What a new version must keep, by the words of Confluent's schema registry.

    `backward`: who reads by the new version reads what was written by the one before. `forward`:
    who reads by the one before reads what is written by the new one. `full`: both. The transitive
    ones ask it of every earlier version, the others of the last one.
    """

    NONE = "none"
    BACKWARD = "backward"
    BACKWARD_TRANSITIVE = "backward_transitive"
    FORWARD = "forward"
    FORWARD_TRANSITIVE = "forward_transitive"
    FULL = "full"
    FULL_TRANSITIVE = "full_transitive"


@dataclass(frozen=True, slots=True)
class SchemaDocument:
    """One version of one event's schema.

    Attributes:
        name: Its source, type and version.
        schema: The JSON Schema, as the file has it.
        file: Where it stands, below the repository's directory as the user wrote that.
        dialect: The `$schema` that it is read by.
        owner: Who answers for it.
        description: What the event means.
        status: How far it is.
        deprecated_on: Since or from when it is deprecated; None unless it is.
        successor: The version, of the same type, to use in its place.
        compatibility: What new versions must keep; None: the repository's default.
        validation: What is done about events that do not fit; None: the bus's.
        examples: Events' data that must fit.
        bundled: The schema with every part that it refers to in other files taken in, so that each
            `$ref` begins with `#`; None: it refers to no other file.
    """

    name: SchemaName
    schema: Mapping[str, Any] = field(repr=False)
    file: Path
    dialect: str
    owner: str = ""
    description: str = ""
    status: Status = Status.ACTIVE
    deprecated_on: date | None = None
    successor: Version | None = None
    compatibility: Compatibility | None = None
    validation: Validation | None = None
    examples: tuple[Any, ...] = field(default=(), repr=False)
    bundled: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def whole(self) -> Mapping[str, Any]:
        """The schema in one piece: every `$ref` of it begins with `#`, and there is no `$id`."""
        return self.bundled if self.bundled is not None else self.schema
