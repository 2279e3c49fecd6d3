"""The ports that `eventflow up` gives its processes."""

import pytest

from eventflow.cli.metrics_ports import MetricsPorts
from eventflow.cli.supervisor import Process

VARIABLE = "EVENTFLOW_METRICS_PORT"


def port_of(ports: MetricsPorts, name: str) -> str | None:
    """Return the port that a process is given; None where its environment is left alone."""
    given = ports.give(Process(name, ["true"], env={"A": "b"}))
    assert given.env is not None
    assert given.env["A"] == "b"
    return given.env.get(VARIABLE)


def test_each_process_has_a_port_of_its_own_and_keeps_it():
    """One that is started again is scraped where it was."""
    ports = MetricsPorts(9400)
    names = ["router", "recorder", "router", "audit"]
    assert [port_of(ports, name) for name in names] == ["9400", "9401", "9400", "9402"]
    assert str(ports) == "router :9400, recorder :9401, audit :9402"


def test_without_a_port_nothing_is_given():
    """Metrics are off unless somebody asks for them."""
    ports = MetricsPorts(0)
    assert port_of(ports, "router") is None
    assert str(ports) == ""


def test_an_inherited_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch):
    """A process that has none of its own gets this one's, with the port."""
    monkeypatch.setenv("KEPT", "yes")
    given = MetricsPorts(9400).give(Process("router", ["true"]))
    assert given.env is not None
    assert (given.env["KEPT"], given.env[VARIABLE]) == ("yes", "9400")


def test_there_are_no_ports_beyond_the_last():
    """Those that would have one serve none."""
    ports = MetricsPorts(65535)
    assert [port_of(ports, name) for name in ("router", "recorder")] == ["65535", None]
    assert str(ports) == "router :65535"
