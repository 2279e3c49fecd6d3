"""Who reads a field that two versions differ in: which rules, and which subscribers."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from eventflow.events import write_path
from eventflow.rules.readers import FieldReader, readers, rules_for
from eventflow.rules.ruleset import RuleSet
from eventflow.schemas.compatibility import Breach
from eventflow.schemas.upcasting import name_of_model
from eventflow.subscribers import Subscriber

__all__ = ["Readers"]


class Readers:
    """Says who reads what.

    Args:
        rule_set: The rules; None where there are none to be had.
        subscribers: The functions that are bound to targets.
    """

    def __init__(self, rule_set: RuleSet | None, subscribers: Sequence[Subscriber]) -> None:
        self._rule_set = rule_set
        self._readers = readers(rule_set) if rule_set is not None else ()
        self._subscribers = subscribers

    def of(self, breach: Breach) -> list[str]:
        """Return, in words, who reads the field of a breach: rules first, then subscribers."""
        rules = self._rules(breach)
        named = {rule.name for rule in rules}
        reached = {each.target for rule in rules for each in rule.targets}
        places: dict[str, None] = {}
        whole: set[str] = set()  # the targets that are handed the event as it is
        for reader in self._readers:
            if reader.rule.name not in named or not reader.reads(breach.fields):
                continue
            if reader.steps:
                places[_say_place(reader)] = None
            elif reader.target is not None:
                whole.add(reader.target)
        return [*places, *self._say_subscribers(breach, reached, whole)]

    def _rules(self, breach: Breach) -> list[Any]:
        if self._rule_set is None:
            return []
        name = breach.new.name
        found = (
            rules_for(self._rule_set, name.source, name.type, bus)
            for bus in sorted(self._rule_set.buses)
        )
        return [rule for rules in found for rule in rules]

    def _say_subscribers(self, breach: Breach, reached: set[str], whole: set[str]) -> Iterator[str]:
        has_rules = self._rule_set is not None
        for subscriber in self._subscribers:
            if has_rules and subscriber.target not in reached:
                continue
            model = subscriber.model
            name = name_of_model(model) if model is not None else None
            who = f"subscriber {subscriber.name} (target {subscriber.target})"
            if model is None or name is None:
                if subscriber.target in whole or not has_rules:
                    yield f"{who}, perhaps: it names no version"
            elif name == breach.reader.name and _has_field(model, breach.fields[1:]):
                yield f"{who}, as {model.__name__} of {name.version}"


def _say_place(reader: FieldReader) -> str:
    rule = reader.rule
    part = "its pattern" if reader.target is None else f"the input of target {reader.target}"
    return f"rule {rule.name}: {part} reads {write_path(reader.steps)} ({rule.file}:{rule.line})"


def _has_field(model: type[BaseModel], names: Sequence[str]) -> bool:
    """Tell whether a model has a field, as far as its annotations say; in doubt it has."""
    if not names:
        return True
    field = _find_field(model, names[0])
    if field is None:
        return model.model_config.get("extra") == "allow"
    inner = list(_models_in(field.annotation))
    return not inner or any(_has_field(part, names[1:]) for part in inner)


def _find_field(model: type[BaseModel], name: str) -> FieldInfo | None:
    for own, field in model.model_fields.items():
        if name in (field.validation_alias, field.alias or own):
            return field
    return None


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models_in(part)
