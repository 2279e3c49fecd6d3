"""Upcasters and downcasters: events of one version brought to the version that a reader asks for.

A step is a function of the data, from one version to another. From the event's version to the
asked one leads the chain with the fewest gaps; within a major version a gap is no fault, since
there versions are held to be compatible, and the data goes on as it is.
"""

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any

from pydantic import BaseModel, ValidationError

from eventflow.errors import EventError, SchemaError, SubscriberError
from eventflow.events import Event, write_path
from eventflow.schemas.models import EventModel
from eventflow.schemas.names import SchemaName, Version

__all__ = ["Converter", "Converters", "HandedOver", "faults_of", "name_of_event", "name_of_model"]

ConverterFunction = Callable[[Any], Any]
_Kind = tuple[str, str]  # source and type
_GAP = 1_000  # what it costs to go on without a function; more than any chain of functions


@dataclass(frozen=True, slots=True)
class Converter:
    """One step between two versions.

    Attributes:
        old: What it takes.
        new: What it gives.
        function: Does it.
        model: What the data is read as before; None: it is handed over as JSON has it.
    """

    old: SchemaName
    new: SchemaName
    function: ConverterFunction
    model: type[EventModel] | None = None

    @property
    def place(self) -> str:
        """The function's name and where it is."""
        code = inspect.unwrap(self.function).__code__
        name = f"{self.function.__module__}.{self.function.__qualname__}"
        return f"{name} ({code.co_filename}:{code.co_firstlineno})"

    def __str__(self) -> str:
        kind = "upcaster" if self.old.version < self.new.version else "downcaster"
        return f"the {kind} {self.place}, from {self.old.version} to {self.new.version}"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """An event's data, brought as near to the asked version as the converters lead.

    Attributes:
        data: The data.
        name: The version that it is handed over as; None where the event names none of its type.
        doubt: What to say where it does not fit: which versions, and what is missing.
    """

    data: Any
    name: SchemaName | None
    doubt: str = ""


class Converters:
    """The upcasters and downcasters of one EventFlow."""

    def __init__(self) -> None:
        self._by_kind: dict[_Kind, dict[tuple[Version, Version], Converter]] = {}
        self._plans: dict[tuple[SchemaName, SchemaName], tuple[Converter, ...] | None] = {}

    def add(
        self,
        old: type[EventModel] | str,
        new: type[EventModel] | str,
        function: ConverterFunction,
        *,
        is_upcast: bool,
    ) -> None:
        """Bind a function to the step from *old* to *new*.

        Args:
            old: What it takes: a model, whose instances it is handed, or `SOURCE/TYPE/VERSION`,
                for which it is handed JSON data.
            new: What it gives, as a model's instance or as JSON data.
            function: Takes the data and returns the new data.
            is_upcast: Whether *new* is the higher version.

        Raises:
            SubscriberError: When the versions are no such pair, or are bound already.
        """
        word = "upcast" if is_upcast else "downcast"
        converter = Converter(
            _name(old, word),
            _name(new, word),
            function,
            old if isinstance(old, type) else None,
        )
        _check(converter, word, is_upcast=is_upcast)
        kind = (converter.old.source, converter.old.type)
        pair = (converter.old.version, converter.new.version)
        known = self._by_kind.setdefault(kind, {}).get(pair)
        # The same function again is the same module imported again, as reloaders do.
        if known is not None and known.function.__qualname__ != function.__qualname__:
            message = (
                f"{converter.place}: from {converter.old} to {converter.new.version} there is "
                f"{known.place} already: a step between two versions has one function"
            )
            raise SubscriberError(message)
        self._by_kind[kind][pair] = converter
        self._plans.clear()

    def concern(self, event: Event[Any]) -> bool:
        """Tell whether there is any converter for events of this kind."""
        return (event.source, event.type) in self._by_kind

    def versions(self, source: str, type: str) -> frozenset[Version]:
        """Return the versions that converters take or give."""
        pairs = self._by_kind.get((source, type), {})
        return frozenset(version for pair in pairs for version in pair)

    def plan(self, have: SchemaName, want: SchemaName) -> tuple[Converter, ...] | None:
        """Return the steps from one version to another; None where none lead there.

        No steps at all where the versions are of one major, and no function is between them.
        """
        key = (have, want)
        if key not in self._plans:
            self._plans[key] = self._find(have, want)
        return self._plans[key]

    def hand_over(self, model: type[BaseModel], event: Event[Any]) -> HandedOver:
        """Bring an event's data to the version of *model*.

        Args:
            model: What the reader asks for; one of another source or type gets the data as it is.
            event: The event. One whose `dataschema` names no version of its type counts as being
                of the newest that is known here.

        Raises:
            EventError: When a converter raises, or gives what is no data.
        """
        want = name_of_model(model)
        if want is None or (want.source, want.type) != (event.source, event.type):
            return HandedOver(event.data, None)
        named = name_of_event(event)
        if named == want:
            return HandedOver(event.data, want)
        have = named or self._assumed(want)
        if have == want:
            return HandedOver(event.data, None)
        steps = self.plan(have, want)
        data = event.data
        if steps:
            data = copy.deepcopy(data)  # a converter may write into what it is handed
            for step in steps:
                data = _take(step, data)
        return HandedOver(_plain(data), want if named else None, _doubt(have, want, steps, named))

    def gaps(
        self, models: Iterable[type[BaseModel]], versions: Iterable[SchemaName]
    ) -> Iterator[tuple[SchemaName, SchemaName]]:
        """Yield each older major version from which no chain leads to a model.

        Args:
            models: What readers ask for.
            versions: The versions that events may have.
        """
        known = set(versions)
        for kind, pairs in self._by_kind.items():
            known |= {SchemaName(*kind, version) for pair in pairs for version in pair}
        for want in sorted({name for model in models if (name := name_of_model(model))}):
            for have in sorted(known):
                is_older = have.version.major < want.version.major
                is_kind = (have.source, have.type) == (want.source, want.type)
                if is_kind and is_older and self.plan(have, want) is None:
                    yield have, want

    def _assumed(self, want: SchemaName) -> SchemaName:
        newest = max({want.version, *self.versions(want.source, want.type)})
        return SchemaName(want.source, want.type, newest)

    def _find(self, have: SchemaName, want: SchemaName) -> tuple[Converter, ...] | None:
        """Find the chain with the fewest gaps, and of those the shortest."""
        pairs = self._by_kind.get((have.source, have.type), {})
        low, high = sorted((have.version, want.version))
        is_up = have.version < want.version
        inside = {version for pair in pairs for version in pair if low <= version <= high}
        inside |= {have.version, want.version}
        waiting: list[tuple[int, Version, tuple[tuple[Version, Version], ...]]] = []
        heappush(waiting, (0, have.version, ()))
        reached: set[Version] = set()
        while waiting:
            cost, version, path = heappop(waiting)
            if version == want.version:
                return tuple(pairs[pair] for pair in path)
            if version in reached:
                continue
            reached.add(version)
            for other in inside - reached:
                if (other > version) is not is_up:
                    continue
                pair = (version, other)
                if pair in pairs:
                    heappush(waiting, (cost + 1, other, (*path, pair)))
                elif version.major == other.major:
                    heappush(waiting, (cost + _GAP, other, path))
        return None


