"""Signed webhooks as events: GitHub's, and Standard Webhooks."""

import hmac
import json
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from standardwebhooks import Webhook
from starlette.datastructures import Headers

from eventflow.errors import EventError
from eventflow.events import Event, describe_kind, validate_event
from eventflow.gateway.cloud_events import event_id
from eventflow.gateway.publishers import (
    GitHubPublisher,
    StandardWebhooksPublisher,
    WebhookPublisher,
)
from eventflow.gateway.refusals import Refusal

__all__ = ["read_webhook"]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read_webhook(publisher: WebhookPublisher, headers: Headers, body: bytes) -> Event[Any]:
    """Check a webhook's signature, and make an event of it.

    Args:
        publisher: Whose webhook it is.
        headers: The request's headers.
        body: Its body, as it was signed.

    Returns:
        The event; its data is the payload, whole.

    Raises:
        Refusal: When it is not signed by the publisher, or no event can be made of it.
    """
    if isinstance(publisher, GitHubPublisher):
        _check_github(publisher, headers, body)
        return _event(_github_fields(publisher, headers, _payload(headers, body)))
    _check_standard(publisher, headers, body)
    return _event(_standard_fields(publisher, headers, _payload(headers, body)))


def _check_github(publisher: GitHubPublisher, headers: Headers, body: bytes) -> None:
    given = headers.get("x-hub-signature-256", "")
    is_right = False
    for secret in publisher.secret:
        digest = hmac.digest(secret.get_secret_value().encode(), body, "sha256").hex()
        is_right |= hmac.compare_digest(f"sha256={digest}".encode(), given.encode("latin-1"))
    if not is_right:
        message = (
            "X-Hub-Signature-256 is missing"
            if not given
            else "X-Hub-Signature-256 does not fit the body: is the secret the same on both sides?"
        )
        raise Refusal(message, HTTPStatus.UNAUTHORIZED)


def _github_fields(
    publisher: GitHubPublisher, headers: Headers, payload: dict[str, Any]
) -> dict[str, Any]:
    delivery = _needed(headers, "x-github-delivery")
    return {
        # GitHub's ids are UUIDs, foreseeable ones among them; whoever sends them was proven.
        "id": delivery if _UUID.fullmatch(delivery) else event_id(publisher.source, delivery),
        "source": publisher.source,
        "type": _needed(headers, "x-github-event"),
        "bus": publisher.bus,
        "data": payload,
    }


def _check_standard(publisher: StandardWebhooksPublisher, headers: Headers, body: bytes) -> None:
    reason = ""
    for secret in publisher.secret:
        try:
            Webhook(secret.get_secret_value()).verify(body, dict(headers), json_parse=False)
        except Exception as error:  # noqa: BLE001 - it also passes on what base64 and split raise
            reason = str(error) if type(error).__name__.startswith("Webhook") else "it is malformed"
        else:
            return
    message = f"the webhook's signature is refused: {reason}"
    raise Refusal(message, HTTPStatus.UNAUTHORIZED)


def _standard_fields(
    publisher: StandardWebhooksPublisher, headers: Headers, payload: dict[str, Any]
) -> dict[str, Any]:
    kind = payload.get("type")
    if not isinstance(kind, str):
        kind = publisher.type
    if kind is None:
        message = "the payload has no `type`, and the publisher none for those without"
        raise Refusal(message, HTTPStatus.UNPROCESSABLE_ENTITY)
    seconds = float(headers["webhook-timestamp"])
    return {
        "id": event_id(publisher.source, headers["webhook-id"]),
        "source": publisher.source,
        "type": kind,
        "time": datetime.fromtimestamp(seconds, UTC),
        "bus": publisher.bus,
        "data": payload,
    }


def _payload(headers: Headers, body: bytes) -> dict[str, Any]:
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        message = "set the webhook's content type to application/json where it is sent from"
        raise Refusal(message, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        message = f"the body is no JSON: {error}"
        raise Refusal(message) from None
    if not isinstance(payload, dict):
        message = f"the body must be a JSON object, not {describe_kind(payload)}"
        raise Refusal(message)
    return payload


def _needed(headers: Headers, name: str) -> str:
    value = headers.get(name, "")
    if not value:
        message = f"the header {name} is missing"
        raise Refusal(message)
    return value


def _event(fields: dict[str, Any]) -> Event[Any]:
    try:
        return validate_event(fields)
    except EventError as error:
        raise Refusal(str(error)) from None
