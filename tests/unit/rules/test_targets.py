"""Targets and their policies: defaults, bounds, zero values, JSON."""

import pytest
from pydantic import ValidationError

from eventflow.rules import CircuitBreaker, RetryPolicy, Target
from eventflow.units import Rate


def make(**values: object) -> Target:
    """Return a target with what every one needs."""
    return Target.model_validate({"name": "audit", "task": "workers.audit.keep", **values})


def test_defaults_are_eventbridges_bounds():
    """A target that says nothing is retried 185 times within 24 hours, by exponential backoff."""
    assert (
        RetryPolicy(
            max_attempts=185,
            max_age=86400.0,
            backoff="exponential",
            initial=1.0,
            factor=2.0,
            max=900.0,
            jitter="full",
        )
        == make().retry
    )


def test_queue_and_integration_are_the_name_unless_said():
    """What a target does not name is called as the target is."""
    target = make()
    assert ("audit", "audit", 30.0, "event", None, None) == (
        target.queue,
        target.integration,
        target.timeout,
        target.arguments,
        target.circuit_breaker,
        target.rate_limit,
    )


def test_what_is_said_is_kept():
    """A queue and an integration of other names stand."""
    target = make(queue="audit-slow", integration="auditor")
    assert ("audit-slow", "auditor") == (target.queue, target.integration)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="defaults"),
        pytest.param(
            {
                "queue": "q",
                "integration": "i",
                "owner": "o",
                "description": "d",
                "timeout": "1m30s",
                "retry": {"max_attempts": 0, "initial": "0s", "max": 0, "max_age": 0},
                "circuit_breaker": {"failure_rate": 1, "min_calls": 1},
                "rate_limit": "50/s",
                "arguments": "keywords",
            },
            id="everything",
        ),
        pytest.param({"rate_limit": "123456.789/h"}, id="a rate with many digits"),
        pytest.param({"rate_limit": "0.00001/d"}, id="a rate that floats write with an exponent"),
        pytest.param({"rate_limit": "1000000/m"}, id="the highest rate"),
    ],
)
def test_json_brings_back_the_same_target(values):
    """Workers learn of a target as JSON and get exactly what the router has."""
    target = make(**values)
    assert target == Target.model_validate_json(target.model_dump_json())


