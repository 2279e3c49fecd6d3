"""The whole examination: each part is asked, and one that is away hides none of the others."""

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from celery import Celery
from redis.exceptions import NoPermissionError

from eventflow.delivery import Ledgers, ProcessReport, Roster, connect_redis, read_server
from eventflow.diagnosis.application import judge_conflicts
from eventflow.diagnosis.broker import (
    judge_broker,
    read_broker,
    read_broker_server,
)
from eventflow.diagnosis.database import judge_store, read_facts
from eventflow.diagnosis.finding import Finding
from eventflow.diagnosis.journal import judge_journals, read_journals
from eventflow.diagnosis.processes import judge_processes, named_by_routers, routers_of
from eventflow.diagnosis.redis_server import judge_broker_server, judge_ledger_server
from eventflow.diagnosis.silence import judge_silence, read_silence
from eventflow.diagnosis.steering import judge_canaries, judge_steering
from eventflow.diagnosis.targets import judge_buses, read_buses
from eventflow.errors import EventflowError, RuleError, SchemaError
from eventflow.rules import RuleSet, Target, load_rules
from eventflow.schemas import load_repository
from eventflow.settings import Settings
from eventflow.transport.messages import ARCHIVE, DEAD_LETTERS, JOURNAL, ROUTE
from eventflow.worker.checks import find_conflicts

__all__ = ["Examination", "examine"]

_ADVICE = {
    "redis": "start it (`eventflow up` starts one here), or name another in EVENTFLOW_REDIS_URL",
    "broker": "start it (`eventflow up` starts one here), or name another in EVENTFLOW_BROKER_URL",
    "store": "start it, or name another in EVENTFLOW_DATABASE_URL",
}


@dataclass
class Examination:
    """What was found.

    Attributes:
        findings: In the order of the parts.
        processes: Those that run.
        targets: Those that are known.
    """

    findings: list[Finding] = field(default_factory=list)
    processes: tuple[ProcessReport, ...] = ()
    targets: tuple[str, ...] = ()


def examine(settings: Settings, app: Celery) -> Examination:
    """Ask every part, and judge. Nothing is changed, and nothing raised.

    Args:
        settings: Where the parts are, and the limits.
        app: The Celery app; knows its broker.

    Returns:
        What was found.
    """
    return _Examining(settings, app).run()


class _Examining:
    """One examination under way."""

    def __init__(self, settings: Settings, app: Celery) -> None:
        self._settings = settings
        self._app = app
        self._found = Examination()
        self._rules: RuleSet | None = None
        self._targets: dict[str, Target] = {}

    def run(self) -> Examination:
        """Ask one part after another."""
        self._ask("rules", self._examine_rules)
        self._ask("schemas", self._examine_schemas)
        self._ask("redis", self._examine_ledger)
        self._ask("celery", self._examine_application)
        self._ask("broker", self._examine_broker)
        self._ask("store", self._examine_store)
        return self._found

    def _ask(self, where: str, examine_part: Callable[[], Iterable[Finding]]) -> None:
        """Take what a part's examination finds, until it fails: that is a finding too."""
        try:
            # Not at once, so that what was found before a failure is kept.
            for finding in examine_part():
                self._found.findings.append(finding)
        except EventflowError as error:
            self._found.findings.append(_unusable(where, error))
        except Exception as error:  # noqa: BLE001 - the edge: what one part does must not hide the rest
            self._found.findings.append(_failed(where, error))

    def _examine_rules(self) -> Iterator[Finding]:
        path = self._settings.rules
        if not path.exists():
            return  # most machines need none
        try:
            self._rules = load_rules(path)
        except RuleError as error:
            count = "a fault" if len(error.problems) == 1 else f"{len(error.problems)} faults"
            message = f"the rule files in '{path}' have {count}"
            yield Finding("rules-faulty", "rules", message, "run `eventflow rules check`")

    def _examine_schemas(self) -> Iterator[Finding]:
        path = self._settings.schemas
        try:
            load_repository(path)
        except SchemaError as error:
            count = "a fault" if len(error.problems) == 1 else f"{len(error.problems)} faults"
            message = f"the schema files in '{path}' have {count}, and what starts cannot publish"
            yield Finding("schemas-faulty", "schemas", message, "run `eventflow schemas list`")

    def _examine_ledger(self) -> Iterator[Finding]:
        settings = self._settings
        client = connect_redis(settings.ledger_url, timeout=settings.publish_deadline)
        try:
            yield from judge_ledger_server(read_server(client))
        finally:
            client.close()
        ledgers = Ledgers(settings)
        book = ledgers.processes()
        now, offset = book.clock()
        roster = book.roster()
        self._found.processes = roster.alive
        fingerprint = self._rules.fingerprint if self._rules else ""
        yield from judge_processes(roster, clock_offset=offset, rules=fingerprint)
        buses = read_buses(ledgers, self._targets_here())
        self._targets = {name: target for bus in buses for name, target in bus.targets.items()}
        named = self._named(roster)
        self._found.targets = tuple(sorted(named))
        yield from judge_buses(buses, roster, settings, named=named)
        yield from judge_steering(buses)
        yield from judge_canaries(ledgers.canaries().read().values(), roster, now)
        yield from judge_journals(read_journals(ledgers), roster)
        silent = read_silence(ledgers, sorted(named), now=now)
        yield from judge_silence(silent, after=settings.silence_after)

    def _targets_here(self) -> Mapping[str, Target]:
        return self._rules.announced if self._rules else {}

    def _named(self, roster: Roster) -> set[str]:
        """Return the targets of the rules in force: the routers', else those here, else all known."""
        if routers_of(roster):
            return named_by_routers(roster)
        if self._rules:
            return set(self._rules.named_targets)
        return set(self._targets)

    def _examine_application(self) -> Iterator[Finding]:
        targets = self._targets or self._targets_here()
        yield from judge_conflicts(find_conflicts(self._app, targets, self._settings))

    def _examine_broker(self) -> Iterator[Finding]:
        settings = self._settings
        targets = self._targets or self._targets_here()
        own = [ROUTE, DEAD_LETTERS, ARCHIVE, JOURNAL]
        queues = [*own, *sorted({target.queue for target in targets.values()} - set(own))]
        yield from judge_broker(read_broker(self._app, queues))
        url = str(self._app.conf.broker_url or "")
        if not url.startswith("redis"):
            return
        is_apart = bool(settings.broker_url and settings.redis_url)
        if is_apart or url != settings.celery_broker_url:
            yield from judge_broker_server(read_broker_server(self._app))

    def _examine_store(self) -> Iterator[Finding]:
        facts = read_facts(self._settings)
        yield from judge_store(facts, alarm=self._settings.alarm_dead_letters)


def _unusable(where: str, error: EventflowError) -> Finding:
    if where not in _ADVICE:  # no server, so there is nothing that could be away
        return _failed(where, error)
    message, _, _ = error.message.partition(". Is it running?")
    advice = _ADVICE[where]
    if isinstance(error.__cause__, NoPermissionError):
        advice = "ask as a user that may: `eventflow acl redis --role operator` prints its rights"
    return Finding(f"{where}-unusable", where, message.rstrip("."), advice)


def _failed(where: str, error: Exception) -> Finding:
    # Not the error's text: nobody can tell what stands in it.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    message = f"the examination itself failed with {type(error).__name__} at {place}"
    return Finding("examination-failed", where, message, "report it as a fault of eventflow")
