"""An event's story for people: what it is, which rules it meets, and where each delivery is."""

import shlex
from collections.abc import Iterator

from eventflow.cli.flower import event_link, flower_link
from eventflow.cli.output import visible
from eventflow.cli.rules_explain import describe_failures, describe_nearness
from eventflow.cli.times import moment
from eventflow.cli.trace_entries import timeline
from eventflow.delivery.sights import Place
from eventflow.journal import JournalEntry, Step
from eventflow.rules.answers import RuleAnswer, RuleStatus
from eventflow.settings import Settings
from eventflow.story.story import DeliveryStory, Fate, Run, Story

__all__ = ["delivery_line", "entries_of", "head_lines", "story_lines", "summary_of"]

_MOST_NEAR = 3  # rules that came near, unless all are asked for
_NO_CONTENT = (
    "nowhere any more, so no rule can be asked about it; `archives` in the rule files keep events"
)
_WORDS = {
    Fate.DELIVERED: "delivered",
    Fate.DEAD: "dead",
    Fate.QUEUED: "queued",
    Fate.RUNNING: "running",
    Fate.WAITING: "waiting",
    Fate.PARKED: "held back",
    Fate.FINISHED: "delivered",
    Fate.LOST: "lost",
    Fate.UNKNOWN: "unknown",
}


def story_lines(story: Story, settings: Settings, *, all_rules: bool) -> Iterator[str]:
    """Tell a whole story, line by line.

    Args:
        story: The story.
        settings: Have Flower's address.
        all_rules: Whether to explain every rule, and not only the nearest.
    """
    yield from head_lines(story, settings, all_rules=all_rules)
    entries = entries_of(story)
    if entries:
        yield ""
        yield "timeline"
        yield from (f"  {line}" for line in timeline(entries, story.now))
    yield from _notes(story, has_entries=bool(entries))


def head_lines(story: Story, settings: Settings, *, all_rules: bool) -> Iterator[str]:
    """Tell all of a story but its timeline, line by line; arguments as for `story_lines`."""
    for name, value in _facts(story):
        if value:
            yield visible(f"{name:<9} {value}")
    if link := event_link(settings, story.event_id):
        yield f"{'flower':<9} {link}"
    yield from _rules(story, all_rules=all_rules)
    for run in story.runs:
        if run.deliveries:
            yield ""
            yield f"deliveries of the replay {run.replay_name}" if run.replay_name else "deliveries"
            for delivery in run.deliveries:
                yield from _delivery(delivery, story, settings)


def entries_of(story: Story) -> list[JournalEntry]:
    """Return the whole journal of a story, in order."""
    own = [entry for run in story.runs for entry in run.entries]
    of_deliveries = [
        entry for run in story.runs for each in run.deliveries for entry in each.entries
    ]
    return sorted((*own, *of_deliveries), key=lambda entry: entry.id)


def summary_of(story: Story) -> str:
    """Say in a few words where an event is."""
    return "; ".join(_run_summary(run) for run in story.runs)


def delivery_line(delivery: DeliveryStory, now: float) -> str:
    """Say in one line what became of a delivery, or what it waits for.

    Args:
        delivery: The delivery.
        now: Seconds since the epoch.
    """
    at = moment(delivery.at, now) if delivery.at else ""
    match delivery.fate:
        case Fate.DELIVERED:
            tries = f" by attempt {delivery.attempts}" if delivery.attempts > 1 else ""
            what = f"delivered{tries} {at}"
        case Fate.FINISHED:
            what = "delivered: it is not in flight, and no dead letter; nobody noted when"
        case Fate.DEAD:
            what = f"dead letter ({delivery.reason}) after {_attempts(delivery.attempts)} {at}"
        case Fate.QUEUED:
            what = f"queued for a worker since {at}"
        case Fate.RUNNING:
            what = f"attempt {delivery.attempts} runs, or ended with its worker: leased until {at}"
        case Fate.WAITING:
            what = f"waits for attempt {delivery.attempts + 1} until {at}"
        case Fate.PARKED:
            why = f": {delivery.held_why}" if delivery.held_why else ""
            what = f"held back{why}"
        case Fate.LOST:
            what = "in none of the ledger's places: the reconciler enqueues it again"
        case _:
            what = "not known: neither journal nor store say, and the ledger cannot be asked"
    redrives = delivery.redrives
    again = f", redriven {'once' if redrives == 1 else f'{redrives} times'}" if redrives else ""
    error = f"; last error: {' '.join(delivery.error.split())}" if delivery.error else ""
    return f"{what.strip()}{again}{error}"


