"""The gateway on a real server: CloudEvents, webhooks, keys and limits over real HTTP."""

import hmac
import json
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import redis
from cloudevents.core.bindings.http import HTTPMessage, from_binary_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks import Webhook

from eventflow.gateway import server as server_module
from eventflow.settings import Settings
from tests.gateway import GITHUB_SECRET, KEY, SECRET_KEY, WHSEC, serving, write_publishers
from tests.ports import free_port

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
EVENT = {"specversion": "1.0", "id": "1", "source": "courier.app", "type": "Arrived", "data": {}}


@pytest.fixture(scope="module")
def settings(server_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a gateway with publishers, and little patience."""
    place = tmp_path_factory.mktemp("gateway")
    return server_settings.with_changes(
        publishers=write_publishers(place),
        http_max_bytes=64 * 1024,
        max_event_bytes=32 * 1024,
        http_timeout=5.0,
    )


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    """A gateway's address."""
    with serving(settings) as found:
        yield found


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    """A client with the courier's key."""
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=address, headers=headers, timeout=30, trust_env=False) as client:
        yield client


def _stored(client: redis.Redis, event_id: str, bus: str = "default") -> dict[str, Any]:
    body = client.get(f"eventflow:{{{bus}}}:body:{event_id}")
    assert isinstance(body, bytes), f"{event_id} is not in the ledger"
    return json.loads(body)


def _count(client: redis.Redis) -> int:
    return len(list(client.scan_iter("eventflow:*:body:*")))


def test_binary(http: httpx.Client, client: redis.Redis) -> None:
    """What the official package sends in headers is in the ledger when 202 comes."""
    event = CloudEvent(
        {"source": "courier.app", "type": "Arrived", "id": "7", "bus": "doors", "subject": "P 7"},
        {"door": 7},
    )
    message = to_binary_event(event)
    answer = http.post("/events", headers=dict(message.headers), content=bytes(message.body))
    assert (answer.status_code, answer.json()) == (202, {"ids": ["courier.app|7"], "ignored": []})
    stored = _stored(client, "courier.app|7", "doors")
    assert (stored["detail"], stored["subject"]) == ({"door": 7}, "P 7")


def test_the_event_comes_back_where_it_is_preferred(
    http: httpx.Client, client: redis.Redis
) -> None:
    """With `Prefer: return=representation` the answer is the event, in the mode of the request."""
    message = to_binary_event(
        CloudEvent({"source": "courier.app", "type": "A", "id": "8"}, {"n": 1})
    )
    headers = {**message.headers, "Prefer": "return=representation"}
    answer = http.post("/events", headers=headers, content=bytes(message.body))
    back = from_binary_event(HTTPMessage(dict(answer.headers), answer.content))
    assert (back.get_id(), back.get_data()) == ("8", {"n": 1})
    assert answer.headers["preference-applied"] == "return=representation"


def test_an_event_sent_twice_is_one(http: httpx.Client, client: redis.Redis) -> None:
    """Sending the same event again is accepted, and there is one event."""
    for _ in range(2):
        assert http.post("/events", headers=STRUCTURED, json=EVENT).status_code == 202
    assert _count(client) == 1


def test_a_batch_is_all_or_nothing(http: httpx.Client, client: redis.Redis) -> None:
    """A batch with a faulty event is refused with its number, and none of it is published."""
    batch = [EVENT, {**EVENT, "id": "2", "data": [1]}]
    refused = http.post("/events", headers=BATCH, json=batch)
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["errors"] == ["events[1]: data: must be an object, not an array"]
    assert _count(client) == 0
    batch = [EVENT, {**EVENT, "id": "2"}]
    assert http.post("/events", headers=BATCH, json=batch).json()["ids"] == [
        "courier.app|1",
        "courier.app|2",
    ]
    assert _count(client) == 2


