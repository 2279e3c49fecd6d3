"""From what each place knows of an event to its story; no place is asked here."""

from collections.abc import Iterable, Mapping, Sequence

from eventflow.delivery import BreakerState, BreakerStatus, Outcome
from eventflow.delivery.balances import Pause
from eventflow.delivery.sights import DeliverySight, EventSight, Place
from eventflow.events import delivery_id, ledger_id, split_delivery_id, split_ledger_id
from eventflow.journal import JournalEntry, Step
from eventflow.records import DeadLetter
from eventflow.rules import ARCHIVE, RuleSet
from eventflow.rules.answers import RuleAnswer, RuleStatus, answers_of
from eventflow.store import DeadLetterSummary, State
from eventflow.story.evidence import Evidence
from eventflow.story.story import DeliveryStory, Fate, RuleChange, Run, Story

__all__ = ["tell"]

_FATES = {
    Place.QUEUED: Fate.QUEUED,
    Place.RUNNING: Fate.RUNNING,
    Place.WAITING: Fate.WAITING,
    Place.PARKED: Fate.PARKED,
    Place.NOWHERE: Fate.LOST,
}
_HOLDS = {
    "breaker": "its target's circuit breaker is not closed",
    "in_flight": "as many of its target's deliveries run as may",
    "rate": "its target's rate is used up",
    "turn": "others of its target were held back before it",
    "paused": "its target is paused",
}


def tell(
    evidence: Evidence,
    rules: RuleSet | None,
    rules_fault: str = "",
    *,
    answers: tuple[RuleAnswer, ...] | None = None,
) -> Story:
    """Tell an event's story.

    Args:
        evidence: What each place knows.
        rules: The rules as they are now; None where there are none to ask.
        rules_fault: Why there are none.
        answers: What the rules have answered already; None to ask them.
    """
    runs = tuple(_run_of(evidence, name) for name in _run_names(evidence))
    body = evidence.body
    event = dict(body.event) if body is not None else None
    if answers is None and rules is not None and event is not None:
        answers = tuple(answers_of(rules.rules, evidence.bus, event))
    source, kind = _kind_of(evidence)
    return Story(
        event_id=evidence.event_id,
        bus=evidence.bus,
        source=source,
        type=kind,
        time=str(event.get("time", "")) if event else "",
        now=evidence.now,
        runs=runs,
        body=body,
        archived=evidence.archived,
        answers=answers,
        rules_fault=rules_fault,
        change=_change_of(runs, answers),
        dropped=evidence.dropped,
        away=evidence.away,
    )


def _run_names(evidence: Evidence) -> list[str]:
    """Return the first time and the replays, in the order in which they began."""
    began: dict[str, float] = {name: sight.accepted_at for name, sight in evidence.sights.items()}
    for entry in evidence.entries:
        began.setdefault(entry.replay_name, entry.at)
    for identity in _letters_of(evidence):
        began.setdefault(_replay_of(identity), evidence.now)
    if evidence.archived is not None:
        began.setdefault("", evidence.archived.accepted_at)
    return sorted(began, key=lambda name: (name != "", began[name]))


def _run_of(evidence: Evidence, name: str) -> Run:
    entries = [entry for entry in evidence.entries if entry.replay_name == name]
    own = tuple(entry for entry in entries if not entry.target)
    sight = evidence.sights.get(name)
    matched = _matched_in(own)
    deliveries = tuple(
        _delivery_of(evidence, name, target, entries, matched)
        for target in _targets_of(evidence, name, entries, matched)
    )
    accepted = next((entry.at for entry in own if entry.step is Step.ACCEPTED), 0.0)
    if not accepted and not name and evidence.archived is not None:
        accepted = evidence.archived.accepted_at
    is_routed: bool | None = None
    if sight is not None:
        is_routed = sight.is_routed
    elif matched is not None or deliveries:
        is_routed = True
    return Run(
        replay_name=name,
        accepted_at=(sight.accepted_at if sight is not None else 0.0) or accepted,
        place=sight.place if sight is not None else Place.NOWHERE,
        is_routed=is_routed,
        attempts=sight.attempts if sight is not None else 0,
        deliveries=deliveries,
        entries=own,
    )


