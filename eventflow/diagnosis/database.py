"""Judging the store: whether it is there, of the right version, and can be written."""

from collections.abc import Iterator

from eventflow.delivery import Level
from eventflow.diagnosis.clocks import MOST_APART, write_offset
from eventflow.diagnosis.finding import Finding
from eventflow.settings import Settings
from eventflow.store import StoreFacts, open_engine, read_store, store_exists

__all__ = ["judge_store", "read_facts"]

_WHERE = "store"
_LEAST_FREE = 256 * 1024 * 1024


def read_facts(settings: Settings) -> StoreFacts | None:
    """Ask the store; None where SQLite's file is not there yet.

    Args:
        settings: Where it is.

    Raises:
        StoreError: When it cannot be reached, or refuses.
    """
    if not store_exists(settings.store_url):
        return None
    engine = open_engine(settings.store_url)
    try:
        return read_store(engine)
    finally:
        engine.dispose()


def judge_store(facts: StoreFacts | None, *, alarm: int) -> Iterator[Finding]:
    """Judge the store.

    Args:
        facts: What it says of itself; None where there is none.
        alarm: Dead letters from which on to warn; 0 never.

    Yields:
        What is wrong.
    """
    if facts is None or facts.version == 0:
        message = "there are no tables yet" if facts else "there is no file yet"
        advice = "you need do nothing, the recorder makes them when it first records"
        yield Finding("store-missing", _WHERE, message, advice)
    elif facts.version > facts.expected:
        message = (
            f"its tables have version {facts.version}, and this eventflow knows {facts.expected}"
        )
        yield Finding("store-newer", _WHERE, message, "upgrade this eventflow")
    elif facts.version < facts.expected:
        message = (
            f"its tables have version {facts.version}, and this eventflow has {facts.expected}"
        )
        advice = "you need do nothing, the recorder, or any `eventflow deadletters`, upgrades them"
        yield Finding("store-old", _WHERE, message, advice)
    if facts is None:
        return
    if facts.unwritable:
        message = f"it cannot be written: {facts.unwritable}"
        advice = "give its user the right, or name another in EVENTFLOW_DATABASE_URL"
        yield Finding("store-read-only", _WHERE, message, advice)
    if facts.free is not None and facts.free < _LEAST_FREE:
        message = f"its disk has {facts.free / 1024 / 1024:.0f} MiB left"
        advice = "make room, or purge dead letters (`eventflow deadletters purge`)"
        yield Finding("store-disk-full", _WHERE, message, advice)
    if abs(facts.clock_offset) > MOST_APART:
        message = f"this machine's clock is {write_offset(facts.clock_offset)} the database's"
        yield Finding("clocks-apart", _WHERE, message, "have both set theirs by NTP")
    level = Level("dead_letters", "", facts.dead, alarm)
    if level.is_crossed:
        message = f"{facts.dead:,} dead letters are in the store, and the alarm is at {alarm:,}"
        advice = (
            "see what died (`eventflow deadletters list`), then redrive or purge; "
            "EVENTFLOW_ALARM_DEAD_LETTERS moves the alarm"
        )
        yield Finding("dead-letters-alarm", _WHERE, message, advice)
