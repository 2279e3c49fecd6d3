"""What genson makes of texts and objects, with formats and maps; imported where genson is there."""

from typing import Any

from genson import SchemaBuilder
from genson.schema.strategies import Object, String

from eventflow.schemas.inference import FORMATS, MAX_NAMES, fits_format, is_like_an_id

__all__ = ["Builder"]

_FEWEST_IDS = 2


class Text(String):
    """A string, and the formats that all of them had."""

    KEYWORDS = (*String.KEYWORDS, "format")

    def __init__(self, node_class: Any) -> None:
        super().__init__(node_class)
        self._formats: list[str] = list(FORMATS)

    def add_schema(self, schema: dict[str, Any]) -> None:
        """Take in a string's schema: only the format that it has, if any, may still be."""
        super().add_schema(schema)
        self._formats = [it for it in self._formats if it == schema.get("format")]

    def add_object(self, obj: str) -> None:
        """Take in a text: only the formats that it has may still be."""
        super().add_object(obj)
        self._formats = [name for name in self._formats if fits_format(name, obj)]

    def to_schema(self) -> dict[str, Any]:
        """Return the schema, with the format where there is one."""
        schema: dict[str, Any] = super().to_schema()
        return {**schema, "format": self._formats[0]} if self._formats else schema


class Record(Object):
    """An object with names, or a map once there are too many of them or they look like ids."""

    KEYWORDS = (*Object.KEYWORDS, "additionalProperties")

    def __init__(self, node_class: Any) -> None:
        super().__init__(node_class)
        self._values: Any = None

    def add_schema(self, schema: dict[str, Any]) -> None:
        """Take in an object's schema; where that is of a map, this is one too."""
        rest = schema.get("additionalProperties")
        if isinstance(rest, dict):
            self._become_map()
            self._values.add_schema(rest)
        super().add_schema(schema)
        self._bound()

    def add_object(self, obj: dict[str, Any]) -> None:
        """Take in an object: its names, or a map's values."""
        if self._values is None:
            super().add_object(obj)
            self._bound()
            return
        for value in obj.values():
            self._values.add_object(value)

    def to_schema(self) -> dict[str, Any]:
        """Return the schema, of a map where the names look like ids."""
        if self._values is None and self._has_ids():
            self._become_map()
        schema: dict[str, Any] = super().to_schema()
        if self._values is not None:
            schema["additionalProperties"] = self._values.to_schema()
        return schema

    def _has_ids(self) -> bool:
        names = self._properties
        return len(names) >= _FEWEST_IDS and all(map(is_like_an_id, names))

    def _bound(self) -> None:
        if self._values is not None or len(self._properties) > MAX_NAMES:
            self._become_map()

    def _become_map(self) -> None:
        if self._values is None:
            self._values = self.node_class()
        for node in self._properties.values():
            self._values.add_schema(node.to_schema())
        self._properties.clear()
        self._required: set[str] = set()


class Builder(SchemaBuilder):
    """genson's builder with the two."""

    EXTRA_STRATEGIES = (Text, Record)
