"""The EventFlow of an application: made when it starts, given to whom depends on it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection

from eventflow.app import EventFlow
from eventflow.errors import StartError

__all__ = ["Flow", "eventflow_lifespan", "get_flow"]

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


def eventflow_lifespan(
    flow: EventFlow | None = None, *, within: Lifespan | None = None
) -> Lifespan:
    """Return a lifespan in which the application has an EventFlow.

    It connects when it first publishes, so that a server may fork after this.

    Args:
        flow: One that exists. Without one it is made of the environment, `EVENTFLOW_…`, when the
            application starts: a wrong setting ends the start, and says what is allowed.
        within: The application's own lifespan; what it yields is the application's state, as ever.

    Example:
        app = FastAPI(lifespan=eventflow_lifespan(within=lifespan))
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        """Have the flow in the application's state while it runs."""
        app.state.eventflow = flow if flow is not None else EventFlow()
        try:
            if within is None:
                yield None
            else:
                async with within(app) as state:
                    yield state
        finally:
            del app.state.eventflow

    return lifespan


async def get_flow(connection: HTTPConnection) -> EventFlow:
    """Return the application's EventFlow: `Annotated[EventFlow, Depends(get_flow)]`, or `Flow`.

    In a test, `app.dependency_overrides[get_flow]` replaces it.

    Raises:
        StartError: When the application has none; it says what to write.
    """
    flow = getattr(connection.app.state, "eventflow", None)
    if isinstance(flow, EventFlow):
        return flow
    message = (
        "this application has no EventFlow: write FastAPI(lifespan=eventflow_lifespan()), and in a "
        "test `with TestClient(app) as client:`, which runs the lifespan"
    )
    raise StartError(message)


Flow = Annotated[EventFlow, Depends(get_flow)]
"""A parameter of this type is the application's EventFlow."""
