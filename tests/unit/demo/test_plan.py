"""The demo's expectation is made from the rules, apart from the routers."""

from pathlib import Path

from eventflow.cli.demo_plan import expect
from eventflow.events import Event
from eventflow.rules import load_rules

_RULES = """
targets:
  device-vendor: {task: workers.device_vendor.unlock_door}
  device-vendor-close: {task: workers.device_vendor.close_door, integration: device-vendor}
  slack: {task: workers.slack.tell}
rules:
  one: {pattern: {source: [a]}, targets: [device-vendor, slack]}
  two: {pattern: {source: [a, b]}, targets: [device-vendor, device-vendor-close]}
"""


def test_expectation(tmp_path: Path) -> None:
    """Each event once, its targets once; what cannot be watched is named apart."""
    (tmp_path / "rules.yaml").write_text(_RULES)
    events = [
        Event(id="1", source="a", type="t", data={}),
        Event(id="2", source="b", type="t", data={}),
        Event(id="3", source="c", type="t", data={}),
        Event(id="1", source="b", type="t", data={}),  # the same id again: the first counts
    ]

    expectation = expect(events, load_rules(tmp_path), accepted_at=0.0)
    assert expectation.targets == {
        "1": ("device-vendor", "device-vendor-close"),
        "2": ("device-vendor", "device-vendor-close"),
        "3": (),
    }
    assert expectation.unwatched == ("slack",)
