"""What an event must have in a field, as `--where detail.order_id=42` says it."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.errors import EventError

__all__ = ["Condition", "fits_all", "read_condition"]

_MOST_VALUES = 10_000  # values of one field that are looked at


@dataclass(frozen=True, slots=True)
class Condition:
    """A field and the value that it must have.

    Attributes:
        path: The field's names from the outside in, as EventBridge has them.
        text: The value as it was written: the field may have it as a string, or as the number,
            `true`, `false` or `null` that it is in JSON.
    """

    path: tuple[str, ...]
    text: str

    def fits(self, event: dict[str, Any]) -> bool:  # Any: a JSON value
        """Whether a field of that name has the value; of an array, any element may have it.

        Args:
            event: The event by EventBridge's names.
        """
        wanted = _scalars(self.text)
        for number, value in enumerate(_values_at(event, self.path)):
            if any(_is_same(value, one) for one in wanted):
                return True
            if number >= _MOST_VALUES:
                break
        return False


def read_condition(text: str) -> Condition:
    """Read a condition.

    Args:
        text: A dotted path, ``=``, and a value.

    Raises:
        EventError: When it is none; the message shows what one looks like.
    """
    path, separator, value = text.partition("=")
    names = tuple(path.strip().split("."))
    if not separator or not all(names):
        message = (
            f"{text!r} is no condition: write a field by EventBridge's names, = and a value, such "
            "as detail.order_id=42 or source=courier.app"
        )
        raise EventError(message)
    return Condition(names, value)


def fits_all(conditions: Sequence[Condition], event: dict[str, Any]) -> bool:  # Any: JSON
    """Whether an event fits every condition.

    Args:
        conditions: None fit every event.
        event: The event by EventBridge's names.
    """
    return all(condition.fits(event) for condition in conditions)


def _values_at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for element in value:
            yield from _values_at(element, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        # A name may have dots of its own: the shortest that is there comes first.
        for length in range(1, len(path) + 1):
            name = ".".join(path[:length])
            if name in value:
                yield from _values_at(value[name], path[length:])


def _scalars(text: str) -> list[str | float | bool | None]:
    """Return what *text* may stand for: itself, and the scalar that it is in JSON."""
    found: list[str | float | bool | None] = [text]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return found
    if isinstance(value, float) and not math.isfinite(value):
        return found  # NaN and the like are no JSON, whatever Python makes of them
    if value is None or isinstance(value, str | int | float | bool):
        found.append(value)
    return found


def _is_same(one: object, other: object) -> bool:
    # To Python, true is 1; to JSON it is not.
    return isinstance(one, bool) == isinstance(other, bool) and one == other
