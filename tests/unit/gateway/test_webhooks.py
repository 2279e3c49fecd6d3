"""Signed webhooks: GitHub's real payloads, and Standard Webhooks with its own library."""

import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from starlette.datastructures import Headers

from eventflow.gateway.publishers import GitHubPublisher, StandardWebhooksPublisher
from eventflow.gateway.refusals import Refusal
from eventflow.gateway.webhooks import read_webhook

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "github-webhooks"
OLD, NEW = "an old secret of github", "the secret that is in use now"
GITHUB = GitHubPublisher(name="github", secret=(SecretStr(OLD), SecretStr(NEW)))
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PARTNER = StandardWebhooksPublisher(
    name="partner", secret=(SecretStr(WHSEC),), source="partner.example", bus="money"
)
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def _github(body: bytes, secret: str = NEW, **changes: str | None) -> Headers:
    digest = hmac.new(secret.encode(), body, "sha256").hexdigest()
    headers = {
        "content-type": "application/json",
        "x-github-event": "push",
        "x-github-delivery": DELIVERY,
        "x-hub-signature-256": f"sha256={digest}",
    }
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    return Headers({k: v for k, v in (headers | changed).items() if v is not None})


def _standard(body: bytes, moment: datetime | None = None, **changes: str) -> Headers:
    moment = moment or datetime.now(UTC)
    signature = Webhook(WHSEC).sign("msg_1", moment, body.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature,
    }
    return Headers(headers | {name.replace("_", "-"): value for name, value in changes.items()})


@pytest.mark.skipif(not DATA.exists(), reason="the collection of real webhooks is not here")
def test_real_payloads_of_github() -> None:
    """Every real payload, signed as GitHub does, is an event with its payload whole."""
    lines = (DATA / "payloads.jsonl").read_text().splitlines()
    assert lines
    for line in lines:
        body = line.encode()
        event = read_webhook(GITHUB, _github(body), body)
        assert event.data == json.loads(line)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_github_names_the_event(secret: str) -> None:
    """The headers give type and id; either of two secrets is good while they change."""
    event = read_webhook(GITHUB, _github(b'{"a": 1}', secret), b'{"a": 1}')
    assert (event.id, event.source, event.type) == (DELIVERY, "github.com", "push")
    assert (event.data, event.bus) == ({"a": 1}, "default")


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        (_github(b"{}", "the wrong secret, long"), 401, "does not fit the body"),
        (_github(b"{ }"), 401, "does not fit the body"),
        (_github(b"{}", x_hub_signature_256=None), 401, "is missing"),
        (_github(b"{}", x_hub_signature_256="sha256=ü"), 401, "does not fit"),
        (_github(b"{}", x_github_delivery=None), 400, "x-github-delivery is missing"),
        (_github(b"{}", x_github_event=None), 400, "x-github-event is missing"),
        (
            _github(b"{}", content_type="application/x-www-form-urlencoded"),
            415,
            "content type to application/json",
        ),
    ],
)
def test_github_refused(headers: Headers, status: int, message: str) -> None:
    """A signature that does not fit, or a header that is missing, is refused and said."""
    with pytest.raises(Refusal, match=message) as caught:
        read_webhook(GITHUB, headers, b"{}")
    assert caught.value.status == status
    assert NEW not in str(caught.value)


@pytest.mark.parametrize("body", [b"[]", b"not json", b"[" * 100_000])
def test_a_payload_is_an_object(body: bytes) -> None:
    """A signed body that is no JSON object is refused."""
    with pytest.raises(Refusal):
        read_webhook(GITHUB, _github(body), body)


def test_standard_webhooks_name_the_event() -> None:
    """The id is the sender's in its source, the type the payload's, the time that of sending."""
    body = b'{"type": "invoice.paid", "timestamp": "x", "data": {"id": 7}}'
    moment = datetime.now(UTC).replace(microsecond=0)
    event = read_webhook(PARTNER, _standard(body, moment), body)
    assert (event.id, event.source, event.bus) == (
        "partner.example|msg_1",
        "partner.example",
        "money",
    )
    assert (event.type, event.time) == ("invoice.paid", moment)
    assert event.data == json.loads(body)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (lambda: _standard(b'{"type": "b"}'), "No matching signature"),
        (
            lambda: _standard(b'{"type": "a"}', datetime.now(UTC) - timedelta(minutes=6)),
            "timestamp too old",
        ),
        (
            lambda: _standard(b'{"type": "a"}', datetime.now(UTC) + timedelta(minutes=6)),
            "timestamp too new",
        ),
        (lambda: _standard(b'{"type": "a"}', webhook_id="msg_2"), "No matching signature"),
        (lambda: _standard(b'{"type": "a"}', webhook_signature="v1"), "it is malformed"),
        (lambda: _standard(b'{"type": "a"}', webhook_timestamp="nan"), "refused"),
        (lambda: Headers({}), "Missing required headers"),
    ],
)
def test_standard_webhooks_refused(headers: Callable[[], Headers], message: str) -> None:
    """Another body, id or time than was signed, and one of long ago, are refused."""
    with pytest.raises(Refusal, match=message) as caught:
        read_webhook(PARTNER, headers(), b'{"type": "a"}')
    assert caught.value.status == 401


def test_a_type_of_the_publisher_stands_in() -> None:
    """A payload without a type has the publisher's, and is refused where that has none."""
    body = b"{}"
    with pytest.raises(Refusal, match="has no `type`"):
        read_webhook(PARTNER, _standard(body), body)
    typed = PARTNER.model_copy(update={"type": "Ping"})
    assert "Ping" == read_webhook(typed, _standard(body), body).type
