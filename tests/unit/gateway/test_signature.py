"""AWS Signature Version 4, checked against botocore, which signs."""

import time
from collections.abc import Callable

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from eventflow.gateway.refusals import Refusal
from eventflow.gateway.signature import SignedRequest, check_signature, read_credential

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
BODY = b'{"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]}'


def _sign(path: str = "/", service: str = "events", region: str = "eu-west-1") -> SignedRequest:
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSEvents.PutEvents",
        "Host": "127.0.0.1:8080",
    }
    request = AWSRequest("POST", f"http://127.0.0.1:8080{path}", headers, BODY)
    SigV4Auth(Credentials("AKIDEXAMPLE", SECRET), service, region).add_auth(request)
    pairs = [(name.lower(), value) for name, value in request.headers.items()]
    path, _, query = path.partition("?")
    return SignedRequest("POST", path, query, pairs, BODY)


def _check(request: SignedRequest, *, secret: str = SECRET, later: float = 0) -> None:
    credential = read_credential(request.values("authorization")[0])
    check_signature(request, credential, secret, now=time.time() + later)


def _with(request: SignedRequest, name: str, change: Callable[[str], str]) -> SignedRequest:
    headers = [(key, change(value) if key == name else value) for key, value in request.headers]
    return SignedRequest(request.method, request.path, request.query, headers, request.body)


@pytest.mark.parametrize("path", ["/", "/events", "/?b=2&a=1", "/webhooks/a%20b"])
def test_what_botocore_signs_is_accepted(path: str) -> None:
    """A request that botocore has signed with the secret is accepted, whatever its path and query."""
    _check(_sign(path))


def test_the_credential_is_read() -> None:
    """Key, region and service of the header are told apart."""
    credential = read_credential(_sign(region="sa-east-1").values("authorization")[0])
    assert (credential.access_key, credential.region) == ("AKIDEXAMPLE", "sa-east-1")


@pytest.mark.parametrize(
    ("request_", "secret", "later", "code", "message"),
    [
        (_sign, "another", 0, "InvalidSignature", "does not match"),
        (_sign, SECRET, 400, "InvalidSignature", "Signature expired"),
        (_sign, SECRET, -400, "InvalidSignature", "Signature not yet current"),
        (lambda: _sign(service="sqs"), SECRET, 0, "InvalidSignature", "scoped to correct service"),
        (
            lambda: _with(_sign(), "x-amz-target", lambda _: "AWSEvents.ListRules"),
            SECRET,
            0,
            "InvalidSignature",
            "does not match",
        ),
        (
            lambda: _with(_sign(), "authorization", lambda text: text.replace(";x-amz-target", "")),
            SECRET,
            0,
            "InvalidSignature",
            "must be signed and are not: x-amz-target",
        ),
        (
            lambda: _with(
                _sign(), "authorization", lambda text: text.replace("eu-west-1", "us-east-1")
            ),
            SECRET,
            0,
            "InvalidSignature",
            "does not match",
        ),
        (
            lambda: _with(_sign(), "x-amz-date", lambda _: "yesterday"),
            SECRET,
            0,
            "IncompleteSignature",
            "X-Amz-Date",
        ),
        (
            lambda: _with(_sign(), "x-amz-date", lambda _: "20200101T000000Z"),
            SECRET,
            0,
            "InvalidSignature",
            "Credential scope does not match",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_so_signed_is_refused(
    request_: Callable[[], SignedRequest], secret: str, later: float, code: str, message: str
) -> None:
    """A wrong secret, an old or early date, another service and a changed header are refused."""
    with pytest.raises(Refusal, match=message) as caught:
        _check(request_(), secret=secret, later=later)
    assert caught.value.status == 401
    assert caught.value.code == f"{code}Exception"
    assert SECRET not in str(caught.value)


def test_a_changed_body_is_refused() -> None:
    """A body other than the one that was signed is refused, also where its hash is claimed."""
    signed = _sign()
    forged = SignedRequest("POST", "/", "", signed.headers, BODY.replace(b'"a"', b'"z"'))
    with pytest.raises(Refusal, match="does not match"):
        _check(forged)


def test_sessions_are_refused() -> None:
    """A session's token is refused by the name that SDKs know, since there are none."""
    signed = _sign()
    headers = [*signed.headers, ("x-amz-security-token", "x")]
    with pytest.raises(Refusal) as caught:
        _check(SignedRequest("POST", "/", "", headers, BODY))
    assert caught.value.code == "UnrecognizedClientException"


@pytest.mark.parametrize("header", ["", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b"])
def test_an_incomplete_header_is_refused(header: str) -> None:
    """A header with parts missing is refused, and the message shows what it looks like."""
    with pytest.raises(Refusal, match="SignedHeaders="):
        read_credential(header)
