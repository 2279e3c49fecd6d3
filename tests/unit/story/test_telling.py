"""From what each place knows of an event to what became of it."""

from typing import Any

import pytest

from eventflow.delivery import BreakerState, BreakerStatus
from eventflow.delivery.balances import Pause
from eventflow.delivery.sights import DeliverySight, EventSight, Place
from eventflow.journal import JournalEntry, Step
from eventflow.patterns import Pattern
from eventflow.records import DeadLetter, Reason
from eventflow.rules import Rule, RuleSet, RuleTarget, Target
from eventflow.store import ArchivedSummary, DeadLetterSummary, State
from eventflow.story.evidence import Body, Evidence
from eventflow.story.story import DeliveryStory, Fate, Story
from eventflow.story.telling import tell

NOW = 2000.0
EVENT = {"id": "e1", "source": "shop", "detail-type": "Sold", "time": "then", "detail": {"n": 1}}


def entry(number: int, step: Step, target: str = "", *, replay: str = "", **fields: Any):
    """Return the journal's entry of a moment."""
    return JournalEntry(
        id=f"{number:05}",
        bus="default",
        step=step,
        at=1000.0 + number,
        event_id="e1",
        replay_name=replay,
        target=target,
        **fields,
    )


def attempt(number: int, outcome: str, target: str = "vendor", count: int = 1, **fields: Any):
    """Return the entry of an attempt."""
    return entry(number, Step.ATTEMPT, target, attempt=count, outcome=outcome, **fields)


ACCEPTED = entry(1, Step.ACCEPTED, facts={"lane": "shop|Sold"})
MATCHED = entry(2, Step.MATCHED, facts={"targets": {"vendor": ["sold"], "mail": ["sold", "all"]}})


def sight(*deliveries: DeliverySight, event_id: str = "e1", **fields: Any) -> EventSight:
    """Return what the ledger shows of an event that was routed."""
    return EventSight(
        event_id, 1001.0, fields.pop("is_routed", True), deliveries=deliveries, **fields
    )


def flying(place: Place, at: float = 0.0, target: str = "vendor", **fields: Any) -> DeliverySight:
    """Return what the ledger shows of a delivery."""
    return DeliverySight(f"e1:{target}", target, place, at, **fields)


def stored(state: State = State.DEAD, **fields: Any) -> DeadLetterSummary:
    """Return a dead letter as the store has it."""
    values: dict[str, Any] = {
        "id": "e1:vendor",
        "bus": "default",
        "target": "vendor",
        "reason": Reason.MAX_ATTEMPTS,
        "rules": ("sold",),
        "event_id": "e1",
        "event_type": "Sold",
        "source": "shop",
        "error_type": "OSError",
        "error": "no",
        "attempts": 3,
        "accepted_at": 1001.0,
        "first_attempt_at": 1002.0,
        "first_died_at": 1009.0,
        "died_at": 1009.0,
        "state": state,
        "redrives": 0,
        "redriven_at": 0.0,
        "group_id": "",
        "place": "",
        **fields,
    }
    return DeadLetterSummary(**values)


def story_of(*entries: JournalEntry, rules: RuleSet | None = None, **known: Any) -> Story:
    """Tell the story of what is known."""
    evidence = Evidence(event_id="e1", bus="default", now=NOW, entries=entries, **known)
    return tell(evidence, rules)


def vendor(*entries: JournalEntry, **known: Any) -> DeliveryStory:
    """Tell the story of the delivery to the vendor."""
    [run] = story_of(*entries, **known).runs
    [found] = [each for each in run.deliveries if each.target == "vendor"]
    return found


