"""How a profile's stacks are told apart by the step of an event's way."""

from benchmarks.end_to_end.steps import shares, step_of

ROOT = "/srv/checkout"
PACKAGES = "/srv/checkout/.venv/lib/python3.11/site-packages"


def test_the_innermost_frame_that_says_a_step_decides():
    """What redis-py does within a claim is the claim's, not the task's round it."""
    frames = [
        "deliver (eventflow/worker/deliver.py:90)",
        "claim (eventflow/delivery/redis_ledger.py:130)",
        "send_command (redis/connection.py:600)",
    ]
    assert "claim" == step_of(frames)
    assert "deliver: the rest of the task" == step_of(frames[:1])
    assert "everything else" == step_of(frames[2:])


def test_what_sends_is_no_receiving():
    """The same library receives and sends; below the sender all of it is sending."""
    frames = ["send (eventflow/transport/sender.py:70)", "_put (kombu/transport/redis.py:900)"]
    assert "send a message" == step_of(frames)
    assert "receive" == step_of(frames[1:])


def test_a_pool_that_runs_a_task_does_not_send_it():
    """Celery's pools and its tasks both have an `apply_async`; the former is where all work is done."""
    frames = [
        "apply_async (celery/concurrency/base.py:1)",
        "claim (eventflow/delivery/redis_claims.py:9)",
    ]
    assert "claim" == step_of(frames)


def test_shares_are_of_all_samples():
    """Four samples, one of them the matcher's: a quarter; where a checkout lies says nothing."""
    found = shares(
        [
            f"run ({PACKAGES}/celery/app/trace.py:1);plan ({ROOT}/eventflow/routing.py:9) 1",
            f"run ({PACKAGES}/celery/app/trace.py:1);get ({PACKAGES}/kombu/transport/redis.py:3) 2",
            f"run ({PACKAGES}/celery/app/trace.py:7) 1",
        ]
    )
    assert {"match": 0.25, "receive": 0.5, "Celery's worker round a task": 0.25} == found
