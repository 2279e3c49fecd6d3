"""Which archived events are sent, and which of them the database need not even give."""

from pathlib import Path
from typing import Any

import pytest

from eventflow.encoding import encode_event
from eventflow.errors import EventError
from eventflow.events import Event
from eventflow.replay.request import ReplayRequest
from eventflow.replay.selection import Selection
from eventflow.rules import load_rules
from eventflow.store.archived import ArchivedEvent

RULES = """
targets: {vendor: {task: t}, audit: {task: t}, new: {task: t}}
rules:
  doors: {pattern: {source: [courier], detail-type: [Arrived, Left]}, targets: [vendor, audit]}
  plain: {pattern: {account: [""], region: [""], resources: [{exists: false}]}, targets: [audit]}
  marked: {pattern: {source: [other], replay-name: [again]}, targets: [new]}
  subject: {pattern: {subject: [{exists: true}]}, targets: [new]}
"""


@pytest.fixture
def select(tmp_path: Path) -> Any:
    """Return a function that makes a selection."""
    (tmp_path / "rules.yaml").write_text(RULES)
    rules = load_rules(tmp_path)

    def make(**values: Any) -> Selection:
        return Selection(ReplayRequest(since=1.0, until=2.0, **values), rules, "again")

    return make


def archived(source: str = "courier", kind: str = "Arrived", **changes: Any) -> ArchivedEvent:
    """Return an event as the archive has it."""
    event = Event(id="e1", source=source, type=kind, data={"door": 7}, subject="p1")
    values: dict[str, Any] = {"event_id": "e1", "bus": "default", "source": source, "type": kind}
    values |= {"accepted_at": 1.5, "body": encode_event(event)}
    return ArchivedEvent(**{**values, **changes})


def test_without_a_restriction_all_is_sent(select: Any) -> None:
    """An event that no rule here matches, too: the routers decide."""
    assert {"vendor": ("doors",), "audit": ("doors", "plain")} == (
        select().of(archived()).deliveries
    )
    assert {} == select(bus="elsewhere").of(archived()).deliveries
    assert {"new": ("marked",), "audit": ("plain",)} == select().of(archived("other")).deliveries


def test_a_restriction_leaves_out_what_would_reach_nobody(select: Any) -> None:
    """Only what a named rule matches, for a named target, is sent."""
    assert {"vendor": ("doors",)} == select(targets=("vendor",)).of(archived()).deliveries
    assert select(targets=("vendor",)).of(archived("other")) is None
    assert select(rules=("marked",)).of(archived()) is None


def test_a_pattern_leaves_out_what_it_does_not_match(select: Any) -> None:
    """Patterns see what routers see: no subject, and the replay's name."""
    assert select(pattern={"detail": {"door": [7]}}).of(archived()) is not None
    assert select(pattern={"detail": {"door": [8]}}).of(archived()) is None
    assert select(pattern={"replay-name": ["again"]}).of(archived()) is not None
    assert select(pattern={"subject": [{"exists": False}]}).of(archived()) is not None


def test_what_a_new_target_was_sent_is_left_out(select: Any) -> None:
    """It gets what it was not sent when that happened."""
    selection = select(targets=("vendor",), unsent_to="vendor")
    assert selection.of(archived(targets=("audit", "vendor"))) is None
    assert selection.of(archived(targets=("audit",))) is not None


@pytest.mark.parametrize(
    ("values", "sources", "types"),
    [
        ({}, None, None),
        ({"targets": ("vendor",)}, ("courier",), ("Arrived", "Left")),
        ({"targets": ("audit",)}, None, None),
        ({"rules": ("doors", "marked")}, ("courier", "other"), None),
        ({"types": ("Left", "Late"), "targets": ("vendor",)}, ("courier",), ("Left",)),
        ({"pattern": {"source": ["a", "b"]}, "sources": ("b", "c")}, ("b",), None),
        ({"pattern": {"source": [{"prefix": "a"}]}}, None, None),
        ({"pattern": {"source": ["a"]}, "rules": ("doors",)}, (), ("Arrived", "Left")),
        ({"types": tuple(str(number) for number in range(300))}, None, None),
    ],
)
def test_the_database_leaves_out_what_it_can(
    select: Any, values: dict[str, Any], sources: Any, types: Any
) -> None:
    """Sources and types that are named exactly, by the patterns of every rule that counts."""
    filters = select(**values).filters
    assert (sources, types) == (filters.sources, filters.types)
    assert ("default", 1.0, 2.0) == (filters.bus, filters.since, filters.until)


def test_many_types_are_told_apart_all_the_same(select: Any) -> None:
    """What is too much for one question is decided here."""
    types = tuple(str(number) for number in range(300))
    assert select(types=types).of(archived(kind="7")) is not None
    assert select(types=types).of(archived()) is None


def test_what_may_be_sent_to_is_known(select: Any) -> None:
    """The targets whose backlog counts."""
    assert ("audit", "new", "vendor") == select().targets
    assert ("audit",) == select(rules=("doors",), targets=("audit",)).targets


def test_garbage_is_said(select: Any) -> None:
    """An event that cannot be read is named."""
    with pytest.raises(EventError, match="the archived event e1 is no JSON"):
        select().of(archived(body=b"{"))
