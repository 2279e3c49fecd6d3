"""What is said of silence: of rules, of events, of targets; and when nothing is."""

from eventflow.delivery.silence import Unmatched
from eventflow.diagnosis.silence import SilenceFacts, judge_silence

DAY = 86400.0
NOW = 1000 * DAY


def said(**facts: object) -> list[str]:
    """Return what is said of a bus after a week of silence."""
    bus = SilenceFacts(bus=str(facts.pop("bus", "default")), now=NOW, **facts)  # type: ignore[arg-type]
    return [str(finding) for finding in judge_silence([bus], after=7 * DAY)]


def test_nothing_is_said_where_all_is_alive():
    """Less than the time that is set is no silence."""
    assert said() == []
    assert said(matches={"a": 6 * DAY}, unserved={"door": 3600.0}) == []


def test_a_rule_that_matched_nothing_is_said():
    """With its time, and how to see why."""
    [line] = said(matches={"quiet": 9 * DAY, "busy": 5.0})
    assert line.startswith("rule quiet: note rule-silent: it has matched no event for 9d: ")
    assert "EVENTFLOW_SILENCE_AFTER" in line


def test_a_target_without_success_is_said():
    """Of another bus, with its name."""
    [line] = said(bus="lab", unserved={"door": 8 * DAY})
    assert line == (
        "target door: warning target-unserved: it has got deliveries on the bus 'lab', and not one "
        "success for 8d: see what became of them: `eventflow deadletters list --target door`"
    )


def test_events_without_a_rule_are_said_in_one_line():
    """The most frequent kinds by name, the rest by number."""
    kinds = [Unmatched("shop", f"Kind{n}", 2000 - n, NOW - 60) for n in range(8)]
    [line] = said(unmatched=kinds)
    assert line.startswith(
        "bus default: note event-unmatched: events came that no rule matched: "
        "Kind0 of shop (2,000), Kind1 of shop (1,999), "
    )
    assert "and 3 more kinds" in line


def test_events_of_long_ago_are_not_said():
    """Whoever published them has stopped."""
    assert said(unmatched=[Unmatched("shop", "Old", 5, NOW - 8 * DAY)]) == []
