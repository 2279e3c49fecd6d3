"""What the OpenAPI document says of each route beyond what its signature does."""

from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse

from eventflow.gateway.content_modes import BATCH, MOST_EVENTS, STRUCTURED
from eventflow.gateway.eventbridge import MEDIA_TYPE, TARGET
from eventflow.gateway.put_events import MOST_ENTRIES
from eventflow.gateway.shown_rules import OPERATIONS

__all__ = [
    "DESCRIPTION",
    "EVENTBRIDGE",
    "EVENTS",
    "HEALTH",
    "READINESS",
    "SECURITY_SCHEMES",
    "WEBHOOKS",
]

DESCRIPTION = (
    "Publish events over HTTP: CloudEvents 1.0, EventBridge's own protocol, and signed webhooks."
)
Route = dict[str, Any]

_PROBLEM = "application/problem+json"
_TEXT: Route = {"type": "string", "minLength": 1}
_PRINTABLE = r"^[!-~]([ -~]*[!-~])?$"
_CLOUD_EVENT: Route = {
    "type": "object",
    "description": (
        "A CloudEvent 1.0. Its data is a JSON object, with integers of at most 64 bits; JSON in "
        "`data_base64` is read too. Other attributes are extensions."
    ),
    "propertyNames": {"pattern": "^[a-z0-9]+$"},
    "additionalProperties": {"type": ["string", "integer", "boolean", "null"]},
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"type": "string", "enum": ["1.0"]},
        "id": {**_TEXT, "pattern": _PRINTABLE, "description": "Unique in its source."},
        "source": {
            **_TEXT,
            "maxLength": 256,
            "pattern": r"^[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+$",
            "example": "courier.app",
        },
        "type": {
            **_TEXT,
            "maxLength": 128,
            "pattern": _PRINTABLE,
            "example": "CourierArrived",
        },
        "time": {"type": "string", "format": "date-time", "example": "2026-11-25T01:15:00Z"},
        "subject": {"type": "string", "maxLength": 1024},
        "dataschema": {"type": "string"},
        "datacontenttype": {"type": "string", "enum": ["application/json"]},
        "data": {"type": "object"},
        "bus": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "traceparent": {"type": "string"},
        "tracestate": {"type": "string"},
        "account": {"type": "string"},
        "region": {"type": "string"},
    },
}
_PROBLEM_SCHEMA: Route = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "string"}},
    },
}


def _json(schema: Route, media_type: str = "application/json") -> Route:
    return {media_type: {"schema": schema}}


def _refusals(*statuses: HTTPStatus) -> dict[int | str, Route]:
    return {
        int(status): {"description": status.phrase, "content": _json(_PROBLEM_SCHEMA, _PROBLEM)}
        for status in statuses
    }


_ANY_POST = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_IDS: Route = {
    "type": "object",
    "required": ["ids"],
    "properties": {
        "ids": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What the events are called here, in order; as `eventflow trace` takes it.",
        },
        "ignored": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Extension attributes that were passed over.",
        },
    },
}


def _header(name: str, schema: Route, description: str, *, required: bool = False) -> Route:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "schema": schema,
        "description": description,
    }


EVENTS: Route = {
    "summary": "Publish CloudEvents",
    "description": (
        "Binary (`application/json`, attributes in `ce-` headers), structured or batched. When it "
        "answers 202, all events are accepted; with any other status, none that is wrong is. Safe "
        "to repeat: an event is known by its source and id."
    ),
    "status_code": 202,
    "response_class": JSONResponse,
    "responses": {
        202: {
            "description": "Accepted",
            "content": {
                **_json(_IDS),
                **_json(_CLOUD_EVENT, STRUCTURED),
                **_json({"type": "array", "items": _CLOUD_EVENT}, BATCH),
            },
        },
        **_refusals(*_ANY_POST),
    },
    "openapi_extra": {
        "security": [{"key": []}, {"sigv4": []}],
        "parameters": [
            _header("ce-specversion", {"type": "string"}, "Binary mode: `1.0`."),
            _header("ce-id", {"type": "string"}, "Binary mode."),
            _header("ce-source", {"type": "string"}, "Binary mode."),
            _header("ce-type", {"type": "string"}, "Binary mode."),
            _header(
                "prefer",
                {"type": "string"},
                "`return=representation` answers with the events as they were accepted.",
            ),
        ],
        "requestBody": {
            "required": True,
            "content": {
                **_json(_CLOUD_EVENT, STRUCTURED),
                **_json({"type": "array", "items": _CLOUD_EVENT, "maxItems": MOST_EVENTS}, BATCH),
                **_json({"type": "object", "description": "The event's data."}),
            },
        },
    },
}
"""POST /events."""

WEBHOOKS: Route = {
    "summary": "Receive a signed webhook",
    "description": (
        "From GitHub (`X-Hub-Signature-256`) or by Standard Webhooks (`webhook-signature`); which, "
        "and with which secret, says the publisher of that name."
    ),
    "status_code": 202,
    "response_class": JSONResponse,
    "responses": {
        202: {"description": "Accepted", "content": _json(_IDS)},
        **_refusals(*_ANY_POST, HTTPStatus.NOT_FOUND),
    },
    "openapi_extra": {
        "requestBody": {"required": True, "content": _json({"type": "object"})},
    },
}
"""POST /webhooks/NAME."""

_ERROR: Route = {
    "type": "object",
    "required": ["__type", "message"],
    "properties": {"__type": {"type": "string"}, "message": {"type": "string"}},
}
_TARGETS = [f"{TARGET}.{name}" for name in ("PutEvents", "TestEventPattern", *OPERATIONS)]

EVENTBRIDGE: Route = {
    "summary": "EventBridge's own protocol",
    "description": (
        "What AWS SDKs send to the service `events`: set their endpoint to this server. "
        f"PutEvents takes up to {MOST_ENTRIES} entries."
    ),
    "status_code": 200,
    "response_class": JSONResponse,
    "responses": {
        200: {"description": "Done", "content": _json({"type": "object"}, MEDIA_TYPE)},
        **{
            status: {"description": "Refused", "content": _json(_ERROR, MEDIA_TYPE)}
            for status in (400, 408, 413, 415, 500, 503)
        },
    },
    "openapi_extra": {
        "security": [{"sigv4": []}, {"key": []}],
        "parameters": [
            _header(
                "x-amz-target",
                {"type": "string", "enum": _TARGETS},
                "Which operation.",
                required=True,
            )
        ],
        "requestBody": {"required": True, "content": _json({"type": "object"}, MEDIA_TYPE)},
    },
}
"""POST /."""

_STATUS: Route = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"type": "string"}},
}

HEALTH: Route = {
    "summary": "Whether the process lives",
    "response_class": JSONResponse,
    "responses": {200: {"description": "It does", "content": _json(_STATUS)}},
}
"""GET /healthz."""

READINESS: Route = {
    "summary": "Whether events can be published: the ledger answers",
    "response_class": JSONResponse,
    "responses": {
        200: {"description": "It does", "content": _json(_STATUS)},
        **_refusals(HTTPStatus.SERVICE_UNAVAILABLE),
    },
}
"""GET /readyz."""

SECURITY_SCHEMES: Route = {
    "key": {"type": "http", "scheme": "bearer", "description": "A publisher's key."},
    "sigv4": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4, for the service `events`.",
    },
}
"""How publishers prove who they are."""
