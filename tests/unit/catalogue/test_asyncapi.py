"""The AsyncAPI document: channels, operations, messages, and schemas that need no other file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import pytest

from eventflow.catalogue import Catalogue, asyncapi_document, build_catalogue
from eventflow.errors import SchemaError
from eventflow.patterns import Pattern
from eventflow.rules import Rule, RuleSet, RuleTarget, Target
from eventflow.schemas import EventModel, Repository, SchemaDocument, SchemaName, Version
from tests.unit.catalogue.conftest import MakeRepository


class Paid(EventModel, source="shop", type="Paid", version="2.0"):
    """A class that publishes what the tests' schema describes."""

    amount: float


FILES: dict[str, Any] = {
    "shop/Paid/1.0.json": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://shop.example/paid",
        "description": "The shop was paid.\nIn full.",
        "properties": {"amount": {"type": "number"}},
        "x-eventflow": {"status": "deprecated", "deprecated_on": "2026-12-01", "successor": "2.0"},
    },
    "shop/Paid/2.0.json": {
        "description": "The shop was paid.",
        "required": ["to", "by"],
        "properties": {
            "to": {"$ref": "#person", "description": "Who is paid."},
            "by": {"$ref": "../../common/people.json#/$defs/payer"},
            "$ref": {"type": "string"},
            "next": {"$ref": "#"},
            "link": {"const": {"$ref": "http://example.org/never-read"}},
        },
        "$defs": {"some öne": {"$anchor": "person", "type": "string", "minLength": 2}},
        "examples": [
            {"to": "Ada", "by": {"name": "Bob"}},
            {"to": "Ada", "by": {"name": "Bob"}, "$ref": "http://example.org/never-read"},
        ],
        "x-eventflow": {"owner": "shop-team"},
    },
    "common/people.json": {
        "$defs": {
            "payer": {"required": ["name"], "properties": {"name": {"$ref": "#/$defs/name"}}},
            "name": {"type": "string", "maxLength": 5},
        }
    },
    "door sensor/Left/1.0.json": {"type": "object"},
}
RULES = RuleSet(
    [Target(name="audit", task="a.keep"), Target(name="bank", task="b.pay", owner="money-team")],
    [
        Rule("everything", Pattern({"source": [{"exists": True}]}), (RuleTarget("audit"),)),
        Rule("pay", Pattern({"source": ["shop"]}), (RuleTarget("bank"),), bus="money"),
        Rule("off", Pattern({"source": ["shop"]}), (RuleTarget("bank"),), enabled=False),
        Rule("other", Pattern({"detail-type": ["Unpaid"]}), (RuleTarget("bank"),)),
    ],
)


@pytest.fixture
def catalogue(make_repository: MakeRepository) -> Catalogue:
    """Two events, one of two versions, with rules and a model."""
    return build_catalogue(make_repository(FILES), rule_set=RULES, models=[Paid], title="Shop")


@pytest.fixture
def document(catalogue: Catalogue) -> dict[str, Any]:
    """The document of it."""
    return asyncapi_document(catalogue)


