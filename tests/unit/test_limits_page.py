"""The page of limits: each number is the code's, and no setting that limits is missing."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eventflow import encoding, events, journal, routing
from eventflow.cli import listing, retries
from eventflow.delivery import CALL_AGAIN, JUST_NOW, gauges, reconciliation, silence
from eventflow.errors import EventError
from eventflow.gateway import content_modes, crew, put_events, server, signature
from eventflow.metrics import endpoint, labels
from eventflow.patterns import shape, syntax
from eventflow.publishing import carriers, outbox, parts
from eventflow.redrive import plan, run, share
from eventflow.replay import newcomer, outlet, selection
from eventflow.replay import run as replay_run
from eventflow.rules import (
    ARCHIVE_TARGET,
    Target,
    documents,
    files,
    inputs,
    paths,
    reader,
    targets,
    templates,
)
from eventflow.schemas import bundle, faults, work
from eventflow.schemas import files as schema_files
from eventflow.schemas import json_text as schema_text
from eventflow.settings import Settings
from eventflow.store import audit, failures, replay_records, sealing
from eventflow.store import journal as stored_journal
from eventflow.story import identifying, searching
from eventflow.telemetry import provider, step
from eventflow.transport import calls, messages
from eventflow.worker import (
    canary,
    chain,
    letters,
    loop_ledger,
    loop_watch,
    mover,
    pace,
    record,
    retention,
    route,
    turn,
)
from eventflow.worker import journal as recording

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "limits.md").read_text(encoding="utf-8")
ROWS = {
    limit: (number, setting.strip("`"))
    for limit, number, setting in re.findall(
        r"^\| ([^|]+) \| ([\d,]+|4 events) \| ([^|]*?) ?\|", PAGE, re.MULTILINE
    )
}


def setting(name: str) -> int:
    """Return a setting's default."""
    return int(Settings.model_fields[name].default)


