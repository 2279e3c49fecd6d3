"""AWS Signature Version 4, the server's side: is this request signed with this secret?

Source: AWS General Reference, "Authenticating Requests: AWS Signature Version 4".
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote

from eventflow.gateway.refusals import Refusal

__all__ = ["SCHEME", "Credential", "SignedRequest", "check_signature", "read_credential"]

SCHEME = "AWS4-HMAC-SHA256"
"""The word that `Authorization` begins with."""

_SKEW = 300.0  # seconds that the client's clock may be off, as at AWS
_FORM = re.compile(
    rf"{SCHEME} +Credential=(?P<credential>[^,\s]+) *, *SignedHeaders=(?P<headers>[^,\s]+) *, *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE = re.compile(r"\d{8}T\d{6}Z")
_SCOPE_PARTS = 5
_INCOMPLETE = "IncompleteSignatureException"
_WRONG = "InvalidSignatureException"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What of a request is signed.

    Attributes:
        method: Such as `POST`.
        path: As it was sent, encoded.
        query: As it was sent, without the question mark.
        headers: Names in lower case and values, in order.
        body: All of it.
    """

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for found, value in self.headers if found == name]


@dataclass(frozen=True, slots=True)
class Credential:
    """What the header `Authorization` says.

    Attributes:
        access_key: Whose secret it was signed with.
        date: The day that the signing key is good for, as `20261125`.
        region: The region that the client was set up with.
        service: The service likewise: `events`.
        signed_headers: The names of the headers that are signed.
        signature: The signature.
    """

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def read_credential(authorization: str) -> Credential:
    """Read the header `Authorization` of a signed request.

    Raises:
        Refusal: When it is not complete.
    """
    match = _FORM.fullmatch(authorization.strip())
    parts = match["credential"].split("/") if match else []
    if match is None or len(parts) != _SCOPE_PARTS or parts[4] != "aws4_request":
        message = (
            f"Authorization header must be '{SCHEME} Credential=KEY/DATE/REGION/events/"
            "aws4_request, SignedHeaders=..., Signature=...'"
        )
        raise Refusal(message, HTTPStatus.UNAUTHORIZED, code=_INCOMPLETE)
    key, date, region, service, _ = parts
    names = tuple(match["headers"].split(";"))
    return Credential(key, date, region, service, names, match["signature"])


def check_signature(
    request: SignedRequest, credential: Credential, secret: str, *, now: float
) -> None:
    """Check that a request was signed with *secret*, lately, and all of it that matters.

    Args:
        request: The request.
        credential: What it says of its signature.
        secret: The secret access key.
        now: Seconds since the epoch.

    Raises:
        Refusal: When it was not; the message is as AWS words it.
    """
    stamp = _check_date(request, credential, now)
    if credential.service != "events":
        message = (
            f"Credential should be scoped to correct service: 'events', not {credential.service!r}."
        )
        raise Refusal(message, HTTPStatus.UNAUTHORIZED, code=_WRONG)
    _check_headers(request, credential)
    body_hash = hashlib.sha256(request.body).hexdigest()
    if any(given != body_hash for given in request.values("x-amz-content-sha256")):
        message = "The header x-amz-content-sha256 is not the SHA-256 of the body."
        raise Refusal(message, HTTPStatus.UNAUTHORIZED, code=_WRONG)
    scope = f"{credential.date}/{credential.region}/{credential.service}/aws4_request"
    canonical = _canonical(request, credential.signed_headers, body_hash)
    text = "\n".join([SCHEME, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (credential.date, credential.region, credential.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    expected = hmac.digest(key, text.encode(), "sha256").hex()
    if not hmac.compare_digest(expected, credential.signature):
        message = (
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )
        raise Refusal(message, HTTPStatus.UNAUTHORIZED, code=_WRONG)


def _check_date(request: SignedRequest, credential: Credential, now: float) -> str:
    stamps = request.values("x-amz-date")
    stamp = stamps[0] if len(stamps) == 1 and _DATE.fullmatch(stamps[0]) else ""
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        message = "The request needs one header 'X-Amz-Date', such as 20261125T011500Z."
        raise Refusal(message, HTTPStatus.UNAUTHORIZED, code=_INCOMPLETE) from None
    if not stamp.startswith(f"{credential.date}T"):
        message = (
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{credential.date}' != '{stamp[:8]}', from '{stamp}'."
        )
        raise Refusal(message, HTTPStatus.UNAUTHORIZED, code=_WRONG)
    if abs(now - signed_at) > _SKEW:
        here = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        fault = "expired" if signed_at < now else "not yet current"
        message = (
            f"Signature {fault}: {stamp} is more than {_SKEW / 60:g} minutes from {here}, the time "
            "here. Check the clocks."
        )
        raise Refusal(message, HTTPStatus.UNAUTHORIZED, code=_WRONG)
    return stamp


def _check_headers(request: SignedRequest, credential: Credential) -> None:
    present = {name for name, _ in request.headers}
    if "x-amz-security-token" in present:
        message = (
            "The security token included in the request is invalid: there are no sessions here."
        )
        raise Refusal(message, HTTPStatus.UNAUTHORIZED, code="UnrecognizedClientException")
    # What is not signed, somebody on the way may change: X-Amz-Target says what is to be done.
    needed = {"host", *(name for name in present if name.startswith(("x-amz-", "ce-")))}
    needed |= present & {"content-type"}
    missing = sorted(needed - set(credential.signed_headers))
    if missing:
        message = f"These headers must be signed and are not: {', '.join(missing)}."
        raise Refusal(message, HTTPStatus.UNAUTHORIZED, code=_WRONG)


def _canonical(request: SignedRequest, names: Sequence[str], body_hash: str) -> str:
    query = "&".join(
        sorted(pair if "=" in pair else f"{pair}=" for pair in request.query.split("&") if pair)
    )
    headers = [
        f"{name}:{','.join(' '.join(value.split()) for value in request.values(name))}\n"
        for name in names
    ]
    return "\n".join(
        [
            request.method,
            quote(request.path, safe="/~"),
            query,
            "".join(headers),
            ";".join(names),
            body_hash,
        ]
    )
