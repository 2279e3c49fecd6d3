"""What a pattern is made of, checked before anything reads it: JSON, and not too much of it."""

import math

from eventflow.patterns.faults import fault, show

__all__ = ["MAX_DEPTH", "MAX_VALUES", "ROOT", "check_shape", "join"]

MAX_DEPTH = 100
"""The most objects and lists inside one another, and the most names in a field's path."""

MAX_VALUES = 100_000
"""The most values in a pattern, keys apart. EventBridge takes 4,096 characters in all."""

ROOT = ""
"""The path of the pattern itself."""

_MAX_BITS = 4096

_Place = tuple["_Place", str | int] | None


def check_shape(pattern: object) -> None:
    """Check that *pattern* is a JSON object within bounds.

    It takes no recursion, so that neither depth nor a loop can exhaust the stack, and it stops at
    `MAX_VALUES`, so that what is shared a thousandfold (YAML's aliases) is not walked for ever.

    Args:
        pattern: Whatever a caller gave.

    Raises:
        PatternError: If it is no object, too deep, too large, or holds what JSON does not.
    """
    if not isinstance(pattern, dict):
        message = f"a pattern is an object, not {show(pattern)}"
        raise fault(ROOT, message, "Filter is not an object")
    pending: list[tuple[object, int, _Place]] = [(pattern, 1, None)]
    values = 0
    while pending:
        value, depth, place = pending.pop()
        values += 1
        if values + len(pending) > MAX_VALUES:
            raise fault(ROOT, f"a pattern holds at most {MAX_VALUES:,} values, this one more")
        if not isinstance(value, dict | list):
            _check_scalar(value, place)
            continue
        if depth > MAX_DEPTH:
            raise fault(
                ROOT, f"a pattern is nested at most {MAX_DEPTH} levels deep, this one deeper"
            )
        if isinstance(value, dict):
            _check_keys(value, place)
            inner = [(item, depth + 1, (place, key)) for key, item in value.items()]
        else:
            inner = [(item, depth + 1, (place, index)) for index, item in enumerate(value)]
        pending.extend(reversed(inner))


def join(path: str, name: str) -> str:
    """Return the path of a field inside the object at *path*."""
    return f"{path}.{name}" if path else name


def _name(place: _Place) -> str:
    steps: list[str | int] = []
    while place is not None:
        place, step = place
        steps.append(step)
    name = ""
    for step in reversed(steps):
        name = f"{name}[{step}]" if isinstance(step, int) else join(name, step)
    return name


def _check_keys(value: dict[object, object], place: _Place) -> None:
    for key in value:
        if not isinstance(key, str):
            raise fault(_name(place), f"a field's name is a string, not {show(key)}")
        if _has_surrogate(key):
            message = f"the field's name {show(key)} has half of a surrogate pair"
            raise fault(_name(place), message)


def _check_scalar(value: object, place: _Place) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        if _has_surrogate(value):
            raise fault(_name(place), f"the string {show(value)} has half of a surrogate pair")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise fault(_name(place), f"a number is finite, not {show(value)}")
    elif isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            message = f"{show(value)} is too large; {_MAX_BITS} bits are the most"
            raise fault(_name(place), message)
    else:
        message = f"{show(value)} is nothing that JSON has; put it in quotes if it is text"
        raise fault(_name(place), message)


def _has_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
