"""The catalogue that tests look at: the reference deployment's events and rules, and one of each kind."""

import json
from pathlib import Path
from typing import Any

from eventflow.catalogue import Catalogue, build_catalogue
from eventflow.rules import load_rules
from eventflow.schemas import EventModel
from eventflow.schemas.document import KEYWORD
from eventflow.schemas.loader import load_repository
from workers import events

__all__ = ["reference_catalogue"]

ROOT = Path(__file__).resolve().parents[2]
_REFUND: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "description": "A customer wants the money back.",
    "type": "object",
    "required": ["parcel"],
    "properties": {
        "parcel": {"$ref": "../../common/words.json#/$defs/label"},
        "parts": {"type": "array", "items": {"$ref": "#"}},
    },
    KEYWORD: {"status": "draft"},
    "examples": [{"parcel": "EU-NB-000123", "parts": [{"parcel": "EU-NB-000124"}]}],
}


def reference_catalogue(place: Path) -> Catalogue:
    """Write schemas of the reference deployment's events below *place*, and gather them.

    Among them are one event of two versions, the older deprecated, and one of a draft that refers
    to a file that others share, and to itself.
    """
    models = [
        model
        for model in vars(events).values()
        if isinstance(model, type) and issubclass(model, EventModel) and model is not EventModel
    ]
    for model in models:
        owner = f"{model.event_source.partition('.')[0]}-team"
        schema = {**model.model_json_schema(), KEYWORD: {"owner": owner}}
        _write(place / model.event_source / model.event_type / "1.0.json", schema)
    left = events.DoorLeftOpen.model_json_schema()
    battery = {"type": "number", "minimum": 0, "maximum": 1, "description": "How full it is."}
    old = {"status": "deprecated", "deprecated_on": "2026-12-01", "successor": "1.1"}
    newer = {**left, "properties": {**left["properties"], "battery": battery}}
    _write(place / "door.sensor/DoorLeftOpen/1.0.json", {**left, KEYWORD: old})
    _write(place / "door.sensor/DoorLeftOpen/1.1.json", newer)
    _write(place / "shop.payments/RefundAsked/0.1.json", _REFUND)
    _write(place / "common/words.json", {"$defs": {"label": {"type": "string", "maxLength": 40}}})
    return build_catalogue(
        load_repository(place),
        rule_set=load_rules(ROOT / "rules"),
        models=models,
        title="Parcel events",
    )


def _write(file: Path, schema: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(schema))
