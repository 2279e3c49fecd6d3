"""Holds a repository's versions against each other, and against what was published before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from eventflow.errors import Problem
from eventflow.schemas.compatibility import (
    Breach,
    Direction,
    compare,
    compared_with,
    directions,
    is_reworded,
    mode_of,
)
from eventflow.schemas.document import Compatibility, SchemaDocument, Status
from eventflow.schemas.inclusion import Verdict
from eventflow.schemas.names import SchemaName
from eventflow.schemas.repository import Repository

__all__ = [
    "CODES",
    "ERROR",
    "NOTE",
    "WARNING",
    "HistoryFinding",
    "check_history",
    "check_versions",
    "new_versions",
]

ERROR, WARNING, NOTE = "error", "warning", "note"

CODES = {
    "immutable": "A published version was changed in more than words.",
    "deleted": "A published version is gone, before its deprecation's date.",
    "unpublished": "A published version is a draft again.",
    "version-goes-back": "A new version is lower than one that was published.",
    "not-a-patch": "A patch version changes more than words.",
    "incompatible": "A version breaks what its compatibility mode promises.",
    "new-major": "What a new major version breaks.",
    "beyond-the-mode": "A version breaks what its mode does not promise.",
    "model": "A typed event and its file disagree.",
    "no-upcaster": "Subscribers ask for a major version that older events do not reach.",
    "fault": "A file is no schema, or its examples do not fit.",
    "assumption": "It holds as long as no one sends fields that the schema does not name.",
}
"""The kinds of findings."""


@dataclass(frozen=True, slots=True)
class HistoryFinding:
    """One thing that is wrong, or to be known.

    Attributes:
        severity: `error`, `warning` or `note`.
        code: Its kind, one of `CODES`.
        problem: Where and what.
        breach: What breaks for whom; None where it is not about two versions.
    """

    severity: str
    code: str
    problem: Problem
    breach: Breach | None = None

    def __str__(self) -> str:
        place, _, rest = str(self.problem).partition(": ")
        return f"{place}: {self.severity} {self.code}: {rest}"


def check_versions(
    repository: Repository, *, only: frozenset[SchemaName] | None = None
) -> tuple[HistoryFinding, ...]:
    """Hold each version against the earlier ones of its type.

    Args:
        repository: The schemas.
        only: The versions to hold; None: all.
    """
    findings: list[HistoryFinding] = []
    for source, type_ in repository.types:
        versions = repository.versions(source, type_)
        for document in versions:
            if only is None or document.name in only:
                findings += _check_version(repository, document, versions)
    return tuple(findings)


def check_history(
    repository: Repository, published: Repository, *, today: date, revision: str
) -> tuple[HistoryFinding, ...]:
    """Hold a repository against what was published before.

    Args:
        repository: The schemas as they are to be.
        published: The schemas as they were.
        today: The day, by which a deprecated version may be gone.
        revision: What the earlier state is called in messages.

    Returns:
        What was changed, deleted or put in too low. The versions that are new are held against
        the earlier ones by `check_versions`.
    """
    findings: list[HistoryFinding] = []
    for document in published.documents:
        if document.status is Status.DRAFT:
            continue
        present = repository.get(document.name)
        if present is None:
            file = repository.root / document.file.relative_to(published.root)
            findings += _check_deleted(replace(document, file=file), today, revision)
        elif present.status is Status.DRAFT:
            message = (
                f"version {document.name.version} was published in {revision} and is a draft now: "
                'let it be, or deprecate it ("status": "deprecated")'
            )
            findings.append(_finding(ERROR, "unpublished", present, message))
        elif not is_reworded(document, present):
            message = (
                f"version {document.name.version} was published in {revision} and is changed now "
                "in more than words: put it back, and write the change as a new version"
            )
            findings.append(_finding(ERROR, "immutable", present, message))
    for document in repository.documents:
        findings += _check_order(document, published, revision)
    return tuple(findings)


def new_versions(repository: Repository, published: Repository) -> frozenset[SchemaName]:
    """Return the versions that are not published yet: new ones, and drafts of before."""
    return frozenset(
        document.name
        for document in repository.documents
        if (before := published.get(document.name)) is None or before.status is Status.DRAFT
    )


def _check_deleted(
    document: SchemaDocument, today: date, revision: str
) -> Iterator[HistoryFinding]:
    gone_on = document.deprecated_on
    if document.status is Status.DEPRECATED and gone_on is not None and gone_on <= today:
        return
    until = f", which is on {gone_on}" if gone_on is not None else ""
    message = (
        f"version {document.name.version} was published in {revision} and its file is gone: stored "
        f"events name it. Put it back, deprecate it, and delete it after its date{until}"
    )
    yield _finding(ERROR, "deleted", document, message)


def _check_order(
    document: SchemaDocument, published: Repository, revision: str
) -> Iterator[HistoryFinding]:
    name = document.name
    before = published.get(name)
    is_new = before is None or before.status is Status.DRAFT
    if document.status is Status.DRAFT or not is_new:
        return
    known = [
        item.name.version
        for item in published.versions(name.source, name.type)
        if item.status is not Status.DRAFT
    ]
    same = [version for version in known if version.major == name.version.major]
    highest = max(same or known, default=None)
    if highest is not None and name.version < highest:
        message = (
            f"version {name.version} is new, and {highest} was published in {revision}: versions "
            f"do not go back. Write the change on {highest}, as a version above it"
        )
        yield _finding(ERROR, "version-goes-back", document, message)


def _check_version(
    repository: Repository,
    document: SchemaDocument,
    versions: Sequence[SchemaDocument],
) -> list[HistoryFinding]:
    mode = mode_of(repository, document)
    before = compared_with(document, versions, Compatibility.BACKWARD)
    if not before:
        return _check_major(document, versions)
    last = before[0]
    findings = list(_check_patch(last, document))
    if findings or is_reworded(last, document):
        return findings
    asked = directions(mode)
    for earlier in compared_with(document, versions, mode):
        breaches = compare(earlier, document, asked)
        findings += [_breached(breach, mode) for breach in breaches]
    beyond = tuple(direction for direction in Direction if direction not in asked)
    return findings + [
        _beyond(breach, mode) for breach in compare(last, document, beyond) if breach.is_hard
    ]


def _check_major(new: SchemaDocument, versions: Sequence[SchemaDocument]) -> list[HistoryFinding]:
    """Say what the first version of a major one breaks."""
    own = new.name.version
    earlier = [
        item
        for item in versions
        if item.name.version.major < own.major and item.status is not Status.DRAFT
    ]
    if not earlier:
        return []
    last = max(earlier, key=lambda item: item.name.version)
    return [
        _finding(WARNING, "new-major", breach.new, _say(breach), breach)
        for breach in compare(last, new, tuple(Direction))
        if breach.is_hard
    ]


def _check_patch(last: SchemaDocument, new: SchemaDocument) -> Iterator[HistoryFinding]:
    before, now = last.name.version, new.name.version
    if (before.major, before.minor) != (now.major, now.minor) or is_reworded(last, new):
        return
    message = (
        f"a patch changes words alone, and {now} changes what {before} accepts: make it "
        f"{now.major}.{now.minor + 1}"
    )
    yield _finding(ERROR, "not-a-patch", new, message)


def _breached(breach: Breach, mode: Compatibility) -> HistoryFinding:
    if not breach.is_hard:
        return _finding(NOTE, "assumption", breach.new, _say(breach), breach)
    # A draft is still being written.
    severity = WARNING if breach.new.status is Status.DRAFT else ERROR
    message = (
        f"{_say(breach)}. Its mode is {mode.value}: mend it, or make it version "
        f"{breach.new.name.version.major + 1}.0"
    )
    return _finding(severity, "incompatible", breach.new, message, breach)


def _beyond(breach: Breach, mode: Compatibility) -> HistoryFinding:
    order = (
        "have readers take the new version before writers do"
        if breach.direction is Direction.FORWARD
        else "have writers take the new version before readers do, and replay nothing older"
    )
    message = f"{_say(breach)}. The mode {mode.value} allows it: {order}"
    return _finding(NOTE, "beyond-the-mode", breach.new, message, breach)


def _say(breach: Breach) -> str:
    difference = breach.difference
    doubt = " (not sure)" if difference.verdict is Verdict.UNDECIDED else ""
    whom = (
        f"readers by {breach.new.name.version} of events by {breach.old.name.version}"
        if breach.direction is Direction.BACKWARD
        else f"readers by {breach.old.name.version} of events by {breach.new.name.version}"
    )
    if difference.verdict is Verdict.ASSUMED:
        return f"{difference.message}: assumed for {whom}"
    return f"{difference.message}: breaks {whom}{doubt}"


def _finding(
    severity: str,
    code: str,
    document: SchemaDocument,
    message: str,
    breach: Breach | None = None,
) -> HistoryFinding:
    path = breach.difference.path if breach is not None else ""
    return HistoryFinding(severity, code, Problem(str(document.file), 0, 0, path, message), breach)
