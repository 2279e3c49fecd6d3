"""JSON text, read by orjson where that is installed, and always as `json.loads` reads it."""

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["find_orjson", "make_reader", "read_json"]

_DIGITS = b"0123456789"
_BY_DIGIT = bytes(48 if byte in _DIGITS else 32 for byte in range(256))
_LONG_NUMBER = b"0" * 19
"""What integers beyond 64 bits have in them once every digit is a nought."""


def find_orjson() -> Callable[[bytes], Any] | None:
    """Return orjson's reader; None where it is not installed."""
    try:
        loads: Callable[[bytes], Any] = import_module("orjson").loads
    except ImportError:
        return None
    return loads


def make_reader(quick: Callable[[bytes], Any] | None) -> Callable[[str | bytes], Any]:
    """Make a reader of JSON text that gives what `json.loads` gives.

    Args:
        quick: orjson's reader; None for `json.loads` itself.

    Returns:
        What reads a text, or bytes; it raises `ValueError` or `RecursionError` as `json.loads`.
    """
    if quick is None:
        return json.loads

    def read(text: str | bytes) -> Any:
        try:
            encoded = text.encode() if isinstance(text, str) else text
            # It would make floats of them, and other patterns match.
            if _LONG_NUMBER not in encoded.translate(_BY_DIGIT):
                return quick(encoded)
        except ValueError:
            # It refuses NaN, half surrogates and depth, which json reads or words its own way.
            pass
        return json.loads(text)

    return read


read_json = make_reader(find_orjson())
"""Read JSON text or bytes as `json.loads` does."""
