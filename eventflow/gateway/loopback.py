"""Keeps strangers out where nobody has to prove who he is: it answers on this machine alone."""

import ipaddress
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from eventflow.gateway.refusals import Refusal, problem_response

__all__ = ["LoopbackOnly"]

_NAMES = ("localhost", "127.0.0.1", "[::1]")


class LoopbackOnly:
    """Refuses what does not come to a loopback address by a name of this machine.

    The name is looked at too: a page that a browser loads from elsewhere may have its own name lead
    to 127.0.0.1, and would then speak for whoever sits at the browser.

    Args:
        app: What answers otherwise.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http" or _is_local(scope):
            await self._app(scope, receive, send)
            return
        message = (
            "nobody has to prove who he is here (--no-auth), and so it answers at 127.0.0.1 and "
            "localhost alone"
        )
        await problem_response(Refusal(message, HTTPStatus.FORBIDDEN))(scope, receive, send)


def _is_local(scope: Scope) -> bool:
    address = (scope.get("server") or ("", None))[0]
    name = Headers(scope=scope).get("host", "").lower()
    host = name if name.endswith("]") else name.rpartition(":")[0] or name
    try:
        return ipaddress.ip_address(address).is_loopback and host in _NAMES
    except ValueError:
        return False
