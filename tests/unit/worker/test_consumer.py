"""What the consumer leans on in Celery, kombu and py-amqp is there, under the names it uses."""

import inspect

import pytest
from amqp.channel import Channel as AmqpChannel
from celery import Celery
from celery.app.amqp import AMQP
from celery.worker.consumer import Consumer as CeleryConsumer
from celery.worker.consumer.delayed_delivery import DelayedDelivery as CeleryDelayedDelivery
from kombu.messaging import Consumer as KombuConsumer
from kombu.messaging import Producer
from kombu.transport import redis as kombu_redis

from eventflow.worker.consumer import Consumer


@pytest.mark.parametrize(
    "name",
    [
        "create_task_handler",
        "register_with_event_loop",
        "on_decode_error",
        "on_unknown_message",
        "on_invalid_task",
    ],
)
def test_what_is_overridden_is_there(name: str) -> None:
    """Each method of Celery's consumer that is overridden takes what ours does."""
    ours, theirs = getattr(Consumer, name), getattr(CeleryConsumer, name)
    assert list(inspect.signature(theirs).parameters) == list(inspect.signature(ours).parameters)


def test_celery_asks_those_methods() -> None:
    """Celery reaches them through the consumer itself, where an override counts."""
    source = inspect.getsource(CeleryConsumer.create_task_handler)
    for name in ("on_decode_error", "on_unknown_message", "on_invalid_task"):
        assert f"self.{name}" in source


def test_celerys_own_delayed_delivery_is_replaced() -> None:
    """Of Celery's steps one is another, and it is in the same place."""
    theirs = CeleryConsumer.Blueprint.default_steps
    ours = Consumer.Blueprint.default_steps
    changed = [(a, b) for a, b in zip(theirs, ours, strict=True) if a != b]
    assert changed == [
        (
            "celery.worker.consumer.delayed_delivery:DelayedDelivery",
            "eventflow.worker.consumer:DelayedDelivery",
        )
    ]
    assert "include_if" in vars(CeleryDelayedDelivery)


def test_kombu_knows_its_consumers_by_tag() -> None:
    """The queue of a message is found by its consumer's tag."""
    assert "_active_tags" in inspect.getsource(KombuConsumer._add_tag)
    assert "consumer_tag" in inspect.getsource(AmqpChannel._on_basic_deliver)


def test_a_message_is_published_as_it_is_asked() -> None:
    """Celery passes `mandatory` and `declare` on to kombu's producer, and kombu to the broker."""
    assert "properties.update(kwargs)" in inspect.getsource(AMQP._create_task_sender)
    assert "mandatory" in inspect.signature(Producer.publish).parameters
    assert {"confirm_select", "basic_publish"} <= vars(AmqpChannel).keys()


def test_py_amqp_tells_of_confirmations_and_returns() -> None:
    """The events that the sender listens to are those that the channel calls."""
    for event in ("basic_ack", "basic_nack", "basic_return"):
        assert event in inspect.getsource(getattr(AmqpChannel, f"_on_{event}"))


def test_kombu_reads_lists_as_the_channel_expects() -> None:
    """The Redis transport's names are there: its client's class, BRPOP, and the priority's mark."""
    assert callable(kombu_redis.Channel._get_client)
    assert "'BRPOP'" in inspect.getsource(kombu_redis.Channel._brpop_read)
    assert kombu_redis.Channel.sep == "\x06\x16"


def test_a_heartbeat_finds_a_dead_connection() -> None:
    """Kombu checks the connection that waits in BRPOP, and its timer is ours to set."""
    assert callable(kombu_redis.MultiChannelPoller.maybe_check_brpop_health)
    assert "health_check_interval" in kombu_redis.Channel.from_transport_options
    assert Celery("none").conf.broker_heartbeat == 120  # Celery's own, far too long
