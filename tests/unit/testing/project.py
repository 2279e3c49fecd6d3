"""A small project under test: its rules, its subscribers, and what these were called with."""

from pathlib import Path
from typing import Any

from eventflow import Delivery, Event, EventFlow, EventModel, Refuse, Retry
from eventflow.settings import load_settings

__all__ = ["RULES", "Arrived", "Project", "write_rules"]

RULES = """
targets:
  device-vendor:
    task: project.unlock_door
    retry: {max_attempts: 4, initial: 1s, factor: 2, max: 15m, jitter: full}
    circuit_breaker: {failure_rate: 0.5, min_calls: 4, window: 60s, open_for: 30s}
  notifications: {task: project.tell}
  limited: {task: project.limited, rate_limit: 10/m}
  typed: {task: project.typed}
  later: {task: project.later, retry: {max_attempts: 3}}
  existing: {task: project.existing, arguments: keywords}
  nobody: {task: project.nobody}
rules:
  unlock-garage:
    pattern: {source: [courier.app], detail-type: [Arrived], detail: {door: [garage]}}
    targets: [device-vendor]
  tell-recipient:
    pattern: {source: [courier.app], detail-type: [Arrived]}
    targets:
      - target: notifications
        input: {paths: {door: $.detail.door}, template: {text: at your <door>}}
  others:
    pattern: {source: [others], detail-type: [limited]}
    targets: [limited]
  typed: {pattern: {source: [others], detail-type: [typed]}, targets: [typed]}
  later: {pattern: {source: [others], detail-type: [later]}, targets: [later]}
  existing:
    pattern: {source: [others], detail-type: [existing]}
    targets: [{target: existing, input: {constant: {number: 7}}}]
  nobody: {pattern: {source: [others], detail-type: [nobody]}, targets: [nobody]}
  asleep:
    enabled: false
    pattern: {source: [others], detail-type: [asleep]}
    targets: [limited]
  elsewhere: {bus: side, pattern: {source: [others]}, targets: [notifications]}
archives:
  everything: {pattern: {source: [{exists: true}]}, retention: 30d}
"""


class Arrived(EventModel, source="courier.app", type="Arrived"):
    """A courier stands before a door."""

    door: str


def write_rules(place: Path) -> Path:
    """Write the project's rules; return their directory."""
    rules = place / "rules"
    rules.mkdir()
    (rules / "doors.yaml").write_text(RULES)
    return rules


class Project:
    """The project's flow, and what its subscribers noted."""

    def __init__(self, place: Path) -> None:
        write_rules(place)
        self.flow = EventFlow(load_settings(data_dir=place, rules=place / "rules"))
        self.calls: list[tuple[Any, ...]] = []
        self._bind()

    def _bind(self) -> None:
        flow, calls = self.flow, self.calls

        @flow.subscriber("device-vendor")
        def unlock_door(event: Event[Arrived], delivery: Delivery) -> None:
            calls.append(("device-vendor", event.data.door, delivery.attempt))

        @flow.subscriber("notifications")
        def tell(shaped: dict[str, Any]) -> None:
            calls.append(("notifications", shaped))
            flow.publish(Event(source="others", type="limited", data={}))

        @flow.subscriber("limited")
        async def limited(event: Event) -> None:
            calls.append(("limited", event.id))

        @flow.subscriber("typed")
        def typed(arrived: Arrived) -> None:
            calls.append(("typed", arrived.door))

        @flow.subscriber("later")
        def later(event: Event, delivery: Delivery) -> None:
            calls.append(("later", delivery.attempt, delivery.last_attempt))
            if event.data.get("refuse"):
                raise Refuse("not ours")
            raise Retry(after=60)

        @flow.celery.task(name="project.existing")  # type: ignore[untyped-decorator]
        def existing(number: int) -> None:
            calls.append(("existing", number))