def _facts(story: Story) -> Iterator[tuple[str, str]]:
    kind = f": {story.type} from {story.source}" if story.type or story.source else ""
    yield "event", f"{story.event_id}{kind}"
    yield "bus", story.bus
    first = next((run for run in story.runs if not run.replay_name), None)
    if first is not None and first.accepted_at:
        yield "accepted", moment(first.accepted_at, story.now)
    yield "its time", story.time
    if story.body is not None:
        yield "trace", str(story.body.event.get("traceparent", ""))
    yield "is", summary_of(story)
    if story.body is None:
        yield "content", _NO_CONTENT
    else:
        yield "content", f"read from the {story.body.source}"
    archived = story.archived
    if archived is not None:
        kept = (
            ""
            if archived.kept_until == float("inf")
            else f", until {moment(archived.kept_until, story.now)}"
        )
        yield "archived", f"by {', '.join(archived.archives) or 'an archive'}{kept}"


def _run_summary(run: Run) -> str:
    name = f"replay {run.replay_name}: " if run.replay_name else ""
    if run.is_routed is False:
        tries = f", {_attempts(run.attempts)} so far" if run.attempts else ""
        with_router = run.place is Place.RUNNING
        where = "with a router" if with_router else "waiting for a router"
        return f"{name}{where}{tries}"
    if not run.deliveries:
        matched = any(entry.step is Step.MATCHED for entry in run.entries)
        return f"{name}{'routed: no rule matched' if matched or run.is_routed else 'nothing is known of its deliveries'}"
    counts: dict[str, int] = {}
    for delivery in run.deliveries:
        counts[_WORDS[delivery.fate]] = counts.get(_WORDS[delivery.fate], 0) + 1
    parts = ", ".join(f"{number} {word}" for word, number in counts.items())
    number = len(run.deliveries)
    return f"{name}{number} {'delivery' if number == 1 else 'deliveries'}: {parts}"


def _delivery(delivery: DeliveryStory, story: Story, settings: Settings) -> Iterator[str]:
    rules = f" (by {', '.join(delivery.rules)})" if delivery.rules else ""
    yield visible(f"  {delivery.target}{rules}")
    yield visible(f"    {delivery_line(delivery, story.now)}")
    if delivery.fate is Fate.DEAD and delivery.letter_id:
        yield f"    eventflow deadletters redrive {shlex.quote(visible(delivery.letter_id))}"
    if link := flower_link(settings, delivery.delivery_id):
        yield f"    {link}"


def _rules(story: Story, *, all_rules: bool) -> Iterator[str]:
    if story.rules_fault:
        yield ""
        yield visible(f"rules     cannot be asked: {story.rules_fault}")
    if story.answers is None:
        return
    yield ""
    yield "rules, as they are now"
    answers = story.answers
    matching = [answer for answer in answers if answer.status is RuleStatus.MATCHES]
    if not matching:
        yield f"  none of {len(answers)} matches"
    for answer in matching:
        targets = ", ".join(each.target for each in answer.rule.targets)
        yield f"  matches   {answer.rule.name} → {targets}"
    yield from _changes(story)
    missed = [answer for answer in answers if answer.status is RuleStatus.NO_MATCH]
    near = [answer for answer in missed if answer.is_near]
    shown = (
        [answer for answer in answers if answer not in matching] if all_rules else near[:_MOST_NEAR]
    )
    for answer in shown:
        yield from _miss(answer)
    others = len(answers) - len(matching) - len(shown)
    if others:
        more = "1 more rule does not match" if others == 1 else f"{others} more rules do not match"
        yield f"  {more}; --all-rules explains all"


def _miss(answer: RuleAnswer) -> Iterator[str]:
    rule = answer.rule
    why = describe_nearness(answer.explanation)
    if answer.status is RuleStatus.DISABLED:
        why = f"it is disabled; {why}"
    elif answer.status is RuleStatus.OTHER_BUS:
        why = f"it is of the bus {rule.bus}; {why}"
    yield f"  no match  {rule.name}: {why}"
    yield from (f"    {line}" for line in describe_failures(answer.explanation))


def _changes(story: Story) -> Iterator[str]:
    if story.change.gained:
        yield f"  changed   since it was routed: {', '.join(story.change.gained)} did not match then"
    if story.change.lost:
        yield f"  changed   since it was routed: {', '.join(story.change.lost)} matched then"


def _notes(story: Story, *, has_entries: bool) -> Iterator[str]:
    notes = [f"the {place} could not be asked: {why}" for place, why in story.away.items()]
    if not has_entries and not story.away:
        notes.append(
            "the journal has nothing of it: it is older than EVENTFLOW_JOURNAL_RETENTION, or "
            "EVENTFLOW_JOURNAL was off"
        )
    if story.dropped:
        notes.append(
            f"{story.dropped:,} journal entries of this bus were dropped while the recorder was "
            "away, so the timeline may have gaps; where a delivery is now is right all the same"
        )
    if notes:
        yield ""
    for note in notes:
        yield visible(f"note      {note}")


def _attempts(number: int) -> str:
    return "1 attempt" if number == 1 else f"{number} attempts"