class TestFates:
    """What became of one delivery."""

    def test_delivered(self) -> None:
        """When it was, by which attempt, and not with the error of the attempt before."""
        told = vendor(
            ACCEPTED,
            MATCHED,
            attempt(3, "retry", error_type="OSError", error="no", due_at=1004.0),
            entry(4, Step.QUEUED, "vendor", facts={"why": "due"}),
            attempt(5, "done", count=2),
            sights={"": sight()},
        )
        assert (told.fate, told.at, told.attempts, told.error) == (Fate.DELIVERED, 1005.0, 2, "")
        assert (told.is_final, told.rules) == (True, ("sold",))
        assert [each.id for each in told.entries] == ["00003", "00004", "00005"]

    @pytest.mark.parametrize(
        ("place", "fate"),
        [
            (Place.QUEUED, Fate.QUEUED),
            (Place.RUNNING, Fate.RUNNING),
            (Place.WAITING, Fate.WAITING),
            (Place.PARKED, Fate.PARKED),
            (Place.NOWHERE, Fate.LOST),
        ],
    )
    def test_in_flight(self, place: Place, fate: Fate) -> None:
        """Where the ledger has it, since or until when, and the last error."""
        seen = flying(place, 1234.0, attempts=2, error_type="E", error="no", rules=("sold",))
        told = vendor(ACCEPTED, MATCHED, sights={"": sight(seen)})
        assert (told.fate, told.at, told.attempts, told.error) == (fate, 1234.0, 2, "E: no")
        assert not told.is_final

    def test_the_journal_is_newer_than_the_ledger(self) -> None:
        """What ended between the two questions has ended, though the ledger still had it."""
        seen = flying(Place.RUNNING, attempts=1)
        told = vendor(ACCEPTED, MATCHED, attempt(3, "done"), sights={"": sight(seen)})
        assert told.fate is Fate.DELIVERED

    def test_what_was_sent_again_is_in_flight(self) -> None:
        """An end before a redrive is none."""
        again = entry(9, Step.REDRIVEN, "vendor", facts={"redrives": 2})
        seen = flying(Place.QUEUED, 1009.0, redrives=2)
        told = vendor(attempt(3, "dead"), again, sights={"": sight(seen)}, letters=(stored(),))
        assert (told.fate, told.redrives) == (Fate.QUEUED, 2)

    def test_dead_in_the_store(self) -> None:
        """Its reason, its attempts, its error, and its id to redrive it by."""
        dead = attempt(9, "dead", count=3, facts={"reason": "max_attempts"})
        told = vendor(MATCHED, dead, sights={"": sight()}, letters=(stored(),))
        assert (told.fate, told.at, told.reason) == (Fate.DEAD, 1009.0, "max_attempts")
        assert (told.attempts, told.error, told.letter_id) == (3, "OSError: no", "e1:vendor")
        assert told.is_final

    def test_dead_and_not_in_the_store_yet(self) -> None:
        """The ledger still has the letter, so there is nothing to redrive by."""
        letter = DeadLetter(id="e1:vendor", target="vendor", reason=Reason.REFUSED, died_at=1009.0)
        told = vendor(MATCHED, sights={"": sight()}, unrecorded=(letter,))
        assert (told.fate, told.reason, told.letter_id) == (Fate.DEAD, "refused", "")

    def test_dead_and_purged(self) -> None:
        """The journal remembers."""
        dead = attempt(9, "dead", error="no", facts={"reason": "poison"})
        told = vendor(MATCHED, dead, sights={"": sight()})
        assert (told.fate, told.at, told.reason, told.error) == (Fate.DEAD, 1009.0, "poison", "no")

    def test_dead_at_birth(self) -> None:
        """A delivery whose input could not be made was never tried."""
        fault = entry(3, Step.UNROUTABLE, "vendor", facts={"reason": "input"}, error="no $.x")
        told = vendor(MATCHED, fault, sights={"": sight()})
        assert (told.fate, told.reason, told.attempts) == (Fate.DEAD, "input", 0)

    def test_delivered_after_a_redrive(self) -> None:
        """The store knows that it was redriven, the journal that it went well."""
        entries = (attempt(3, "dead"), entry(9, Step.REDRIVEN, "vendor", facts={"redrives": 1}))
        letter = stored(State.REDRIVEN, redrives=1)
        told = vendor(*entries, attempt(10, "done"), letters=(letter,))
        assert (told.fate, told.at, told.redrives) == (Fate.DELIVERED, 1010.0, 1)

    def test_an_id_that_is_published_again_begins_anew(self) -> None:
        """Once its id was forgotten: neither the delivery of then nor the dead letter counts."""
        then = (ACCEPTED, MATCHED, attempt(3, "done"))
        again = entry(50, Step.ACCEPTED)
        seen = flying(Place.QUEUED, 1050.0)
        told = vendor(*then, again, sights={"": sight(seen)}, letters=(stored(),))
        assert (told.fate, told.attempts, told.letter_id) == (Fate.QUEUED, 0, "")
        assert len(told.entries) == 1
        told = vendor(*then, again, attempt(51, "done"), letters=(stored(),))
        assert (told.fate, told.at) == (Fate.DELIVERED, 1051.0)

    def test_without_a_journal_what_is_over_was_delivered(self) -> None:
        """Registered, not in flight, no dead letter: nobody noted when."""
        letter = stored(State.REDRIVEN, redrives=1)
        told = vendor(sights={"": sight()}, letters=(letter,))
        assert (told.fate, told.at, told.is_final) == (Fate.FINISHED, 0.0, True)

    def test_without_the_ledger_nobody_knows(self) -> None:
        """What was matched and has no end may be anywhere."""
        told = vendor(MATCHED, away={"ledger": "it does not answer"})
        assert (told.fate, told.is_final) == (Fate.UNKNOWN, False)