LIMITS: Mapping[str, Any] = {
    "events, or deliveries for a target, that wait before a replay does": setting("replay_backlog"),
    "archived events that a replay has in memory, read and to be sent": (
        replay_run._PAGE + outlet.MOST_AT_ONCE
    ),
    "replayed events in one call of the ledger": outlet.MOST_AT_ONCE,
    "seconds without a sign of life after which a replay's process counts as dead": int(
        replay_records.PATIENCE
    ),
    "dead letters that the recorder writes along with those of a message": record._ALSO,
    "seconds for which a dead letter is written along": int(JUST_NOW),
    "seconds that a replay waits for a ledger that is away": int(replay_run._LEDGER_PATIENCE),
    "sources or types that the database is asked for at once": selection._MOST_VALUES,
    "deliveries to the archive that `targets start` waits for one by one": newcomer._MOST,
    "bytes of an event, as JSON": setting("max_event_bytes"),
    "levels of an event's data": setting("max_event_depth"),
    "bits of an integer in an event": encoding._MAX_INTEGER.bit_length() + 1,
    "events of a bus that wait to be routed": setting("max_backlog"),
    "rows of a page of a listing": listing._MOST,
    "waiting deliveries of a target that `retries list` looks at": retries._MOST,
    "events in flight of a bus that `trace --where` looks at": identifying.MOST_IN_FLIGHT,
    "dead letters that it looks at": searching.MOST_LETTERS,
    "archived events that it looks at": searching.MOST_ARCHIVED,
    "journal entries, not recorded yet, in which `trace` looks for one event": (
        identifying.MOST_UNRECORDED
    ),
    "events in one call of the ledger": parts.MOST_AT_ONCE,
    "events or deliveries that a message names": setting("group_size"),
    "deliveries that a worker takes at once": pace.MOST_AT_ONCE,
    "seconds for which a task takes what is queued": turn.TURN,
    "milliseconds for which a task may wait for more after a list": int(turn.STAY * 1000),
    "events that a router takes at once": route._SLICE,
    "events that a publisher's message to the routers names": calls.MOST_NAMED,
    "seconds for which a message to the routers counts as on its way": int(CALL_AGAIN),
    "seconds after which a mover calls again for what is queued, where no message is on the queue": (
        int(mover._CALL_LOST)
    ),
    "seconds that `publish()` takes": setting("publish_deadline"),
    "calls of `publish()` in a process that wait for a silent ledger": carriers.MOST,
    "bytes of a shaped input": f"{routing.INPUT_TIMES} events",
    "bytes of a request": setting("http_max_bytes"),
    "seconds that a request's body may take, and then its answer": setting("http_timeout"),
    "seconds that a request's headers may take": server._PATIENCE,
    "bytes of a request's headers": server._MOST_HEAD,
    "CloudEvents in a batch": content_modes.MOST_EVENTS,
    "entries of a `PutEvents`": put_events.MOST_ENTRIES,
    "bytes that the entries of a `PutEvents` stay below": put_events.MOST_BYTES,
    "calls of `publish()` at once, in each process": setting("http_threads"),
    "calls that may wait for each of these": crew._WAITING_FOR_EACH,
    "connections of a process": server._MOST_CONNECTIONS,
    "seconds that a signing client's clock may be off": int(signature._SKEW),
    "values of a metric's label, in each process": labels.MOST_LABEL_VALUES,
    "requests for metrics that a process answers at once": endpoint.MOST_CONNECTIONS,
    "seconds that a request for metrics may take": endpoint._PATIENCE,
    "waiting deliveries of a target whose age is looked up": gauges.MOST_AGES,
    "kinds of events without a rule": silence.MOST_UNMATCHED,
    "seconds of silence before the doctor says so": setting("silence_after"),
    "deliveries of a target that its loop has in flight, as a rule file may say": next(
        part.le for part in Target.model_fields["concurrency"].metadata if hasattr(part, "le")
    ),
    "outcomes in one call of the ledger": loop_ledger.MOST_FINISHES,
    "milliseconds that a call may block the loop": int(loop_watch.MOST_LAG * 1000),
    "characters of an error, until the next attempt": chain._MOST_ERROR,
    "characters of an error in a dead letter": letters.MOST_ERROR,
    "characters of a traceback in a dead letter": letters.MOST_TRACEBACK,
    "characters of a stack trace in a span": step.MOST_STACK,
    "ids in the arguments of a message, as Flower shows them": messages.MOST_SHOWN,
    "seconds that a process which ends waits for its last spans to be sent": int(
        provider.MOST_FLUSH
    ),
    "bytes of a message that nobody can read": letters.MOST_BODY,
    "characters of such a message's headers": letters.MOST_HEADERS,
    "times that routing an event may end its router": setting("max_route_attempts"),
    "seconds that a delivered event's id is remembered": setting("deduplication_window"),
    "events of a bus that wait to be routed, alarm": setting("alarm_unrouted"),
    "deliveries of a target that are queued or parked": setting("alarm_queued"),
    "deliveries of a target that wait for another attempt": setting("alarm_waiting"),
    "dead letters that wait for the recorder": setting("alarm_unrecorded"),
    "dead letters in the store": setting("alarm_dead_letters"),
    "keys that the reconciler looks at in one step": reconciliation.SLICE,
    "seconds between two looks at [the balances](../explanation/the-balance.md)": setting(
        "reconcile_interval"
    ),
    "seconds between two canaries of a queue": setting("canary_interval"),
    "seconds that a canary may be on its way, with nothing else happening": setting(
        "canary_patience"
    ),
    "leases of a target that are looked at for who has them": canary._MOST_LEASES,
    "entries of a bus's journal that wait for the recorder": setting("journal_most"),
    "entries of the journal in the store": setting("journal_rows"),
    "seconds that the store keeps an entry": setting("journal_retention"),
    "entries that the recorder writes at once": recording.BATCH,
    "characters of an error in the journal": journal.MOST_ERROR,
    "entries of one event that are read": stored_journal._MOST_OF_EVENT,
    "times that an event of the outbox is tried": setting("outbox_max_attempts"),
    "seconds that a published row is kept": setting("outbox_retention"),
    "characters of an ordering key": outbox._LONGEST_KEY,
    "characters of a row's failure": outbox.LONGEST_FAILURE,
    "events that a relay publishes in one call": outbox.MOST_AT_ONCE,
    "days that an archive may keep an event, unless forever": int(
        documents._LONGEST_RETENTION / 86_400
    ),
    "seconds that an event may wait for the archive": int(ARCHIVE_TARGET.retry.max_age),
    "times that it may be tried": ARCHIVE_TARGET.retry.max_attempts,
    "times that archiving an event may end its recorder": ARCHIVE_TARGET.retry.max_crashes,
    "bytes below which an archived event is not compressed": sealing.PLAIN_BELOW,
    "archived events that one step deletes": retention._MOST_EVENTS,
    "times that a dead letter may be redriven": setting("max_redrives"),
    "letters of a canary, unless told otherwise": plan.MOST_CANARIES,
    "deliveries of a target that a redrive has on their way": run.MOST_OPEN,
    "outcomes of which a redrive judges whether failures came back": share.WINDOW,
    "characters of an error that tell one group of failures from another": failures.MOST_PATTERN,
    "seconds that a line of the audit is kept": setting("audit_retention"),
    "lines that one new line deletes": audit.MOST_PRUNED,
    "rule files in a directory": files.MAX_FILES,
    "bytes of a rule file": reader.MAX_BYTES,
    "values in a rule file, aliases written out": reader.MAX_NODES,
    "levels of a rule file": reader.MAX_DEPTH,
    "values in a pattern": shape.MAX_VALUES,
    "levels of a pattern": shape.MAX_DEPTH,
    "combinations that a pattern's `$or` makes": syntax.MAX_ALTERNATIVES,
    "conditions of a pattern, over all combinations": syntax.MAX_CONDITIONS,
    "paths of an input": documents._MAX_PATHS,
    "characters of a path": paths.MAX_PATH,
    "characters of a template, or of a constant": templates.MAX_TEMPLATE,
    "placeholders used in a template": templates.MAX_PLACEHOLDERS,
    "schema files in a directory": schema_files.MAX_FILES,
    "bytes of a schema file": schema_text.MAX_BYTES,
    "levels of a schema file": schema_text.MAX_DEPTH,
    "schemas that one is made of": bundle.MAX_SCHEMAS,
    "schemas that one value is checked by": work.MAX_LOOKS,
    "faults of one event that are told": faults.MAX_FAULTS,
    "values of an event whose faults are all looked for": faults.MAX_VALUES,
}
# Held by a test of behaviour each, below or elsewhere.
BY_BEHAVIOUR = {
    "characters of a replay's name",
    "characters of an event's id",
    "characters of an event's source",
    "characters of an event's type",
    "characters of an event's subject",
    "characters of a name",
    "what a subscriber returns",
}


