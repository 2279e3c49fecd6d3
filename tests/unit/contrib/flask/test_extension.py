"""The Flask extension: settings, factories, publishing in Flask-SQLAlchemy's session, commands."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from eventflow import EventFlow, EventModel
from eventflow.contrib.flask import EventFlowExtension
from eventflow.contrib.sqlalchemy import outbox_table
from eventflow.errors import EventError, PublishError, SettingsError, StartError
from eventflow.settings import load_settings
from eventflow.testing import MemoryBus

NOWHERE = {"EVENTFLOW_REDIS_URL": "redis://127.0.0.1:1/0", "EVENTFLOW_PUBLISH_DEADLINE": "200ms"}


class Base(DeclarativeBase):
    """The shop's models, and the outbox beside them."""

    metadata = MetaData()


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)


class OrderPlaced(EventModel, source="shop.orders", type="OrderPlaced"):
    """An order was placed."""

    order_id: int


outbox_table(Base.metadata)
db = SQLAlchemy(model_class=Base)
events = EventFlowExtension(session=db.session)


def create_app(place: Path, **config: object) -> Flask:
    """Make the shop's application."""
    app = Flask("shop", instance_path=str(place))
    app.config.from_mapping({"SQLALCHEMY_DATABASE_URI": "sqlite:///shop.db", **NOWHERE, **config})
    db.init_app(app)
    events.init_app(app)
    with app.app_context():
        db.create_all()

    @app.post("/orders/<int:number>")
    def place_order(number: int) -> dict[str, int]:
        db.session.add(Order(id=number))
        events.publish(OrderPlaced(order_id=number), id=f"order-{number}")
        if number == 13:
            raise ZeroDivisionError
        db.session.commit()
        return {"order": number}

    return app


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Have the environment afterwards as it was."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def bus_of(tmp_path: Path) -> Iterator:
    """Return a function that has an application publish into memory."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "none.yaml").write_text("targets: {}\nrules: {}\n")
    buses: list[MemoryBus] = []

    def make(app: Flask) -> MemoryBus:
        bus = MemoryBus(app.extensions["eventflow"], rules=rules)
        buses.append(bus)
        return bus.__enter__()

    yield make
    for bus in buses:
        bus.__exit__(None, None, None)


def test_a_view_publishes_with_its_commit(tmp_path: Path, bus_of) -> None:
    """What a request commits is published, and what it does not is not."""
    app = create_app(tmp_path)
    bus = bus_of(app)
    client = app.test_client()
    assert {"order": 7} == client.post("/orders/7").json
    assert 500 == client.post("/orders/13").status_code
    assert 200 == client.post("/orders/8").status_code
    assert ["order-7", "order-8"] == [event.id for event in bus.published()]


def test_with_the_outbox_a_relay_publishes(tmp_path: Path, bus_of) -> None:
    """With EVENTFLOW_OUTBOX a view needs no ledger; what it committed is published by a relay."""
    app = create_app(tmp_path, EVENTFLOW_OUTBOX=True)
    client = app.test_client()
    assert [200, 500] == [client.post(f"/orders/{number}").status_code for number in (7, 13)]
    bus = bus_of(app)
    with app.app_context():
        events.outbox.relay(db.engine).drain()
    assert ["order-7"] == [event.id for event in bus.published()]


def test_two_applications_have_their_own(tmp_path: Path) -> None:
    """One extension serves any number of applications, each with its settings."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = create_app(tmp_path / "a"), create_app(tmp_path / "b", EVENTFLOW_OUTBOX="yes")
    with first.app_context():
        assert events.flow is first.extensions["eventflow"]
        assert not events.flow.settings.outbox
    with second.app_context():
        assert events.flow.settings.outbox
    with pytest.raises(StartError, match=r"call init_app\(\) once"):
        events.init_app(first)


