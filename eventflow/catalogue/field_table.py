"""The fields of an event's data, one row each: what a person wants to know of a schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from eventflow.catalogue.limits import describe_limits, type_names
from eventflow.catalogue.references import Place, WholeSchema

__all__ = ["FieldRow", "list_fields"]

_MOST_ROWS = 2000
_MOST_VISITS = 10_000  # a field that several parts speak of is visited for each
_DEEPEST = 24


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field.

    Attributes:
        path: Where in the data: ``parcel.id``, ``doors[].kind``, ``labels.*``.
        types: The kinds of value that it takes, such as ``string``; empty takes any.
        required: Whether it must be there whenever the object around it is.
        description: What it means.
        limits: What else its value must keep, in words.
        is_deprecated: Whether the schema calls it deprecated.
        is_recursive: Whether its own fields are those of a field around it.
    """

    path: str
    types: tuple[str, ...]
    required: bool
    description: str = ""
    limits: tuple[str, ...] = ()
    is_deprecated: bool = False
    is_recursive: bool = False

    @property
    def type(self) -> str:
        """The kinds of value in words, ``any`` where every kind is taken."""
        return " or ".join(self.types) or "any"


@dataclass(frozen=True, slots=True)
class _Part:
    """A schema that says something of a field: its own, one referred to, or one of several."""

    place: Place
    schema: Mapping[str, Any]
    is_choice: bool  # of `anyOf` or `oneOf`, or behind a condition: it may hold or not


@dataclass(frozen=True, slots=True)
class _Visit:
    """A field to be listed; `trail` is where the schemas of the fields around it stand."""

    path: str
    place: Place
    required: bool
    trail: tuple[frozenset[Place], ...]


def list_fields(whole: WholeSchema) -> tuple[FieldRow, ...]:
    """List the fields that a schema names, in its own order, each object's before the next.

    Args:
        whole: The schema of the data.

    Returns:
        The rows; at most 2,000. A field that several parts of the schema speak of is one row.

    Raises:
        SchemaError: When a `$ref` leads nowhere.
    """
    rows: dict[str, FieldRow] = {}
    seen: set[tuple[str, Place, bool]] = set()
    pending = [_Visit("", (), required=True, trail=())]
    for _ in range(_MOST_VISITS):
        if not pending or len(rows) == _MOST_ROWS:
            break
        visit = pending.pop()
        same = _same(whole, visit.place)
        key = (visit.path, same[-1], visit.required)
        if key in seen:
            continue  # another choice that says the same: else they would multiply by level
        seen.add(key)
        parts = tuple(_parts(whole, visit.place, is_choice=False, seen=set()))
        is_recursive = any(around.intersection(same) for around in visit.trail)
        if visit.path:
            _add(rows, _row(whole, visit, parts, is_recursive=is_recursive))
        if is_recursive or len(visit.trail) == _DEEPEST:
            continue
        children = _children(parts, visit.path, (*visit.trail, frozenset(same)))
        pending.extend(reversed(list(children)))
    return tuple(rows.values())


def _same(whole: WholeSchema, place: Place) -> tuple[Place, ...]:
    """Return the places that are one schema with this one: each but the last only refers on."""
    found: dict[Place, None] = {}
    while place not in found:
        found[place] = None
        schema = whole.at(place)
        if isinstance(schema, Mapping) and schema.keys() == {"$ref"}:
            place = whole.follow(schema["$ref"])
    return tuple(found)


def _parts(
    whole: WholeSchema, place: Place, *, is_choice: bool, seen: set[Place]
) -> Iterator[_Part]:
    schema = whole.at(place)
    if place in seen or not isinstance(schema, Mapping):
        return
    seen.add(place)
    yield _Part(place, schema, is_choice)
    if isinstance(schema.get("$ref"), str):
        target = whole.follow(schema["$ref"])
        yield from _parts(whole, target, is_choice=is_choice, seen=seen)
    for name in ("allOf", "anyOf", "oneOf"):
        several = schema.get(name)
        if not isinstance(several, list):
            continue
        choice = is_choice or (name != "allOf" and len(several) > 1)
        for index in range(len(several)):
            yield from _parts(whole, (*place, name, str(index)), is_choice=choice, seen=seen)
    for name in ("then", "else"):
        if isinstance(schema.get(name), Mapping):
            yield from _parts(whole, (*place, name), is_choice=True, seen=seen)


