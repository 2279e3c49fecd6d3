"""What a catalogue says: events, their versions, who publishes them and who receives them."""

from dataclasses import dataclass

from eventflow.catalogue.changes import Change
from eventflow.catalogue.field_table import FieldRow
from eventflow.rules import Rule, RuleTarget, Target
from eventflow.schemas import SchemaDocument

__all__ = ["Catalogue", "EventEntry", "Receiver", "VersionEntry"]


@dataclass(frozen=True, slots=True)
class Receiver:
    """A target that a rule may deliver an event to.

    Attributes:
        rule: The rule; its pattern can match events of this source and type.
        part: The rule's entry for the target, with what it hands over.
        target: The target.
    """

    rule: Rule
    part: RuleTarget
    target: Target


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """One version of an event.

    Attributes:
        document: Its schema.
        fields: The fields of its data.
        changes: What differs from the version before; empty of the first.
        before: The version before, as text; empty of the first.
        models: The `EventModel` classes that publish it, by their dotted names.
    """

    document: SchemaDocument
    fields: tuple[FieldRow, ...]
    changes: tuple[Change, ...]
    before: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventEntry:
    """One event: a source and a type.

    Attributes:
        key: What it is called in file names and documents: letters, digits and ``._-`` alone.
        source: Who publishes it.
        type: What happened.
        current: The version that is published today.
        versions: Every version, the newest first.
        receivers: Who may receive it; rules in their order.
        buses: The buses whose rules look at it, sorted; the default one where none does.
    """

    key: str
    source: str
    type: str
    current: VersionEntry
    versions: tuple[VersionEntry, ...]
    receivers: tuple[Receiver, ...]
    buses: tuple[str, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the targets that may receive it, each once."""
        return tuple(dict.fromkeys(each.target.name for each in self.receivers))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All events of a deployment.

    Attributes:
        title: What the pages are headed with.
        events: The events, sorted by source and type.
        targets: The targets that may receive one of them, sorted by name.
    """

    title: str
    events: tuple[EventEntry, ...]
    targets: tuple[Target, ...]
