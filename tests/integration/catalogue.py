"""The catalogue that tests look at: the reference deployment's events and rules, and one of each kind."""

import json
import shutil
from pathlib import Path
from typing import Any

from eventflow.catalogue import Catalogue, build_catalogue
from eventflow.rules import load_rules
from eventflow.schemas.document import KEYWORD
from eventflow.schemas.loader import load_repository
from workers import events

__all__ = ["reference_catalogue"]

ROOT = Path(__file__).resolve().parents[2]
_LEFT = "door.sensor/DoorLeftOpen"
_WORDS = {"$defs": {"label": {"type": "string", "maxLength": 40}}}
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
    """Copy the reference deployment's schemas to *place*, add to them, and gather them.

    What is added is a second version, the first being deprecated, and a draft that refers to a
    file that others share, and to itself.
    """
    shutil.copytree(ROOT / "schemas", place)
    first = json.loads((place / _LEFT / "1.0.json").read_text())
    battery = {"type": "number", "minimum": 0, "maximum": 1, "description": "How full it is."}
    second = {**first, "properties": {**first["properties"], "battery": battery}}
    (place / _LEFT / "1.1.json").write_text(json.dumps(second))
    old = {"status": "deprecated", "deprecated_on": "2026-12-01", "successor": "1.1"}
    (place / _LEFT / "1.0.json").write_text(json.dumps({**first, KEYWORD: old}))
    (place / "common").mkdir()
    (place / "common/words.json").write_text(json.dumps(_WORDS))
    (place / "shop.payments/RefundAsked").mkdir()
    (place / "shop.payments/RefundAsked/0.1.json").write_text(json.dumps(_REFUND))
    return build_catalogue(
        load_repository(place),
        rule_set=load_rules(ROOT / "rules"),
        models=[events.CourierArrived, events.DoorLeftOpen, events.ParcelLeft],
        title="Parcel events",
    )