def _delivery_of(
    evidence: Evidence,
    name: str,
    target: str,
    entries: Sequence[JournalEntry],
    matched: Mapping[str, Sequence[str]] | None,
) -> DeliveryStory:
    identity = delivery_id(ledger_id(evidence.event_id, name or None), target)
    own = tuple(entry for entry in entries if entry.target == target)
    letter = _letters_of(evidence).get(identity)
    sight = _sight_in(evidence.sights.get(name), target)
    # An id that was forgotten may be published again: what became of it then counts no more.
    began = next((each for each in reversed(entries) if each.step is Step.ACCEPTED), None)
    lately = [entry for entry in own if began is None or entry.id > began.id]
    if letter is not None and began is not None and letter.died_at < began.at:
        letter = None
    rules = tuple((matched or {}).get(target, ()))
    if not rules and letter is not None:
        rules = tuple(letter.rules)
    # What has an end in the journal was in flight a moment ago, when the ledger was asked.
    if sight is not None and _end_in(lately) is None:
        return _in_flight(evidence, sight, own, letter)
    fate, at = _ending_of(lately, letter, is_asked="ledger" not in evidence.away)
    last = next((entry for entry in reversed(lately) if entry.step is Step.ATTEMPT), None)
    reason, error = "", _error_of(last) if last is not None else ""
    if fate is Fate.DEAD:
        reason = letter.reason.value if letter is not None else _reason_in(lately)
        error = _error_of(letter) if letter is not None else error
    return DeliveryStory(
        delivery_id=identity,
        target=target,
        rules=rules,
        fate=fate,
        at=at,
        attempts=_attempts_in(lately, letter),
        reason=reason,
        error=error if fate is not Fate.DELIVERED else "",
        letter_id=identity if isinstance(letter, DeadLetterSummary) else "",
        redrives=_redrives_in(lately, letter),
        entries=own,
    )


def _in_flight(
    evidence: Evidence,
    sight: DeliverySight,
    entries: tuple[JournalEntry, ...],
    letter: DeadLetterSummary | DeadLetter | None,
) -> DeliveryStory:
    fate = _FATES[sight.place]
    held_by, held_why = "", ""
    if fate is Fate.PARKED:
        parked = (entry for entry in reversed(entries) if entry.step is Step.PARKED)
        by = next((str(entry.facts.get("by", "")) for entry in parked), "")
        pause, breaker = evidence.pauses.get(sight.target), evidence.breakers.get(sight.target)
        held_by, held_why = _hold_of(by, pause, breaker)
    return DeliveryStory(
        delivery_id=sight.delivery_id,
        target=sight.target,
        rules=sight.rules,
        fate=fate,
        at=sight.at,
        attempts=sight.attempts,
        held_by=held_by,
        held_why=held_why,
        error=_error_of(sight),
        letter_id=sight.delivery_id if isinstance(letter, DeadLetterSummary) else "",
        redrives=sight.redrives,
        entries=entries,
    )


def _hold_of(by: str, pause: Pause | None, breaker: BreakerStatus | None) -> tuple[str, str]:
    """Say what holds a delivery back now; the journal knows only what held it back at first."""
    if pause is not None:
        who = f" by {pause.by}" if pause.by else ""
        why = f" ({pause.reason})" if pause.reason else ""
        return "paused", f"its target was paused{who}{why}"
    if breaker is not None and breaker.state is not BreakerState.CLOSED:
        state = breaker.state.value.replace("_", " ")
        why = f" ({breaker.error or breaker.reason})" if breaker.error or breaker.reason else ""
        return "breaker", f"its target's circuit breaker is {state}{why}"
    if by in {"paused", "breaker"}:
        return "turn", "what held it back is over, and its turn comes"
    return by, _HOLDS.get(by, "")


def _ending_of(
    entries: Sequence[JournalEntry],
    letter: DeadLetterSummary | DeadLetter | None,
    *,
    is_asked: bool,
) -> tuple[Fate, float]:
    """Say how a delivery ended that is not in flight, and when."""
    end = _end_in(entries)
    is_done = end is not None and end.outcome == Outcome.DONE
    if letter is not None and not _is_redriven(letter) and not is_done:
        return Fate.DEAD, letter.died_at
    if end is not None:
        return (Fate.DELIVERED if is_done else Fate.DEAD), end.at
    return (Fate.FINISHED if is_asked else Fate.UNKNOWN), 0.0


