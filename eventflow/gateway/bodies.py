"""A request's body, read within bounds: of bytes, and of time."""

import asyncio
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

from eventflow.gateway.refusals import Refusal

__all__ = ["read_body"]


async def read_body(request: Request, *, most: int, within: float) -> bytes:
    """Read a request's body.

    Args:
        request: The request.
        most: The most bytes that it may have.
        within: The seconds in which all of it must be here.

    Returns:
        The body.

    Raises:
        Refusal: When it is too large (before it is read, where its length is said), too slow,
            compressed or cut short.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        message = f"the body is encoded as {encoding!r}: send it as it is"
        raise Refusal(message, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > most:
        raise _too_large(most)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_large(most)
                parts.append(part)
    except TimeoutError:
        message = f"the request was not whole within {within:g} s"
        raise Refusal(message, HTTPStatus.REQUEST_TIMEOUT) from None
    except ClientDisconnect:
        message = "the client has gone before the request was whole"
        raise Refusal(message, HTTPStatus.BAD_REQUEST) from None
    return b"".join(parts)


def _too_large(most: int) -> Refusal:
    message = (
        f"the request has more than {most:,} bytes (EVENTFLOW_HTTP_MAX_BYTES): send fewer events "
        "in each, or put large content elsewhere and publish where it is"
    )
    return Refusal(message, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