def references(value: Any) -> Iterator[str]:
    """Yield each reference in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_catalogue_knows_versions_receivers_and_models(catalogue: Catalogue) -> None:
    """An event has its versions, the newest first, and the rules that may match it, by bus."""
    left, paid = catalogue.events
    assert ("door sensor", "Left", ("audit",)) == (left.source, left.type, left.targets)
    assert ["2.0", "1.0"] == [str(each.document.name.version) for each in paid.versions]
    assert "2.0" == str(paid.current.document.name.version)
    assert ["everything", "pay"] == [each.rule.name for each in paid.receivers]
    assert ("default", "money") == paid.buses
    assert (f"{__name__}.Paid",) == paid.current.models


def test_buses_are_channels_and_versions_messages(document: dict[str, Any]) -> None:
    """Each bus is a channel of the messages whose events its rules look at."""
    messages = {name: set(channel["messages"]) for name, channel in document["channels"].items()}
    paid = {"shop.Paid.1.0", "shop.Paid.2.0"}
    assert paid == messages["money"]
    assert paid < messages["default"]
    assert set(document["components"]["messages"]) == messages["default"]


def test_sources_send_and_targets_receive(document: dict[str, Any]) -> None:
    """Each source sends on the buses of its events, each target receives what its rules may match."""
    operations = document["operations"]
    pairs = {
        (operation["action"], operation["title"], operation["channel"]["$ref"].rpartition("/")[2])
        for operation in operations.values()
    }
    assert {
        ("send", "door sensor publishes", "default"),
        ("send", "shop publishes", "default"),
        ("send", "shop publishes", "money"),
        ("receive", "audit receives", "default"),
        ("receive", "bank receives", "money"),
    } == pairs
    bank = operations["bank.receives.money"]
    assert ["pay"] == bank["x-eventflow"]["rules"]
    assert "money-team" == bank["x-eventflow"]["owner"]


def test_message_says_what_stands_in_the_schema_file(document: dict[str, Any]) -> None:
    """A message has its words, its schema's name, and what has become of it."""
    old = document["components"]["messages"]["shop.Paid.1.0"]
    assert ("Paid", "Paid 1.0", "The shop was paid.") == (old["name"], old["title"], old["summary"])
    assert {
        "dataschema": "shop/Paid/1.0",
        "status": "deprecated",
        "deprecated_on": "2026-12-01",
        "successor": "2.0",
    } == old["x-eventflow"]


def test_every_reference_leads_to_something_in_the_document(document: dict[str, Any]) -> None:
    """No reference leaves the document, and each leads to what is there."""
    found = list(references(document))
    for reference in found:
        value: Any = document
        assert reference.startswith("#/"), reference
        for part in reference[2:].split("/"):
            value = value[unquote(part).replace("~1", "/").replace("~0", "~")]
    assert any("/shop.Paid.2.0/schema/$defs/" in reference for reference in found)


@pytest.mark.parametrize(
    ("data", "is_valid"),
    [
        ({"to": "Ada", "by": {"name": "Bob"}}, True),
        ({"to": "A", "by": {"name": "Bob"}}, False),  # the anchor's minLength
        ({"to": "Ada", "by": {"name": "Robert"}}, False),  # the other file's maxLength
        ({"to": "Ada", "by": {}}, False),
        ({"to": "Ada", "by": {"name": "Bob"}, "next": {}}, False),  # itself again
    ],
)
def test_bundled_schema_asks_what_the_files_ask(
    document: dict[str, Any], data: dict[str, Any], is_valid: bool
) -> None:
    """Read from the document alone, a schema takes and refuses what its files do."""
    schema = {**document, "$ref": "#/components/schemas/shop.Paid.2.0/schema"}
    assert is_valid == jsonschema_rs.validator_for(schema).is_valid(data)


def test_dialect_is_the_schema_format(document: dict[str, Any]) -> None:
    """A payload names the JSON Schema that it is written in."""
    formats = {
        key: schema["schemaFormat"].partition("version=")[2]
        for key, schema in document["components"]["schemas"].items()
        if "schemaFormat" in schema
    }
    assert "draft-07" == formats["shop.Paid.1.0"]
    assert "2020-12" == formats["shop.Paid.2.0"]


def test_examples_that_look_like_references_are_left_out(document: dict[str, Any]) -> None:
    """Data with a key `$ref` would be followed by readers: it stands neither here nor there."""
    message = document["components"]["messages"]["shop.Paid.2.0"]
    assert [{"payload": {"to": "Ada", "by": {"name": "Bob"}}}] == message["examples"]
    assert "never-read" not in json.dumps(document)


def test_document_tells_no_address(document: dict[str, Any]) -> None:
    """The server is named by its protocol; its host is a variable that has no value."""
    assert {"redis": "{host}"} == {
        server["protocol"]: server["host"] for server in document["servers"].values()
    }


def test_schema_that_is_not_in_one_piece_is_an_error() -> None:
    """A schema made by hand whose reference leads nowhere, or to a file, is said by its name."""
    for reference, words in (("#/$defs/none", "where nothing is"), ("x.json", "in one piece")):
        schema = {"properties": {"a": {"$ref": reference}}}
        name = SchemaName("shop", "Paid", Version(1, 0))
        document = SchemaDocument(name, schema, Path("x"), "")
        with pytest.raises(SchemaError, match=rf"shop/Paid/1\.0 .*{words}"):
            build_catalogue(Repository(Path(), [document]))
