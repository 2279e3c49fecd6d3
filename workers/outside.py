"""One HTTP call to an outside system, its answer read as delivered, try again, or never."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from eventflow import Refuse, Retry

__all__ = ["post"]

_BUSY = {429, 503}
# What stays wrong however often it is said.
_NEVER = {400, 404, 410, 422}


def post(url: str, body: Any, *, key: str, timeout: float) -> None:  # Any: a JSON value
    """Send *body* as JSON.

    Args:
        url: An http or https address.
        body: Any JSON value.
        key: The idempotency key, by which the other side knows a repeat.
        timeout: Seconds of silence allowed; keep it below the target's timeout.

    Raises:
        Retry: When the other side says when to come back (429 or 503 with Retry-After).
        Refuse: When it will never take this (400, 404, 410, 422).
        OSError: When it failed or cannot be reached: retried by the target's policy.
    """
    request = Request(  # noqa: S310 - the address is the deployment's own setting
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": key},
        method="POST",
    )
    try:
        with urlopen(request, timeout=timeout) as answer:  # noqa: S310 - as above
            answer.read()
    except HTTPError as error:
        with error:
            after = _seconds(error.headers.get("Retry-After"))
            said = f"{error.code} {error.reason} from {url}"
            if error.code in _NEVER:
                raise Refuse(said) from None
            if error.code in _BUSY and after is not None:
                raise Retry(after=after, reason=said) from None
            raise OSError(said) from None


def _seconds(retry_after: str | None) -> float | None:
    """Read a Retry-After header, which is a number of seconds or a date."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(int(retry_after)))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    # A date without a zone is in UTC, as HTTP's dates are.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
