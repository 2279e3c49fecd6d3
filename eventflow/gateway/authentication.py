"""Who sends this request? Found before its body is read, proven once it is."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request

from eventflow.gateway.publishers import (
    ANYBODY,
    AccessKeyPublisher,
    KeyPublisher,
    Publisher,
    Publishers,
)
from eventflow.gateway.refusals import Refusal
from eventflow.gateway.signature import (
    SCHEME,
    Credential,
    SignedRequest,
    check_signature,
    read_credential,
)
from eventflow.units import Clock, system_clock

__all__ = ["Claim", "identify", "region_of"]

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a request says that it comes from.

    Attributes:
        publisher: That publisher.
        prove: Call it with the body; it raises a Refusal where the request is not its.
    """

    publisher: Publisher
    prove: Callable[[bytes], None]


def identify(publishers: Publishers, request: Request, clock: Clock = system_clock) -> Claim:
    """Find the publisher of a request by its header `Authorization`.

    Args:
        publishers: Those whom one may be.
        request: The request; its body is not read.
        clock: Tells the time, for what was signed.

    Returns:
        Its claim, which may be still to prove.

    Raises:
        Refusal: When it says nothing of itself, or is nobody's; 401.
    """
    if publishers.is_open:
        return Claim(ANYBODY, _nothing)
    scheme, _, rest = request.headers.get("authorization", "").strip().partition(" ")
    if scheme == SCHEME:
        return _by_access_key(publishers, request, clock)
    if scheme.lower() == "bearer" and rest.strip():
        return Claim(_by_key(publishers, rest.strip()), _nothing)
    message = (
        "say who you are: `Authorization: Bearer KEY`, or a request signed with AWS Signature "
        "Version 4"
    )
    raise Refusal(message, HTTPStatus.UNAUTHORIZED, code="MissingAuthenticationTokenException")


def region_of(request: Request) -> str:
    """Return the region that the client of a signed request was set up with, proven or not."""
    try:
        return read_credential(request.headers.get("authorization", "")).region
    except Refusal:
        return DEFAULT_REGION


def _by_key(publishers: Publishers, key: str) -> KeyPublisher:
    digest = hashlib.sha256(key.encode("utf-8", errors="replace")).hexdigest()
    found = None
    for one in publishers.senders:
        if isinstance(one, KeyPublisher):
            for known in one.key_sha256:
                # To the end of the list, whether or not it is found before.
                if hmac.compare_digest(known, digest):
                    found = one
    if found is None:
        message = "no publisher has this key"
        raise Refusal(message, HTTPStatus.UNAUTHORIZED, code="UnrecognizedClientException")
    return found


def _by_access_key(publishers: Publishers, request: Request, clock: Clock) -> Claim:
    credential = read_credential(request.headers["authorization"])
    for one in publishers.senders:
        if isinstance(one, AccessKeyPublisher) and one.access_key == credential.access_key:
            return Claim(one, _signature_check(one, credential, request, clock))
    message = (
        "The security token included in the request is invalid: no publisher has this access key."
    )
    raise Refusal(message, HTTPStatus.UNAUTHORIZED, code="UnrecognizedClientException")


def _signature_check(
    publisher: AccessKeyPublisher, credential: Credential, request: Request, clock: Clock
) -> Callable[[bytes], None]:
    def prove(body: bytes) -> None:
        signed = SignedRequest(
            request.method,
            request.scope.get("raw_path", request.url.path.encode()).decode("latin-1"),
            request.scope.get("query_string", b"").decode("latin-1"),
            [(name.lower(), value) for name, value in request.headers.items()],
            body,
        )
        check_signature(signed, credential, publisher.secret.get_secret_value(), now=clock())

    return prove


def _nothing(_body: bytes) -> None:
    """Prove nothing: a key has proven itself, and nobody is asked for one where all may."""
