"""`eventflow trace` in a real deployment: where each delivery of an event went, and why."""

import json
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eventflow.cli.main import Talk, cli
from eventflow.delivery import Ledgers
from eventflow.events import Event
from eventflow.store import DeadLetterStore, open_engine
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      fine: {task: project.fine}
      flaky: {task: project.flaky, retry: {initial: 50ms, max: 50ms, jitter: none}}
      broken: {task: project.broken, retry: {max_attempts: 2, initial: 50ms, max: 50ms, jitter: none}}
      patient: {task: project.patient, rate_limit: 100/s, retry: {max_attempts: 185}}
    rules:
      sold:
        pattern: {source: [shop], detail-type: [Sold], detail: {door: {kind: [garage]}}}
        targets: [fine, flaky, broken]
      sold-at-the-front:
        pattern: {source: [shop], detail-type: [Sold], detail: {door: {kind: [front]}}}
        targets: [fine]
      moved:
        pattern: {source: [shop], detail-type: [Moved]}
        targets: [patient]
      of-others:
        pattern: {source: [others]}
        targets: [fine]
      carried:
        pattern: {source: [shop], detail-type: [Carried]}
        targets: [fine]
    archives:
      parcels: {pattern: {detail-type: [Kept, Carried]}, retention: 30d}
"""

PROJECT = """
    @flow.subscriber("fine")
    def fine(event: Event, delivery: Delivery):
        note(delivery)

    @flow.subscriber("flaky")
    def flaky(event: Event, delivery: Delivery):
        note(delivery)
        if delivery.attempt < 2:
            raise OSError("HTTP 503")

    @flow.subscriber("broken")
    def broken(event: Event, delivery: Delivery):
        note(delivery)
        raise ValueError("no such door")

    @flow.subscriber("patient")
    def patient(event: Event, delivery: Delivery):
        note(delivery)
        if os.path.exists("is-away"):
            raise Retry(after=0.5, reason="the crew is away")
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A router, a recorder, and one worker for all targets."""
    place = tmp_path_factory.mktemp("trace")
    with deployed(
        place,
        project=PROJECT,
        rules=RULES,
        flower_url="https://flower.example.com/",
    ) as deployment:
        deployment.run("router", ["-m", "eventflow", "router"])
        deployment.run("recorder", ["-m", "eventflow", "recorder"])
        deployment.start("worker", ["fine", "flaky", "broken", "patient"])
        deployment.await_ready()
        yield deployment


def publish(deployment: Deployment, kind: str, **detail: Any) -> str:
    """Publish an event, and return its id."""
    return deployment.flow.publish(Event(source="shop", type=kind, data=detail)).id


def trace(deployment: Deployment, *arguments: str) -> Result:
    """Run `eventflow trace …` in this process, which spares its start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(deployment.place)
        return CliRunner().invoke(
            cli, ["trace", *arguments], env=deployment.environment, obj=Talk()
        )


