"""Schemas discovered from live traffic, through a target like any other."""

import json
import subprocess
import sys

from eventflow.events import Event
from tests.deployment import TIMEOUT, deployed

RULES = """
    targets: {tap: {task: project.keep}}
    rules: {tap-everything: {pattern: {source: [{exists: true}]}, targets: [tap]}}
"""
PROJECT = """
    @flow.subscriber("tap")
    def keep(event: Event):
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps(event.to_eventbridge()) + "\\n")
"""


def test_live_traffic(tmp_path):
    """Events published while discovery follows the tap's file become a draft, and discovery ends."""
    with deployed(tmp_path, project=PROJECT, rules=RULES) as deployment:
        deployment.start("all", ["eventflow.route", "tap"])
        deployment.await_ready()
        (tmp_path / "seen.jsonl").touch()
        options = ["seen.jsonl", "--follow", "50s", "--events", "5", "--write", "--json"]
        discovery = subprocess.Popen(
            [sys.executable, "-m", "eventflow", "schemas", "discover", *options],
            cwd=tmp_path,
            env=deployment.environment,
            stdout=subprocess.PIPE,
        )
        try:
            for number in range(5):
                data = {"order": number, **({"gift": True} if number else {})}
                deployment.flow.publish(Event(source="shop", type="OrderPlaced", data=data))
            output, _ = discovery.communicate(timeout=TIMEOUT)
        finally:
            discovery.kill()
            discovery.wait()
    assert json.loads(output)[0]["events"] == 5
    draft = json.loads((tmp_path / "schemas/shop/OrderPlaced/1.0.json").read_text())
    assert draft["x-eventflow"] == {"status": "draft"}
    assert (sorted(draft["properties"]), draft["required"]) == (["gift", "order"], ["order"])