def _row(
    whole: WholeSchema, visit: _Visit, parts: tuple[_Part, ...], *, is_recursive: bool
) -> FieldRow:
    types: dict[str, None] = {}
    for part in parts:
        types.update(dict.fromkeys(_types(whole, part)))
    words = (part.schema.get("description") for part in parts)
    return FieldRow(
        path=visit.path,
        types=tuple(types),
        required=visit.required,
        description=next((text for text in words if isinstance(text, str) and text), ""),
        limits=_limits(parts),
        is_deprecated=any(part.schema.get("deprecated") is True for part in parts),
        is_recursive=is_recursive,
    )


def _limits(parts: tuple[_Part, ...]) -> tuple[str, ...]:
    """Return what holds in any case, then what each of several choices asks, as one text."""
    fixed = [text for part in parts if not part.is_choice for text in describe_limits(part.schema)]
    choices = [", ".join(describe_limits(part.schema)) for part in parts if part.is_choice]
    either = " or ".join(dict.fromkeys(text for text in choices if text))
    return tuple(dict.fromkeys([*fixed, either] if either else fixed))


def _types(whole: WholeSchema, part: _Part) -> Iterator[str]:
    for name in type_names(part.schema):
        items = part.schema.get("items")
        if name != "array" or not isinstance(items, Mapping):
            yield name
            continue
        inner: dict[str, None] = {}
        for item in _parts(whole, (*part.place, "items"), is_choice=False, seen=set()):
            inner.update(dict.fromkeys(type_names(item.schema)))
        yield f"array of {' or '.join(inner)}" if inner else "array"


def _children(
    parts: tuple[_Part, ...], path: str, trail: tuple[frozenset[Place], ...]
) -> Iterator[_Visit]:
    required = {
        name
        for part in parts
        if not part.is_choice and isinstance(part.schema.get("required"), list)
        for name in part.schema["required"]
        if isinstance(name, str)
    }
    for part in parts:
        properties = part.schema.get("properties")
        for name in properties if isinstance(properties, Mapping) else ():
            inner = f"{path}.{name}" if path else name
            place = (*part.place, "properties", name)
            yield _Visit(inner, place, required=name in required, trail=trail)
        yield from _others(part, path, trail)


def _others(part: _Part, path: str, trail: tuple[frozenset[Place], ...]) -> Iterator[_Visit]:
    """Yield what has no name of its own: other properties, and what stands in arrays."""
    dot = "." if path else ""
    if isinstance(part.schema.get("additionalProperties"), Mapping):
        place = (*part.place, "additionalProperties")
        yield _Visit(f"{path}{dot}*", place, required=False, trail=trail)
    patterns = part.schema.get("patternProperties")
    for name in patterns if isinstance(patterns, Mapping) else ():
        place = (*part.place, "patternProperties", name)
        yield _Visit(f"{path}{dot}/{name}/", place, required=False, trail=trail)
    for name in ("prefixItems", "items"):
        items = part.schema.get(name)
        if isinstance(items, list):
            for index in range(len(items)):
                place = (*part.place, name, str(index))
                yield _Visit(f"{path}[{index}]", place, required=False, trail=trail)
        elif isinstance(items, Mapping) and _is_worth_a_row(items):
            yield _Visit(f"{path}[]", (*part.place, name), required=False, trail=trail)


def _is_worth_a_row(items: Mapping[str, Any]) -> bool:
    """Tell whether the elements of an array have more to say than their kind."""
    return bool(set(items) - {"type", "title"})


def _add(rows: dict[str, FieldRow], row: FieldRow) -> None:
    known = rows.get(row.path)
    if known is None:
        rows[row.path] = row
        return
    rows[row.path] = replace(
        known,
        types=tuple(dict.fromkeys((*known.types, *row.types))),
        required=known.required or row.required,
        description=known.description or row.description,
        limits=tuple(dict.fromkeys((*known.limits, *row.limits))),
        is_deprecated=known.is_deprecated or row.is_deprecated,
        is_recursive=known.is_recursive and row.is_recursive,
    )
