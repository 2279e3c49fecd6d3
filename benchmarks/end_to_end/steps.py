"""Which step of an event's way a sampled stack of Python frames belongs to."""

from collections import Counter
from collections.abc import Iterable

__all__ = ["shares", "step_of"]

_STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("subscriber: the benchmark's own", ("benchmarks/end_to_end/", "dramatiq_fanout/")),
    ("match", ("eventflow/patterns/", "eventflow/routing.py")),
    ("shape: a rule's input", ("eventflow/rules/inputs.py", "eventflow/rules/templates.py")),
    ("check: schema", ("eventflow/schemas/",)),
    ("event to and from JSON", ("eventflow/encoding.py", "eventflow/events.py")),
    (
        "accept: the ledger's call",
        (
            "accept (eventflow/delivery/",
            "accept_at_once (eventflow/delivery/",
            "accept_in_loop (eventflow/delivery/",
            "delivery/at_once.py",
        ),
    ),
    ("take: begin_route", ("begin_route (eventflow/delivery/", "take_routes (eventflow/delivery/")),
    ("register: finish_route", ("finish_route", "finish_routes")),
    ("claim", ("claim (eventflow/delivery/", "take (eventflow/delivery/")),
    ("mark: finish", ("finish (eventflow/delivery/", "delivery/redis_outcomes.py")),
    ("metrics, logs, traces", ("eventflow/metrics/", "eventflow/telemetry/", "logging/__init__")),
    (
        "deliver: the chain",
        ("worker/chain.py", "worker/timeout.py", "worker/watchdog.py", "eventflow/subscribers.py"),
    ),
    (
        "acknowledge",
        (
            "redis_qos.py",
            "ack (eventflow/transport/",
            "ack (kombu/",
            "ack (celery/",
            "ack_log_error (",
            "append (kombu/",
        ),
    ),
    (
        "receive",
        (
            "transport/redis_quick.py",
            "kombu/transport/",
            "kombu/asynchronous/",
            "kombu/message.py",
            "kombu/messaging",
        ),
    ),
    ("mover, heartbeats", ("worker/mover.py", "worker/overseer.py", "worker/heartbeat.py")),
    ("route: the rest of the task", ("worker/route.py",)),
    ("deliver: the rest of the task", ("worker/deliver.py", "worker/hand_back.py")),
    ("publish: the rest of the call", ("eventflow/publishing/",)),
    ("wait for more", ("worker/turn.py",)),
    ("Celery's worker round a task", ("celery/", "eventflow/worker/", "billiard/")),
)
_SEND = "send a message"
_SENDERS = (
    "eventflow/transport/sender.py",
    "eventflow/transport/wire.py",
    "worker/calling.py",
    "apply_async (celery/app/",
)
"""What is done within these is sending, however deep: the libraries below receive as well."""
_REST = "everything else"


def step_of(frames: Iterable[str]) -> str:
    """Return the step of a stack: that of the innermost frame which says one, or sending.

    Args:
        frames: Outermost first, each as `function (path:line)`.
    """
    stack = list(frames)
    if any(mark in frame for frame in stack for mark in _SENDERS):
        return _SEND
    for frame in reversed(stack):
        for name, marks in _STEPS:
            if any(mark in frame for mark in marks):
                return name
    return _REST


def shares(stacks: Iterable[str]) -> dict[str, float]:
    """Return each step's share of all samples, the largest first.

    Args:
        stacks: Lines as py-spy writes them: frames with semicolons between, a space, a number.
    """
    counts: Counter[str] = Counter()
    for line in stacks:
        frames, _, count = line.rstrip().rpartition(" ")
        if frames:
            counts[step_of(_shorten(frame) for frame in frames.split(";"))] += int(count)
    whole = sum(counts.values())
    return {name: count / whole for name, count in counts.most_common()}


def _shorten(frame: str) -> str:
    """Take away of a path what comes before its package."""
    for place in ("site-packages/", "python3.11/", "python3.12/", "python3.13/"):
        head, found, tail = frame.partition(place)
        if found:
            return f"{head.partition('(')[0]}({tail}"
    for package in ("/eventflow/", "/benchmarks/"):
        head, found, tail = frame.rpartition(package)
        if found:
            return f"{head.partition('(')[0]}({package.strip('/')}/{tail}"
    return frame