def test_without_a_session_it_is_published_at_once() -> None:
    """The ledger's errors are the request's; the outbox is refused, and says what to write."""
    app = Flask("shop")
    app.config.from_mapping(NOWHERE)
    extension = EventFlowExtension(app)
    with app.app_context():
        with pytest.raises(PublishError):
            extension.publish(OrderPlaced(order_id=7))
        with pytest.raises(EventError, match="order_id"):
            extension.publish(OrderPlaced.model_construct(order_id="x"))  # type: ignore[arg-type]
        with pytest.raises(StartError, match=r"write EventFlowExtension\(session=db.session\)"):
            extension.publish(OrderPlaced(order_id=7), outbox=True)


def test_wrong_settings_are_refused_at_start() -> None:
    """Every fault is said, by the name of its key."""
    app = Flask("shop")
    app.config.from_mapping(EVENTFLOW_OUTBOKS=True, EVENTFLOW_PUBLISH_DEADLINE="soon")
    with pytest.raises(SettingsError, match="did you mean EVENTFLOW_OUTBOX") as caught:
        EventFlowExtension(app)
    assert "EVENTFLOW_PUBLISH_DEADLINE: " in str(caught.value)


def test_an_eventflow_that_exists() -> None:
    """It is used as it is; settings that would be ignored are refused."""
    flow = EventFlow(load_settings(redis_url="redis://127.0.0.1:1/0"))
    extension = EventFlowExtension(flow=flow)
    app = Flask("shop")
    extension.init_app(app)
    assert flow is app.extensions["eventflow"]
    other = Flask("other")
    other.config["EVENTFLOW_OUTBOX"] = True
    with pytest.raises(SettingsError, match=r"app.config\['EVENTFLOW_OUTBOX'\], celery= cannot be"):
        extension.init_app(other, celery=Celery(set_as_current=False))


def test_an_app_that_was_not_set_up() -> None:
    """The error says what to call."""
    with (
        Flask("shop").app_context(),
        pytest.raises(StartError, match=r"'shop'.* call init_app\(app\)"),
    ):
        events.publish(OrderPlaced(order_id=1))


def test_an_existing_celery_app_is_joined() -> None:
    """Its EventFlow is on that app."""
    celery = Celery("shop", broker="redis://127.0.0.1:1/3", set_as_current=False)
    app = Flask("shop")
    EventFlowExtension().init_app(app, celery=celery)
    assert celery is app.extensions["eventflow"].celery


def test_commands_have_the_applications_settings(tmp_path: Path) -> None:
    """`flask eventflow …` runs what `eventflow …` does, on the rules that the application names."""
    rules = tmp_path / "routes"
    rules.mkdir()
    (rules / "one.yaml").write_text("targets: {t: {task: m.t}}\nrules: {}\n")
    app = create_app(tmp_path, EVENTFLOW_RULES=str(rules))
    done = app.test_cli_runner().invoke(args=["eventflow", "rules", "list", "--json"])
    assert 0 == done.exit_code, done.output
    assert "t" in json.dumps(json.loads(done.stdout))


def test_commands_end_as_they_do_elsewhere(tmp_path: Path) -> None:
    """Errors are lines and no traceback, and exit codes are kept."""
    rules = tmp_path / "routes"
    rules.mkdir()
    (rules / "one.yaml").write_text("targets: {t: {}}\n")
    app = create_app(tmp_path, EVENTFLOW_RULES=str(rules), EVENTFLOW_OUTBOX=True)
    runner = app.test_cli_runner()
    checked = runner.invoke(args=["eventflow", "rules", "check"])
    assert 1 == checked.exit_code
    assert "one.yaml" in checked.output
    app.test_client().post("/orders/7")
    relayed = runner.invoke(args=["eventflow", "outbox", "relay", "--once"])
    assert 1 == relayed.exit_code
    assert relayed.output.startswith("Error: 1 of 1 events could not be published")
    assert os.environ["EVENTFLOW_OUTBOX_URL"].endswith("/shop.db")