def told(deployment: Deployment, *arguments: str) -> Any:
    """Return what `eventflow trace … --json` says."""
    result = trace(deployment, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def sold(running: Deployment) -> str:
    """An event with a success, a retry that succeeds, and a dead letter; all is recorded."""
    event_id = publish(running, "Sold", order_id=42, door={"kind": "garage"})
    running.settle()
    store = DeadLetterStore(open_engine(running.settings.store_url))
    running.wait(lambda: store.count().total == 1, "the dead letter to be recorded")
    return event_id


def test_the_whole_story(running: Deployment, sold: str) -> None:
    """What it is, which rules it meets, where each delivery is, and every step in order."""
    result = trace(running, sold)
    assert (result.exit_code, result.stderr) == (0, "")
    said = result.stdout
    assert f"event     {sold}: Sold from shop\n" in said
    assert "is        3 deliveries: 2 delivered, 1 dead\n" in said
    assert "  matches   sold → fine, flaky, broken\n" in said
    assert (
        "  no match  sold-at-the-front: 2 of 3 conditions met\n"
        "      detail.door.kind\n"
        '        wanted  "front"\n'
        '        found   "garage"\n'
    ) in said
    assert "of-others" not in said
    assert "  1 more rule does not match; --all-rules explains all\n" in said
    assert re.search(r"  flaky \(by sold\)\n    delivered by attempt 2 20\d\d-", said)
    assert (
        f"    eventflow deadletters redrive {sold}:broken\n"
        f"    https://flower.example.com/task/{sold}%3Abroken\n"
    ) in said
    steps = [
        ("event", r"accepted"),
        ("event", r"routed by sold to fine, flaky, broken"),
        ("fine", r"attempt 1 succeeded in \d+ms"),
        ("flaky", r"attempt 1 failed after \d+ms: OSError: HTTP 503; due again 20.+"),
        ("flaky", r"attempt 2 succeeded in \d+ms"),
        (
            "broken",
            r"attempt 2 was the last after \d+ms: ValueError: no such door; dead letter .max_attempts.",
        ),
    ]
    for who, what in steps:
        line = rf"  20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}}Z  +\+\d+m?s  {who} +{what}"
        assert re.search(f"^{line}$", said, re.MULTILINE), (line, said)
    stamps = [line[2:26] for line in said.partition("\ntimeline\n")[2].splitlines()]
    assert len(stamps) >= 9
    assert stamps == sorted(stamps)


def test_on_a_terminal_it_is_in_colour(running: Deployment, sold: str) -> None:
    """What matches, what does not, what died; elsewhere there is none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(running.place)
        runner = CliRunner()
        coloured = runner.invoke(
            cli, ["trace", sold], env=running.environment, obj=Talk(), color=True
        ).stdout
    assert "\x1b[32m  matches   sold" in coloured
    assert "\x1b[31m    dead letter (max_attempts)" in coloured
    assert "\x1b" not in trace(running, sold).stdout


def test_the_story_for_programs(running: Deployment, sold: str) -> None:
    """The same as JSON, each delivery with its state and its entries."""
    story = told(running, sold)
    assert (story["event_id"], story["bus"], story["type"]) == (sold, "default", "Sold")
    assert (story["final"], story["content_from"]) == (True, "dead letters")
    [run] = story["runs"]
    states = {each["target"]: (each["state"], each["attempts"]) for each in run["deliveries"]}
    assert states == {"fine": ("delivered", 1), "flaky": ("delivered", 2), "broken": ("dead", 2)}
    flaky = next(each for each in run["deliveries"] if each["target"] == "flaky")
    assert [entry["outcome"] for entry in flaky["entries"] if entry["attempt"]] == ["retry", "done"]
    assert all(entry["duration"] > 0 for entry in flaky["entries"] if entry["attempt"])
    assert {rule["rule"]: rule["status"] for rule in story["rules"]} == {
        "sold": "matches",
        "sold-at-the-front": "no match",
        "moved": "no match",
        "of-others": "no match",
        "carried": "no match",
    }


def test_an_id_may_be_cut(running: Deployment, sold: str) -> None:
    """Its beginning does, and the id of a delivery; of several that begin so, all are listed."""
    assert told(running, sold[:12])["event_id"] == sold
    assert told(running, f"{sold}:broken")["event_id"] == sold
    for name in ("same-1", "same-2"):
        running.flow.publish(Event(id=name, source="nobody", type="Said", data={}))
    running.settle()
    several = trace(running, "same-", "--json")
    assert several.exit_code == 1
    assert [each["event_id"] for each in json.loads(several.stdout)] == ["same-1", "same-2"]
    whole = told(running, "same-1")
    assert (whole["runs"][0]["routed"], whole["runs"][0]["deliveries"]) == (True, [])
    assert "is        routed: no rule matched\n" in trace(running, "same-1").stdout


def test_what_is_not_there_is_said(running: Deployment) -> None:
    """With what was searched, and nothing on stdout."""
    result = trace(running, "no-such-event")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "No event on any bus has the id 'no-such-event'" in result.stderr
    assert "EVENTFLOW_JOURNAL_RETENTION" in result.stderr
    assert trace(running).exit_code == 2
    assert trace(running, "e1", "--where", "source=shop").exit_code == 2
    assert trace(running, "--where", "source").exit_code == 2


def test_it_is_found_by_what_it_has(running: Deployment, sold: str) -> None:
    """Conditions are all met; what nothing has any more, or what never was, is not found."""
    by_order = told(running, "--where", "detail.order_id=42", "--where", "source=shop")
    assert by_order["event_id"] == sold
    assert told(running, "--where", "detail.order_id=42", "--since", "1h")["event_id"] == sold
    for options in (["--where", "source=nobody"], ["--type", "Moved"], ["--since", "now"]):
        none = trace(running, "--where", "detail.order_id=42", *options)
        assert (none.exit_code, none.stdout) == (1, "")
        assert "What was delivered is found in an archive alone" in none.stderr


def test_what_is_delivered_is_found_in_the_archive(running: Deployment) -> None:
    """An archive keeps the content: for a search, and for the rules to be asked about it."""
    event_id = publish(running, "Kept", parcel={"number": "P-7"})
    running.settle()
    story = told(running, "--where", "detail.parcel.number=P-7", "--type", "Kept")
    assert (story["event_id"], story["content_from"]) == (event_id, "archive")
    assert story["archived"]["archives"] == ["parcels"]
    [delivery] = story["runs"][0]["deliveries"]
    assert (delivery["target"], delivery["state"]) == ("eventflow.archive", "delivered")
    said = trace(running, event_id).stdout
    assert re.search(r"^archived  by parcels, until 20.* \(in \d+d\)$", said, re.MULTILINE)
    assert "  none of 5 matches\n" in said
    assert "changed" not in said


def test_a_replay_is_part_of_the_story(running: Deployment) -> None:
    """Each run of the event has its own deliveries; one of them may be asked for alone."""
    event_id = publish(running, "Carried", parcel="P-8")
    running.settle()
    done = running.command(
        "replay", "--from", "1h", "--to", "now", "--type", "Carried", "--name", "again", "--yes"
    )
    assert done.returncode == 0, done.stderr
    running.settle()
    first, again = told(running, event_id)["runs"]
    assert (first["replay"], again["replay"]) == (None, "again")
    states = {each["delivery_id"]: each["state"] for each in again["deliveries"]}
    assert states == {f"{event_id}@replay:again:fine": "delivered"}
    assert {each["target"] for each in first["deliveries"]} == {"fine", "eventflow.archive"}
    said = trace(running, event_id).stdout
    assert "; replay again: 1 delivery: 1 delivered\n" in said
    assert re.search(r"  fine \(replay again\) +attempt 1 succeeded in ", said)
    for text in (event_id, f"{event_id}@replay:again:fine"):
        options = ["--replay", "again"] if text == event_id else []
        [run] = told(running, text, *options)["runs"]
        assert run["replay"] == "again"
    none = trace(running, event_id, "--replay", "none")
    assert (none.exit_code, "no replay 'none' of it" in none.stderr) == (1, True)


def test_what_is_held_back_says_why(running: Deployment) -> None:
    """Two events of a paused target, found by what they have while they are in flight."""
    ledger = Ledgers(running.settings).of("default")
    ledger.pause("patient", reason="the crew sleeps", by="maria")
    try:
        ids = [publish(running, "Moved", crew=7, van=van) for van in ("a", "b")]
        running.wait(lambda: ledger.status(["patient"])["patient"].parked == 2, "both to be held")
        story = told(running, "--where", "detail.crew=7", "--where", "detail.van=b")
        assert (story["event_id"], story["final"]) == (ids[1], False)
        assert story["content_from"] == "ledger"
        [delivery] = story["runs"][0]["deliveries"]
        assert (delivery["state"], delivery["held_by"]) == ("parked", "paused")
        said = trace(running, ids[1]).stdout
        assert "    held back: its target was paused by maria (the crew sleeps)\n" in said
        both = told(running, "--where", "detail.crew=7")
        assert [each["event_id"] for each in both] == [ids[1], ids[0]]
        assert {each["found_in"] for each in both} == {"ledger"}
        assert len(told(running, "--where", "detail.crew=7", "--limit", "1")["runs"]) == 1
    finally:
        ledger.resume("patient")
    running.settle()


def test_an_event_is_followed_to_its_end(running: Deployment) -> None:
    """Each step as it comes, from a delivery that waits until nothing more will happen."""
    (running.place / "is-away").touch()
    event_id = publish(running, "Moved", crew=8)
    running.wait(
        lambda: any(note["id"].startswith(event_id) for note in running.noted()), "an attempt"
    )
    running.run("follow", ["-m", "eventflow", "trace", event_id, "--follow"])
    running.await_log("follow", "failed after")
    [waiting] = told(running, event_id)["runs"][0]["deliveries"]
    assert (waiting["final"], "the crew is away" in waiting["error"]) == (False, True)
    running.run("left", ["-m", "eventflow", "trace", event_id, "--follow", "--json"])
    running.await_log("left", '"outcome": "retry"')
    running.processes["left"].send_signal(signal.SIGINT)
    assert running.processes.pop("left").wait(30) == 0
    *steps, said = running.log("left").splitlines()
    assert said == "Not followed any longer; the event goes on."
    assert [json.loads(line)["entry"]["step"] for line in steps][:2] == ["accepted", "matched"]
    (running.place / "is-away").unlink()
    running.await_log("follow", "All of it is final: 1 delivery: 1 delivered.")
    assert running.processes.pop("follow").wait(30) == 0
    lines = running.log("follow").splitlines()
    assert lines[0] == f"event     {event_id}: Moved from shop"
    timeline = lines[lines.index("timeline") + 1 :]
    attempts = [line for line in timeline if re.search(r"attempt \d+ (failed|succeeded)", line)]
    assert len(attempts) >= 2
    assert all("retry after 0.5 s: the crew is away" in line for line in attempts[:-1])
    assert "succeeded in" in attempts[-1]
    assert len(timeline) == len(set(timeline)), "nothing is said twice"
