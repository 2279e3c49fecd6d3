"""Known mistakes: why a condition that is not met may have been meant otherwise."""

import difflib
import json
from collections.abc import Iterator, Sequence
from itertools import islice

from eventflow.errors import PatternError
from eventflow.patterns.comparable import comparable, is_number
from eventflow.patterns.condition import Condition
from eventflow.patterns.faults import show
from eventflow.patterns.leaves import Finding, find_name
from eventflow.patterns.operators.anything_but import AnythingBut
from eventflow.patterns.operators.exact import ExactConstant, ExactNumber, ExactString
from eventflow.patterns.operators.exists import Exists
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.operators.numeric import Numeric
from eventflow.patterns.operators.prefix import Prefix
from eventflow.patterns.operators.suffix import Suffix
from eventflow.patterns.operators.wildcard import Wildcard, parse_wildcard

__all__ = ["find_hint", "near_name"]

_LONGEST = 200
_MOST_NAMES = 500
_MOST_TESTS = 200
_MOST_PLACES = 2
_NEAR = 0.75
_SHORTEST_NEAR = 4  # of shorter texts any two are near
_ENVELOPE = {"type": "detail-type", "data": "detail"}
_UNSEEN = ("bus", "subject", "dataschema", "traceparent", "tracestate")


def find_hint(condition: Condition, finding: Finding, event: dict[str, object]) -> str:
    """Say what the mistake may be.

    Args:
        condition: A condition that is not met.
        finding: What the event has at its path.
        event: The event.

    Returns:
        A sentence without its full stop; empty where no mistake is known.
    """
    tests = [
        node
        for node in condition.operators[:_MOST_TESTS]
        if not isinstance(node, AnythingBut | Exists)
    ]
    if finding.leaves:
        return _of_value(condition, finding.leaves, tests)
    if finding.holders:
        return _of_holder(finding)
    return _of_absence(condition, finding, event, tests)


def near_name(name: str, names: Iterator[str]) -> str:
    """Return which of *names* may be meant by *name*, else an empty text.

    Args:
        name: A name that there is not.
        names: The names that there are; of very many, the first count.
    """
    short = [each for each in islice(names, _MOST_NAMES) if len(each) <= _LONGEST]
    plain = _plain(name)
    for each in short:
        if _plain(each) == plain:
            return each
    near = difflib.get_close_matches(name[:_LONGEST], short, 1, _NEAR)
    return near[0] if near else ""


def _plain(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "")


def _of_value(condition: Condition, leaves: list[object], tests: list[Operator]) -> str:
    if not condition.may_be_present:
        if None in leaves:
            return 'null is a value, so the field is there; [null, {"exists": false}] takes either'
        return ""
    for leaf in leaves:
        hint = _of_text(leaf, tests) if isinstance(leaf, str) else _of_other(leaf, tests)
        if hint:
            return hint
    return ""


def _of_text(text: str, tests: list[Operator]) -> str:
    if len(text) > _LONGEST:
        return ""
    if hint := _of_type(text, tests):
        return hint
    for node in tests:
        if _accepts_in_any_case(node, text):
            return (
                "only the case differs, and case counts; "
                '{"equals-ignore-case": …} takes the text in any'
            )
        if text != text.strip() and node.matches(text.strip()):
            return f"{show(text)} has blanks at its beginning or end"
        if isinstance(node, ExactString | Prefix) and _is_meant_as_wildcard(node.text, text):
            shape = show(node.text if isinstance(node, ExactString) else f"{node.text}*")
            return (
                f'the star is a plain character here; {{"wildcard": {shape}}} takes it as any text'
            )
    return _of_spelling(text, tests)


def _of_spelling(text: str, tests: list[Operator]) -> str:
    wanted = (node.text for node in tests if isinstance(node, ExactString))
    near = near_name(text, wanted) if len(text) >= _SHORTEST_NEAR else ""
    return f"nearly {show(near)}: is one of the two misspelt?" if near else ""


def _of_type(text: str, tests: list[Operator]) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if isinstance(value, str | dict | list) or (is_number(value) and comparable(value) is None):
        return ""
    kind = "a number" if is_number(value) else "a value without quotes"
    wants = [node for node in tests if isinstance(node, Numeric | ExactNumber | ExactConstant)]
    if any(node.matches(value) for node in wants) or (
        is_number(value) and any(isinstance(node, Numeric) for node in wants)
    ):
        return (
            f"the event has the string {show(text)}, and the pattern wants {kind}; the publisher "
            f"should send {show(value)} without quotes"
        )
    return ""


