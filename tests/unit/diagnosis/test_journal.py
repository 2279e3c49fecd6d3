"""What is said of the journal, by its numbers."""

import pytest

from eventflow.delivery import ProcessReport, Roster
from eventflow.diagnosis.journal import judge_journals
from eventflow.journal import JournalState


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param(JournalState(), [], id="nothing waits"),
        pytest.param(JournalState(900, 0, 20.0), [], id="it waits for a moment"),
        pytest.param(JournalState(900, 0, 90.0), ["journal-late"], id="it waits for long"),
        pytest.param(JournalState(0, 3, 0.0), ["journal-dropped"], id="a part is missing"),
    ],
)
def test_what_is_late_or_missing_is_said(state, expected):
    """Nothing while it flows; and a gap is told for good."""
    assert expected == [one.code for one in judge_journals({"default": state}, Roster((), {}))]


def test_the_advice_is_what_helps():
    """A recorder is to be started where none reads the queue, else to be looked into."""
    late = {"shop": JournalState(1_200, 0, 90.0)}
    [finding] = judge_journals(late, Roster((), {}))
    assert "bus shop: warning journal-late: 1,200 entries" in str(finding)
    assert "start `eventflow recorder`" in finding.advice
    queues = ("eventflow.dead-letters", "eventflow.journal")
    reader = ProcessReport(identity="r@h:1", name="r@h", queues=queues)
    [finding] = judge_journals(late, Roster((reader,), {}))
    assert "look into the recorder's log" in finding.advice
