"""The simulated outside world does what the demo's account relies on."""

import http.client
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol
from urllib.request import urlopen

import pytest

from workers.simulated_vendor import World, main


class _Client(Protocol):
    url: str

    def ask(
        self, method: str, path: str, *, body: object = ..., raw: bytes | None = ..., key: str = ...
    ) -> tuple[int, dict[str, Any]]: ...


def test_accepted_calls_are_accounted_for_by_key(client: _Client) -> None:
    """Each accepted call is in the account with its key, path and time."""
    client.ask("POST", "/vendor/doors/garage-1/unlock", key="one")
    client.ask("POST", "/partner/parcels/P1/ParcelLeft", key="two")
    client.ask("POST", "/messages/person-1", key="three")

    _, account = client.ask("GET", "/account")
    assert account["accepted"] == [
        {"key": "one", "path": "/vendor/doors/garage-1/unlock", "at": 1000.0, "repeat": False},
        {"key": "two", "path": "/partner/parcels/P1/ParcelLeft", "at": 1000.0, "repeat": False},
        {"key": "three", "path": "/messages/person-1", "at": 1000.0, "repeat": False},
    ]


def test_a_repeated_key_is_counted_again(client: _Client) -> None:
    """A second call with one key is accepted, and the account marks it as a repeat."""
    client.ask("POST", "/messages/person-1", key="one")

    assert client.ask("POST", "/messages/person-1", key="one") == (
        200,
        {"accepted": "one", "repeat": True},
    )
    assert [entry["repeat"] for entry in client.ask("GET", "/account")[1]["accepted"]] == [
        False,
        True,
    ]


def test_account_goes_on_from_where_it_was_read(client: _Client) -> None:
    """The account's `next` leads to what came later, and nothing else."""
    client.ask("POST", "/messages/person-1", key="one")
    seen = client.ask("GET", "/account")[1]["next"]
    client.ask("POST", "/messages/person-1", key="two")

    _, later = client.ask("GET", f"/account?after={seen}")
    assert [entry["key"] for entry in later["accepted"]] == ["two"]


def test_unknown_door_is_404_until_registered(client: _Client) -> None:
    """A door that the vendor does not know is turned away until somebody registers it."""
    assert client.ask("POST", "/vendor/doors/garage-404/unlock", key="one")[0] == 404
    assert client.ask("POST", "/vendor/doors/garage-404")[0] == 201
    assert client.ask("POST", "/vendor/doors/garage-404/unlock", key="one")[0] == 200


def test_broken_person_is_500_always(client: _Client) -> None:
    """A person whom no message reaches is a failure every time, and never accepted."""
    statuses = [client.ask("POST", "/messages/person-500", key="one")[0] for _ in range(3)]

    assert statuses == [500, 500, 500]
    assert client.ask("GET", "/account")[1] == {
        "accepted": [],
        "next": 0,
        "calls": 3,
        "failed": 3,
        "turned_away": 0,
    }


def test_outage_cuts_the_vendor_and_nobody_else(client: _Client) -> None:
    """While it is down the vendor says nothing at all; the message service goes on."""
    client.ask("POST", "/control", body={"outage": True})

    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        client.ask("POST", "/vendor/doors/garage-1/unlock", key="one")
    assert client.ask("POST", "/messages/person-1", key="two")[0] == 200

    client.ask("POST", "/control", body={"outage": False})
    assert client.ask("POST", "/vendor/doors/garage-1/unlock", key="one")[0] == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"no json",
        b"[]",
        b'{"weather": 1}',
        b'{"failure_rate": "often"}',
        b'{"failure_rate": [1]}',
        b'{"unknown": 5}',
    ],
)
def test_control_refuses_nonsense(client: _Client, raw: bytes) -> None:
    """What cannot be is answered 400 with a word on it, and the server lives on."""
    status, answer = client.ask("POST", "/control", raw=raw)

    assert (status, bool(answer["error"])) == (400, True)
    assert client.ask("POST", "/vendor/doors/garage-1/unlock", key="one")[0] == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/vendor", 404),
        ("/messages/person-1", 400),  # without a key
    ],
)
def test_wrong_calls_are_refused(client: _Client, path: str, status: int) -> None:
    """A path that is none, and a call without an idempotency key, are refused."""
    assert status == client.ask("POST", path)[0]


def test_vendor_fails_about_as_often_as_told_and_the_same_each_time() -> None:
    """A third of the vendor's calls fail, the same ones for the same seed."""

    def statuses() -> list[int]:
        world = World(failure_rate=1 / 3, seed=7)
        return [world.call("/vendor/doors/garage-1/unlock", str(n)).status for n in range(600)]

    first = statuses()
    assert first == statuses()
    assert 160 <= len([status for status in first if status != 200]) <= 240
    assert {200, 429, 500} == set(first)


def test_busy_answer_says_when_to_come_back() -> None:
    """Each 429 has a Retry-After."""
    world = World(failure_rate=1.0, seed=1)
    answers = [world.call("/vendor/doors/garage-1/unlock", str(n)) for n in range(100)]

    assert {"1"} == {a.headers["Retry-After"] for a in answers if a.status == 429}


def test_only_the_vendor_is_slow() -> None:
    """Latency holds for the vendor, give or take a half; an outage is quick."""
    world = World(latency=0.2)

    assert all(0.1 <= world.pause("/vendor/doors/garage-1/unlock") <= 0.3 for _ in range(50))
    assert world.pause("/messages/person-1") == 0.0
    world.control({"outage": True})
    assert world.pause("/vendor/doors/garage-1/unlock") == 0.0


def test_port_that_is_taken_is_said(client: _Client, capsys: pytest.CaptureFixture[str]) -> None:
    """A second server on one port ends with one line that names the port."""
    port = client.url.rpartition(":")[2]

    assert main(["--port", port]) == 1
    assert f"Error: port {port} cannot be used: Address already in use\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--failure-rate", "2"], "between 0 and 1"), (["--latency", "slow"], "--latency")],
)
def test_wrong_options_are_wrong_use(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that cannot be ends with exit code 2 and its name."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_process_serves_until_sigterm() -> None:
    """As a process it says where it listens, answers, and ends cleanly at SIGTERM."""
    root = Path(__file__).resolve().parents[3]
    process = subprocess.Popen(
        [sys.executable, "-m", "workers.simulated_vendor", "--port", "0"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        word, url = process.stdout.readline().split()
        assert word == "ready:"
        with urlopen(f"{url}/health", timeout=5) as answer:
            assert answer.read() == b'{"status": "up"}'
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()
