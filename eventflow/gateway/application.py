"""The ASGI application: its routes, and how each of them answers."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

from fastapi import FastAPI, HTTPException
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from eventflow.errors import LedgerError, StartError
from eventflow.gateway import api
from eventflow.gateway.content_modes import Mode, mode_of, read_events, write_events
from eventflow.gateway.eventbridge import answer_aws
from eventflow.gateway.loopback import LoopbackOnly
from eventflow.gateway.publishers import Publisher, Publishers
from eventflow.gateway.publishers_file import load_publishers
from eventflow.gateway.reception import Reception
from eventflow.gateway.refusals import Refusal, problem_response
from eventflow.gateway.trace_headers import with_trace
from eventflow.gateway.webhooks import read_webhook
from eventflow.metrics import count_in
from eventflow.settings import Settings, load_settings

__all__ = ["build_application"]

_log = logging.getLogger(__name__)


def build_application(settings: Settings | None = None, *, is_open: bool = False) -> FastAPI:
    """Return the application.

    Args:
        settings: What it runs with; from the environment when missing.
        is_open: Whether nobody has to prove who he is. Then it answers on loopback alone.

    Raises:
        SettingsError: When a setting cannot be.
        PublishersError: When the file of publishers is faulty.
        StartError: When there is no such file.
    """
    settings = settings if settings is not None else load_settings()
    if settings.metrics_port:
        count_in()
    reception = Reception(settings, _publishers(settings, is_open=is_open))
    # Writing pages needs no network: Swagger UI comes with the package.
    application = FastAPIOffline(
        redoc_url=None,
        title="eventflow",
        description=api.DESCRIPTION,
        version="1",
        lifespan=_lifespan(reception),
    )
    if is_open:
        application.add_middleware(LoopbackOnly)
    _add_handlers(application)
    _add_routes(application, reception)
    document = application.openapi()  # FastAPI keeps it
    document.setdefault("components", {})["securitySchemes"] = api.SECURITY_SCHEMES
    return application


def _publishers(settings: Settings, *, is_open: bool) -> Publishers:
    if is_open:
        return Publishers(is_open=True)
    if settings.publishers is None:
        message = (
            "nobody may publish yet: set EVENTFLOW_PUBLISHERS to the file of those who may; on "
            "your own machine, `eventflow serve --no-auth` asks nobody"
        )
        raise StartError(message)
    return load_publishers(settings.publishers)


def _lifespan(
    reception: Reception,
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def run(_application: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(reception.close)

    return run


def _add_handlers(application: FastAPI) -> None:
    async def refuse(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return problem_response(error)

    async def translate(_request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        response = problem_response(Refusal(str(error.detail), error.status_code))
        response.headers.update(error.headers or {})
        return response

    async def fail(_request: Request, _error: Exception) -> Response:
        # Starlette logs it, by raising it again.
        message = "an internal error; the log of `eventflow serve` says more"
        return problem_response(Refusal(message, HTTPStatus.INTERNAL_SERVER_ERROR))

    application.add_exception_handler(Refusal, refuse)
    application.add_exception_handler(StarletteHTTPException, translate)
    application.add_exception_handler(HTTPException, translate)
    application.add_exception_handler(Exception, fail)


def _add_routes(application: FastAPI, reception: Reception) -> None:
    @application.post("/events", **api.EVENTS)
    async def publish_events(request: Request) -> Response:
        publisher, body = await reception.admit(request)
        return await _publish(reception, publisher, request, body)

    @application.post("/webhooks/{name}", **api.WEBHOOKS)
    async def receive_webhook(name: str, request: Request) -> Response:
        publisher = reception.publishers.webhook(name)
        if publisher is None:
            message = f"no publisher of the kind github or standard-webhooks is named {name!r}"
            raise Refusal(message, HTTPStatus.NOT_FOUND)
        body = await reception.read(request)
        event = read_webhook(publisher, request.headers, body)
        reception.count(publisher, 1)
        await reception.publish(with_trace(request.headers, [event]))
        return JSONResponse({"ids": [event.id]}, HTTPStatus.ACCEPTED)

    @application.post("/", **api.EVENTBRIDGE)
    async def speak_eventbridge(request: Request) -> Response:
        return await answer_aws(reception, request)

    @application.get("/healthz", **api.HEALTH)
    async def tell_health() -> Response:
        return JSONResponse({"status": "ok"})

    @application.get("/readyz", **api.READINESS)
    async def tell_readiness() -> Response:
        try:
            await reception.check_ready()
        except LedgerError as error:
            _log.warning("not ready: %s", error, extra={"action": "gateway_not_ready"})
            message = "the ledger does not answer"  # where it is, is nobody's business here
            raise Refusal(message, HTTPStatus.SERVICE_UNAVAILABLE, retry_after=1) from error
        return JSONResponse({"status": "ready"})


async def _publish(
    reception: Reception, publisher: Publisher, request: Request, body: bytes
) -> Response:
    mode = mode_of(request.headers)
    received = read_events(mode, request.headers, body)
    events = with_trace(request.headers, [one.event for one in received])
    reception.count(publisher, len(events))
    faults = [
        f"events[{index}].{fault}" if mode is Mode.BATCHED else fault
        for index, event in enumerate(events)
        for fault in _trespasses(publisher, event.source, event.bus)
    ]
    if faults:
        message = f"the publisher {publisher.name!r} may not publish this"
        raise Refusal(message, HTTPStatus.FORBIDDEN, faults)
    await reception.publish(events)
    ignored = sorted({name for one in received for name in one.ignored})
    if "return=representation" in request.headers.get("prefer", "").replace(" ", "").split(","):
        response = write_events(mode, events, HTTPStatus.ACCEPTED)
        response.headers["Preference-Applied"] = "return=representation"
        return response
    return JSONResponse(
        {"ids": [event.id for event in events], "ignored": ignored}, HTTPStatus.ACCEPTED
    )


def _trespasses(publisher: Publisher, source: str, bus: str) -> list[str]:
    faults = []
    if not publisher.may_publish_as(source):
        faults.append(f"source: {source!r} is none of its sources: {', '.join(publisher.sources)}")
    if not publisher.may_use(bus):
        faults.append(f"bus: {bus!r} is none of its buses: {', '.join(publisher.buses)}")
    return faults
