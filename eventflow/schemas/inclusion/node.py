"""A schema together with the document that it stands in, which its `$ref`s are read against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ANYTHING", "NOTHING", "Node"]

_OLD = ("draft-03", "draft-04", "draft-05", "draft-06", "draft-07")


@dataclass(frozen=True, slots=True)
class Node:
    """A schema, or a part of one.

    Attributes:
        schema: The JSON Schema: an object, or true or false.
        root: The whole document.
        dialect: The `$schema` that it is read by.
    """

    schema: Any
    root: Any
    dialect: str = ""

    @classmethod
    def whole(cls, schema: Any, dialect: str = "") -> "Node":
        """Return the node of a whole document."""
        own = schema.get("$schema", dialect) if isinstance(schema, Mapping) else dialect
        return cls(schema, schema, str(own))

    def part(self, schema: Any) -> "Node":
        """Return the node of a schema that stands within this one."""
        return Node(schema, self.root, self.dialect)

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return a keyword's value."""
        return self.schema.get(keyword, default) if isinstance(self.schema, Mapping) else default

    def has(self, keyword: str) -> bool:
        """Tell whether the keyword is there."""
        return isinstance(self.schema, Mapping) and keyword in self.schema

    @property
    def is_anything(self) -> bool:
        """Whether it says nothing at all."""
        return self.schema is True or self.schema == {}

    @property
    def is_nothing(self) -> bool:
        """Whether it accepts nothing."""
        return self.schema is False

    @property
    def is_old(self) -> bool:
        """Whether its dialect is draft-07 or older, where `$ref` stands alone."""
        return any(draft in self.dialect for draft in _OLD)


ANYTHING = Node.whole(True)
NOTHING = Node.whole(False)
