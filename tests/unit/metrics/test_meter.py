"""What is counted, under which names, and how many values a label may have."""

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from eventflow.metrics import Meter, meter, use_meter
from eventflow.metrics.catalogue import CATALOGUE, COUNTED, Kind, series_names
from eventflow.metrics.labels import OTHER, BoundedLabels
from eventflow.metrics.prometheus import PrometheusMeter
from eventflow.metrics.samples import Samples
from eventflow.metrics.serving import count_in

LABELS = {"bus", "target", "rule", "outcome", "queue", "reason", "version"}


@pytest.fixture
def registry() -> CollectorRegistry:
    """An empty registry."""
    return CollectorRegistry()


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """Return one sample's value; 0 where there is none."""
    return registry.get_sample_value(name, labels) or 0.0


def test_a_process_counts_nothing_unless_metrics_are_on():
    """The meter that is there at first has no instruments."""
    assert type(meter()) is Meter


def test_another_meter_is_put_in_place_and_taken_back(registry: CollectorRegistry):
    """What was there is returned, for the one who puts it back."""
    other = PrometheusMeter(registry)
    before = use_meter(other)
    try:
        assert meter() is other
    finally:
        assert use_meter(before) is other
    assert meter() is before


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_a_name_follows_the_rules_of_prometheus(name: str):
    """Counters end in _total, times are in seconds, and labels are the few that are allowed."""
    metric = CATALOGUE[name]
    assert re.fullmatch(r"eventflow(_[a-z]+)+", name)
    assert (metric.kind is Kind.COUNTER) == name.endswith("_total")
    assert not re.search(r"_(milliseconds|minutes|ms|bytes_total)", name)
    assert set(metric.labels) <= LABELS
    assert metric.help.endswith(".")
    assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets)
    assert list(metric.buckets) == sorted(metric.buckets)


def test_a_histogram_has_three_series():
    """What a query may name is told of each metric."""
    names = {name for name in series_names() if "attempt_duration" in name}
    parts = ("bucket", "sum", "count")
    assert {f"eventflow_attempt_duration_seconds_{part}" for part in parts} == names


def test_an_application_counts_in_its_own_registry(registry: CollectorRegistry):
    """Once it has said so; saying it again changes nothing."""
    before = meter()
    try:
        count_in(registry)
        first = meter()
        first.published("default", {"accepted": 2})
        count_in(CollectorRegistry())
        assert meter() is first
    finally:
        use_meter(before)
    name = "eventflow_events_published_total"
    assert value(registry, name, bus="default", outcome="accepted") == 2


def test_published_events_are_counted_by_what_became_of_them(registry: CollectorRegistry):
    """What did not happen makes no series."""
    PrometheusMeter(registry).published("default", {"accepted": 3, "duplicate": 1, "refused": 0})
    name = "eventflow_events_published_total"
    assert value(registry, name, bus="default", outcome="accepted") == 3
    assert value(registry, name, bus="default", outcome="duplicate") == 1
    assert 'outcome="refused"' not in generate_latest(registry).decode()


@pytest.mark.parametrize(
    ("matched", "is_dead", "outcome"),
    [
        ([("door", ["a", "b"]), ("audit", ["b"])], False, "matched"),
        ([], False, "unmatched"),
        ([], True, "dead"),
    ],
)
def test_a_routed_event_counts_once(
    registry: CollectorRegistry, matched: list, is_dead: bool, outcome: str
):
    """Each of its rules matches once, however many targets it has, and each target gets one."""
    PrometheusMeter(registry).routed("default", matched, dead=is_dead)
    assert value(registry, "eventflow_events_routed_total", bus="default", outcome=outcome) == 1
    rules = {rule for _, names in matched for rule in names}
    for rule in rules:
        assert value(registry, "eventflow_rule_matches_total", bus="default", rule=rule) == 1
    for target, _ in matched:
        name = "eventflow_deliveries_registered_total"
        assert value(registry, name, bus="default", target=target) == 1


def test_attempts_and_their_ends_are_counted_apart(registry: CollectorRegistry):
    """Two attempts of one delivery are two attempts and one delivery."""
    counting = PrometheusMeter(registry)
    counting.attempted("default", "door", "retry", 0.2)
    counting.attempted("default", "door", "done", 0.004)
    counting.delivered("default", "door", 1.5)
    counting.died("default", "door", "refused")
    here = {"bus": "default", "target": "door"}
    assert value(registry, "eventflow_attempts_total", **here, outcome="retry") == 1
    assert value(registry, "eventflow_attempts_total", **here, outcome="done") == 1
    assert value(registry, "eventflow_deliveries_total", **here, outcome="delivered") == 1
    assert value(registry, "eventflow_deliveries_total", **here, outcome="dead") == 1
    assert value(registry, "eventflow_dead_letters_total", **here, reason="refused") == 1
    assert value(registry, "eventflow_attempt_duration_seconds_count", **here) == 2
    assert value(registry, "eventflow_attempt_duration_seconds_sum", **here) == pytest.approx(0.204)
    assert value(registry, "eventflow_attempt_duration_seconds_bucket", **here, le="0.005") == 1
    assert value(registry, "eventflow_delivery_latency_seconds_bucket", **here, le="1.0") == 0
    assert value(registry, "eventflow_delivery_latency_seconds_bucket", **here, le="2.5") == 1


def test_what_was_not_called_has_no_duration(registry: CollectorRegistry):
    """A delivery whose budget is spent is counted, and makes the calls look no faster."""
    PrometheusMeter(registry).attempted("default", "door", "dead", 0.0)
    name = "eventflow_attempt_duration_seconds_count"
    assert value(registry, name, bus="default", target="door") == 0


def test_values_beyond_the_limit_are_other():
    """A name that came first keeps its series, whatever comes later."""
    labels = BoundedLabels(2)
    assert [labels.bound("target", name) for name in "abcda"] == ["a", "b", OTHER, OTHER, "a"]
    assert labels.bound("rule", "c") == "c"


def test_garbage_makes_no_series_without_end(registry: CollectorRegistry):
    """Of a thousand names, so many are series, and all are counted."""
    counting = PrometheusMeter(registry, most=5)
    for number in range(1000):
        counting.published(f"bus-{number}", {"accepted": 1})
    lines = generate_latest(registry).decode().splitlines()
    series = [line for line in lines if line.startswith("eventflow_events_published_total{")]
    assert len(series) == 6
    name = "eventflow_events_published_total"
    assert value(registry, name, bus=OTHER, outcome="accepted") == 995
    assert len(counting._of_counters) == 5


def test_every_counter_of_the_catalogue_is_there_to_be_counted(registry: CollectorRegistry):
    """The catalogue names no counter that nobody has."""
    counting = PrometheusMeter(registry)
    assert {*counting._counters, *counting._histograms} == set(COUNTED)


def test_of_numbers_that_are_read_the_greatest_of_other_is_shown():
    """What waits at a target beyond the limit still shows, as long as it is the most."""
    samples = Samples(BoundedLabels(1))
    for name, number in (("a", 1), ("b", 5), ("c", 3)):
        samples.add("eventflow_target_queued_deliveries", number, "default", name)
    [family] = samples.families()
    assert {one.labels["target"]: one.value for one in family.samples} == {"a": 1, OTHER: 5}