def test_zero_is_a_value():
    """Zero attempts and zero waits are what they say, not the defaults."""
    policy = RetryPolicy.model_validate({"max_attempts": 0, "initial": "0s", "max_age": "0s"})
    assert (0, 0.0, 0.0) == (policy.max_attempts, policy.initial, policy.max_age)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"name": "a:b"}, "'a:b' cannot be a name", id="a colon parts delivery ids"),
        pytest.param({"name": ""}, "'' cannot be a name", id="empty name"),
        pytest.param({"name": "x" * 65}, "cannot be a name", id="65 characters"),
        pytest.param({"name": "tür"}, "'tür' cannot be a name", id="not ASCII"),
        pytest.param({"name": "a\n"}, r"'a\n' cannot be a name", id="newline at the end"),
        pytest.param({"queue": "a b"}, "'a b' cannot be a name", id="queue"),
        pytest.param({"integration": "a/b"}, "'a/b' cannot be a name", id="integration"),
        pytest.param({"task": ""}, "'' cannot be a task", id="empty task"),
        pytest.param({"task": " x"}, "' x' cannot be a task", id="task with a space"),
        pytest.param({"task": "x" * 257}, "cannot be a task", id="long task"),
        pytest.param({"timeout": 0}, "greater than 0", id="no time at all"),
        pytest.param({"timeout": "61m"}, "less than or equal to 3600", id="over an hour"),
        pytest.param({"timeout": "10 parsecs"}, "'10 parsecs' is not a duration", id="duration"),
        pytest.param({"timeout": "nan"}, "finite number", id="not a number"),
        pytest.param({"timeout": True}, "not true", id="a boolean is no duration"),
        pytest.param({"arguments": "both"}, "'event' or 'keywords'", id="arguments"),
        pytest.param({"rate_limit": "50"}, "'50' is not a rate", id="rate without a unit"),
        pytest.param({"rate_limit": 50}, "'50' is not a rate", id="rate as a number"),
        pytest.param({"rate_limit": "0/s"}, "'0/s' is not a rate", id="nothing at all"),
        pytest.param({"rate_limit": "1000001/s"}, "1,000,000 at most", id="rate too high"),
        pytest.param({"rate_limit": {"count": 1, "seconds": 1}}, "is not a rate", id="mapping"),
        pytest.param({"retry": {"max_attempts": -1}}, "greater than or equal to 0", id="attempts"),
        pytest.param({"retry": {"max_attempts": "5"}}, "valid integer", id="attempts as text"),
        pytest.param({"retry": {"max_attempts": True}}, "valid integer", id="attempts as boolean"),
        pytest.param({"retry": {"max_attempts": 1_000_001}}, "1000000", id="attempts too many"),
        pytest.param({"retry": {"max_age": -1}}, "greater than or equal to 0", id="age"),
        pytest.param({"retry": {"max_age": "366d"}}, "31536000", id="age over a year"),
        pytest.param({"retry": {"factor": 0.5}}, "greater than or equal to 1", id="factor below 1"),
        pytest.param({"retry": {"factor": True}}, "not true", id="factor as boolean"),
        pytest.param({"retry": {"initial": -1}}, "greater than or equal to 0", id="initial"),
        pytest.param(
            {"retry": {"initial": "10s", "max": "5s"}},
            "max (5s) is shorter than initial (10s)",
            id="max below initial",
        ),
        pytest.param(
            {"retry": {"initial": "20m"}},
            "max (15m) is shorter than initial (20m)",
            id="initial beyond the default max",
        ),
        pytest.param({"retry": {"backoff": "linear"}}, "'exponential' or 'constant'", id="backoff"),
        pytest.param({"retry": {"jitter": "half"}}, "'full' or 'none'", id="jitter"),
        pytest.param({"retry": {"retries": 3}}, "Extra inputs", id="unknown key"),
        pytest.param({"circuit_breaker": {"failure_rate": 0}}, "greater than 0", id="rate of 0"),
        pytest.param({"circuit_breaker": {"failure_rate": 1.1}}, "equal to 1", id="rate above 1"),
        pytest.param({"circuit_breaker": {"min_calls": 0}}, "equal to 1", id="no calls"),
        pytest.param({"circuit_breaker": {"probes": 0}}, "equal to 1", id="no probes"),
        pytest.param({"max_in_flight": 0}, "equal to 1", id="none in flight"),
        pytest.param({"max_in_flight": True}, "valid integer", id="in flight as a flag"),
        pytest.param({"concurrency": 0}, "equal to 1", id="none at once"),
        pytest.param({"concurrency": 1001}, "equal to 1000", id="too many at once"),
        pytest.param({"retry": {"max_crashes": 0}}, "equal to 1", id="no crashes"),
        pytest.param({"circuit_breaker": {"window": 0}}, "greater than 0", id="no window"),
        pytest.param({"circuit_breaker": {"open_for": 0}}, "greater than 0", id="never open"),
    ],
)
def test_nonsense_is_refused(values, expected):
    """A value that cannot be is refused, with what is allowed."""
    with pytest.raises(ValidationError) as caught:
        make(**values)
    assert expected in str(caught.value)


def test_a_target_cannot_be_changed():
    """Rule sets are shared by threads, so their parts are frozen."""
    target = make()
    with pytest.raises(ValidationError, match="frozen"):
        target.timeout = 1  # type: ignore[misc]


def test_rate_and_breaker_are_read():
    """A rate is a count in a time; a breaker has defaults of its own."""
    target = make(rate_limit="90/m", circuit_breaker={})
    assert (Rate(90.0, 60.0), CircuitBreaker()) == (target.rate_limit, target.circuit_breaker)
