"""Which kinds of events a part of a pattern is about: those that have a schema, and whether more."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from eventflow.patterns.condition import Condition
from eventflow.patterns.operators.anything_but import AnythingBut
from eventflow.patterns.operators.exact import ExactString
from eventflow.patterns.operators.exists import Exists
from eventflow.patterns.operators.wildcard import Wildcard
from eventflow.patterns.syntax import Alternative
from eventflow.rules.readers import can_match
from eventflow.schemas.document import SchemaDocument, Status, Unknown, Validation
from eventflow.schemas.repository import Repository

__all__ = ["EventKinds", "KindFinder", "exact_texts"]

_Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class EventKinds:
    """The kinds of events that an alternative of a pattern can match.

    Attributes:
        known: Source and type of those that have a schema.
        exact: Those that the pattern names one by one; None where it does not.
        all_known: Whether no event without a schema can come.
        chosen: Whether the pattern says whose or which events it is about.
    """

    known: tuple[_Kind, ...]
    exact: tuple[_Kind, ...] | None
    all_known: bool
    chosen: bool


class KindFinder:
    """Finds the kinds of events of alternatives, once for each choice of source and type.

    Args:
        repository: The schemas.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._found: dict[tuple[object, ...], EventKinds] = {}

    def find(self, alternative: Alternative, bus: str) -> EventKinds:
        """Return the kinds of events that an alternative can match on a bus."""
        envelope = tuple(
            condition for condition in alternative if condition.path in ("source", "detail-type")
        )
        key = (bus, envelope)
        if key not in self._found:
            self._found[key] = self._find(envelope, bus)
        return self._found[key]

    def is_enforced(self, document: SchemaDocument, bus: str) -> bool:
        """Tell whether an event that does not fit a schema can never come on a bus."""
        validation, _ = self._repository.policy.of_bus(bus)
        asked = document.validation or validation
        return asked is Validation.ENFORCE and document.status is not Status.DRAFT

    def refuses_unknown(self, bus: str) -> bool:
        """Tell whether events without a schema are refused on a bus."""
        return self._repository.policy.of_bus(bus)[1] is Unknown.REFUSE

    def _find(self, envelope: tuple[Condition, ...], bus: str) -> EventKinds:
        exact = _exact_kinds(envelope)
        known = tuple(
            kind for kind in self._repository.types if can_match(envelope, kind[0], kind[1])
        )
        refused = self.refuses_unknown(bus)
        return EventKinds(
            known=known,
            exact=exact,
            # Also where unknown events are refused one may come: a typed event that names itself.
            all_known=exact is not None and set(exact) <= set(known),
            chosen=refused or any(_chooses(condition) for condition in envelope),
        )


def exact_texts(condition: Condition | None) -> tuple[str, ...] | None:
    """Return the texts that a condition names, None where it also takes others."""
    if condition is None:
        return None
    texts = []
    for operator in condition.operators:
        match operator:
            case ExactString(text=text) | Wildcard(parts=(text,)):
                texts.append(text)
            case _:
                return None
    return tuple(texts)


def _exact_kinds(envelope: tuple[Condition, ...]) -> tuple[_Kind, ...] | None:
    by_path = {condition.path: condition for condition in envelope}
    sources, types = exact_texts(by_path.get("source")), exact_texts(by_path.get("detail-type"))
    if sources is None or types is None:
        return None
    return tuple(_pairs(sources, types))


def _pairs(sources: tuple[str, ...], types: tuple[str, ...]) -> Iterator[_Kind]:
    yield from dict.fromkeys(product(sources, types))


def _chooses(condition: Condition) -> bool:
    return not any(isinstance(operator, AnythingBut | Exists) for operator in condition.operators)
