"""Settings of a Celery app on which eventflow cannot work are found, each with what to do."""

from typing import Any

import pytest
from celery import Celery
from celery.worker.consumer import Consumer as CeleryConsumer

from eventflow.errors import StartError
from eventflow.rules import Target
from eventflow.settings import load_settings
from eventflow.worker import configure_app, make_app
from eventflow.worker.checks import check_settings, find_conflicts
from eventflow.worker.consumer import Consumer
from eventflow.worker.deliver import lease_seconds

SETTINGS = load_settings()
LONGEST = {"longest": Target(name="longest", task="longest", timeout=3600)}
TARGETS = {
    "slow": Target(name="slow", task="slow", timeout=600),
    "quick": Target(name="quick", task="quick", timeout=1),
}


class Foreign(CeleryConsumer):  # type: ignore[misc]  # celery has no types
    """A consumer that someone derived from Celery's."""


class Derived(Consumer):
    """A consumer that someone derived from eventflow's."""


def joined(broker: str = "redis://127.0.0.1:1/0", **conf: Any) -> Celery:
    """Return a user's own app."""
    app = Celery("shop", broker=broker, set_as_current=False)
    app.conf.update(conf)
    configure_app(app)
    return app


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//"])
def test_an_app_of_eventflows_own_has_none(url: str) -> None:
    """What is set for every app that eventflow makes is without conflict, on each broker."""
    settings = load_settings(broker_url=url)
    assert find_conflicts(make_own(settings), LONGEST, settings) == []


def make_own(settings: Any) -> Celery:
    """Return an app as EventFlow makes it."""
    app = make_app(settings)
    configure_app(app)
    return app


@pytest.mark.parametrize(
    "conf",
    [
        pytest.param({}, id="Celery's own defaults"),
        pytest.param({"accept_content": ["application/json", "yaml"]}, id="JSON by its type"),
        pytest.param({"accept_content": ["yaml", "json"]}, id="JSON among others"),
        # Said otherwise for eventflow's own tasks, so that it does not reach them.
        pytest.param({"task_time_limit": 1, "task_soft_time_limit": 1}, id="time limits"),
        pytest.param({"task_acks_late": False, "task_serializer": "yaml"}, id="other habits"),
        pytest.param({"worker_prefetch_multiplier": 4}, id="prefetching"),
        pytest.param({"worker_consumer": f"{__name__}:Derived"}, id="a consumer of ours"),
        pytest.param(
            {"broker_transport_options": {"visibility_timeout": 700}}, id="a timeout that is enough"
        ),
    ],
)
def test_what_can_be_is_let_be(conf: dict[str, Any]) -> None:
    """A joined app keeps what does no harm."""
    check_settings(joined(**conf), TARGETS, SETTINGS)


@pytest.mark.parametrize(
    ("conf", "setting", "advice"),
    [
        ({"task_always_eager": True}, "task_always_eager", "set it to False"),
        ({"accept_content": ["pickle"]}, "accept_content", "add 'json'"),
        ({"accept_content": []}, "accept_content", "add 'json'"),
        ({"task_protocol": 1}, "task_protocol", "leave it unset"),
        ({"worker_prefetch_multiplier": 0}, "worker_prefetch_multiplier", "set it to 1"),
        (
            {"broker_transport_options": {"visibility_timeout": 615}},
            "broker_transport_options['visibility_timeout']",
            "'slow' is leased for 10m15s",
        ),
        ({"worker_consumer": f"{__name__}:Foreign"}, "worker_consumer", "derive that class"),
    ],
)
def test_what_cannot_be_is_refused(conf: dict[str, Any], setting: str, advice: str) -> None:
    """The setting is named, and what to do."""
    [conflict] = find_conflicts(joined(**conf), TARGETS, SETTINGS)
    assert setting == conflict.setting
    assert advice in conflict.message


def test_celerys_default_is_too_short_for_an_hour() -> None:
    """A joined app that says nothing has kombu's visibility timeout."""
    [conflict] = find_conflicts(joined(), LONGEST, SETTINGS)
    assert "is 1h, and a delivery to 'longest' is leased for 1h15s" in conflict.message


def test_all_are_said_at_once() -> None:
    """Three conflicts are one error, with a line for each."""
    app = joined("memory://", task_always_eager=True, worker_prefetch_multiplier=0)
    with pytest.raises(StartError) as caught:
        check_settings(app, TARGETS, SETTINGS)
    said = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in said[1:]] == [
        "task_always_eager",
        "worker_prefetch_multiplier",
        "broker_url",
    ]


def test_rabbitmq_has_no_visibility_timeout() -> None:
    """There the option says nothing."""
    options = {"visibility_timeout": 1}
    app = joined("amqp://127.0.0.1:1//", broker_transport_options=options)
    assert find_conflicts(app, TARGETS, SETTINGS) == []


@pytest.mark.parametrize("timeout", [0.001, 1.0, 3_600.0])
def test_a_lease_is_longer_than_its_timeout(timeout: float) -> None:
    """Whatever a target's timeout is, no other worker may claim its delivery while it runs."""
    target = Target(name="t", task="t", timeout=timeout)
    assert lease_seconds(target, SETTINGS.lease_margin) > timeout + 1