def name_of_model(model: type[BaseModel]) -> SchemaName | None:
    """Return the version that a model is of; None where it is no typed event."""
    if not (issubclass(model, EventModel) and model.event_source and model.event_type):
        return None
    return _parse(f"{model.event_source}/{model.event_type}/{model.event_version}")


def name_of_event(event: Event[Any]) -> SchemaName | None:
    """Return the version that an event names; None where it names none of its source and type."""
    found = _parse(event.dataschema) if event.dataschema else None
    if found is None or (found.source, found.type) != (event.source, event.type):
        return None
    return found


@lru_cache(maxsize=1_024)
def _parse(text: str) -> SchemaName | None:
    try:
        return SchemaName.parse(text)
    except SchemaError:
        return None


def _name(given: object, word: str) -> SchemaName:
    if isinstance(given, str):
        try:
            return SchemaName.parse(given)
        except SchemaError as error:
            message = f"@flow.{word}: {error}"
            raise SubscriberError(message) from error
    found = (
        name_of_model(given) if isinstance(given, type) and issubclass(given, BaseModel) else None
    )
    if found is None:
        message = (
            f"@flow.{word} takes two versions of an event, each an EventModel with source, type "
            f"and version (such as 1.0), or 'SOURCE/TYPE/VERSION', not {given!r}"
        )
        raise SubscriberError(message)
    return found


def _check(converter: Converter, word: str, *, is_upcast: bool) -> None:
    old, new = converter.old, converter.new
    if not hasattr(converter.function, "__code__"):
        message = f"@flow.{word} is for a function, not {converter.function!r}"
        raise SubscriberError(message)
    if inspect.iscoroutinefunction(converter.function):
        message = f"{converter.place}: a converter is a plain function, not `async def`"
        raise SubscriberError(message)
    if (old.source, old.type) != (new.source, new.type):
        message = f"{converter.place}: {old} and {new} are no versions of one event"
        raise SubscriberError(message)
    if old.version == new.version or (old.version < new.version) is not is_upcast:
        other = "downcast" if is_upcast else "upcast"
        message = (
            f"{converter.place}: @flow.{word} leads from {old.version} to "
            f"{new.version}, which is no {word}: swap them, or write @flow.{other}"
        )
        raise SubscriberError(message)


def _take(step: Converter, data: Any) -> Any:
    """Take one step.

    Raises:
        EventError: When the function raises, or gives what is no data.
    """
    try:
        if step.model is not None:
            if not isinstance(data, step.model):
                data = step.model.model_validate(_plain(data))
        else:
            data = _plain(data)
        found = step.function(data)
    except ValidationError as error:
        message = f"{step}, met data that does not fit: {faults_of(error)}"
        raise EventError(message, "data") from None
    except Exception as error:  # a user's function may raise anything
        message = f"{step}, raised {type(error).__name__}: {error}"
        raise EventError(message, "data") from error
    if not isinstance(found, dict | BaseModel):
        message = f"{step}, returned {type(found).__name__}: return the new data"
        raise EventError(message, "data")
    return found


def _plain(data: Any) -> Any:
    return data.model_dump(mode="json", by_alias=True) if isinstance(data, BaseModel) else data


def faults_of(error: ValidationError) -> str:
    """Say pydantic's faults with their paths, and none of the data."""
    return "; ".join(
        f"{write_path(item['loc']) or 'data'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    )


def _doubt(
    have: SchemaName,
    want: SchemaName,
    steps: tuple[Converter, ...] | None,
    named: SchemaName | None,
) -> str:
    word = "upcast" if have.version < want.version else "downcast"
    origin = f"the event is by {have.version}" if named else f"{have.version} is assumed"
    asked = f"{origin}, the subscriber asks for {want.version}"
    if steps:
        return f"{asked}; taken through {'; '.join(map(str, steps))}"
    return (
        f"{asked}, and no {word}er leads from {have.version} to {want.version}: write one with "
        f"@flow.{word}"
    )