def _of_other(value: object, tests: list[Operator]) -> str:
    if not (value is None or isinstance(value, bool) or is_number(value)):
        return ""
    written = show(value)
    for node in tests:
        if isinstance(node, Numeric | ExactNumber | ExactConstant) or not node.matches(written):
            continue
        kind = "the number" if is_number(value) else "the bare value"
        if isinstance(node, ExactString):
            return (
                f"the event has {kind} {written}, and the pattern wants the string {show(written)};"
                f" write [{written}] without quotes in the pattern"
            )
        return f"{node.operator} looks at strings alone, and the event has {kind} {written}"
    return ""


def _of_holder(finding: Finding) -> str:
    path = ".".join(finding.names)
    holder = finding.holders[0]
    if not isinstance(holder, dict):
        return "an empty list has no value, so the field counts as absent"
    inner = next((key for key in holder if isinstance(key, str)), None)
    if inner is None:
        return f"{path} is an empty object, and a list in a pattern asks for a value"
    return (
        f"{path} is an object; a pattern asks for a field in it, such as {_cut(path)}.{_cut(inner)}"
    )


def _of_absence(
    condition: Condition, finding: Finding, event: dict[str, object], tests: list[Operator]
) -> str:
    if any(node == ExactConstant(None) for node in tests):
        return (
            "null in a pattern is the value null, and the field is absent; "
            '[null, {"exists": false}] takes either'
        )
    if hint := _of_envelope(finding.names) or _of_barrier(finding):
        return hint
    places = list(islice(find_name(event, finding.names[-1]), _MOST_NAMES))
    for place, value in places:
        if _is_leaf(value) and tests and condition.accepts(value):
            return f"{_cut(place)} is {show(value)}: the field is at another level of the event"
    for depth, holder in finding.ends:
        if isinstance(holder, dict):
            near = near_name(finding.names[depth], (key for key in holder if isinstance(key, str)))
            if near:
                meant = ".".join((*finding.names[:depth], near))
                return f"there is {_cut(meant)}; did you mean it?"
    beside = [place for place, _ in places if _is_one_level_off(place.split("."), finding.names)]
    if beside:
        named = " and ".join(dict.fromkeys(_cut(place) for place in beside[:_MOST_PLACES]))
        return f"the event has {named}: the field is at another level"
    return ""


def _is_one_level_off(names: Sequence[str], wanted: Sequence[str]) -> bool:
    shorter, longer = sorted((names, wanted), key=len)
    if len(longer) - len(shorter) != 1:
        return False
    rest = iter(longer)
    return all(name in rest for name in shorter)


def _of_envelope(names: tuple[str, ...]) -> str:
    meant = _ENVELOPE.get(names[0])
    if meant is not None:
        path = _cut(".".join((meant, *names[1:])))
        return f"patterns see EventBridge's names; did you mean {path}?"
    if names[0] in _UNSEEN and len(names) == 1:
        return f"patterns see EventBridge's fields, and {names[0]} is none of them"
    return ""


def _of_barrier(finding: Finding) -> str:
    """Say where the way to the field ends at a value that is no object."""
    for depth, value in finding.ends:
        if isinstance(value, dict) or not depth:
            continue
        path = _cut(".".join(finding.names[:depth]))
        if isinstance(value, str) and value.lstrip()[:1] == "{":
            return f"{path} is a string that holds JSON, not an object; the publisher should send it as one"
        return f"{path} is {show(value)}, not an object, so it has no field {show(finding.names[depth])}"
    return ""


def _accepts_in_any_case(node: Operator, text: str) -> bool:
    folded = text.casefold()
    if isinstance(node, ExactString):
        return folded == node.text.casefold()
    if isinstance(node, Prefix):
        return folded.startswith(node.text.casefold())
    if isinstance(node, Suffix):
        return folded.endswith(node.text.casefold())
    if isinstance(node, Wildcard):
        return Wildcard(tuple(part.casefold() for part in node.parts)).matches(folded)
    return False


def _is_meant_as_wildcard(shape: str, text: str) -> bool:
    if "*" not in shape or len(shape) > _LONGEST:
        return False
    try:
        return parse_wildcard(shape, "").matches(text)
    except PatternError:
        return False


def _is_leaf(value: object) -> bool:
    return not isinstance(value, dict | list | tuple)


def _cut(path: str) -> str:
    return path if len(path) <= _LONGEST and path.isprintable() else show(path)[1:-1]
