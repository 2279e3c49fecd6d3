"""What a router makes of an event that a replay sends."""

from pathlib import Path

import pytest

from eventflow.errors import EventError
from eventflow.events import Event
from eventflow.rules import UNRESTRICTED, Restriction, RuleSet, load_rules
from eventflow.settings import load_settings
from eventflow.testing.parts import MemoryLedgers
from eventflow.units import system_clock
from eventflow.worker.restrictions import NotYet, Restrictions

ONLY_AUDIT = Restriction(targets=frozenset({"audit"}))
RULES = "{targets: {audit: {task: t}}, rules: {one: {pattern: {source: [s]}, targets: [audit]}}}"


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    """Rules that know one target."""
    (tmp_path / "rules.yaml").write_text(RULES)
    return load_rules(tmp_path)


@pytest.fixture
def ledgers() -> MemoryLedgers:
    """Ledgers that know a replay."""
    ledgers = MemoryLedgers(load_settings(), system_clock)
    ledgers.of("default").restrict("again", ONLY_AUDIT.to_json())
    ledgers.of("default").restrict("new", Restriction(frozenset({"two"})).to_json())
    return ledgers


def event_of(replay: str | None) -> Event:
    """Return an event, of a replay or of none."""
    return Event(source="s", type="T", data={}, replay_name=replay)


@pytest.mark.parametrize(
    ("replay", "expected"), [(None, UNRESTRICTED), ("again", ONLY_AUDIT), ("unknown", UNRESTRICTED)]
)
def test_the_ledger_says_what_an_event_is_for(
    ledgers: MemoryLedgers, rules: RuleSet, replay: str | None, expected: Restriction
) -> None:
    """Events of a restricted replay alone are restricted."""
    restrictions = Restrictions(ledgers)
    assert expected == restrictions.for_event("default", event_of(replay), rules, is_last=False)


def test_a_router_that_is_behind_leaves_the_event(ledgers: MemoryLedgers, rules: RuleSet) -> None:
    """A rule that it does not know yet may come; the last time, the event is a dead letter."""
    restrictions = Restrictions(ledgers)
    with pytest.raises(
        NotYet, match=r"'new' sends it for the rule 'two'.* yet; it is routed later"
    ):
        restrictions.for_event("default", event_of("new"), rules, is_last=False)
    with pytest.raises(EventError, match="which the rules of this router do not have"):
        restrictions.for_event("default", event_of("new"), rules, is_last=True)
