"""How a fault in a pattern is worded: ours first, then what AWS says of the same."""

import json

from eventflow.errors import PatternError

__all__ = ["clip", "fault", "show"]

_SHOWN_CHARACTERS = 60
_SHOWN_BITS = 200


def fault(path: str, message: str, aws: str = "") -> PatternError:
    """Make the error for one fault.

    Args:
        path: Where in the pattern, as ``detail.state[0]``; empty for the pattern itself.
        message: What is wrong, and what is allowed.
        aws: EventBridge's wording for the same fault; empty where it has none or is not known.

    Returns:
        The error, to be raised by the caller.
    """
    return PatternError(f"{message} (AWS: {aws})" if aws else message, path)


def show(value: object) -> str:
    """Return *value* as a message shows it: short, in JSON's words, and safe to print.

    Args:
        value: Anything that stood in a pattern.

    Returns:
        Such as ``"x"``, ``5``, ``null``, ``a list``, ``an object``.
    """
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return f"an integer of {value.bit_length()} bits"
    if value is None or isinstance(value, bool | int | float | str):
        return _shorten(value)
    return f"a value of the type {type(value).__name__}"


def clip(text: str) -> str:
    """Return *text* as AWS's wording quotes it: bare, but short and safe to print.

    Args:
        text: A name or a text out of a pattern.

    Returns:
        Its first characters.
    """
    return show(text)[1:-1]


def _shorten(value: float | str | None) -> str:
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        value = value[:_SHOWN_CHARACTERS] + "…"
    text = json.dumps(value, ensure_ascii=False)
    # A lone surrogate cannot be written to a terminal or a log.
    return text if text.isprintable() else json.dumps(value)
