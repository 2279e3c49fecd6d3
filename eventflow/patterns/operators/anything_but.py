"""``{"anything-but": …}``: leaf values that are none of these."""

from dataclasses import dataclass
from typing import ClassVar

from eventflow.patterns.comparable import is_number, number_key
from eventflow.patterns.faults import clip, fault, show
from eventflow.patterns.operators.ignore_case import AnyCase, EqualsIgnoreCase
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.operators.numeric import read_comparable
from eventflow.patterns.operators.prefix import Prefix
from eventflow.patterns.operators.suffix import Suffix
from eventflow.patterns.operators.wildcard import parse_wildcard
from eventflow.patterns.wording import MOST_NAMED, list_words, show_number

__all__ = ["AnythingBut", "read_anything_but"]

_NAME = "anything-but"
_INNER = ("prefix", "suffix", "equals-ignore-case", "wildcard")
_WRONG_TYPE = "Value of anything-but must be an array or single string/number value."
_MIXED = (
    "Inside anything but list, either all values are number or string, mixed type is not supported"
)
_ONE_KEY = "Too many elements in numeric expression"


@dataclass(frozen=True, slots=True)
class AnythingBut:
    """A leaf that is none of these; one of another type never is, so that it is accepted.

    Attributes:
        strings: Texts that are excluded.
        numbers: Numbers that are excluded, as `number_key` gives them.
        operators: Tests whose values are excluded.
    """

    operator: ClassVar[str] = _NAME
    strings: frozenset[str] = frozenset()
    numbers: frozenset[float] = frozenset()
    operators: tuple[Operator, ...] = ()

    def matches(self, value: object) -> bool:
        """Tell whether *value* is none of the excluded."""
        if isinstance(value, str):
            return value not in self.strings and not any(
                operator.matches(value) for operator in self.operators
            )
        return not (self.numbers and is_number(value) and number_key(value) in self.numbers)

    def describe(self) -> str:
        """Return what is wanted, in words."""
        excluded = [
            *(show(text) for text in sorted(self.strings)[:MOST_NAMED]),
            *(show_number(number) for number in sorted(self.numbers)[:MOST_NAMED]),
            *(operator.describe() for operator in self.operators[:MOST_NAMED]),
        ]
        count = len(self.strings) + len(self.numbers) + len(self.operators)
        return f"anything but {list_words(excluded, count)}"


def read_anything_but(value: object, path: str) -> Operator:
    """Read the value of ``anything-but``: strings, or numbers, or another operator's object.

    Args:
        value: A string, a number, a list of strings, a list of numbers, or an object with one of
            ``prefix``, ``suffix``, ``equals-ignore-case``, ``wildcard`` over a string or strings.
        path: Where its expression stands.

    Returns:
        The node.

    Raises:
        PatternError: If it is anything else.
    """
    if isinstance(value, dict):
        return _read_inner(value, path)
    if isinstance(value, list):
        return _read_list(value, path)
    if isinstance(value, str):
        return AnythingBut(strings=frozenset({value}))
    if is_number(value):
        return AnythingBut(numbers=frozenset({read_comparable(value, path, _NAME)}))
    message = f"{_NAME} takes a string, a number, a list of either or an object, not {show(value)}"
    raise fault(path, message, _WRONG_TYPE)


def _read_list(values: list[object], path: str) -> AnythingBut:
    strings: set[str] = set()
    numbers: set[float] = set()
    for value in values:
        if isinstance(value, str):
            strings.add(value)
        elif is_number(value):
            numbers.add(read_comparable(value, path, _NAME))
        else:
            message = f"a list in {_NAME} holds strings or numbers, not {show(value)}"
            aws = "Inside anything but list, start|null|boolean is not supported."
            raise fault(path, message, aws)
    if not values:
        raise fault(path, f"an empty list in {_NAME} excludes nothing", _MIXED)
    if strings and numbers:
        raise fault(path, f"a list in {_NAME} holds strings or numbers, not both", _MIXED)
    return AnythingBut(frozenset(strings), frozenset(numbers))


def _read_inner(value: dict[str, object], path: str) -> AnythingBut:
    if not value:
        message = f"{_NAME} takes an object with one of {', '.join(_INNER)}, not an empty one"
        raise fault(path, message, "Anything-But expression name not found")
    name, inner = next(iter(value.items()))
    if name not in _INNER:
        message = f"{_NAME} knows {', '.join(_INNER)}, not {show(name)}"
        raise fault(path, message, f"Unsupported anything-but pattern: {clip(name)}")
    if not isinstance(inner, str | list) and not is_number(inner):
        raise fault(path, f"{name} in {_NAME} takes strings, not {show(inner)}", _WRONG_TYPE)
    texts = inner if isinstance(inner, list) else [inner]
    if not texts:
        raise fault(path, f"an empty list in {_NAME} excludes nothing")
    operators = tuple(_read_one(name, text, path) for text in texts)
    if len(value) > 1:
        message = f"{_NAME} takes an object with one key, not {len(value)}"
        raise fault(path, message, _ONE_KEY)
    return AnythingBut(operators=operators)


def _read_one(name: str, text: object, path: str) -> Operator:
    if name == "wildcard":
        return parse_wildcard(text, path)
    if not isinstance(text, str):
        aws = (
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not"
            " supported."
            if name == "equals-ignore-case"
            else "prefix/suffix match pattern must be a string"
        )
        raise fault(path, f"{name} in {_NAME} takes strings, not {show(text)}", aws)
    if name == "equals-ignore-case":
        return EqualsIgnoreCase(AnyCase(text))
    if not text:
        message = f"an empty {name} in {_NAME} would exclude every string"
        raise fault(path, message, "Null prefix/suffix not allowed")
    return Prefix(text) if name == "prefix" else Suffix(text)
