"""A finding: a code, how bad it is, what is wrong, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CODES", "Finding", "Severity"]


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """Something does not work, or will lose what was promised."""
    WARNING = "warning"
    """It works, and will not for long, or not as is meant."""
    NOTE = "note"
    """Worth to know; nothing is wrong for certain."""


_ERROR, _WARNING, _NOTE = Severity

CODES: Mapping[str, Severity] = {
    "application-broken": _ERROR,
    "application-missing": _NOTE,
    "balance-difference": _ERROR,
    "breaker-open": _WARNING,
    "broker-differs": _WARNING,
    "broker-evicts": _ERROR,
    "broker-unusable": _ERROR,
    "clocks-apart": _WARNING,
    "dead-letters-alarm": _WARNING,
    "event-unmatched": _NOTE,
    "examination-failed": _ERROR,
    "journal-dropped": _NOTE,
    "journal-late": _WARNING,
    "name-twice": _WARNING,
    "no-recorder": _WARNING,
    "no-router": _ERROR,
    "no-subscriber": _ERROR,
    "no-worker": _ERROR,
    "nobody-moves": _ERROR,
    "process-vanished": _NOTE,
    "queue-arguments": _ERROR,
    "queued-alarm": _WARNING,
    "rabbitmq-old": _ERROR,
    "recording-late": _WARNING,
    "redis-cluster": _ERROR,
    "redis-config-hidden": _NOTE,
    "redis-evicts": _ERROR,
    "redis-memory": _WARNING,
    "redis-not-persistent": _ERROR,
    "redis-not-synced": _WARNING,
    "redis-old": _ERROR,
    "redis-replica": _ERROR,
    "redis-snapshots-only": _WARNING,
    "redis-unusable": _ERROR,
    "redis-write-failed": _ERROR,
    "routing-late": _WARNING,
    "rule-silent": _NOTE,
    "rules-differ": _WARNING,
    "rules-faulty": _WARNING,
    "rules-refused": _ERROR,
    "schemas-faulty": _ERROR,
    "settings-unfit": _ERROR,
    "store-disk-full": _WARNING,
    "store-missing": _NOTE,
    "store-newer": _ERROR,
    "store-old": _NOTE,
    "store-read-only": _ERROR,
    "store-unusable": _ERROR,
    "subscriber-unbound": _WARNING,
    "target-paused": _NOTE,
    "target-unserved": _WARNING,
    "unrecorded-alarm": _WARNING,
    "unrouted-alarm": _WARNING,
    "versions-differ": _WARNING,
    "visibility-timeout": _ERROR,
    "waiting-alarm": _WARNING,
    "worker-stuck": _ERROR,
}
"""Every code, with its severity."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `eventflow doctor` says.

    Attributes:
        code: Its kind: one of `CODES`.
        where: What it is about: `redis`, `broker`, `store`, `target NAME`, `process NAME` …
        message: What is wrong, with the numbers.
        advice: What to do.
    """

    code: str
    where: str
    message: str
    advice: str

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return CODES[self.code]

    def __str__(self) -> str:
        return f"{self.where}: {self.severity} {self.code}: {self.message}: {self.advice}"
