"""What stands where in a schema that is in one piece, and what its references mean."""

from typing import Any
from urllib.parse import unquote

from eventflow.errors import SchemaError
from eventflow.schemas import SchemaDocument

__all__ = ["Place", "WholeSchema"]

Place = tuple[str, ...]
"""Keys and indexes that lead to a schema, from the whole one."""


class WholeSchema:
    """One version's schema in one piece.

    Args:
        document: Whose schema.
    """

    def __init__(self, document: SchemaDocument) -> None:
        self._name = document.name
        self._whole = document.whole

    def at(self, place: Place) -> Any:  # Any: a JSON value
        """Return what stands at a place.

        Raises:
            SchemaError: When nothing does.
        """
        value: Any = self._whole
        for part in place:
            try:
                value = value[int(part)] if isinstance(value, list) else value[part]
            except (KeyError, IndexError, ValueError, TypeError):
                message = f"a $ref of {self._name} leads to #/{'/'.join(place)}, where nothing is"
                raise SchemaError(message) from None
        return value

    def follow(self, reference: str) -> Place:
        """Return the place that a `$ref` means.

        Raises:
            SchemaError: When it leads nowhere, or out of the schema.
        """
        target, _, fragment = reference.partition("#")
        if target or (fragment and not fragment.startswith("/")):
            message = f"{self._name} refers to {reference!r}: it must be in one piece"
            raise SchemaError(message)
        parts = unquote(fragment).split("/")[1:]
        place = tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)
        self.at(place)
        return place
