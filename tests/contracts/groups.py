"""What every database must do with groups of failures; a test class gives the fixture `engine`."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, column, insert, table, update

from eventflow.records import DeadLetter, Reason
from eventflow.store import DeadLetterFilter, DeadLetterStore, State
from eventflow.store.engine import writing
from eventflow.store.failures import failure_of
from eventflow.store.groups import FailureGroup, FailureGroups
from eventflow.store.rows import values_of
from eventflow.store.schema import _migrations
from eventflow.store.tables import DEAD_LETTERS, SCHEMA
from tests.contracts.store import DIED, letter_of

UNLOCK = 'Traceback:\n  File "/srv/app/workers/doors.py", line 17, in unlock\n    open()\n'
NEW_COLUMNS = {"group_id", "place"}
LOCK = UNLOCK.replace("line 17, in unlock", "line 40, in lock")


def letters_of() -> list[DeadLetter]:
    """Return nine letters of three failures: five of one, three of another, one of a third."""
    return [
        *(
            letter_of(f"a{n}", error=f"door {n} is shut", traceback=UNLOCK, died_at=DIED + n)
            for n in range(5)
        ),
        *(
            letter_of(f"b{n}", error=f"door {n} is shut", traceback=LOCK, died_at=DIED + 10 * n)
            for n in range(3)
        ),
        letter_of(
            "c", target="audit", error_type="", error="", traceback="", reason=Reason.MAX_AGE
        ),
    ]


def counts(groups: Sequence[FailureGroup]) -> list[tuple[str, int]]:
    """Return each group's place and count."""
    return [(group.place, group.count) for group in groups]


class GroupsContract:
    """The promises of `FailureGroups`."""

    def test_nothing_is_no_group(self, engine: Engine) -> None:
        """An empty store has none."""
        assert [] == FailureGroups(engine).list()

    def test_what_failed_the_same_way_is_one_group(self, engine: Engine) -> None:
        """The largest comes first, with when it was seen, and a letter to look at."""
        DeadLetterStore(engine).record(letters_of())
        first, second, third = FailureGroups(engine).list()
        sample = DeadLetterStore(engine).get(first.sample_id)
        assert (
            FailureGroup(
                group_id=failure_of(letters_of()[0]).group_id,
                target="device-vendor",
                reason=Reason.MAX_ATTEMPTS,
                error_type="HTTPError",
                error=sample.error,
                place="workers/doors.py:17 unlock",
                count=5,
                first_seen=DIED,
                last_seen=DIED + 4,
                sample_id=sample.id,
            )
            == first
        )
        assert first.group_id == sample.group_id
        assert ("workers/doors.py:40 lock", 3, DIED, DIED + 20) == (
            second.place,
            second.count,
            second.first_seen,
            second.last_seen,
        )
        assert ("audit", Reason.MAX_AGE, "", 1) == (
            third.target,
            third.reason,
            third.place,
            third.count,
        )

    def test_a_groups_id_is_a_filter(self, engine: Engine) -> None:
        """It finds the group's letters and no other."""
        store = DeadLetterStore(engine)
        store.record(letters_of())
        group = FailureGroups(engine).list()[1]
        found = store.list(DeadLetterFilter(group=group.group_id))
        assert {f"b{n}:device-vendor" for n in range(3)} == {item.id for item in found}

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (DeadLetterFilter(target="audit"), [1]),
            (DeadLetterFilter(since=DIED + 4), [2, 1]),
            (DeadLetterFilter(reason=Reason.MAX_ATTEMPTS), [5, 3]),
            (DeadLetterFilter(error="door 2 "), [1, 1]),
            (DeadLetterFilter(error="httperr"), [5, 3]),
            (DeadLetterFilter(rule="audit-all"), [5, 3, 1]),
            (DeadLetterFilter(state=State.REDRIVEN), []),
            (DeadLetterFilter(redrives_below=1), [5, 3, 1]),
            (DeadLetterFilter(redrives_below=0), []),
        ],
        ids=str,
    )
    def test_filters(self, engine: Engine, filters: DeadLetterFilter, expected: list[int]) -> None:
        """Only the letters that fit count."""
        DeadLetterStore(engine).record(letters_of())
        assert expected == [group.count for group in FailureGroups(engine).list(filters)]

    def test_pages_follow_each_other(self, engine: Engine) -> None:
        """Groups of the same size as well: each is met once."""
        DeadLetterStore(engine).record([letter_of("e", target=f"t{n}") for n in range(7)])
        groups = FailureGroups(engine)
        page, seen = groups.list(limit=3), []
        while page:
            seen += page
            page = groups.list(limit=3, after=page[-1].group_id)
        assert groups.list() == seen
        assert {f"t{n}" for n in range(7)} == {group.target for group in seen}

    def test_another_death_moves_a_letter(self, engine: Engine) -> None:
        """It belongs to what it failed by last."""
        store = DeadLetterStore(engine)
        store.record(letters_of())
        again = letter_of(
            "a0", error="door 0 is shut", traceback=LOCK, died_at=DIED + 90, redrives=1
        )
        store.record([again])
        assert [("workers/doors.py:17 unlock", 4), ("workers/doors.py:40 lock", 4)] == sorted(
            counts(FailureGroups(engine).list(DeadLetterFilter(target="device-vendor")))
        )

    def test_older_letters_are_grouped_when_somebody_asks(self, engine: Engine) -> None:
        """What was recorded before there were groups counts like all else; what cannot be read too."""
        store = DeadLetterStore(engine)
        store.record(letters_of())
        groups = FailureGroups(engine)
        before = groups.list()
        forget = update(DEAD_LETTERS).values(group_id="", place="")
        with writing(engine) as connection:
            connection.execute(forget)
        told: list[int] = []
        assert 9 == groups.count_older()
        groups.group_older(told.append)
        assert ([9], 0) == (told, groups.count_older())
        assert before == groups.list()
        unreadable = DEAD_LETTERS.c.id == "c:audit"
        with writing(engine) as connection:
            connection.execute(forget.where(unreadable).values(record="{}"))
        assert ["-"] == [group.group_id for group in groups.list(DeadLetterFilter(target="audit"))]
        assert before[:2] == groups.list()[:2]

    def test_a_store_of_the_first_version_is_brought_up_to_date(self, engine: Engine) -> None:
        """Its letters stay, have groups, and a new one joins the group of an old one."""
        old, new = letters_of()[:2]
        row = {name: value for name, value in values_of(old).items() if name not in NEW_COLUMNS}
        first = table("eventflow_dead_letters", *(column(name) for name in row))
        with writing(engine) as connection:
            SCHEMA.create(connection)
            for statement in _migrations(engine.dialect.name)[0]:
                connection.exec_driver_sql(statement)
            connection.execute(insert(SCHEMA).values(only=1, version=1))
            connection.execute(insert(first).values(row))
        DeadLetterStore(engine).record([new])
        [group] = FailureGroups(engine).list()
        assert (2, failure_of(old).place) == (group.count, group.place)
        assert old == DeadLetterStore(engine).get(old.id).letter
