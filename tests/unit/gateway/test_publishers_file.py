"""The file of publishers: what is read, every fault with its place, and no secret anywhere."""

import hashlib
from pathlib import Path

import pytest

from eventflow.errors import PublishersError
from eventflow.gateway.publishers import (
    AccessKeyPublisher,
    GitHubPublisher,
    KeyPublisher,
    Publishers,
    StandardWebhooksPublisher,
)
from eventflow.gateway.publishers_file import load_publishers

SECRET = "it-is-never-shown-anywhere"
HASH = hashlib.sha256(b"key").hexdigest()
WHOLE = f"""
publishers:
  courier:
    kind: key
    key_sha256: {HASH}
    sources: [courier.app, "courier.doors.*"]
    rate: 50/s
  billing:
    kind: sigv4
    access_key: AKIDBILLING
    secret: {{env: BILLING}}
    sources: billing
    buses: [default, money]
    reads_rules: true
  github:
    kind: github
    secret: [{{file: github.txt}}, {{env: BILLING}}]
  partner:
    kind: standard-webhooks
    secret: {{env: PARTNER}}
    source: partner.example
    bus: money
"""

TWINS = f"""publishers:
  a: {{kind: key, key_sha256: {HASH}, sources: x}}
  b: {{kind: key, key_sha256: {HASH}, sources: y}}
"""


def _load(place: Path, text: str) -> Publishers:
    path = place / "publishers.yaml"
    path.write_text(text)
    return load_publishers(path)


def _faults(place: Path, text: str) -> list[str]:
    with pytest.raises(PublishersError) as caught:
        _load(place, text)
    assert SECRET not in str(caught.value)
    return [
        str(problem).removeprefix(f"{place / 'publishers.yaml'}:")
        for problem in caught.value.problems
    ]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Secrets in the environment and in a file."""
    monkeypatch.setenv("BILLING", SECRET)
    monkeypatch.setenv("PARTNER", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (tmp_path / "github.txt").write_text(f"{SECRET}\n")


def test_each_kind_is_read(tmp_path: Path) -> None:
    """A file with each kind of publisher gives each of them, secrets from variable and file."""
    publishers = _load(tmp_path, WHOLE)
    courier, billing, github, partner = publishers.every
    assert isinstance(courier, KeyPublisher)
    assert str(courier.rate) == "50/s"
    assert isinstance(billing, AccessKeyPublisher)
    assert billing.secret.get_secret_value() == SECRET
    assert billing.sources == ("billing",)
    assert isinstance(github, GitHubPublisher)
    assert [each.get_secret_value() for each in github.secret] == [SECRET, SECRET]
    assert (github.source, github.bus) == ("github.com", "default")
    assert isinstance(partner, StandardWebhooksPublisher)
    assert publishers.webhook("partner") is partner
    assert publishers.webhook("courier") is None


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """Neither the repr nor the text of the publishers holds a secret or a key's hash."""
    publishers = _load(tmp_path, WHOLE)
    for text in (repr(publishers), str(publishers), repr(publishers.every[1])):
        assert SECRET not in text
        assert HASH not in text


@pytest.mark.parametrize(
    ("source", "is_allowed"),
    [
        ("courier.app", True),
        ("courier.app2", False),
        ("courier.doors.7", True),
        ("courier.doors", False),
        ("Courier.app", False),
    ],
)
def test_sources_bind(tmp_path: Path, source: str, is_allowed: bool) -> None:
    """A source is allowed where it is named, or begins as one that ends in a star."""
    courier = _load(tmp_path, WHOLE).every[0]
    assert isinstance(courier, KeyPublisher)
    assert courier.may_publish_as(source) is is_allowed
    assert courier.may_use("default")
    assert not courier.may_use("money")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("[]", "1:1: must be a mapping with the key publishers"),
        ("publishers: []", "1:13: publishers: must be a mapping of names"),
        ("publisher: {}", "1:1: publisher: 'publisher' is an unknown key; did you mean"),
        ("publishers: {a b: {}}", "1:14: publishers.a b: 'a b' cannot be a publisher"),
        ("publishers: {a: 1}", "1:17: publishers.a: must be a mapping"),
        ("publishers: {a: {kind: x}}", "1:24: publishers.a.kind: must be one of key, sigv4"),
        (
            f"publishers: {{a: {{kind: key, key_sha256: {SECRET}, sources: x}}}}",
            "1:41: publishers.a.key_sha256[0]: must be the SHA-256 of the key",
        ),
        (
            f"publishers: {{a: {{kind: key, key_sha256: {HASH}}}}}",
            "1:17: publishers.a.sources: is missing",
        ),
        (
            f"publishers: {{a: {{kind: key, key_sha256: {HASH}, sources: 'a*b'}}}}",
            "publishers.a.sources[0]: 'a*b' must be a source",
        ),
        (
            f"publishers: {{a: {{kind: key, key_sha256: {HASH}, sources: x, rat: 1/s}}}}",
            "'rat' is an unknown key; did you mean 'rate'?",
        ),
        (
            f"publishers: {{a: {{kind: github, secret: {SECRET}}}}}",
            "1:40: publishers.a.secret: must say where the secret is",
        ),
        (
            "publishers: {a: {kind: github, secret: {env: NOT_SET}}}",
            "1:40: publishers.a.secret: the variable 'NOT_SET' is not set",
        ),
        (
            "publishers: {a: {kind: github, secret: {file: none.txt}}}",
            "none.txt' cannot be read: No such file",
        ),
        (
            "publishers: {a: {kind: standard-webhooks, source: x, secret: {file: short.txt}}}",
            "is shorter than 16 characters",
        ),
        (
            "publishers: {a: {kind: standard-webhooks, source: 'x*', secret: {env: PARTNER}}}",
            "must be one source",
        ),
        (
            TWINS,
            "two publishers have the same key_sha256",
        ),
    ],
)
def test_faults_have_a_place_and_no_value(tmp_path: Path, text: str, fault: str) -> None:
    """Each fault is told at its line and column, with what to do and without the secret."""
    (tmp_path / "short.txt").write_text("whsec_AAAA")
    found = _faults(tmp_path, text)
    assert any(fault in one for one in found), found


def test_all_faults_at_once(tmp_path: Path) -> None:
    """Two faulty publishers are two faults of one error."""
    text = "publishers:\n  a: {kind: github, secret: {env: NONE}}\n  b: {kind: pigeon}\n"
    assert len(_faults(tmp_path, text)) == 2


def test_a_missing_file_says_which_setting(tmp_path: Path) -> None:
    """A file that is not there names the variable that says where it is."""
    with pytest.raises(PublishersError, match="EVENTFLOW_PUBLISHERS"):
        load_publishers(tmp_path / "none.yaml")
