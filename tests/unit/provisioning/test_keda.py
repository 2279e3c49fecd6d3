"""KEDA's scalers: one for each integration, with the fields that its scalers are documented to take."""

from typing import Any

import pytest
import yaml

from eventflow.errors import SettingsError
from eventflow.provisioning.keda import Broker, Scale, read_broker, scaled_objects
from eventflow.rules import RetryPolicy, RuleSet, Target

OPEN = Target(name="door", task="x.open", integration="vendor")
CLOSE = Target(name="door-close", task="x.close", integration="vendor", queue="closing")
MAIL = Target(name="mail", task="x.mail", retry=RetryPolicy(max=60))
RULES = RuleSet([MAIL, CLOSE, OPEN], [])
REDIS = Broker("redis", "redis.example", 6379, "0")
RABBITMQ = Broker("rabbitmq", "rabbit", 5672, "/", has_login=True)

# As https://keda.sh documents each scaler's metadata.
FIELDS = {
    "redis": {"address", "listName", "listLength", "databaseIndex", "enableTLS"},
    "rabbitmq": {"protocol", "queueName", "mode", "value", "vhostName"},
}


def documents(
    rules: RuleSet = RULES, broker: Broker = REDIS, scale: Scale | None = None
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the documents by kind and name."""
    found = yaml.safe_load_all(scaled_objects(rules, broker, scale or Scale()))
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def test_each_integration_is_scaled_by_all_of_its_queues():
    """Its targets share their workers, and so its scaler has a trigger for each queue."""
    found = documents()
    names = [("ScaledObject", "eventflow-mail"), ("ScaledObject", "eventflow-vendor")]
    assert list(found) == names
    triggers = found["ScaledObject", "eventflow-vendor"]["spec"]["triggers"]
    assert [one["metadata"]["listName"] for one in triggers] == ["closing", "door"]


@pytest.mark.parametrize("broker", [REDIS, RABBITMQ], ids=["redis", "rabbitmq"])
def test_an_object_has_the_fields_of_its_scaler_and_texts_alone(broker: Broker):
    """KEDA takes each value of a trigger's metadata as text, and refuses a number."""
    for (kind, _), one in documents(broker=broker).items():
        assert one["apiVersion"] == "keda.sh/v1alpha1"
        if kind != "ScaledObject":
            continue
        spec = one["spec"]
        assert spec["scaleTargetRef"] == {"name": one["metadata"]["name"]}
        for name in ("pollingInterval", "cooldownPeriod", "minReplicaCount", "maxReplicaCount"):
            assert isinstance(spec[name], int)
        for trigger in spec["triggers"]:
            assert trigger["type"] == broker.kind
            assert set(trigger["metadata"]) == FIELDS[broker.kind]
            assert all(isinstance(value, str) for value in trigger["metadata"].values())


def test_a_login_is_a_secret_that_is_named_and_never_written():
    """RabbitMQ's scaler takes the whole address from it, Redis's a user and a password."""
    login = ("TriggerAuthentication", "eventflow-broker")
    assert login not in documents()
    for broker, expected in (
        (RABBITMQ, ["host"]),
        (Broker("redis", "r", 1, "0", has_login=True), ["username", "password"]),
    ):
        found = documents(broker=broker)
        parameters = [one["parameter"] for one in found[login]["spec"]["secretTargetRef"]]
        assert parameters == expected
        trigger = found["ScaledObject", "eventflow-mail"]["spec"]["triggers"][0]
        assert trigger["authenticationRef"] == {"name": "eventflow-broker"}
    text = scaled_objects(RULES, read_broker("redis://me:s3cret@r/1"), Scale())
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://r", Broker("redis", "r", 6379, "0")),
        ("rediss://:p@r:6380/3", Broker("redis", "r", 6380, "3", is_tls=True, has_login=True)),
        ("amqp://u:p@r", Broker("rabbitmq", "r", 5672, "/", has_login=True)),
        ("amqps://u:p@r/shop", Broker("rabbitmq", "r", 5671, "shop", True, True)),
        ("amqp://u:p@one;amqp://u:p@two", Broker("rabbitmq", "one", 5672, "/", has_login=True)),
    ],
)
def test_an_address_is_read(url: str, expected: Broker):
    """With the ports that are usual, where it names none."""
    assert read_broker(url) == expected


@pytest.mark.parametrize("url", ["", "unix:///run/r.sock", "redis+socket:///run/r.sock"])
def test_a_server_of_this_machine_alone_is_refused(url: str):
    """KEDA could not reach it, and the message says what to set."""
    with pytest.raises(SettingsError, match="EVENTFLOW_BROKER_URL"):
        read_broker(url)


def test_workers_outlast_the_longest_pause_between_two_attempts():
    """Within bounds: 5 minutes at least, an hour at most."""
    found = documents()
    assert found["ScaledObject", "eventflow-mail"]["spec"]["cooldownPeriod"] == 300
    assert found["ScaledObject", "eventflow-vendor"]["spec"]["cooldownPeriod"] == 900


def test_no_more_workers_than_may_be_busy():
    """Where all targets of an integration limit what is in flight, more would have nothing to do."""
    limited = [one.model_copy(update={"max_in_flight": 3}) for one in (OPEN, CLOSE)]
    scale = Scale(least=0, most=10, concurrency=2)
    found = documents(RuleSet([*limited, MAIL], []), scale=scale)
    assert found["ScaledObject", "eventflow-vendor"]["spec"]["maxReplicaCount"] == 3
    assert found["ScaledObject", "eventflow-mail"]["spec"]["maxReplicaCount"] == 10
    assert found["ScaledObject", "eventflow-mail"]["spec"]["minReplicaCount"] == 0


def test_a_name_that_kubernetes_refuses_is_made_one_and_stays_apart():
    """Two integrations never share an object."""
    targets = [Target(name=name, task="x.y") for name in ("My_Vendor", "my-vendor", "My.Vendor")]
    names = [name for _, name in documents(RuleSet(targets, []), scale=Scale(namespace="shop"))]
    assert len(set(names)) == 3
    assert "eventflow-my-vendor" in names
    assert all(name == name.lower() and "_" not in name for name in names)
