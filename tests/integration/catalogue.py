"""The catalogue that tests look at: the reference deployment's events and rules, and one of each kind."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from eventflow.catalogue import Catalogue, build_catalogue
from eventflow.rules import load_rules
from eventflow.schemas import EventModel, Repository, SchemaDocument, SchemaName, Status, Version
from workers import events

__all__ = ["reference_catalogue"]

ROOT = Path(__file__).resolve().parents[2]
_LATEST = "https://json-schema.org/draft/2020-12/schema"
_SHARED: dict[str, Any] = {"$defs": {"label": {"type": "string", "maxLength": 40}}}
_REFUND: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "description": "A customer wants the money back.",
    "type": "object",
    "required": ["parcel"],
    "properties": {
        "parcel": {"$ref": "../../common/words.json#/$defs/label"},
        "parts": {"type": "array", "items": {"$ref": "#"}},
    },
    "examples": [{"parcel": "EU-NB-000123", "parts": [{"parcel": "EU-NB-000124"}]}],
}


def reference_catalogue(place: Path) -> Catalogue:
    """Write schemas of the reference deployment's events below *place*, and gather them.

    Among them are one event of two versions, the older deprecated, and one of a draft that refers
    to a file that others share, and to itself.
    """
    (place / "common").mkdir(parents=True)
    (place / "common/words.json").write_text(json.dumps(_SHARED))
    models = [
        model
        for model in vars(events).values()
        if isinstance(model, type) and issubclass(model, EventModel) and model is not EventModel
    ]
    documents = [
        _document(place, model.event_source, model.event_type, "1.0", model.model_json_schema())
        for model in models
        if model is not events.DoorLeftOpen
    ]
    left = events.DoorLeftOpen.model_json_schema()
    battery = {"type": "number", "minimum": 0, "maximum": 1, "description": "How full it is."}
    newer = {**left, "properties": {**left["properties"], "battery": battery}}
    old = {"status": Status.DEPRECATED, "deprecated_on": date(2026, 12, 1)}
    documents += [
        _document(place, "door.sensor", "DoorLeftOpen", "1.0", left, **old),
        _document(place, "door.sensor", "DoorLeftOpen", "1.1", newer),
        _document(place, "shop.payments", "RefundAsked", "0.1", _REFUND, status=Status.DRAFT),
    ]
    return build_catalogue(
        Repository(place, documents),
        rule_set=load_rules(ROOT / "rules"),
        models=models,
        title="Parcel events",
    )


def _document(
    place: Path, source: str, type: str, version: str, schema: dict[str, Any], **facts: Any
) -> SchemaDocument:
    name = SchemaName(source, type, Version.parse(version))
    file = place / name.path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(schema))
    return SchemaDocument(
        name=name,
        schema=schema,
        file=file,
        dialect=schema.get("$schema", _LATEST),
        owner=f"{source.partition('.')[0]}-team",
        description=schema.get("description", ""),
        examples=tuple(schema.get("examples", ())),
        **facts,
    )
