"""A request that is refused: why, for the client, in HTTP's words and in AWS's."""

import json
from collections.abc import Sequence
from http import HTTPStatus

from starlette.responses import Response

from eventflow.errors import EventflowError

__all__ = ["Refusal", "problem_response"]


class Refusal(EventflowError):  # noqa: N818 - it is no error here, but an answer
    """A request is refused.

    Attributes:
        status: HTTP's status.
        faults: Every single thing that is wrong, where there may be several.
        retry_after: Seconds after which the same request may go well; None: it will not.
        code: The error's name in AWS's words; empty: what AWS says at this status.
    """

    def __init__(
        self,
        message: str = "",
        status: int = HTTPStatus.BAD_REQUEST,
        faults: Sequence[str] = (),
        retry_after: float | None = None,
        code: str = "",
    ) -> None:
        super().__init__(message)
        self.args = (message, status, list(faults), retry_after, code)
        self.status = status
        self.faults = tuple(faults)
        self.retry_after = retry_after
        self.code = code

    @property
    def headers(self) -> dict[str, str]:
        """What HTTP asks for beside the status."""
        headers = {}
        if self.retry_after is not None:
            # Whole seconds are all that HTTP has; rounded up, or it would be refused again.
            headers["Retry-After"] = str(max(1, int(-(-self.retry_after // 1))))
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="eventflow"'
        if self.status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}:
            headers["Connection"] = "close"  # what is left of the request is not read
        return headers


def problem_response(refusal: Refusal) -> Response:
    """Write a refusal as RFC 9457 has it, `application/problem+json`.

    Args:
        refusal: Why.

    Returns:
        The response.
    """
    document: dict[str, object] = {
        "title": HTTPStatus(refusal.status).phrase,
        "status": int(refusal.status),
        "detail": refusal.message,
    }
    if refusal.faults:
        document["errors"] = list(refusal.faults)
    # In ASCII: what is refused may be text that no encoding can hold.
    text = json.dumps(document)
    return Response(text, refusal.status, refusal.headers, "application/problem+json")
