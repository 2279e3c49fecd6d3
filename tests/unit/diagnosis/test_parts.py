"""What is said of the store, the broker and the Celery app, by what they say of themselves."""

import pytest

from eventflow.diagnosis.application import judge_conflicts
from eventflow.diagnosis.broker import BrokerFacts, judge_broker
from eventflow.diagnosis.database import judge_store
from eventflow.rules import Target
from eventflow.settings import load_settings
from eventflow.store import StoreFacts
from eventflow.worker import configure_app, make_app
from eventflow.worker.checks import find_conflicts


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(StoreFacts(2, 2), [], id="good"),
        pytest.param(None, ["store-missing"], id="no file"),
        pytest.param(StoreFacts(0, 2), ["store-missing"], id="no tables"),
        pytest.param(StoreFacts(1, 2), ["store-old"], id="older"),
        pytest.param(StoreFacts(3, 2), ["store-newer"], id="newer"),
        pytest.param(StoreFacts(2, 2, unwritable="locked"), ["store-read-only"], id="locked"),
        pytest.param(StoreFacts(2, 2, free=1000), ["store-disk-full"], id="full"),
        pytest.param(StoreFacts(2, 2, free=10**10), [], id="room"),
        pytest.param(StoreFacts(2, 2, clock_offset=-3.0), ["clocks-apart"], id="clock"),
        pytest.param(StoreFacts(2, 2, dead=9), [], id="few dead letters"),
        pytest.param(StoreFacts(2, 2, dead=10), ["dead-letters-alarm"], id="many dead letters"),
    ],
)
def test_a_store_is_judged(facts, expected):
    """Each fault of a store alone has its own code."""
    assert [finding.code for finding in judge_store(facts, alarm=10)] == expected


def test_an_alarm_of_zero_is_none():
    """Zero dead letters as a limit means that there is no limit."""
    assert list(judge_store(StoreFacts(2, 2, dead=10), alarm=0)) == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(BrokerFacts(), [], id="Redis"),
        pytest.param(BrokerFacts("3.10.8"), [], id="RabbitMQ"),
        pytest.param(BrokerFacts("4.0.1"), [], id="a later one"),
        pytest.param(BrokerFacts("3.9.29"), ["rabbitmq-old"], id="an old one"),
        pytest.param(
            BrokerFacts("3.13.0", {"a": "PRECONDITION_FAILED", "b": "…"}),
            ["queue-arguments"] * 2,
            id="queues",
        ),
    ],
)
def test_a_broker_is_judged(facts, expected):
    """An old RabbitMQ and queues of other arguments are said."""
    assert [finding.code for finding in judge_broker(facts)] == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param({}, [], id="eventflow's own"),
        pytest.param(
            {"broker_transport_options": {"visibility_timeout": 30}},
            ["visibility-timeout"],
            id="a message comes again while it runs",
        ),
        pytest.param({"task_always_eager": True}, ["settings-unfit"], id="nothing is sent"),
    ],
)
def test_an_app_is_judged_as_a_worker_would(settings, expected):
    """What keeps a worker from starting is said, in the worker's own words."""
    own = load_settings()
    app = make_app(own)
    configure_app(app)
    app.conf.update(settings)
    targets = {"mail": Target(name="mail", task="x.mail", timeout=30.0)}
    findings = list(judge_conflicts(find_conflicts(app, targets, own)))
    assert [finding.code for finding in findings] == expected
    for finding, name in zip(findings, settings, strict=True):
        assert finding.message.startswith(name)
