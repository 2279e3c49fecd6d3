"""Schemas out of events: what a type's data looks like, as a draft for people to make a schema of.

A draft that was discovered grows with each event. What people have made (a schema that is active or
deprecated, a draft that was written by hand) is never touched: of it is said which events do not
fit.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from eventflow.events import Event, write_time
from eventflow.schemas.compiled import compile_schema
from eventflow.schemas.document import KEYWORD, SchemaDocument, Status
from eventflow.schemas.faults import find_faults
from eventflow.schemas.inference import new_inference
from eventflow.schemas.names import SchemaName, Version
from eventflow.schemas.repository import Repository

__all__ = ["DISCOVERED", "Misfit", "Proposal", "propose"]

DISCOVERED = "x-eventflow-discovered"
"""The keyword of a discovered draft: how many events it has seen, and of which times."""

_LATEST = "https://json-schema.org/draft/2020-12/schema"
_MOST_MISFITS = 5


@dataclass(frozen=True, slots=True)
class Misfit:
    """One way in which events do not fit a schema.

    Attributes:
        path: Where in the event, as ``data.parcel.id``.
        message: What is wrong there.
        events: How many events are wrong so.
    """

    path: str
    message: str
    events: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was found of one type of event.

    Attributes:
        name: The schema: the draft, or the one that people made.
        verdict: `new`, `grown` or `unchanged` of a draft; `fits` or `differs` of a schema that
            people made, and which stays as it is.
        events: How many events were seen.
        schema: The draft as it should be; None where there is none to write.
        before: The draft as it is; None where there is none.
        unfit: How many of the events do not fit a schema that people made.
        misfits: In which ways, the most frequent first; five at most.
    """

    name: SchemaName
    verdict: str
    events: int
    schema: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None
    unfit: int = 0
    misfits: tuple[Misfit, ...] = ()


def propose(events: Iterable[Event[Any]], repository: Repository) -> tuple[Proposal, ...]:
    """Infer the schemas of events.

    Args:
        events: The events; they are held all at once.
        repository: The schemas that there are.

    Returns:
        One proposal for each source and type, sorted.

    Raises:
        SchemaError: When genson is not installed.
    """
    by_type: dict[tuple[str, str], list[Event[Any]]] = {}
    for event in events:
        by_type.setdefault((event.source, event.type), []).append(event)
    return tuple(
        _propose(source, type_, by_type[source, type_], repository)
        for source, type_ in sorted(by_type)
    )


def _propose(
    source: str, type_: str, events: Sequence[Event[Any]], repository: Repository
) -> Proposal:
    current = repository.current(source, type_)
    if current is None:
        name = SchemaName(source, type_, Version(1, 0))
        return Proposal(name, "new", len(events), _infer(events, None))
    if current.status is Status.DRAFT and DISCOVERED in current.schema:
        schema = _infer(events, current)
        verdict = (
            "unchanged" if _without_count(schema) == _without_count(current.schema) else "grown"
        )
        return Proposal(current.name, verdict, len(events), schema, current.schema)
    return _compare(current, events)


def _infer(events: Sequence[Event[Any]], draft: SchemaDocument | None) -> dict[str, Any]:
    inference = new_inference()
    before: Mapping[str, Any] = draft.schema if draft is not None else {}
    if draft is not None:
        inference.add_schema({key: before[key] for key in before if key not in _HEAD})
    for event in events:
        inference.add_data(_data_of(event))
    times = [write_time(event.time) for event in events]
    seen = before.get(DISCOVERED, {})
    head = {
        "$schema": _LATEST,
        "title": events[0].type,
        KEYWORD: {"status": Status.DRAFT.value},
        **{key: before[key] for key in _HEAD if key in before},
        DISCOVERED: {
            "events": seen.get("events", 0) + len(events),
            "first": min([*times, *([seen["first"]] if "first" in seen else [])]),
            "last": max([*times, *([seen["last"]] if "last" in seen else [])]),
        },
    }
    return {**head, **inference.schema()}


_HEAD = ("$schema", "title", "description", "examples", KEYWORD, DISCOVERED)


def _compare(document: SchemaDocument, events: Sequence[Event[Any]]) -> Proposal:
    validator = compile_schema(document.whole, document.dialect)
    counts: Counter[tuple[str, str]] = Counter()
    unfit = 0
    for event in events:
        faults = {(fault.path, fault.message) for fault in find_faults(validator, _data_of(event))}
        unfit += bool(faults)
        counts.update(faults)
    misfits = [Misfit(*fault, count) for fault, count in counts.most_common(_MOST_MISFITS)]
    verdict = "differs" if unfit else "fits"
    return Proposal(document.name, verdict, len(events), unfit=unfit, misfits=tuple(misfits))


def _data_of(event: Event[Any]) -> Any:
    return to_jsonable_python(event.data)


def _without_count(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != DISCOVERED}
