"""The one table of operators: from a name in a pattern to its reader."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from eventflow.patterns.faults import clip, fault, show
from eventflow.patterns.operators.anything_but import read_anything_but
from eventflow.patterns.operators.cidr import read_cidr
from eventflow.patterns.operators.exact import read_bare, read_exactly
from eventflow.patterns.operators.exists import read_exists
from eventflow.patterns.operators.ignore_case import read_equals_ignore_case
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.operators.numeric import read_numeric
from eventflow.patterns.operators.prefix import read_prefix
from eventflow.patterns.operators.suffix import read_suffix
from eventflow.patterns.operators.wildcard import read_wildcard

__all__ = ["OPERATORS", "RESERVED", "Reader", "read_operator"]

Reader = Callable[[object, str], Operator]
"""Takes an operator's value and the path of its expression; returns the node or raises."""

OPERATORS: Mapping[str, Reader] = MappingProxyType(
    {
        "anything-but": read_anything_but,
        "cidr": read_cidr,
        "equals-ignore-case": read_equals_ignore_case,
        "exactly": read_exactly,
        "exists": read_exists,
        "numeric": read_numeric,
        "prefix": read_prefix,
        "suffix": read_suffix,
        "wildcard": read_wildcard,
    }
)

RESERVED = frozenset(
    {
        *OPERATORS,
        *("=", "<", "<=", ">", ">="),
        *("regex", "not-wildcard", "not-equals-ignore-case"),
        *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
        *("ip-address-in-range", "ip-address-not-in-range"),
    }
)
"""Names that no field inside ``$or`` may have: there they would look like operators."""

_ONE_KEY = "Only one key allowed in match expression"
_ONE_KEY_BUT_WORDED_OTHERWISE = "Too many elements in numeric expression"


def read_operator(value: object, path: str) -> Operator:
    """Read one element of a field's list.

    Args:
        value: A bare value, or an object with one operator.
        path: Where it stands, as ``detail.state[0]``.

    Returns:
        The node.

    Raises:
        PatternError: If it is neither.
    """
    if not isinstance(value, dict):
        return read_bare(value, path)
    if not value:
        message = 'an empty object is no operator; write as {"prefix": "a"}'
        raise fault(path, message, "Match expression name not found")
    name, inner = next(iter(value.items()))
    reader = OPERATORS.get(name)
    if reader is None:
        message = f"{show(name)} is no operator; there are {', '.join(OPERATORS)}"
        raise fault(path, message, f"Unrecognized match type {clip(name)}")
    node = reader(inner, path)
    if len(value) > 1:
        others = ", ".join(show(other) for other in list(value)[1:3])
        message = f"an operator's object has one key; {others} beside {show(name)} cannot be"
        odd = name in ("anything-but", "numeric")
        raise fault(path, message, _ONE_KEY_BUT_WORDED_OTHERWISE if odd else _ONE_KEY)
    return node
