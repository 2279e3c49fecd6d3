"""Names that Python takes, for what schemas name otherwise, and for the parts that they share."""

import json
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any

from eventflow.schemas.names import Version
from eventflow.schemas.parts import REFERENCE, Part, Parts

__all__ = ["class_name", "module_name", "name_parts", "versioned"]

_WORD = re.compile(r"[^\W_]+")
# What generated modules import, or what a class of that name would hide from them.
_TAKEN = frozenset(
    {
        *("Annotated", "Any", "AnyUrl", "AwareDatetime", "BaseModel", "ConfigDict", "Decimal"),
        *("EmailStr", "Enum", "EventModel", "Field", "IPv4Address", "IPv6Address", "Literal"),
        *("MISSING", "Model", "None", "RootModel", "SecretStr", "True", "False", "UUID", "Union"),
        *("Base64Str", "IPv4Network", "IPv6Network", "Path", "Pattern"),
    }
)


def class_name(text: str) -> str:
    """Return the class for what *text* names: `check_run.created` is `CheckRunCreated`."""
    words = [word[0].upper() + word[1:] for word in _WORD.findall(text)]
    name = "".join(words) or "Event"
    if not name.isidentifier():  # it begins with a digit, or with a letter that Python takes not
        name = f"Event{name}"
    if not name.isidentifier():
        name = f"Event{name.encode('ascii', 'ignore').decode()}"
    return f"{name}Event" if name in _TAKEN else name


def module_name(text: str) -> str:
    """Return the module for what *text* names: `courier.app` is `courier_app`."""
    name = "_".join(_WORD.findall(text)).lower() or "events"
    if not name.isidentifier():
        name = f"events_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def versioned(name: str, version: Version) -> str:
    """Return the class's name that stays with one version: `CourierArrivedV1_0`."""
    return f"{name}V{str(version).replace('.', '_')}"


def name_parts(parts: Parts, roots: Mapping[str, Any]) -> dict[str, str]:
    """Name the shared parts: the same part, wherever it stands, has one name.

    Where different parts would have one name, each is called after the event that has it.

    Args:
        parts: The parts.
        roots: The events' schemas, by the names of their classes, which are taken.

    Returns:
        Each part's key, and its name.
    """
    preferred = {key: _preferred(place) for key, place in parts.places.items()}
    folded = _fold(parts.schemas, preferred)
    users = _users(parts.schemas, roots)
    shapes: dict[str, set[str]] = {}
    for key, shape in folded.items():
        if key in users:
            shapes.setdefault(preferred[key], set()).add(shape)
    taken = set(roots)
    names: dict[str, str] = {}  # by shape
    for key in users:
        if folded[key] not in names:
            name = preferred[key]
            if len(shapes[name]) > 1 or name in taken:
                name = users[key] + name
            names[folded[key]] = _free(name, taken)
            taken.add(names[folded[key]])
    return {key: names[folded[key]] for key in users}


def _preferred(place: Part) -> str:
    file, pointer = place
    steps = [step for step in re.split(r"[/~]", pointer) if _WORD.search(step)]
    named = [step for step in steps if not step.isdecimal()]
    if named:
        return class_name(named[-1])
    stem = file.name.partition(".")[0]
    return class_name(file.parent.name if stem.isdecimal() else stem)


def _fold(parts: Mapping[str, Any], preferred: Mapping[str, str]) -> dict[str, str]:
    """Say which parts are the same, also where they refer to parts that are the same."""
    shape = dict(preferred)
    while True:
        texts = {key: f"{preferred[key]} {_write(part, shape)}" for key, part in parts.items()}
        numbers = {text: str(number) for number, text in enumerate(dict.fromkeys(texts.values()))}
        refined = {key: numbers[text] for key, text in texts.items()}
        if len(set(refined.values())) == len(set(shape.values())):
            return refined
        shape = refined


def _write(part: Any, shape: Mapping[str, str]) -> str:
    def replace(value: Any) -> Any:
        if isinstance(value, list):
            return [replace(item) for item in value]
        if isinstance(value, Mapping):
            return {
                name: shape.get(key, item) if (key := _key(name, item)) else replace(item)
                for name, item in value.items()
            }
        return value

    return json.dumps(replace(part), sort_keys=True)


def _users(parts: Mapping[str, Any], roots: Mapping[str, Any]) -> dict[str, str]:
    """Return each part that is used, and the event that is the first to use it."""
    users: dict[str, str] = {}
    for root, schema in roots.items():
        pending = list(_references(schema))
        while pending:
            key = pending.pop(0)
            if key not in users:
                users[key] = root
                pending.extend(_references(parts[key]))
    return users


def _references(value: Any) -> Iterable[str]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if key := _key(name, item):
                yield key
            else:
                yield from _references(item)


def _key(name: str, value: Any) -> str:
    is_reference = name == "$ref" and isinstance(value, str) and value.startswith(REFERENCE)
    return value.removeprefix(REFERENCE) if is_reference else ""


def _free(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name}{number}"
        number += 1
    return free