class TestHeldBack:
    """Why a parked delivery is."""

    @pytest.mark.parametrize(
        ("by", "known", "expected", "why"),
        [
            ("rate", {}, "rate", "its target's rate is used up"),
            ("in_flight", {}, "in_flight", "as many of its target's deliveries run as may"),
            (
                "rate",
                {"pauses": {"vendor": Pause(1500.0, "maintenance", "maria")}},
                "paused",
                "its target was paused by maria (maintenance)",
            ),
            (
                "turn",
                {"breakers": {"vendor": BreakerStatus(BreakerState.OPEN, error="HTTP 503")}},
                "breaker",
                "its target's circuit breaker is open (HTTP 503)",
            ),
            (
                "breaker",
                {"breakers": {"vendor": BreakerStatus(BreakerState.CLOSED)}},
                "turn",
                "what held it back is over, and its turn comes",
            ),
        ],
    )
    def test_what_holds_it_now(
        self, by: str, known: dict[str, Any], expected: str, why: str
    ) -> None:
        """What the ledger says now counts before what the journal said then."""
        parked = entry(3, Step.PARKED, "vendor", facts={"by": by})
        seen = flying(Place.PARKED, 1001.0)
        told = vendor(MATCHED, parked, sights={"": sight(seen)}, **known)
        assert (told.held_by, told.held_why) == (expected, why)


class TestRuns:
    """The first time, and replays."""

    def test_on_its_way_to_a_router(self) -> None:
        """Nothing is routed, so nothing is final."""
        seen = sight(is_routed=False, place=Place.RUNNING, attempts=2)
        [run] = story_of(ACCEPTED, sights={"": seen}).runs
        assert (run.is_routed, run.place, run.attempts) == (False, Place.RUNNING, 2)
        assert (run.accepted_at, run.deliveries, run.is_final) == (1001.0, (), False)

    def test_matched_by_nothing(self) -> None:
        """It is routed, and over."""
        none = entry(2, Step.MATCHED, facts={"targets": {}})
        story = story_of(ACCEPTED, none, sights={"": sight()})
        assert (story.runs[0].deliveries, story.is_final) == ((), True)

    def test_nothing_is_final_while_nobody_can_say(self) -> None:
        """Without the ledger an event that is not routed may be anywhere; without all, any event."""
        away = {"ledger": "it does not answer"}
        assert not story_of(ACCEPTED, away=away).is_final
        assert not story_of(away=away).is_final
        assert not story_of(away={"store": "it does not answer"}).is_final
        done = (MATCHED, attempt(3, "done"), attempt(4, "done", "mail"))
        assert story_of(ACCEPTED, *done, away=away).is_final

    def test_targets_are_in_the_order_of_the_match(self) -> None:
        """Each once, whoever tells of it."""
        seen = flying(Place.QUEUED, target="mail")
        [run] = story_of(MATCHED, attempt(3, "done"), sights={"": sight(seen)}).runs
        assert [each.target for each in run.deliveries] == ["vendor", "mail"]
        assert run.deliveries[1].rules == ()

    def test_replays_come_after_the_first_time(self) -> None:
        """Each with its own deliveries and entries, in the order in which they began."""
        entries = (
            entry(1, Step.ACCEPTED, replay="late"),
            entry(5, Step.ACCEPTED, replay="early"),
            entry(9, Step.ATTEMPT, "vendor", replay="early", attempt=1, outcome="done"),
        )
        late = sight(event_id="e1@replay:late")
        story = story_of(*entries, sights={"late": late}, letters=(stored(),))
        assert [run.replay_name for run in story.runs] == ["", "late", "early"]
        first, _, early = story.runs
        assert [each.fate for each in first.deliveries] == [Fate.DEAD]
        assert early.deliveries[0].delivery_id == "e1@replay:early:vendor"
        assert early.deliveries[0].fate is Fate.DELIVERED

    def test_an_event_that_only_the_archive_has(self) -> None:
        """It was accepted then; of its deliveries nothing is known, and nothing will come."""
        archived = ArchivedSummary(
            event_id="e1", bus="default", source="shop", type="Sold", accepted_at=900.0
        )
        story = story_of(archived=archived)
        assert (story.source, story.type, story.is_final) == ("shop", "Sold", True)
        assert (story.runs[0].accepted_at, story.runs[0].is_routed) == (900.0, None)


