"""`eventflow demo` as a person runs it: it comes up, balances its account, and leaves nothing."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from eventflow import Delivery
from tests.acceptance.demo_process import ROOT, DemoProcess
from workers import notifications

Start = Callable[..., DemoProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts demos in a folder of the test's own, and stops them."""
    started: list[DemoProcess] = []

    def begin(*arguments: str) -> DemoProcess:
        started.append(DemoProcess(tmp_path, *arguments))
        return started[-1]

    yield begin
    for demo in started:
        demo.close()


def test_account_balances(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty events: exit 0, a balanced account as JSON, and a dead letter that can be looked at.

    What another deployment of this machine sends meanwhile, to where workers send by themselves,
    is not in it.
    """
    demo = start("--events", "40", "--json")
    demo.wait_for(lambda: "All is up" in demo.said, "start")
    monkeypatch.delenv("NOTIFICATIONS_URL", raising=False)
    elsewhere = Delivery(id="e1:elsewhere", target="elsewhere", attempt=1, last_attempt=False)
    with suppress(OSError):  # nobody need be there
        notifications.send_message({"to": "somebody", "text": "from elsewhere"}, elsewhere)

    assert (demo.end(), demo.left_over()) == (0, []), demo.said
    account = json.loads(demo.printed)
    assert account["balanced"], account
    assert account["events"] == 40
    assert account["expected"] == account["delivered"] + account["refused"] + account["dead"]
    assert min(account["refused"], account["dead"], account["failed_calls"]) > 0
    assert account["targets"]["audit"]["delivered"] == 40
    (stopped,) = account["stopped"]
    assert "CourierArrived/1.0.json" in stopped["message"]
    assert "data.recipient.language: is missing" in stopped["message"]
    assert set(account["targets"]) >= {"device-vendor", "notifications", "audit"}
    assert f"Flower: {account['flower']}" in demo.said

    letter = account["dead_letter"]
    shown = demo.shell(letter["redrive"].replace(" redrive ", " show "))
    assert shown.returncode == 0, shown.stderr
    assert letter["error"] in shown.stdout
    assert letter["reason"] == "refused"


def test_kept_demo_redrives_its_dead_letter(start: Start) -> None:
    """With --keep all stays up: the printed command redrives, a second demo is told so."""
    demo = start("--events", "40", "--keep")
    demo.wait_for(lambda: "Ctrl-C stops it all" in demo.said, "account")
    assert "Balanced: " in demo.printed, demo.printed
    assert "A producer broke a schema and was stopped" in demo.printed

    other = start("--events", "1")
    assert other.end() == 1
    assert re.search(
        r"`eventflow demo` is running in .*Flower: http://127\.0\.0\.1:\d+", other.said
    )

    flower = re.findall(r"Flower: (\S+)", demo.said)[0]

    def workers() -> set[str]:
        with urlopen(f"{flower}/api/workers?refresh=1", timeout=10) as answer:
            return {name.partition("@")[0] for name in json.load(answer)}

    # Flower gives its workers a second to answer, which is little on a busy machine.
    own = {"router", "recorder", "device-vendor", "delivery-partner", "notifications", "audit"}
    demo.wait_for(lambda: workers() == own, "Flower to show the workers")

    command = re.findall(r"Send it again: +(.*)", demo.printed)[0]
    letter = command.split()[-1]
    redriven = demo.shell(command)
    assert redriven.returncode == 0, redriven.stderr
    log = demo.place / ".eventflow" / "demo" / "logs" / "simulated-vendor.log"
    vendor = log.read_text().split("ready: ")[1].split()[0]

    def has_arrived() -> bool:
        with urlopen(f"{vendor}/account", timeout=10) as answer:
            return letter in {entry["key"] for entry in json.load(answer)["accepted"]}

    demo.wait_for(has_arrived, "redriven delivery")
    assert (demo.interrupt(), demo.left_over()) == (0, [])


def test_ctrl_c_stops_everything(start: Start) -> None:
    """Ctrl-C in the middle of the day ends all processes, and the exit code says so."""
    demo = start()
    demo.wait_for(lambda: "published 1" in demo.said, "first events")
    assert re.search(r"published 1\d* of 200;", demo.said)

    assert (demo.interrupt(), demo.left_over()) == (130, [])
    assert "Stopped." in demo.said
    assert "Traceback" not in demo.said


def test_unbalanced_account_is_no_success(start: Start, tmp_path: Path) -> None:
    """A deployment that does things twice is found out: exit 1, and each one named."""
    for folder in ("workers", "rules"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    audit = tmp_path / "workers" / "audit.py"
    audit.write_text(audit.read_text().replace("os.write(file, line)", "os.write(file, line * 2)"))
    demo = start("--events", "5", "--json")

    assert (demo.end(), demo.left_over()) == (1, []), demo.said
    account = json.loads(demo.printed)
    assert (account["balanced"], account["missing"], account["unexpected"]) == (False, [], [])
    assert [delivery.rpartition(":")[2] for delivery in account["twice"]] == ["audit"] * 5


def test_own_events(start: Start, tmp_path: Path) -> None:
    """Events from a file are routed by the rules; one id twice is one event, a faulty one none."""
    person = {"id": "person-1", "name": "Ada", "language": "nl"}
    parcel = {"id": "EU-NB-1", "weight_kg": 1, "value": 9}
    data = {"recipient": person, "minutes": 90, "cause": "snow", "parcel": parcel}
    data["expected_at"] = "2026-11-23T18:00:00Z"
    event = {"id": "a", "source": "partner.planning", "detail-type": "ParcelDelayed"}
    other = {"source": "x", "type": "y", "data": {}}
    faulty = {**event, "id": "b", "detail": {**data, "minutes": "90"}}
    lines = [{**event, "detail": data}, {**event, "detail": data}, faulty, other]
    (tmp_path / "mine.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    demo = start("--json", "--file", "mine.jsonl")

    assert demo.end() == 0, demo.said
    account = json.loads(demo.printed)
    assert {name: line["delivered"] for name, line in account["targets"].items()} == {
        "audit": 2,
        "delivery-partner": 1,
        "notifications": 1,
    }
    assert account["dead_letter"] is None
    assert [item["id"] for item in account["stopped"]] == ["b"]


def test_faulty_file_is_refused_before_anything_starts(start: Start, tmp_path: Path) -> None:
    """A faulty line is said with file and line, and nothing was started or written."""
    (tmp_path / "mine.jsonl").write_text('{"source": "x"}\n')
    demo = start("--file", "mine.jsonl")

    assert demo.end() == 1
    assert "  mine.jsonl:1: " in demo.said
    assert not (demo.place / ".eventflow").exists()
