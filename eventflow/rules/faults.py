"""What a rule file's models refuse, in words for those who write rule files."""

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from eventflow.rules.documents import InputDocument, RuleTargetDocument
from eventflow.rules.targets import CircuitBreaker, RetryPolicy
from eventflow.rules.templates import compact

__all__ = ["ModelFault", "read_faults", "suggest", "unknown_key"]

_LONGEST_SHOWN = 60
# Which model a key of a definition leads to.
_MODELS: dict[str, type[BaseModel]] = {
    "retry": RetryPolicy,
    "circuit_breaker": CircuitBreaker,
    "targets": RuleTargetDocument,
    "input": InputDocument,
}
_WORDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "model_type": "must be a mapping",
    "string_type": "must be text",
    "tuple_type": "must be a list",
}


@dataclass(frozen=True, slots=True)
class ModelFault:
    """One fault of one definition.

    Attributes:
        path: Where, from the definition's top.
        at_key: Whether the last key of *path* is at fault, not what it leads to.
        message: What is wrong.
    """

    path: tuple[str | int, ...]
    at_key: bool
    message: str


def read_faults(
    error: ValidationError, definition: dict[str, Any], keys: Collection[str]
) -> list[ModelFault]:
    """Put pydantic's faults into words.

    Args:
        error: What the model raised.
        definition: What it was given.
        keys: The keys that the definition may have at its top.

    Returns:
        The faults in pydantic's order.
    """
    faults = []
    found = error.errors(include_url=False, include_input=False)
    # A key that is misspelt is one fault, not also the lack of the key that was meant.
    misspelt = {
        (*path[:-1], near[0])
        for path in (fault["loc"] for fault in found if fault["type"] == "extra_forbidden")
        if (near := _near(str(path[-1]), _keys_at(path[:-1], keys)))
    }
    for fault in found:
        path = fault["loc"]
        kind = fault["type"]
        if kind == "missing" and path in misspelt:
            continue
        if kind == "extra_forbidden":
            words = unknown_key(str(path[-1]), _keys_at(path[:-1], keys))
            faults.append(ModelFault(path, at_key=True, message=words))
        elif kind == "missing":
            words = f"{path[-1]!r} is missing"
            faults.append(ModelFault(path[:-1], at_key=True, message=words))
        else:
            words = _describe(kind, fault["msg"], _value_at(definition, path))
            faults.append(ModelFault(path, at_key=False, message=words))
    return faults


def unknown_key(key: str, keys: Collection[str]) -> str:
    """Say that *key* is unknown, and which of *keys* may be meant."""
    hint = suggest(key, keys) or f"; there are {', '.join(sorted(keys))}"
    return f"{key!r} is an unknown key{hint}"


def suggest(name: str, names: Collection[str]) -> str:
    """Return ``; did you mean 'x'?`` where one of *names* is near to *name*, else nothing."""
    near = _near(name, names)
    return f"; did you mean {near[0]!r}?" if near else ""


def _near(name: str, names: Collection[str]) -> list[str]:
    return difflib.get_close_matches(name, sorted(names), 1)


def _keys_at(path: tuple[str | int, ...], keys: Collection[str]) -> Collection[str]:
    named = [step for step in path if isinstance(step, str)]
    return _MODELS[named[-1]].model_fields if named else keys


def _describe(kind: str, message: str, value: Any) -> str:
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    words = _WORDS.get(kind) or message.replace("Input should be", "must be")
    return f"{words}, not {_show(value)}"


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = compact(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _value_at(definition: Any, path: tuple[str | int, ...]) -> Any:
    value = definition
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):  # a step that a model added itself
            return value
    return value
