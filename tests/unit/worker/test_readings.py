"""What a scrape reads: one reader's failure hides nothing of the others, and is counted."""

from collections.abc import Mapping

from eventflow.errors import LedgerError, StoreError
from eventflow.metrics.samples import Samples
from eventflow.worker.readings import Readings

FAILURES = "eventflow_scrape_failures"


def values(readings: Readings) -> Mapping[str, float]:
    """Return the value of each metric's first sample."""
    return {family.name: family.samples[0].value for family in readings.collect()}


def queued(samples: Samples) -> None:
    """Tell one number."""
    samples.add("eventflow_target_queued_deliveries", 3, "default", "door")


def away(samples: Samples) -> None:
    """Be unable to tell any."""
    message = "away"
    raise LedgerError(message)


def half(samples: Samples) -> None:
    """Tell one, and not the next."""
    samples.add("eventflow_unrouted_events", 1, "default")
    message = "refused"
    raise StoreError(message)


def test_what_one_cannot_read_hides_nothing_of_the_others():
    """What it had told before is served, too."""
    found = values(Readings([away, queued, half]))
    assert found["eventflow_target_queued_deliveries"] == 3
    assert found["eventflow_unrouted_events"] == 1
    assert found[FAILURES] == 2


def test_failures_are_counted_from_scrape_to_scrape():
    """So that an alert sees them, though each scrape was answered."""
    readings = Readings([away])
    values(readings)
    assert values(readings)[FAILURES] == 2


def test_a_process_that_reads_nothing_has_no_failures():
    """An integration's worker serves what it counts, and asks nobody."""
    assert values(Readings([])) == {FAILURES: 0}
