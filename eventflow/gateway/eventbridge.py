"""EventBridge's wire protocol, AWS JSON 1.1: any AWS SDK publishes here once its endpoint is set."""

import json
import logging
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from eventflow.errors import EventflowError, PatternError, PublishError
from eventflow.events import Event, describe_kind
from eventflow.gateway.authentication import region_of
from eventflow.gateway.publishers import Publisher
from eventflow.gateway.put_events import check_entries, failure_of, read_entry, result_of
from eventflow.gateway.reception import Reception
from eventflow.gateway.refusals import Refusal
from eventflow.gateway.shown_rules import ACCOUNT, OPERATIONS, Question
from eventflow.gateway.trace_headers import with_trace
from eventflow.patterns import Pattern

__all__ = ["MEDIA_TYPE", "TARGET", "answer_aws"]

MEDIA_TYPE = "application/x-amz-json-1.1"
TARGET = "AWSEvents"
"""What `X-Amz-Target` begins with, before a dot and the operation."""

_log = logging.getLogger(__name__)
_LONGEST_PATTERN = 4096
_NEEDED = ("id", "account", "source", "time", "region", "resources", "detail-type")
# What AWS answers with at a status, where the refusal has no name of its own there.
_CODES = {
    HTTPStatus.REQUEST_TIMEOUT: "RequestTimeoutException",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "RequestEntityTooLargeException",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "SerializationException",
    HTTPStatus.SERVICE_UNAVAILABLE: "ServiceUnavailable",
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalException",
}
_KEPT = frozenset(_CODES)  # the rest is 400: SDKs go by the name


async def answer_aws(reception: Reception, request: Request) -> Response:
    """Answer a request of an AWS SDK.

    Args:
        reception: Publishes, and knows the rules.
        request: The request.

    Returns:
        The answer, or the error as AWS writes it.
    """
    request_id = str(uuid.uuid4())
    try:
        publisher, body = await reception.admit(request)
        document = await _answer(reception, request, publisher, body)
    except Refusal as refusal:
        return _error(refusal, request_id)
    except Exception:  # noqa: BLE001 - whatever it is, an SDK must be able to read it
        _log.exception("a request failed: %s", request_id, extra={"action": "gateway_failed"})
        message = "An internal error occurred."
        return _error(Refusal(message, HTTPStatus.INTERNAL_SERVER_ERROR), request_id)
    return _respond(document, HTTPStatus.OK, {}, request_id)


async def _answer(
    reception: Reception, request: Request, publisher: Publisher, body: bytes
) -> dict[str, Any]:
    prefix, _, operation = request.headers.get("x-amz-target", "").partition(".")
    if prefix != TARGET or operation not in {"PutEvents", "TestEventPattern", *OPERATIONS}:
        message = (
            f"{operation or 'this'} is no operation here: events are put and patterns tested, "
            "rules and buses shown; they change in the rule files"
        )
        raise Refusal(message, code="UnknownOperationException")
    document = _parse(body)
    if operation == "PutEvents":
        return await _put_events(reception, publisher, document, request.headers)
    reception.count(publisher, 1)
    if operation == "TestEventPattern":
        return _test_pattern(document)
    if not publisher.reads_rules:
        message = (
            f"User: arn:aws:iam::{ACCOUNT}:user/{publisher.name} is not authorized to perform: "
            f"events:{operation} because the publisher has no reads_rules: true"
        )
        raise Refusal(message, code="AccessDeniedException")
    question = Question(document, await reception.rules(), publisher, region_of(request))
    return OPERATIONS[operation](question)


async def _put_events(
    reception: Reception,
    publisher: Publisher,
    document: Mapping[str, Any],
    headers: Mapping[str, str],
) -> dict[str, Any]:
    entries = check_entries(document)
    reception.count(publisher, len(entries))
    events: list[Event[Any]] = []
    results: list[dict[str, str] | None] = []
    for entry in entries:
        try:
            events.append(read_entry(entry, publisher))
            results.append(None)  # known once it is published
        except EventflowError as error:
            results.append(failure_of(error))
    events = with_trace(headers, events)
    outcomes = await reception.publish_each(events) if events else []
    if events and all(isinstance(outcome, PublishError) for outcome in outcomes):
        # An SDK sends a request again that failed as a whole, and not its failed entries.
        raise Refusal(str(outcomes[0]), HTTPStatus.INTERNAL_SERVER_ERROR)
    published = map(_result, events, outcomes)
    answered = [result if result is not None else next(published) for result in results]
    failed = sum("ErrorCode" in result for result in answered)
    return {"FailedEntryCount": failed, "Entries": answered}


def _result(event: Event[Any], error: EventflowError | None) -> dict[str, str]:
    return result_of(event) if error is None else failure_of(error)


def _test_pattern(document: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: document.get(name) for name in ("EventPattern", "Event")}
    for name, text in texts.items():
        if not isinstance(text, str):
            message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            raise Refusal(message, code="ValidationException")
    pattern_text, event_text = str(texts["EventPattern"]), str(texts["Event"])
    if len(pattern_text) > _LONGEST_PATTERN:
        message = (
            "1 validation error detected: Value at 'eventPattern' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LONGEST_PATTERN}"
        )
        raise Refusal(message, code="ValidationException")
    try:
        pattern = Pattern(json.loads(pattern_text))
    except (PatternError, ValueError, RecursionError) as error:
        message = f"Event pattern is not valid. Reason: {error}"
        raise Refusal(message, code="InvalidEventPatternException") from None
    return {"Result": pattern.matches(_read_event(event_text))}


def _read_event(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        message = "Parameter Event is not valid. Reason: it is not a JSON object."
        raise Refusal(message, code="ValidationException")
    missing = [name for name in _NEEDED if name not in event]
    if missing:
        message = f"Parameter Event is not valid. Reason: {', '.join(missing)} must be there."
        raise Refusal(message, code="ValidationException")
    return event


def _parse(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        message = "The request body is not JSON."
        raise Refusal(message, code="SerializationException") from None
    if not isinstance(document, dict):
        message = f"The request body must be a JSON object, not {describe_kind(document)}."
        raise Refusal(message, code="SerializationException")
    return document


def _error(refusal: Refusal, request_id: str) -> Response:
    code = refusal.code or _CODES.get(HTTPStatus(refusal.status), "ValidationException")
    status = refusal.status if refusal.status in _KEPT else HTTPStatus.BAD_REQUEST
    headers = {name: value for name, value in refusal.headers.items() if "Auth" not in name}
    return _respond({"__type": code, "message": refusal.message}, status, headers, request_id)


def _respond(
    document: Mapping[str, Any], status: int, headers: Mapping[str, str], request_id: str
) -> Response:
    return Response(
        json.dumps(document),  # in ASCII: what is refused may be text that no encoding can hold
        status,
        {"x-amzn-RequestId": request_id, **headers},
        MEDIA_TYPE,
    )
