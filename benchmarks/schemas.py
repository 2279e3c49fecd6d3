"""What checking an event by its schema costs: four validators, and publish() with and without.

Pydantic validates a model that says the same; it also builds objects, which the others do not.
With the payloads of GitHub's webhooks and their schemas in a directory, given as an argument
(`payloads.jsonl`, `schemas.json`), those are checked as well.
"""

import json
import shutil
import sys
import tempfile
import timeit
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import fastjsonschema
import jsonschema
from pydantic import BaseModel, ConfigDict

from eventflow.app import EventFlow
from eventflow.embedded import EmbeddedServer
from eventflow.events import Event
from eventflow.schemas import load_repository
from eventflow.schemas.validation import Action, SchemaCheck
from eventflow.settings import load_settings

DATA = {
    "parcel": {"id": "5b6f3a46-6d86-4d0f-a0a4-6b3a3a1f0e0a", "weight": 2.5, "tags": ["fragile"]},
    "door": {"id": "garage-7", "kind": "garage"},
    "recipient": {"id": "R-7", "name": "Ada", "address": "12 Garden Street"},
}
_TEXT = {"type": "string"}
SCHEMA = {
    "type": "object",
    "properties": {
        "parcel": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "weight": {"type": "number"},
                "tags": {"type": "array", "items": _TEXT},
            },
            "required": ["id", "weight"],
            "additionalProperties": False,
        },
        "door": {
            "type": "object",
            "properties": {"id": _TEXT, "kind": {"enum": ["garage", "front-door"]}},
            "required": ["id", "kind"],
            "additionalProperties": False,
        },
        "recipient": {
            "type": "object",
            "properties": {"id": _TEXT, "name": _TEXT, "address": _TEXT},
            "required": ["id"],
            "additionalProperties": False,
        },
    },
    "required": ["parcel", "door"],
    "additionalProperties": False,
}
ROUNDS = 2000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Parcel(_Strict):
    id: UUID
    weight: float
    tags: list[str] = []


class _Door(_Strict):
    id: str
    kind: Literal["garage", "front-door"]


class _Recipient(_Strict):
    id: str
    name: str = ""
    address: str = ""


class _Arrived(_Strict):
    parcel: _Parcel
    door: _Door
    recipient: _Recipient | None = None


def main() -> None:
    """Print microseconds an event."""
    with tempfile.TemporaryDirectory(prefix="ef-") as place:
        root = Path(place) / "schemas"
        _write(root / "courier.app/CourierArrived/1.0.json", SCHEMA)
        check = SchemaCheck(load_repository(root))
        document = check.repository.documents[0]
        by_fast = fastjsonschema.compile(SCHEMA)
        by_python = jsonschema.Draft202012Validator(
            SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        _show(
            "a courier's arrival",
            {
                "eventflow, the whole check (jsonschema-rs)": lambda: check.check(
                    document.name.source, document.name.type, None, "default", DATA
                ),
                "fastjsonschema": lambda: by_fast(DATA),
                "pydantic": lambda: _Arrived.model_validate(DATA),
                "jsonschema": lambda: by_python.validate(DATA),
            },
        )
        if sys.argv[1:]:
            _webhooks(Path(sys.argv[1]), Path(place) / "webhooks")
        _publish(Path(place), root)


def _webhooks(source: Path, root: Path) -> None:
    actions: dict[str, list[str]] = defaultdict(list)
    for name, schema in json.loads((source / "schemas.json").read_text()).items():
        _write(root / "github" / name, schema)
        event, _, file = name.partition("/")
        if event != "common":
            actions[event].append(file)
    for event, files in actions.items():
        dialect = "http://json-schema.org/draft-07/schema#"
        thin = {"$schema": dialect, "oneOf": [{"$ref": file} for file in files]}
        _write(root / "github" / event / "1.0.json", thin)
    check = SchemaCheck(load_repository(root))
    lines = (source / "payloads.jsonl").read_text().splitlines()
    events = [(item["event"], item["payload"]) for item in map(json.loads, lines)]
    whole = {item.name.type: dict(item.whole) for item in check.repository.documents}
    by_fast = {
        name: fastjsonschema.compile(schema, use_formats=False) for name, schema in whole.items()
    }
    by_python = {name: jsonschema.Draft7Validator(schema) for name, schema in whole.items()}
    fits = [check.check("github", *_named(item)).action is Action.PASS for item in events]
    _show(
        f"{sum(fits)} of {len(events)} webhook payloads fit, {_mean(events):,.0f} bytes on average",
        {
            "eventflow, the whole check (jsonschema-rs)": lambda: [
                check.check("github", *_named(item)) for item in events
            ],
            "fastjsonschema": lambda: [by_fast[name](data) for name, data in events],
            "jsonschema": lambda: [by_python[name].is_valid(data) for name, data in events],
        },
        rounds=1,
        each=len(events),
    )


def _named(item: tuple[str, Any]) -> tuple[str, None, str, Any]:
    return item[0], None, "default", item[1]


def _mean(events: list[tuple[str, Any]]) -> float:
    return sum(len(json.dumps(data)) for _, data in events) / len(events)


def _publish(place: Path, schemas: Path) -> None:
    settings = load_settings(data_dir=place / "data", schemas=schemas, max_backlog=0)
    server = EmbeddedServer(settings)
    server.start()
    try:
        flows = {
            "with a schema": EventFlow(settings),
            "without": EventFlow(settings.with_changes(schemas=place / "none")),
        }
        steps = {name: _publishing(flow) for name, flow in flows.items()}
        _show("publish() of one", steps, rounds=200)
    finally:
        server.stop()
        shutil.rmtree(place / "data", ignore_errors=True)


def _publishing(flow: EventFlow) -> Callable[[], object]:
    return lambda: flow.publish(Event(source="courier.app", type="CourierArrived", data=DATA))


def _show(
    title: str, steps: dict[str, Callable[[], object]], *, rounds: int = ROUNDS, each: int = 1
) -> None:
    print(f"{title}, microseconds an event:")
    for name, step in steps.items():
        best = min(timeit.repeat(step, number=rounds, repeat=5)) / rounds / each
        print(f"  {name:44} {best * 1e6:8.1f}")


def _write(file: Path, schema: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
