"""Whatever is in a Redis list becomes a message."""

import base64
import json

import pytest

from eventflow.transport.redis_transport import LIST, UNDECODABLE, clean_entry, read_entry

GOOD = {
    "body": base64.b64encode(b"[[], {}, {}]").decode(),
    "content-type": "application/json",
    "content-encoding": "utf-8",
    "headers": {"task": "t", "id": "1"},
    "properties": {
        "body_encoding": "base64",
        "delivery_tag": "tag",
        "delivery_info": {"exchange": "", "routing_key": "q"},
    },
}


def test_the_list_counts_not_what_the_sender_says() -> None:
    """A message that names another queue carries the list's name; a priority is no part of it."""
    entry = json.dumps(GOOD).encode()
    assert entry == clean_entry(entry, "q\x06\x169")
    told = json.loads(clean_entry(entry, "other"))
    info = told["properties"]["delivery_info"]
    assert (info["routing_key"], info[LIST]) == ("q", "other")
    assert told["body"] == GOOD["body"]


def without(*path: str) -> bytes:
    """Return the good message without one of its parts."""
    message = json.loads(json.dumps(GOOD))
    place = message
    for part in path[:-1]:
        place = place[part]
    del place[path[-1]]
    return json.dumps(message).encode()


def marked(kind: str) -> bytes:
    """Return the good message with a header that kombu makes a value of."""
    headers = {**GOOD["headers"], "when": {"__type__": kind, "__value__": 5}}  # type: ignore[dict-item]
    return json.dumps({**GOOD, "headers": headers}).encode()


def test_a_message_stays_as_it_is() -> None:
    """A good entry is passed on byte for byte."""
    entry = json.dumps(GOOD).encode()
    assert entry == clean_entry(entry, "q")


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(b"garbage", id="no JSON"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"[1, 2]", id="an array"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(json.dumps(GOOD).encode("utf-16"), id="another encoding of text"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), id="a mark of its encoding"),
        pytest.param(marked("no-such-type"), id="a type that kombu does not know"),
        pytest.param(marked("uuid"), id="a value that is none of its type"),
        pytest.param(b'{"body": "x"}', id="no properties"),
        pytest.param(b'{"properties": []}', id="properties of another kind"),
        pytest.param(without("properties", "delivery_tag"), id="no tag"),
        pytest.param(without("properties", "delivery_info"), id="no delivery info"),
        pytest.param(without("properties", "delivery_info", "routing_key"), id="no routing key"),
        pytest.param(json.dumps({**GOOD, "body": 5}).encode(), id="a body of another kind"),
        pytest.param(json.dumps({**GOOD, "body": "%%%"}).encode(), id="a body that is no base64"),
        pytest.param(json.dumps(GOOD).replace("base64", "rot13").encode(), id="another encoding"),
        pytest.param(json.dumps({**GOOD, "headers": "x"}).encode(), id="headers of another kind"),
    ],
)
def test_what_is_no_message_is_carried_whole(entry: bytes) -> None:
    """Each kind of garbage becomes a message of its own type with the very bytes."""
    message = read_entry(entry, "q")
    assert message["content-type"] == UNDECODABLE
    assert entry == base64.b64decode(message["body"])
    assert message["properties"]["delivery_info"]["routing_key"] == "q"
    # What is cleaned is itself a message: it survives being given back and read once more.
    cleaned = clean_entry(entry, "q")
    assert cleaned == clean_entry(cleaned, "q") or UNDECODABLE in cleaned.decode()
