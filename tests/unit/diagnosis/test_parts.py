"""What is said of the store and the broker, by what they say of themselves."""

import pytest

from eventflow.diagnosis.broker import BrokerFacts, judge_broker, judge_visibility
from eventflow.diagnosis.database import judge_store
from eventflow.store import StoreFacts


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
    ("seconds", "expected"),
    [(None, []), (3600.0, []), (45.0, ["visibility-timeout"]), (10.0, ["visibility-timeout"])],
)
def test_a_visibility_timeout_is_longer_than_any_lease(seconds, expected):
    """A message must not be handed out again while its delivery may still run."""
    assert [finding.code for finding in judge_visibility(seconds, 45.0, "mail")] == expected
