r"""``{"wildcard": "a*b"}``: strings of a shape, in which ``*`` stands for any characters or none."""

from dataclasses import dataclass
from typing import ClassVar

from eventflow.patterns.faults import fault, show
from eventflow.patterns.operators.node import Operator

__all__ = ["Wildcard", "parse_wildcard", "read_wildcard"]


@dataclass(frozen=True, slots=True)
class Wildcard:
    r"""Text of a shape.

    Matching takes each part at its first place, left to right, and never goes back: between two
    stars that is always right, so that no text and no shape can make it slow.

    Attributes:
        parts: The texts between the stars, unescaped; one part alone has no star beside it.
    """

    operator: ClassVar[str] = "wildcard"
    parts: tuple[str, ...]

    def matches(self, value: object) -> bool:
        """Tell whether *value* is text of the shape."""
        if not isinstance(value, str):
            return False
        first, *middle = self.parts
        if not middle:
            return value == first
        last = middle.pop()
        end = len(value) - len(last)
        if not (value.startswith(first) and value.endswith(last)) or end < len(first):
            return False
        position = len(first)
        for part in middle:
            found = value.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True

    @property
    def text(self) -> str:
        """The shape as a pattern writes it."""
        escaped = (part.replace("\\", "\\\\").replace("*", "\\*") for part in self.parts)
        return "*".join(escaped)

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return f"text like {show(self.text)}"


def read_wildcard(value: object, path: str) -> Operator:
    """Read the value of ``wildcard``: one text.

    Args:
        value: The value.
        path: Where its expression stands.

    Returns:
        The node.

    Raises:
        PatternError: If it is not a string, or has two stars in a row or a wrong escape.
    """
    return parse_wildcard(value, path)


def parse_wildcard(value: object, path: str) -> Wildcard:
    r"""Read a shape: ``*`` is any text, ``\*`` a star, ``\\`` a backslash.

    Args:
        value: The shape.
        path: Where its expression stands.

    Returns:
        The node.

    Raises:
        PatternError: If it is not a string, or has two stars in a row or a wrong escape.
    """
    if not isinstance(value, str):
        message = f"wildcard takes a string, not {show(value)}"
        raise fault(path, message, "wildcard match pattern must be a string")
    parts: list[str] = []
    part: list[str] = []
    position = 0
    while position < len(value):
        letter = value[position]
        following = value[position + 1 : position + 2]
        if letter == "*":
            if following == "*":
                message = f"two stars in a row at character {position + 1} of {show(value)}"
                raise fault(
                    path, f"{message}; one is enough", _aws("Consecutive wildcard", value, position)
                )
            parts.append("".join(part))
            part.clear()
        elif letter == "\\":
            if following not in ("*", "\\"):
                message = (
                    f"a backslash at character {position + 1} of {show(value)} escapes neither"
                )
                raise fault(path, f"{message} * nor \\", _aws("Invalid escape", value, position))
            part.append(following)
            position += 1
        else:
            part.append(letter)
        position += 1
    return Wildcard((*parts, "".join(part)))


def _aws(what: str, value: str, position: int) -> str:
    # There it is counted in bytes, with a quotation mark before the text.
    characters = "characters" if what.startswith("Consecutive") else "character"
    return f"{what} {characters} at pos {len(value[:position].encode()) + 1}"
