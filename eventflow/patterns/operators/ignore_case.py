"""``{"equals-ignore-case": "text"}``, alone or inside ``prefix`` and ``suffix``.

The service goes through the pattern's characters one by one and takes each in its lower or upper
form, whatever their lengths: ``ß`` in a pattern accepts ``ß`` and ``SS``. The other way round it
does not: ``ss`` in a pattern accepts no ``ß``.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from eventflow.patterns.faults import clip, fault, show
from eventflow.patterns.operators.node import Operator

__all__ = [
    "AnyCase",
    "EqualsIgnoreCase",
    "PrefixIgnoreCase",
    "SuffixIgnoreCase",
    "read_equals_ignore_case",
    "read_inner",
]

_NAME = "equals-ignore-case"
_BASIC_PLANE = 0xFFFF


@dataclass(frozen=True, slots=True)
class AnyCase:
    """A text in any case.

    Attributes:
        text: The text as the pattern writes it.
    """

    text: str
    _lowered: str | None = field(init=False, repr=False, compare=False)
    _forms: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # ASCII has one form of each length, and is nearly every text there is.
        lowered = self.text.lower() if self.text.isascii() else None
        forms = () if lowered is not None else tuple(_forms_of(letter) for letter in self.text)
        object.__setattr__(self, "_lowered", lowered)
        object.__setattr__(self, "_forms", forms)

    def equals(self, value: str) -> bool:
        """Tell whether *value* is the text."""
        if self._lowered is not None:
            return _is_ascii_case(value, self._lowered)
        return self._end_of_head(value) == len(value)

    def begins(self, value: str) -> bool:
        """Tell whether *value* begins with the text."""
        if self._lowered is not None:
            return _is_ascii_case(value[: len(self._lowered)], self._lowered)
        return self._end_of_head(value) is not None

    def ends(self, value: str) -> bool:
        """Tell whether *value* ends with the text."""
        if self._lowered is not None:
            size = len(self._lowered)
            return len(value) >= size and _is_ascii_case(value[len(value) - size :], self._lowered)
        return self._has_tail(value)

    def _end_of_head(self, value: str) -> int | None:
        # No form of a letter begins another form of it, so that the first that fits is the one.
        position = 0
        for forms in self._forms:
            for form in forms:
                if value.startswith(form, position):
                    position += len(form)
                    break
            else:
                return None
        return position

    def _has_tail(self, value: str) -> bool:
        end = len(value)
        for forms in reversed(self._forms):
            for form in forms:
                if value.endswith(form, 0, end):
                    end -= len(form)
                    break
            else:
                return False
        return True


def _is_ascii_case(value: str, lowered: str) -> bool:
    # The Kelvin sign lowers to "k": beyond ASCII nothing is equal to ASCII here.
    return len(value) == len(lowered) and value.isascii() and value.lower() == lowered


def _forms_of(letter: str) -> tuple[str, ...]:
    if ord(letter) > _BASIC_PLANE:  # the service has no case beyond UTF-16's first plane
        return (letter,)
    return tuple(dict.fromkeys((letter, letter.lower(), letter.upper())))


@dataclass(frozen=True, slots=True)
class EqualsIgnoreCase:
    """Text that is another one, in any case.

    Attributes:
        text: The text wanted.
    """

    operator: ClassVar[str] = _NAME
    text: AnyCase

    def matches(self, value: object) -> bool:
        """Tell whether *value* is the text."""
        return isinstance(value, str) and self.text.equals(value)

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return f"{show(self.text.text)} in any case"


@dataclass(frozen=True, slots=True)
class PrefixIgnoreCase:
    """Text that begins with another one, in any case.

    Attributes:
        text: The beginning.
    """

    operator: ClassVar[str] = "prefix"
    text: AnyCase

    def matches(self, value: object) -> bool:
        """Tell whether *value* is text that begins so."""
        return isinstance(value, str) and self.text.begins(value)

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return f"text that begins with {show(self.text.text)} in any case"


@dataclass(frozen=True, slots=True)
class SuffixIgnoreCase:
    """Text that ends with another one, in any case.

    Attributes:
        text: The end.
    """

    operator: ClassVar[str] = "suffix"
    text: AnyCase

    def matches(self, value: object) -> bool:
        """Tell whether *value* is text that ends so."""
        return isinstance(value, str) and self.text.ends(value)

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return f"text that ends with {show(self.text.text)} in any case"


def read_equals_ignore_case(value: object, path: str) -> Operator:
    """Read the value of ``equals-ignore-case``: one text.

    Args:
        value: The value.
        path: Where its expression stands.

    Returns:
        The node.

    Raises:
        PatternError: If it is not a string.
    """
    return EqualsIgnoreCase(_read_text(value, path))


def read_inner(outer: str, value: dict[str, object], path: str) -> AnyCase:
    """Read the object inside ``prefix`` or ``suffix``.

    Args:
        outer: The operator that the object belongs to.
        value: The object.
        path: Where the expression stands.

    Returns:
        The text in any case.

    Raises:
        PatternError: If it is anything but ``{"equals-ignore-case": text}``.
    """
    if not value:
        aws = f"{outer.capitalize()} expression name not found"
        raise fault(path, f'{outer} takes a string or {{"{_NAME}": …}}, not an empty object', aws)
    name = next(iter(value))
    if name != _NAME:
        message = f"{outer} knows {_NAME} alone, not {show(name)}"
        raise fault(path, message, f"Unsupported {outer} pattern: {clip(name)}")
    text = _read_text(value[name], path)
    if len(value) > 1:
        message = f"{outer} takes an object with the one key {_NAME}, not {len(value)} keys"
        raise fault(path, message, "Only one key allowed in match expression")
    return text


def _read_text(value: object, path: str) -> AnyCase:
    if not isinstance(value, str):
        message = f"{_NAME} takes a string, not {show(value)}"
        raise fault(path, message, f"{_NAME} match pattern must be a string")
    return AnyCase(value)
