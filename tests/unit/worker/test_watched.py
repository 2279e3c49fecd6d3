"""A worker's logs and traces are set up at the moments that Celery tells of, for its own app alone."""

import io
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from celery import Celery

from eventflow.errors import StartError
from eventflow.telemetry import DeliveryFilter, JsonFormatter, Tracing
from eventflow.worker.watched import hook_telemetry


class Noted(Tracing):
    """Notes what it is told."""

    def __init__(self, refusal: str = "") -> None:
        super().__init__(wanted=False)
        self.told: list[object] = []
        self._refusal = refusal

    def export_as(self, service: str, *, is_own: bool = True) -> None:
        """Note the name; refuse if that is wanted."""
        self.told.append((service, is_own))
        if self._refusal:
            raise StartError(self._refusal)

    def flush(self) -> None:
        """Note it."""
        self.told.append("flushed")


@pytest.fixture
def app() -> Celery:
    """Give a Celery app."""
    return Celery("own", set_as_current=False)


@pytest.fixture
def root() -> Iterator[logging.Handler]:
    """Give a handler of the root logger, as an application that sets up its own has one."""
    handler = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def test_spans_go_by_the_worker_s_name(app: Celery) -> None:
    """Another app's worker, in the same process, is none of its business."""
    tracing = Noted()
    hook_telemetry(app, tracing, log_format="text", is_joined=True)
    watched = app.eventflow_watched
    watched.on_init(sender="device-vendor@host", instance=SimpleNamespace(app=app))
    watched.on_init(sender="other@host", instance=SimpleNamespace(app=Celery("other")))
    watched.on_end(sender="device-vendor@host")
    assert [("device-vendor", False), "flushed"] == tracing.told


def test_a_worker_that_cannot_trace_as_asked_does_not_start(
    app: Celery, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says why, without a traceback."""
    hook_telemetry(app, Noted("install it"), log_format="text", is_joined=False)
    with pytest.raises(SystemExit, match="1"):
        app.eventflow_watched.on_init(sender="w@host", instance=SimpleNamespace(app=app))
    assert "Error: install it\n" == capsys.readouterr().err


def test_celery_s_handlers_are_dressed(app: Celery) -> None:
    """Those that Celery has just made, by its own signal."""
    hook_telemetry(app, Noted(), log_format="json", is_joined=False)
    logger = logging.Logger("made")  # noqa: LOG001 - one that no other test sees
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    app.eventflow_watched.on_logger(logger=logger)
    assert isinstance(logger.handlers[0].formatter, JsonFormatter)


def test_an_app_that_sets_up_its_own_logs_keeps_its_lines(
    app: Celery, root: logging.Handler
) -> None:
    """Its handlers get the ids, and no other form."""
    hook_telemetry(app, Noted(), log_format="json", is_joined=True)
    app.eventflow_watched.on_set_up(instance=SimpleNamespace(app=app))
    assert [DeliveryFilter] == [type(one) for one in root.filters]
    assert root.formatter is None
