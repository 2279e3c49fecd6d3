"""What a target's start from a point in the past waits for, and what it does not wait for."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eventflow.delivery import MemoryLedger, Planned, ProcessReport, Roster
from eventflow.errors import ReplayError
from eventflow.replay.newcomer import await_archived, await_routers
from eventflow.rules import RuleSet, load_rules
from eventflow.transport.messages import ARCHIVE

RULES = "{targets: {new: {task: t}}, rules: {one: {pattern: {source: [s]}, targets: [new]}}}"


class Reports:
    """Ledgers whose processes report what a test says, and whose clock it sets."""

    def __init__(self, ledger: MemoryLedger | None = None) -> None:
        self.alive: list[ProcessReport] = []
        self.time = 100.0
        self._ledger = ledger

    def of(self, bus: str) -> Any:
        """Return the test's ledger."""
        assert bus == "default"
        return self._ledger

    def processes(self) -> Any:
        """Return the reports."""
        return SimpleNamespace(
            roster=lambda: Roster(tuple(self.alive), {}), clock=lambda: (self.time, 0.0)
        )


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    """The rules that name the target."""
    (tmp_path / "rules.yaml").write_text(RULES)
    return load_rules(tmp_path)


def report(name: str, rules: str, *queues: str) -> ProcessReport:
    """Return a process's report."""
    return ProcessReport(identity=f"{name}:1", name=name, rules=rules, queues=queues)


def waits(*steps: Callable[[], object]) -> tuple[list[str], Callable[[str], None]]:
    """Return what is waited for, filled as it goes, and what passes a moment: a step each time."""
    said: list[str] = []
    left = list(steps)

    def wait(what: str) -> None:
        said.append(what)
        if left:
            left.pop(0)()

    return said, wait


def test_every_router_is_waited_for(rules: RuleSet) -> None:
    """Until it reports these rules; what is no router may have whichever it likes."""
    ledgers = Reports()
    late = report("late", "old", "eventflow.route")
    others = [
        report("early", rules.fingerprint, "eventflow.route"),
        report("worker", "", "new"),
    ]
    read = report("late", rules.fingerprint, "eventflow.route")
    said, wait = waits(
        lambda: ledgers.alive.extend([*others, late]),
        lambda: ledgers.alive.append(late),
        lambda: ledgers.alive.__setitem__(slice(None), [*others, read]),
    )
    await_routers(ledgers, rules, wait, patience=60)  # type: ignore[arg-type]
    assert ["a router to report", "late to read the rules", "late, late to read the rules"] == said


@pytest.mark.parametrize(
    ("alive", "said"),
    [
        ([], "no router runs: start one"),
        ([report("late", "old", "eventflow.route")], "late still runs other rules"),
    ],
)
def test_not_for_ever(rules: RuleSet, alive: list[ProcessReport], said: str) -> None:
    """After its patience it says who keeps it from starting."""
    ledgers = Reports()
    ledgers.alive = alive
    with pytest.raises(ReplayError, match=said):
        await_routers(ledgers, rules, lambda _: None, patience=-1)  # type: ignore[arg-type]


def test_what_is_on_its_way_to_the_archive_is_waited_for() -> None:
    """What was routed by then, in whatever state; not what is routed after that."""
    ledger = MemoryLedger()

    def route(event_id: str) -> None:
        ledger.accept([(event_id, b"{}", "lane")])
        ledger.begin_route(1, lease=10)
        ledger.finish_route(event_id, "T", [Planned(ARCHIVE, ("all",), None)], [])

    def archive(event_id: str) -> None:
        ledger._close(ARCHIVE, f"{event_id}:{ARCHIVE}")

    ledgers = Reports(ledger)
    route("e1")
    route("e2")
    said, wait = waits(
        lambda: setattr(ledgers, "time", 200.0),
        lambda: (route("later"), archive("e2")),
        lambda: archive("e1"),
    )
    await_archived(ledgers, "default", 150.0, wait)  # type: ignore[arg-type]
    assert [
        "the routers to finish what they began by older rules",
        "the recorder to archive 2 events",
        "the recorder to archive 1 events",
    ] == said
