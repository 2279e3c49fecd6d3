"""Judging silence: rules that match nothing, events that no rule matches, targets without success."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from eventflow.delivery import Ledgers
from eventflow.delivery.silence import Unmatched
from eventflow.diagnosis.finding import Finding
from eventflow.events import DEFAULT_BUS
from eventflow.units import format_duration

__all__ = ["SilenceFacts", "judge_silence", "read_silence"]

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class SilenceFacts:
    """What is silent on one bus.

    Attributes:
        bus: The bus.
        now: The ledger's clock, seconds since the epoch.
        matches: For each rule in force, the seconds since it matched, or since it is there.
        unmatched: Events that no rule matched, most frequent first.
        unserved: For each target that got deliveries since its last success, for how long.
    """

    bus: str
    now: float = 0.0
    matches: Mapping[str, float] = field(default_factory=dict)
    unmatched: Sequence[Unmatched] = ()
    unserved: Mapping[str, float] = field(default_factory=dict)


def read_silence(ledgers: Ledgers, targets: Sequence[str], *, now: float) -> list[SilenceFacts]:
    """Ask what is silent on the default bus, and on each that there ever was.

    Args:
        ledgers: The way to the ledgers.
        targets: The targets to ask for.
        now: The ledger's clock.

    Raises:
        LedgerError: When the ledger cannot be reached.
    """
    found = []
    for bus in sorted({DEFAULT_BUS, *ledgers.buses()}):
        silence = ledgers.silence(bus)
        unmatched, unserved = silence.unmatched(), silence.unserved(targets)
        found.append(SilenceFacts(bus, now, silence.matches(), unmatched, unserved))
    return found


def judge_silence(buses: Iterable[SilenceFacts], *, after: float) -> Iterator[Finding]:
    """Judge silence.

    Args:
        buses: What is silent on each bus.
        after: Seconds of it from which on to say so.

    Yields:
        What is silent.
    """
    for facts in buses:
        yield from _judge_targets(facts, after)
        yield from _judge_rules(facts, after)
        yield from _judge_events(facts, after)


def _judge_targets(facts: SilenceFacts, after: float) -> Iterator[Finding]:
    on = f" on the bus '{facts.bus}'" if facts.bus != DEFAULT_BUS else ""
    for name, seconds in sorted(facts.unserved.items()):
        if seconds >= after:
            message = f"it has got deliveries{on}, and not one success for {_write(seconds)}"
            advice = f"see what became of them: `eventflow deadletters list --target {name}`"
            yield Finding("target-unserved", f"target {name}", message, advice)


def _judge_rules(facts: SilenceFacts, after: float) -> Iterator[Finding]:
    for name, seconds in sorted(facts.matches.items()):
        if seconds >= after:
            message = f"it has matched no event for {_write(seconds)}"
            advice = (
                "see what its events look like by now (`eventflow rules explain`), or disable it; "
                "EVENTFLOW_SILENCE_AFTER says after how long this is said"
            )
            yield Finding("rule-silent", f"rule {name}", message, advice)


def _judge_events(facts: SilenceFacts, after: float) -> Iterator[Finding]:
    recent = [one for one in facts.unmatched if facts.now - one.last_at < after]
    if not recent:
        return
    named = [f"{one.type} of {one.source} ({one.number:,})" for one in recent[:_MOST_NAMED]]
    more = f" and {len(recent) - _MOST_NAMED:,} more kinds" if recent[_MOST_NAMED:] else ""
    message = f"events came that no rule matched: {', '.join(named)}{more}"
    advice = "write a rule for them, or see by `eventflow rules explain` why none fits"
    yield Finding("event-unmatched", f"bus {facts.bus}", message, advice)


def _write(seconds: float) -> str:
    return format_duration(round(seconds))
