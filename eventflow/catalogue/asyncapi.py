"""The catalogue as an AsyncAPI 3.0 document.

Buses are channels; a source sends, a target receives; each version of an event is a message whose
payload is the event's data and whose headers are the envelope, by EventBridge's names.
Source: asyncapi.com, "AsyncAPI specification 3.0.0".
"""

from collections.abc import Iterable
from typing import Any

from eventflow.catalogue.content import Catalogue, EventEntry, Receiver, VersionEntry
from eventflow.catalogue.keys import safe_keys
from eventflow.catalogue.payloads import holds_reference, payload
from eventflow.rules import Target

__all__ = ["GENERATOR", "asyncapi_document"]

GENERATOR = "eventflow schemas docs"
"""The mark that every file of a catalogue bears."""

_SCHEMAS = "#/components/schemas"
_MOMENT = {"type": "string", "format": "date-time"}
_ENVELOPE: dict[str, Any] = {
    "type": "object",
    "description": "The event's envelope, by EventBridge's names.",
    "required": ["version", "id", "detail-type", "source", "time"],
    "properties": {
        "version": {"type": "string", "const": "0", "description": "Of the envelope."},
        "id": {
            "type": "string",
            "maxLength": 200,
            "description": "Unique in its bus. Publishing one id twice is one event.",
        },
        "detail-type": {"type": "string", "description": "What happened."},
        "source": {"type": "string", "description": "Who says so."},
        "account": {"type": "string"},
        "time": {**_MOMENT, "description": "When it happened."},
        "region": {"type": "string"},
        "resources": {"type": "array", "items": {"type": "string"}},
        "replay-name": {"type": "string", "description": "The replay that sent it again."},
    },
}


def asyncapi_document(catalogue: Catalogue, *, protocol: str = "redis") -> dict[str, Any]:
    """Describe a catalogue for programs.

    Args:
        catalogue: What there is.
        protocol: The broker's, such as `redis` or `amqp`; its address is nobody's business.

    Returns:
        The document, self-contained: no `$ref` in it leads out of it.

    """
    versions = [(event, version) for event in catalogue.events for version in event.versions]
    documents = {_message_key(event, version): version.document for event, version in versions}
    buses = sorted({bus for event in catalogue.events for bus in event.buses})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": catalogue.title,
            "version": "1.0.0",
            "description": "Events, who sends them and who receives them.",
            "x-generator": GENERATOR,
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _server(protocol)},
        "channels": {bus: _channel(bus, catalogue) for bus in buses},
        "operations": {**_sends(catalogue), **_receives(catalogue)},
        "components": {
            "messages": {
                _message_key(event, version): _message(event, version)
                for event, version in versions
            },
            "schemas": {
                "eventflow-envelope": _ENVELOPE,
                **{key: payload(each, f"{_SCHEMAS}/{key}") for key, each in documents.items()},
            },
        },
    }


def _server(protocol: str) -> dict[str, Any]:
    return {
        "host": "{host}",
        "protocol": protocol,
        "description": "The broker that EVENTFLOW_BROKER_URL names.",
        "variables": {"host": {"description": "The broker's address, which is not published."}},
    }


def _channel(bus: str, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "address": bus,
        "title": f"The bus {bus}",
        "messages": {
            key: {"$ref": f"#/components/messages/{key}"}
            for event in catalogue.events
            if bus in event.buses
            for key in (_message_key(event, version) for version in event.versions)
        },
    }


def _message_key(event: EventEntry, version: VersionEntry) -> str:
    return f"{event.key}.{version.document.name.version}"


def _message(event: EventEntry, version: VersionEntry) -> dict[str, Any]:
    document = version.document
    key = _message_key(event, version)
    message: dict[str, Any] = {
        "name": event.type,
        "title": f"{event.type} {document.name.version}",
        "summary": document.description.strip().partition("\n")[0],
        "description": document.description,
        "contentType": "application/json",
        "headers": {
            "allOf": [
                {"$ref": f"{_SCHEMAS}/eventflow-envelope"},
                {
                    "properties": {
                        "source": {"const": event.source},
                        "detail-type": {"const": event.type},
                    }
                },
            ]
        },
        "payload": {"$ref": f"{_SCHEMAS}/{key}"},
        "tags": [{"name": event.source}, {"name": str(document.status)}],
        "x-eventflow": _extension(version),
    }
    # A key `$ref` in an example would be followed as a reference, by every reader of the document.
    examples = [example for example in document.examples if not holds_reference(example)]
    if examples:
        message["examples"] = [{"payload": example} for example in examples]
    return {name: value for name, value in message.items() if value != ""}


def _extension(version: VersionEntry) -> dict[str, Any]:
    document = version.document
    facts = {
        "dataschema": str(document.name),
        "status": str(document.status),
        "owner": document.owner,
        "deprecated_on": document.deprecated_on.isoformat() if document.deprecated_on else "",
        "successor": str(document.successor) if document.successor else "",
        "models": list(version.models),
    }
    return {name: value for name, value in facts.items() if value}


def _sends(catalogue: Catalogue) -> dict[str, Any]:
    sources = safe_keys(event.source for event in catalogue.events)
    return {
        f"{key}.sends.{bus}": {
            "action": "send",
            "title": f"{source} publishes",
            "channel": {"$ref": f"#/channels/{bus}"},
            "messages": _references(bus, events),
        }
        for source, key in sources.items()
        for bus, events in _by_bus(event for event in catalogue.events if event.source == source)
    }


def _receives(catalogue: Catalogue) -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for target in catalogue.targets:
        received = [
            (event, each)
            for event in catalogue.events
            for each in event.receivers
            if each.target is target
        ]
        for bus in sorted({each.rule.bus for _, each in received}):
            pairs = [(event, each) for event, each in received if each.rule.bus == bus]
            events = list({event.key: event for event, _ in pairs}.values())
            operations[f"{target.name}.receives.{bus}"] = _receive(target, bus, events, pairs)
    return operations


def _receive(
    target: Target,
    bus: str,
    events: list[EventEntry],
    pairs: list[tuple[EventEntry, Receiver]],
) -> dict[str, Any]:
    facts = {
        "target": target.name,
        "queue": target.queue,
        "integration": target.integration,
        "task": target.task,
        "owner": target.owner,
        "rules": list(dict.fromkeys(each.rule.name for _, each in pairs)),
    }
    operation = {
        "action": "receive",
        "title": f"{target.name} receives",
        "description": target.description,
        "channel": {"$ref": f"#/channels/{bus}"},
        "messages": _references(bus, events),
        "x-eventflow": {name: value for name, value in facts.items() if value},
    }
    return {name: value for name, value in operation.items() if value}


def _by_bus(events: Iterable[EventEntry]) -> list[tuple[str, list[EventEntry]]]:
    every = list(events)
    buses = sorted({bus for event in every for bus in event.buses})
    return [(bus, [event for event in every if bus in event.buses]) for bus in buses]


def _references(bus: str, events: Iterable[EventEntry]) -> list[dict[str, str]]:
    return [
        {"$ref": f"#/channels/{bus}/messages/{_message_key(event, version)}"}
        for event in events
        for version in event.versions
    ]