def test_what_cannot_be_published_is_said(http: httpx.Client, client: redis.Redis) -> None:
    """An event that is too large or too deep to publish is refused with what to do."""
    large = {**EVENT, "data": {"x": "y" * 40_000}}
    answer = http.post("/events", headers=STRUCTURED, json=large)
    assert answer.status_code == 422
    assert "EVENTFLOW_MAX_EVENT_BYTES" in answer.json()["detail"]
    deep: dict[str, Any] = {}
    for _ in range(150):
        deep = {"a": deep}
    answer = http.post("/events", headers=STRUCTURED, json={**EVENT, "data": deep})
    assert answer.status_code == 422
    assert "EVENTFLOW_MAX_EVENT_DEPTH" in answer.json()["detail"]
    bottomless = "[" * 30_000
    answer = http.post("/events", headers=STRUCTURED, content=bottomless)
    assert answer.status_code == 400
    assert _count(client) == 0


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        ({**EVENT, "source": "billing"}, "source: 'billing' is none of its sources"),
        ({**EVENT, "bus": "money"}, "bus: 'money' is none of its buses"),
    ],
)
def test_a_publisher_is_bound(
    http: httpx.Client, client: redis.Redis, event: dict[str, Any], fault: str
) -> None:
    """A source or bus that is not the publisher's is refused, and nothing is published."""
    answer = http.post("/events", headers=STRUCTURED, json=event)
    assert answer.status_code == 403
    assert answer.json()["errors"][0].startswith(fault)
    assert _count(client) == 0


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", "Basic eDp5", "Bearer", "Bearer ü"]
)
def test_nobody_is_refused(
    address: str, authorization: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a key, or with a wrong one, the answer is 401 and says how to prove oneself."""
    headers = [(b"content-type", STRUCTURED["content-type"].encode())]
    if authorization is not None:
        headers.append((b"authorization", authorization.encode()))
    with caplog.at_level(logging.DEBUG):
        answer = httpx.post(f"{address}/events", headers=headers, json=EVENT, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "wrong" not in caplog.text


def test_a_rate_is_held(address: str, client: redis.Redis) -> None:
    """Beyond its rate a publisher gets 429 and the seconds to wait."""
    headers = {"Authorization": "Bearer slow", **STRUCTURED}
    answers = [
        httpx.post(f"{address}/events", headers=headers, json=EVENT, trust_env=False)
        for _ in range(3)
    ]
    assert [202, 202, 429] == [answer.status_code for answer in answers]
    assert 1000 < int(answers[2].headers["retry-after"]) <= 1800


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "\ud800"},
        {"id": "\ud800" * 300},
        {"\ud800": "x"},
        {"data": {"x": "\ud800"}},
        {"data": {"n": 10**30}},
        {"type": "\ud800"},
    ],
    ids=ascii,
)
def test_what_no_text_can_hold_is_refused(
    http: httpx.Client, client: redis.Redis, change: dict[str, Any]
) -> None:
    """Half of a surrogate pair, wherever it is, and a huge integer are the sender's fault."""
    body = json.dumps({**EVENT, **change})
    answer = http.post("/events", headers=STRUCTURED, content=body)
    assert answer.status_code in {400, 422}, answer.text
    assert _count(client) == 0


def test_webhooks(http: httpx.Client, client: redis.Redis) -> None:
    """A webhook of GitHub and a Standard Webhook are events; neither needs a key."""
    body = b'{"action": "opened"}'
    delivery = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    headers = {
        "Authorization": "",
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": "sha256="
        + hmac.new(GITHUB_SECRET.encode(), body, "sha256").hexdigest(),
    }
    answer = http.post("/webhooks/github", headers=headers, content=body)
    assert (answer.status_code, answer.json()) == (202, {"ids": [delivery]})
    assert _stored(client, delivery)["detail-type"] == "issues"
    refused = http.post("/webhooks/github", headers=headers, content=b"{}")
    assert refused.status_code == 401

    now = datetime.now(UTC)
    body = b'{"type": "invoice.paid", "data": {}}'
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(WHSEC).sign("msg_1", now, body.decode()),
    }
    answer = http.post("/webhooks/partner", headers=headers, content=body)
    assert answer.json() == {"ids": ["partner.example|msg_1"]}
    for name in ("courier", "nobody"):
        assert http.post(f"/webhooks/{name}", headers=headers, content=body).status_code == 404


def _raw(address: str, text: str) -> socket.socket:
    place = urlsplit(address)
    connection = socket.create_connection((str(place.hostname), place.port or 80), timeout=30)
    connection.sendall(text.encode())
    return connection


def _head(length: int) -> str:
    return (
        f"POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/cloudevents+json\r\nContent-Length: {length}\r\n\r\n"
    )


def test_a_large_request_is_refused_before_it_is_sent(address: str) -> None:
    """A request that says it is too large gets 413 at once, with none of its body sent."""
    with _raw(address, _head(10**9)) as connection:
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_large_request_of_unknown_length_is_cut(address: str) -> None:
    """A request in chunks gets 413 once it has become too large."""
    head = _head(0).replace("Content-Length: 0", "Transfer-Encoding: chunked")
    chunk = f"{8192:x}\r\n{'x' * 8192}\r\n" * 9
    with _raw(address, head + chunk) as connection:
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_endless_headers_are_cut(address: str) -> None:
    """Headers that go on and on end with the connection."""
    lines = (f"x-{number}: {'x' * 1000}\r\n".encode() for number in range(100_000))
    with _raw(address, "POST /events HTTP/1.1\r\n") as connection, pytest.raises(OSError):
        connection.sendall(b"".join(lines))


