"""The endpoint: what it answers, what it refuses, and what a port that is taken does."""

import http.client
import logging
import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator

import pytest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from eventflow.metrics.endpoint import MOST_CONNECTIONS, Endpoint
from tests.ports import free_port


class One(Collector):
    """Tells one number."""

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return [GaugeMetricFamily("one", "One.", value=1)]


class Broken(Collector):
    """Cannot tell any."""

    def collect(self) -> Iterable[Metric]:
        """Fail."""
        message = "broken"
        raise RuntimeError(message)


@pytest.fixture
def endpoint() -> Iterator[tuple[Endpoint, int]]:
    """An endpoint that listens, and its port."""
    port = free_port()
    made = Endpoint([Broken(), One()], address="127.0.0.1", port=port)
    assert made.start()
    yield made, port
    made.stop()


def read(port: int, path: str = "/metrics") -> str:
    """Return what is answered."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return answer.read().decode()


def test_metrics_are_at_their_path(endpoint: tuple[Endpoint, int]):
    """The process's own numbers are beside those of the collectors."""
    text = read(endpoint[1])
    assert "one 1.0" in text
    assert "process_resident_memory_bytes" in text


def test_a_collector_that_fails_hides_no_other(
    endpoint: tuple[Endpoint, int], caplog: pytest.LogCaptureFixture
):
    """It is logged, and the rest is answered."""
    with caplog.at_level(logging.ERROR, "eventflow.metrics"):
        assert "one 1.0" in read(endpoint[1])
    assert "scrape_failed" in {getattr(record, "action", "") for record in caplog.records}


@pytest.mark.parametrize("path", ["/", "/other", "/metrics/more"])
def test_nothing_is_at_any_other_path(endpoint: tuple[Endpoint, int], path: str):
    """It says where the metrics are."""
    with pytest.raises(urllib.error.HTTPError) as raised:
        read(endpoint[1], path)
    assert raised.value.code == 404
    assert b"/metrics" in raised.value.read()
    raised.value.close()


def test_nothing_is_changed_by_a_request(endpoint: tuple[Endpoint, int]):
    """Whoever posts is refused."""
    connection = http.client.HTTPConnection("127.0.0.1", endpoint[1], timeout=5)
    connection.request("POST", "/metrics", b"x")
    assert connection.getresponse().status == 405
    connection.close()


def test_a_port_that_is_taken_is_said_once_and_ends_nothing(caplog: pytest.LogCaptureFixture):
    """The process goes on without its metrics, and its log says how to have them."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with caplog.at_level(logging.ERROR, "eventflow.metrics"):
            assert not Endpoint([One()], address="127.0.0.1", port=port).start()
    [record] = caplog.records
    assert str(port) in record.getMessage()
    assert "EVENTFLOW_METRICS_PORT" in record.getMessage()


def test_clients_that_say_nothing_do_not_hold_the_endpoint_for_ever(
    endpoint: tuple[Endpoint, int],
):
    """So many are waited for at once; the next is closed, and answered once one has gone."""
    silent = [socket.create_connection(("127.0.0.1", endpoint[1])) for _ in range(MOST_CONNECTIONS)]
    with socket.create_connection(("127.0.0.1", endpoint[1]), timeout=5) as late:
        assert late.recv(1) == b""
    for connection in silent:
        connection.close()
    for _ in range(500):
        try:
            assert "one 1.0" in read(endpoint[1])
        except OSError:
            continue
        break
    else:
        pytest.fail("the endpoint answers no more")


def test_it_tidies_up_though_nobody_asks():
    """What processes leave that end again and again does not gather until the next scrape."""
    tidied = threading.Event()
    port = free_port()

    def tidy() -> None:
        tidied.set()
        message = "no space left"
        raise OSError(message)

    made = Endpoint([One()], address="127.0.0.1", port=port, tidy=tidy)
    assert made.start()
    try:
        assert tidied.wait(10)
        assert "one 1.0" in read(port)
    finally:
        made.stop()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_does_not_hold_the_port(endpoint: tuple[Endpoint, int]):
    """A pool's process that outlives its parent keeps no next worker from listening."""
    reader, writer = os.pipe()
    number = endpoint[0]._server.socket.fileno()  # type: ignore[union-attr]
    child = os.fork()
    if child == 0:
        try:
            os.fstat(number)
            os.write(writer, b"open")
        except OSError:
            os.write(writer, b"closed")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 10) == b"closed"
    os.close(reader)
    os.close(writer)