class TestKind:
    """Source and type, from whoever knows them."""

    @pytest.mark.parametrize(
        "known",
        [
            {"body": Body(EVENT, "ledger")},
            {"letters": (stored(),)},
            {"entries": (ACCEPTED,)},
        ],
        ids=["content", "dead letter", "journal"],
    )
    def test_they_are_found(self, known: dict[str, Any]) -> None:
        """In the content, a dead letter, or the journal."""
        story = story_of(*known.pop("entries", ()), **known)
        assert (story.source, story.type) == ("shop", "Sold")

    def test_nobody_knows(self) -> None:
        """Then they are empty."""
        story = story_of(sights={"": sight()})
        assert (story.source, story.type, story.time) == ("", "", "")


@pytest.fixture
def rules() -> RuleSet:
    """Rules that match, come near, and do not."""

    def rule(name: str, pattern: dict[str, Any], **fields: Any) -> Rule:
        return Rule(name, Pattern(pattern), (RuleTarget("vendor"),), **fields)

    return RuleSet(
        [Target(name="vendor", task="a.b")],
        [
            rule("far", {"source": ["other"]}),
            rule("off", {"source": ["shop"]}, enabled=False),
            rule("near", {"source": ["shop"], "detail": {"n": [2]}}),
            rule("sold", {"source": ["shop"]}),
            rule("elsewhere", {"source": ["shop"]}, bus="lab"),
        ],
    )


class TestRules:
    """What the rules of now make of the event."""

    def test_the_nearest_come_first(self, rules: RuleSet) -> None:
        """After those that match; what is not in force comes last."""
        story = story_of(rules=rules, body=Body(EVENT, "archive"))
        assert story.answers is not None
        assert [answer.rule.name for answer in story.answers] == [
            "sold",
            "near",
            "far",
            "elsewhere",
            "off",
        ]

    def test_without_content_no_rule_is_asked(self, rules: RuleSet) -> None:
        """And what matched then is not compared."""
        story = story_of(MATCHED, rules=rules)
        assert (story.answers, bool(story.change)) == (None, False)

    def test_rules_are_asked_once(self, rules: RuleSet) -> None:
        """What they have answered is taken as it is, and compared as ever."""
        body = Body(EVENT, "ledger")
        first = story_of(rules=rules, body=body)
        evidence = Evidence(event_id="e1", bus="default", now=NOW, entries=(MATCHED,), body=body)
        again = tell(evidence, None, answers=first.answers)
        assert again.answers is first.answers
        assert (again.change.gained, again.change.lost) == ((), ("all",))

    def test_rules_that_changed_are_told(self, rules: RuleSet) -> None:
        """Those that match now and did not, and those that did; archives are no rules."""
        then = {"targets": {"vendor": ["gone"], "eventflow.archive": ["everything"]}}
        matched = entry(2, Step.MATCHED, facts=then)
        story = story_of(matched, rules=rules, body=Body(EVENT, "ledger"))
        assert (story.change.gained, story.change.lost) == (("sold",), ("gone",))

    def test_rules_that_did_not_change(self, rules: RuleSet) -> None:
        """Nothing is said."""
        matched = entry(2, Step.MATCHED, facts={"targets": {"vendor": ["sold"]}})
        story = story_of(matched, rules=rules, body=Body(EVENT, "ledger"))
        assert not story.change
