"""Patterns that no event can match, since every event has EventBridge's envelope.

Only what is certain is said: an envelope's field that there is not, a kind of value or a text that
a field of the envelope never has, a range that holds no number.
"""

import math
from collections.abc import Iterable, Mapping

from eventflow.patterns.condition import Condition
from eventflow.patterns.hints import near_name
from eventflow.patterns.operators.exact import (
    ExactConstant,
    ExactNumber,
    ExactString,
)
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.operators.numeric import Numeric
from eventflow.patterns.operators.prefix import Prefix
from eventflow.patterns.operators.suffix import Suffix
from eventflow.patterns.operators.wildcard import Wildcard

__all__ = ["describe_impossible"]

_ALWAYS_TEXT = frozenset(
    {"version", "id", "detail-type", "source", "account", "time", "region", "replay-name"}
)
_ALWAYS_THERE = _ALWAYS_TEXT - {"replay-name"}
_FIELDS = _ALWAYS_TEXT | {"resources", "detail"}
_LONGEST: Mapping[str, int] = {"source": 256, "detail-type": 128, "id": 200}
_EVENTFLOW_NAMES = {"type": "detail-type", "data": "detail"}


def describe_impossible(conditions: Iterable[Condition]) -> str:
    """Say why no event can meet all of these conditions.

    Args:
        conditions: Those of one combination of a pattern's branches.

    Returns:
        The reason; empty where there may be such an event.
    """
    for condition in conditions:
        reason = _describe(condition)
        if reason:
            return reason
    return ""


def _describe(condition: Condition) -> str:
    first, _, rest = condition.path.partition(".")
    if condition.may_be_absent:
        if not rest and first in _ALWAYS_THERE and not condition.may_be_present:
            return f"every event has {first}"
        return ""
    if first != "detail":
        return _describe_envelope(first, rest, condition)
    if not rest:
        return "detail is an object, and a list in a pattern asks for a value"
    if all(_is_empty_range(node) for node in condition.operators):
        return f"no number lies in the range of {condition.path}"
    return ""


def _describe_envelope(first: str, rest: str, condition: Condition) -> str:
    if first not in _FIELDS:
        meant = _EVENTFLOW_NAMES.get(first) or near_name(first, iter(sorted(_FIELDS)))
        hint = f"; did you mean {meant!r}?" if meant else "; an event's own content is in 'detail'"
        return f"events have no field {first!r}{hint}"
    if rest:
        return f"{first} is {'a list of texts' if first == 'resources' else 'text'}, not an object"
    return _describe_text(first, condition)


def _describe_text(name: str, condition: Condition) -> str:
    if all(isinstance(node, ExactNumber | ExactConstant | Numeric) for node in condition.operators):
        return f"{name} is always text"
    if name == "version" and not condition.accepts("0"):
        return 'version is always "0"'
    longest = _LONGEST.get(name)
    if longest is not None and all(_is_never(node, longest) for node in condition.operators):
        return f"{name} has 1 to {longest} characters that can be printed, and never this text"
    return ""


def _is_never(node: Operator, longest: int) -> bool:
    """Tell whether a test accepts no text that is printable, not empty and not too long."""
    if isinstance(node, ExactNumber | ExactConstant | Numeric):
        return True
    if isinstance(node, ExactString):
        return not node.text or not _is_part(node.text, longest)
    if isinstance(node, Prefix | Suffix):
        return not _is_part(node.text, longest)
    if isinstance(node, Wildcard):
        return not _is_part("".join(node.parts), longest) or node.parts == ("",)
    return False


def _is_part(text: str, longest: int) -> bool:
    return len(text) <= longest and text.isprintable()


def _is_empty_range(node: Operator) -> bool:
    return (
        isinstance(node, Numeric)
        and not node.low_included
        and not node.high_included
        and math.nextafter(node.low, math.inf) >= node.high
    )