def test_a_refusal_reaches_one_who_still_sends(address: str) -> None:
    """Who sends a large body without a key reads why it is refused, and not that it is cut."""
    headers = {**STRUCTURED, "Authorization": "Bearer wrong"}
    with httpx.Client(base_url=address, trust_env=False) as http:
        for _ in range(2):
            answer = http.post("/events", headers=headers, content=b"x" * 2_000_000)
            assert answer.status_code == 401


def test_a_second_request_on_a_connection_is_answered(http: httpx.Client) -> None:
    """A connection that is kept serves one request after the other."""
    for _ in range(3):
        assert http.get("/healthz").status_code == 200


def test_a_compressed_request_is_refused(http: httpx.Client) -> None:
    """A body that is compressed is refused: a small one could become a huge one."""
    answer = http.post("/events", headers={**STRUCTURED, "content-encoding": "gzip"}, content=b"x")
    assert answer.status_code == 415


def test_slow_clients_are_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, client: redis.Redis
) -> None:
    """A body that does not come is answered with 408, headers that do not come with the end."""
    monkeypatch.setattr(server_module, "_PATIENCE", 0.2)
    with serving(settings.with_changes(http_timeout=0.2)) as address:
        with _raw(address, _head(100) + "{") as connection:
            assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
        with _raw(address, "POST /events HTTP/1.1\r\nHost: ") as connection:
            assert connection.recv(65536) == b""
        with _raw(address, "") as connection:
            assert connection.recv(65536) == b""


def test_health_and_pages(http: httpx.Client) -> None:
    """It lives, is ready, and its page needs nothing from outside."""
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").json() == {"status": "ready"}
    page = http.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    assert http.get("/openapi.json").json()["info"]["title"] == "eventflow"
    assert http.get("/nothing").json()["status"] == 404
    refused = http.get("/events")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_the_ledger_is_away(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Without the ledger it lives, is not ready, and publishing says to come again."""
    gone = settings.with_changes(redis_url=f"redis://:hidden@127.0.0.1:{free_port()}/0")
    with serving(gone) as address, httpx.Client(base_url=address, trust_env=False) as http:
        assert http.get("/healthz").status_code == 200
        not_ready = http.get("/readyz")
        assert not_ready.status_code == 503
        headers = {**STRUCTURED, "Authorization": f"Bearer {KEY}"}
        answer = http.post("/events", headers=headers, json=EVENT)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["errors"] == ["courier.app|1: was not accepted"]
    assert "hidden" not in caplog.text + answer.text + not_ready.text
    assert any(getattr(one, "action", "") == "gateway_not_ready" for one in caplog.records)


def test_without_keys_it_serves_this_machine(settings: Settings, client: redis.Redis) -> None:
    """Where nobody is asked who he is, only what comes to localhost is answered."""
    with serving(settings, is_open=True) as address:
        answer = httpx.post(f"{address}/events", headers=STRUCTURED, json=EVENT, trust_env=False)
        assert answer.status_code == 202
        headers = {**STRUCTURED, "Host": "rebound.example"}
        answer = httpx.post(f"{address}/events", headers=headers, json=EVENT, trust_env=False)
        assert answer.status_code == 403


def test_secrets_stay_out_of_errors(http: httpx.Client) -> None:
    """An access key without a right signature gets an answer that shows no secret."""
    answer = http.post("/events", headers={"Authorization": "AWS4-HMAC-SHA256 x"}, json=EVENT)
    assert answer.status_code == 401
    assert SECRET_KEY not in answer.text


def test_a_faulty_file_is_refused(settings: Settings, tmp_path: Path) -> None:
    """An application is not made of a faulty file of publishers, nor without one."""
    from eventflow.errors import PublishersError, StartError
    from eventflow.gateway.application import build_application

    (tmp_path / "p.yaml").write_text("publishers: {a: 1}")
    with pytest.raises(PublishersError):
        build_application(settings.with_changes(publishers=tmp_path / "p.yaml"))
    with pytest.raises(StartError, match="--no-auth"):
        build_application(settings.with_changes(publishers=None))