def test_every_row_is_held():
    """No row is on the page that no code is behind, and none is missing."""
    assert set(ROWS) == {*LIMITS, *BY_BEHAVIOUR}


@pytest.mark.parametrize("limit", LIMITS)
def test_the_number_is_the_code_s(limit):
    """A row's number is the one that the code goes by."""
    number = LIMITS[limit]
    assert ROWS[limit][0] == (number if isinstance(number, str) else f"{number:,}")


def test_constants_and_templates_have_one_limit():
    """One row speaks of both."""
    assert inputs.MAX_CONSTANT == templates.MAX_TEMPLATE


def test_a_name_may_have_as_many_characters_as_the_page_says():
    """At the limit a name is one, and beyond it none."""
    most = int(ROWS["characters of a name"][0])
    assert (targets.is_name("a" * most), targets.is_name("a" * (most + 1))) == (True, False)


@pytest.mark.parametrize("field", ["id", "source", "type", "subject"])
def test_a_field_may_have_as_many_characters_as_the_page_says(field):
    """At the limit a field of an event is taken, and beyond it refused."""
    most = int(ROWS[f"characters of an event's {field}"][0].replace(",", ""))
    values: dict[str, Any] = {"source": "s", "type": "T", "data": {}, field: "a" * most}
    assert getattr(events.Event(**values), field) == "a" * most
    with pytest.raises(EventError):
        events.validate_event(
            {"source": "s", "detail-type": "T", "detail": {}, **_named(field, most)}
        )


def _named(field: str, most: int) -> dict[str, str]:
    return {{"type": "detail-type"}.get(field, field): "a" * (most + 1)}


def test_a_replay_s_name_may_have_as_many_characters_as_the_page_says():
    """At the limit a name is one, and beyond it none."""
    most = int(ROWS["characters of a replay's name"][0])
    assert events.is_replay_name("a" * most)
    assert not events.is_replay_name("a" * (most + 1))


def test_every_setting_that_limits_is_on_the_page():
    """Each setting that is a limit or an alarm has a row, under its own name."""
    named = {name for _, name in ROWS.values() if name}
    limits = {
        f"EVENTFLOW_{name.upper()}"
        for name in Settings.model_fields
        if name.startswith(("max_", "alarm_"))
    }
    assert limits <= named
    assert named <= {f"EVENTFLOW_{name.upper()}" for name in Settings.model_fields}
