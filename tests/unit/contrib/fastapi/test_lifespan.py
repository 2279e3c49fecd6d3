"""FastAPI: the lifespan has an EventFlow, and endpoints are given it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from eventflow import Event, EventFlow
from eventflow.contrib.fastapi import Flow, eventflow_lifespan, get_flow
from eventflow.errors import SettingsError, StartError
from eventflow.settings import load_settings
from eventflow.testing import MemoryBus


@pytest.fixture
def flow() -> EventFlow:
    """A flow that reaches no ledger."""
    return EventFlow(load_settings(redis_url="redis://127.0.0.1:1/0"))


def with_orders(app: FastAPI) -> FastAPI:
    """Add an endpoint that publishes."""

    @app.post("/orders/{number}", status_code=202)
    async def place_order(number: int, flow: Flow) -> dict[str, str]:
        event = Event(id=f"order-{number}", source="shop", type="OrderPlaced", data={})
        return {"event": (await flow.apublish(event)).id}

    @app.post("/sync-orders/{number}", status_code=202)
    def place_order_in_a_thread(number: int, flow: Flow) -> dict[str, str]:
        event = Event(id=f"order-{number}", source="shop", type="OrderPlaced", data={})
        return {"event": flow.publish(event).id}

    return app


def test_an_endpoint_publishes(flow: EventFlow, tmp_path: Path) -> None:
    """Both kinds of endpoint are given the flow; while the application runs, and no longer."""
    (tmp_path / "none.yaml").write_text("targets: {}\nrules: {}\n")
    app = with_orders(FastAPI(lifespan=eventflow_lifespan(flow)))
    with MemoryBus(flow, rules=tmp_path) as bus, TestClient(app) as client:
        assert {"event": "order-7"} == client.post("/orders/7").json()
        assert {"event": "order-8"} == client.post("/sync-orders/8").json()
        assert ["order-7", "order-8"] == [event.id for event in bus.published()]
    assert not hasattr(app.state, "eventflow")


def test_an_own_lifespan_stays(flow: EventFlow) -> None:
    """It runs inside, with the flow at hand, and its state is the application's."""
    seen = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        seen.append(app.state.eventflow)
        yield {"shop": "open"}
        seen.append("closed")

    app = FastAPI(lifespan=eventflow_lifespan(flow, within=lifespan))

    @app.get("/state")
    async def state(request: Request) -> str:
        return str(request.state.shop)

    with TestClient(app) as client:
        assert "open" == client.get("/state").json()
    assert [flow, "closed"] == seen


def test_settings_are_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a flow one is made at the start; what cannot be ends it."""
    monkeypatch.setenv("EVENTFLOW_PUBLISH_DEADLINE", "1s")
    app = FastAPI(lifespan=eventflow_lifespan())
    with TestClient(app):
        assert 1.0 == app.state.eventflow.settings.publish_deadline
    monkeypatch.setenv("EVENTFLOW_PUBLISH_DEADLINE", "soon")
    with pytest.raises(SettingsError, match="EVENTFLOW_PUBLISH_DEADLINE"), TestClient(app):
        pass


def test_without_the_lifespan_it_is_said() -> None:
    """The error says what to write."""
    app = with_orders(FastAPI())
    with (
        TestClient(app) as client,
        pytest.raises(StartError, match=r"write FastAPI\(lifespan=eventflow_lifespan\(\)\)"),
    ):
        client.post("/orders/7")


def test_a_test_may_replace_it(flow: EventFlow, tmp_path: Path) -> None:
    """As every dependency of FastAPI."""
    (tmp_path / "none.yaml").write_text("targets: {}\nrules: {}\n")
    app = with_orders(FastAPI())
    app.dependency_overrides[get_flow] = lambda: flow
    with MemoryBus(flow, rules=tmp_path) as bus:
        assert 202 == TestClient(app).post("/orders/7").status_code
        assert 1 == len(bus.published())
