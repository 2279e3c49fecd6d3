"""Builds the catalogue of a repository, of the rules that receive, and of the models that publish."""

from collections.abc import Iterable, Sequence

from eventflow.catalogue.changes import list_changes
from eventflow.catalogue.content import Catalogue, EventEntry, Receiver, VersionEntry
from eventflow.catalogue.field_table import FieldRow, list_fields
from eventflow.catalogue.keys import safe_keys
from eventflow.catalogue.references import WholeSchema
from eventflow.errors import SchemaError
from eventflow.events import DEFAULT_BUS
from eventflow.rules import RuleSet
from eventflow.rules.readers import rules_for
from eventflow.schemas import EventModel, Repository, SchemaDocument, SchemaName, Version

__all__ = ["build_catalogue"]


def build_catalogue(
    repository: Repository,
    *,
    rule_set: RuleSet | None = None,
    models: Iterable[type[EventModel]] = (),
    title: str = "Events",
) -> Catalogue:
    """Gather what there is to say of every event that has a schema.

    Args:
        repository: The schemas.
        rule_set: The rules that receive; None where they are not to be shown.
        models: The classes that publish; those without a schema are passed over.
        title: What the pages are headed with.

    Raises:
        SchemaError: When a `$ref` leads nowhere.
    """
    names = [f"{source}.{type}" for source, type in repository.types]
    # `a.b` + `c` and `a` + `b.c` read alike: then the two are told apart as any other likeness is.
    if len(set(names)) < len(names):
        names = [f"{source}/{type}" for source, type in repository.types]
    keys = safe_keys(names)
    classes = _by_schema(models)
    events = tuple(
        _entry(
            repository.current(source, type),
            _versions(repository.versions(source, type), classes),
            _receivers(rule_set, source, type),
            keys[name],
        )
        for name, (source, type) in zip(names, repository.types, strict=True)
    )
    targets = {each.target.name: each.target for event in events for each in event.receivers}
    return Catalogue(title, events, tuple(targets[name] for name in sorted(targets)))


def _entry(
    current: SchemaDocument | None,
    versions: Sequence[VersionEntry],
    receivers: tuple[Receiver, ...],
    key: str,
) -> EventEntry:
    assert current is not None  # a type is in the repository by one of its versions
    return EventEntry(
        key=key,
        source=current.name.source,
        type=current.name.type,
        current=next(entry for entry in versions if entry.document is current),
        versions=tuple(reversed(versions)),
        receivers=receivers,
        buses=tuple(sorted({each.rule.bus for each in receivers})) or (DEFAULT_BUS,),
    )


def _versions(
    documents: Sequence[SchemaDocument],
    classes: dict[SchemaName, tuple[str, ...]],
) -> list[VersionEntry]:
    entries: list[VersionEntry] = []
    earlier: tuple[FieldRow, ...] = ()
    for document in documents:
        fields = list_fields(WholeSchema(document))
        entries.append(
            VersionEntry(
                document=document,
                fields=fields,
                changes=list_changes(earlier, fields) if entries else (),
                before=str(entries[-1].document.name.version) if entries else "",
                models=classes.get(document.name, ()),
            )
        )
        earlier = fields
    return entries


def _receivers(rule_set: RuleSet | None, source: str, type: str) -> tuple[Receiver, ...]:
    if rule_set is None:
        return ()
    fitting = {
        rule.name for bus in rule_set.buses for rule in rules_for(rule_set, source, type, bus)
    }
    return tuple(
        Receiver(rule, part, rule_set.targets[part.target])
        for rule in rule_set.rules
        if rule.name in fitting
        for part in rule.targets
    )


def _by_schema(models: Iterable[type[EventModel]]) -> dict[SchemaName, tuple[str, ...]]:
    found: dict[SchemaName, set[str]] = {}
    for model in models:
        if not model.event_source or not model.event_type:
            continue  # a base of others
        try:
            version = Version.parse(model.event_version)
        except SchemaError:
            continue  # a version that no file can have
        name = SchemaName(model.event_source, model.event_type, version)
        found.setdefault(name, set()).add(f"{model.__module__}.{model.__qualname__}")
    return {name: tuple(sorted(dotted)) for name, dotted in found.items()}
