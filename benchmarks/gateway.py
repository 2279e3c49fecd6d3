"""What `eventflow serve` takes: requests a second and p99, one event and ten in a call.

One process of the server, on the embedded Valkey; its clients are a second process, on the same
machine, with sixteen connections that are kept. Each request is sent once the answer before it on
its connection is here.
"""

import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

from eventflow.embedded import running_server
from eventflow.settings import Settings, load_settings

SECONDS = 4.0
CONNECTIONS = 16
DATA = {"note": "x" * 300, "door": 7}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
AWS = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSEvents.PutEvents"}
Request = tuple[str, dict[str, str], bytes]


def make_cloud_event(name: str) -> dict[str, object]:
    """Return an event of some 500 bytes."""
    attributes = {"specversion": "1.0", "source": "courier.app", "type": "CourierArrived"}
    return {**attributes, "id": name, "data": DATA}


def one_event(name: str) -> Request:
    """Return a request with one CloudEvent."""
    return "/events", STRUCTURED, json.dumps(make_cloud_event(name)).encode()


def ten_events(name: str) -> Request:
    """Return a request with ten CloudEvents."""
    batch = [make_cloud_event(f"{name}-{number}") for number in range(10)]
    return "/events", BATCH, json.dumps(batch).encode()


def one_entry(_name: str) -> Request:
    """Return a request of PutEvents with one entry."""
    return "/", AWS, _put_events(1)


def ten_entries(_name: str) -> Request:
    """Return a request of PutEvents with ten entries."""
    return "/", AWS, _put_events(10)


def _put_events(count: int) -> bytes:
    detail = json.dumps(DATA)
    entry = {"Source": "courier.app", "DetailType": "CourierArrived", "Detail": detail}
    return json.dumps({"Entries": [entry] * count}).encode()


def ask(port: int, make: Callable[[str], Request], name: str, times: list[float]) -> None:
    """Send requests on one connection, one after the other, and note how long each took."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    end = time.monotonic() + SECONDS
    number = 0
    while time.monotonic() < end:
        path, headers, body = make(f"{name}-{number}")
        start = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - start)
        if answer.status >= 300:
            message = f"the gateway answered {answer.status}"
            raise SystemExit(message)
        number += 1


def load(
    port: int, make: Callable[[str], Request], answer: "multiprocessing.Queue[list[float]]"
) -> None:
    """Ask on all connections at once; put the times on a queue."""
    times: list[float] = []
    name = f"{make.__name__}-{os.getpid()}"
    threads = [
        threading.Thread(target=ask, args=(port, make, f"{name}-{number}", times))
        for number in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer.put(times)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used so far; what else runs does not change it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_server(settings: Settings, port: int) -> "subprocess.Popen[bytes]":
    """Start `eventflow serve --no-auth` and wait until it answers."""
    environment = {
        **os.environ,
        "EVENTFLOW_DATA_DIR": str(settings.data_dir),
        "EVENTFLOW_SCHEMAS": str(settings.schemas),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "eventflow", "serve", "--no-auth", "--port", str(port)],
        env={**environment, "EVENTFLOW_LOG_LEVEL": "WARNING"},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return process
        except OSError:
            time.sleep(0.05)
    process.kill()
    message = "the gateway did not start"
    raise SystemExit(message)


def main() -> None:
    """Print the table."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    rows = [
        ("CloudEvents, one", one_event, 1),
        ("CloudEvents, ten in a batch", ten_events, 10),
        ("PutEvents, one entry", one_entry, 1),
        ("PutEvents, ten entries", ten_entries, 10),
    ]
    print(
        f"{'':30} {'requests/s':>10} {'events/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU us/request':>15}"
    )
    with tempfile.TemporaryDirectory(prefix="ef-") as place:
        settings = load_settings(data_dir=Path(place), schemas=Path(place))
        with running_server(settings):
            process = start_server(settings, port)
            try:
                for name, make, events in rows:
                    answer: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
                    before = cpu_seconds(process.pid)
                    client = multiprocessing.Process(target=load, args=(port, make, answer))
                    client.start()
                    times = answer.get()
                    client.join()
                    rate = len(times) / SECONDS
                    p99 = statistics.quantiles(times, n=100)[98] * 1000
                    p50 = statistics.median(times) * 1000
                    used = (cpu_seconds(process.pid) - before) / len(times) * 1e6
                    print(
                        f"{name:30} {rate:10.0f} {rate * events:10.0f} {p50:8.1f} {p99:8.1f} "
                        f"{used:15.0f}"
                    )
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


if __name__ == "__main__":
    main()