def _end_in(entries: Sequence[JournalEntry]) -> JournalEntry | None:
    """Return the entry that ended the delivery; None where it goes on, or was sent again since."""
    for entry in reversed(entries):
        if entry.step is Step.REDRIVEN:
            return None
        is_try = entry.step is Step.ATTEMPT and entry.outcome in {Outcome.DONE, Outcome.DEAD}
        if is_try or entry.step is Step.UNROUTABLE:
            return entry
    return None


def _is_redriven(letter: DeadLetterSummary | DeadLetter) -> bool:
    return isinstance(letter, DeadLetterSummary) and letter.state is State.REDRIVEN


def _letters_of(evidence: Evidence) -> dict[str, DeadLetterSummary | DeadLetter]:
    """Return the dead letters by id; what is on its way to the store is newer than what is there."""
    found: dict[str, DeadLetterSummary | DeadLetter] = {}
    found |= {letter.id: letter for letter in evidence.letters}
    found |= {letter.id: letter for letter in evidence.unrecorded}
    return found


def _replay_of(identity: str) -> str:
    return split_ledger_id(split_delivery_id(identity)[0])[1] or ""


def _matched_in(entries: Sequence[JournalEntry]) -> dict[str, list[str]] | None:
    """Return each target's rules, as the journal has them; None where it does not say."""
    found = [entry.facts.get("targets", {}) for entry in entries if entry.step is Step.MATCHED]
    return dict(found[-1]) if found else None


def _targets_of(
    evidence: Evidence,
    name: str,
    entries: Sequence[JournalEntry],
    matched: Mapping[str, Sequence[str]] | None,
) -> list[str]:
    sight = evidence.sights.get(name)
    found = dict.fromkeys(matched or ())
    found |= dict.fromkeys(each.target for each in (sight.deliveries if sight else ()))
    found |= dict.fromkeys(entry.target for entry in entries if entry.target)
    for identity in _letters_of(evidence):
        if _replay_of(identity) == name:
            found[split_delivery_id(identity)[1]] = None
    return list(found)


def _sight_in(sight: EventSight | None, target: str) -> DeliverySight | None:
    found = (each for each in (sight.deliveries if sight else ()) if each.target == target)
    return next(found, None)


def _attempts_in(
    entries: Sequence[JournalEntry], letter: DeadLetterSummary | DeadLetter | None
) -> int:
    """Return the number of the last attempt; a redrive begins to count anew."""
    told = [entry.attempt for entry in entries if entry.step is Step.ATTEMPT]
    return told[-1] if told else (letter.attempts if letter is not None else 0)


def _redrives_in(
    entries: Sequence[JournalEntry], letter: DeadLetterSummary | DeadLetter | None
) -> int:
    told = [int(entry.facts.get("redrives", 0)) for entry in entries if entry.step is Step.REDRIVEN]
    return max([*told, letter.redrives if letter is not None else 0])


def _reason_in(entries: Iterable[JournalEntry]) -> str:
    return next((str(e.facts["reason"]) for e in reversed([*entries]) if "reason" in e.facts), "")


def _error_of(item: JournalEntry | DeliverySight | DeadLetterSummary | DeadLetter) -> str:
    return f"{item.error_type}: {item.error}".strip(": ")


def _kind_of(evidence: Evidence) -> tuple[str, str]:
    """Return the event's source and type, from whoever knows them."""
    if evidence.body is not None:
        event = evidence.body.event
        return str(event.get("source", "")), str(event.get("detail-type", ""))
    if evidence.archived is not None:
        return evidence.archived.source, evidence.archived.type
    known = next((one for one in evidence.letters if one.event_type), None)
    if known is not None:
        return known.source, known.event_type
    lanes = (str(e.facts.get("lane", "")) for e in evidence.entries if e.step is Step.ACCEPTED)
    source, _, kind = next(lanes, "").partition("|")
    return source, kind


def _change_of(runs: Sequence[Run], answers: Sequence[RuleAnswer] | None) -> RuleChange:
    """Compare the rules that match now with those that matched the first time."""
    first = next((run for run in runs if not run.replay_name), None)
    matched = _matched_in(first.entries) if first is not None else None
    if answers is None or matched is None:
        return RuleChange()
    then = {rule for target, names in matched.items() if target != ARCHIVE for rule in names}
    now = {answer.rule.name for answer in answers if answer.status is RuleStatus.MATCHES}
    return RuleChange(tuple(sorted(now - then)), tuple(sorted(then - now)))
