"""What a schema is called: `source/type/version`, as an event's `dataschema` and as a path."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self
from urllib.parse import quote, unquote

from eventflow.errors import SchemaError

__all__ = ["SchemaName", "Version"]

_VERSION = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})(?:\.(0|[1-9]\d{0,5}))?")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A schema's version: `major.minor` or `major.minor.patch` (semver.org, without pre-releases).

    `1.0` and `1.0.0` are one version; it is written as the file has it.

    Attributes:
        major: Grows with what breaks readers or writers.
        minor: Grows with what the compatibility mode allows.
        patch: Grows with words alone: descriptions and examples.
    """

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a version.

        Raises:
            SchemaError: When it is none.
        """
        found = _VERSION.fullmatch(text)
        if found is None:
            message = f"{text!r} is no version: write MAJOR.MINOR or MAJOR.MINOR.PATCH, such as 1.0"
            raise SchemaError(message)
        major, minor, patch = found.groups()
        return cls(int(major), int(minor), int(patch or 0))

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}"
        return f"{text}.{self.patch}" if self.patch else text


@dataclass(frozen=True, slots=True, order=True)
class SchemaName:
    """Which schema: its events' source and type, and its version.

    Attributes:
        source: The events' source.
        type: The events' type.
        version: The version.
    """

    source: str
    type: str
    version: Version

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `source/type/version`, as `dataschema` has it; parts may be percent-encoded.

        Raises:
            SchemaError: When it is none.
        """
        parts = [unquote(part) for part in text.rsplit("/", 2)]
        if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - the three of the message
            message = f"{text!r} is no schema's name: write SOURCE/TYPE/VERSION"
            raise SchemaError(message)
        return cls(parts[0], parts[1], Version.parse(parts[2]))

    @property
    def path(self) -> PurePosixPath:
        """The file within the repository: parts that no file system takes are percent-encoded."""
        return PurePosixPath(
            quote(self.source, safe=_SAFE), quote(self.type, safe=_SAFE), f"{self.version}.json"
        )

    def __str__(self) -> str:
        return f"{quote(self.source, safe=_SAFE)}/{quote(self.type, safe=_SAFE)}/{self.version}"


_SAFE = " @+=,"  # beside letters, digits and _.-~
