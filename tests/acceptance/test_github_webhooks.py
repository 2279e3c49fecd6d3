"""All 171 real webhooks, through real workers to four targets, one of which fails half its calls.

The expectation is made from the files by plain Python, with none of eventflow's code.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from eventflow.events import Event
from tests.deployment import deployed

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "github-webhooks"

RULES = """
    targets:
      bugs: {task: project.bugs}
      busy: {task: project.busy}
      organizations: {task: project.organizations}
      half:
        task: project.half
        retry: {max_attempts: 3, initial: 20ms, max: 40ms}
    rules:
      bug-labels:
        description: A nested field in an array of objects.
        pattern: {source: [github.com], detail: {issue: {labels: {name: [bug]}}}}
        targets: [bugs]
      busy-repositories:
        description: Numbers.
        pattern: {detail: {repository: {open_issues_count: [{numeric: [">", 1]}]}}}
        targets: [busy]
      organizations:
        description: exists, on a leaf of a nested object.
        pattern: {detail: {organization: {login: [{exists: true}]}}}
        targets: [organizations]
      people-and-pushes:
        description: A nested field, or an array of commits that added files.
        pattern:
          detail:
            $or:
              - sender: {type: [User]}
              - commits: {added: [{exists: true}]}
        targets: [half]
"""

PROJECT = """
    import hashlib

    @flow.subscriber("bugs")
    def bugs(event: Event, delivery: Delivery): note(delivery)

    @flow.subscriber("busy")
    async def busy(event: Event, delivery: Delivery): note(delivery)

    @flow.subscriber("organizations")
    def organizations(event: dict, delivery: Delivery): note(delivery)

    @flow.subscriber("half")
    def half(event: Event, delivery: Delivery):
        # Half of all calls fail, the same ones in each run.
        coin = hashlib.sha256(f"{delivery.id} {delivery.attempt}".encode()).digest()[0]
        if coin % 2:
            raise ConnectionError("one of the half that fails")
        note(delivery)
"""


def wants(payload: dict) -> dict[str, bool]:
    """Say who is to get a payload, in plain Python."""
    repository = payload.get("repository") or {}
    labels = (payload.get("issue") or {}).get("labels") or []
    issues = repository.get("open_issues_count")
    commits = payload.get("commits") or []
    return {
        "bugs": any(label["name"] == "bug" for label in labels),
        "busy": isinstance(issues, int) and issues > 1,
        "organizations": "login" in (payload.get("organization") or {}),
        "half": (payload.get("sender") or {}).get("type") == "User"
        or any(commit["added"] for commit in commits),
    }


def fails(identity: str) -> bool:
    """Say whether all three attempts of a delivery to `half` fail."""
    import hashlib

    return all(
        hashlib.sha256(f"{identity} {attempt}".encode()).digest()[0] % 2 for attempt in (1, 2, 3)
    )


@pytest.mark.skipif(not DATA.exists(), reason="needs the GitHub webhooks beside the checkout")
def test_every_webhook_reaches_whom_it_should(tmp_path: Path) -> None:
    """Each event x target is delivered once or a dead letter, exactly as counted from the files."""
    rows = [json.loads(line) for line in (DATA / "payloads.jsonl").read_text().splitlines()]
    assert len(rows) == 171
    events, delivered, dead = [], set(), set()
    for number, row in enumerate(rows):
        payload = row["payload"]
        kind = ".".join(filter(None, [row["event"], payload.get("action")]))
        event = Event(id=f"hook-{number}", source="github.com", type=kind, data=payload)
        events.append(event)
        for target, is_wanted in wants(payload).items():
            identity = f"{event.id}:{target}"
            if is_wanted:
                is_dead = target == "half" and fails(identity)
                (dead if is_dead else delivered).add(identity)
    assert len(dead) > 5
    with deployed(tmp_path, project=PROJECT, rules=RULES) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("worker", ["bugs", "busy", "organizations", "half"])
        deployment.start("recorder", ["eventflow.dead-letters"])
        deployment.await_ready()
        for event in events[:20]:
            deployment.flow.publish(event)
        deployment.flow.publish_many(events[20:])
        deployment.settle()
        seen = Counter(note["id"] for note in deployment.noted())
        assert delivered == set(seen)
        assert {1} == set(seen.values())

        def recorded() -> list[dict]:
            listed = deployment.command("deadletters", "list", "--json", "--limit", "1000")
            return json.loads(listed.stdout)

        deployment.wait(lambda: len(recorded()) == len(dead), "the dead letters")
        assert dead == {letter["id"] for letter in recorded()}
        assert {("max_attempts", 3)} == {
            (letter["reason"], letter["attempts"]) for letter in recorded()
        }
