"""What a rule delivers to: the target, and the policy that its deliveries follow."""

import re
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from eventflow.settings import Duration
from eventflow.units import Rate, format_duration, parse_rate

__all__ = [
    "NAME_RULE",
    "RESERVED_PREFIX",
    "CircuitBreaker",
    "RateField",
    "RetryPolicy",
    "Target",
    "is_name",
]

RESERVED_PREFIX = "eventflow."
"""Names of targets and queues that begin with this are the package's own."""

NAME_RULE = "1 to 64 letters, digits, dots, hyphens and underscores"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LONGEST_TASK = 256
_DAY = 86400.0
_YEAR = 365 * _DAY


def is_name(text: str) -> bool:
    """Say whether *text* can name a rule, a target, a queue, an integration or a bus."""
    return _NAME.fullmatch(text) is not None


def _check_name(value: str) -> str:
    if not is_name(value):
        message = f"{value!r} cannot be a name: write {NAME_RULE}"
        raise ValueError(message)
    return value


def _check_task(value: str) -> str:
    if not value or len(value) > _LONGEST_TASK or not value.isprintable() or value != value.strip():
        message = (
            f"{value!r} cannot be a task: write a dotted name of at most {_LONGEST_TASK} "
            "characters, such as workers.audit.append"
        )
        raise ValueError(message)
    return value


def _refuse_boolean(value: object) -> object:
    # pydantic would read true as 1.
    if isinstance(value, bool):
        message = f"must be a number or a duration, not {str(value).lower()}"
        raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueError
    return value


def _read_rate(value: object) -> object:
    if isinstance(value, Rate):
        return value
    return parse_rate(value if isinstance(value, str) else repr(value))


def _check_rate(rate: Rate) -> Rate:
    if rate.count > _HIGHEST_RATE:
        message = f"a rate counts to {_HIGHEST_RATE:,} at most"
        raise ValueError(message)
    return rate


def _write_rate(rate: Rate) -> str:
    # Every digit, unlike str(Rate), which is for people: this text is read back.
    return f"{Decimal(repr(rate.count)):f}/{str(rate).rpartition('/')[2]}"


_HIGHEST_RATE = 1_000_000
_Name = Annotated[str, AfterValidator(_check_name)]
_Number = BeforeValidator(_refuse_boolean)
_Seconds = Annotated[Duration, _Number]
_Whole = Annotated[int, Field(strict=True)]

RateField = Annotated[
    Rate,
    BeforeValidator(_read_rate),
    AfterValidator(_check_rate),
    PlainSerializer(_write_rate, return_type=str),
]
"""A `Rate` that reads and writes itself as text, such as ``50/s``."""


class _Policy(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RetryPolicy(_Policy):
    """When a failed delivery is tried again, and when no more.

    The defaults are EventBridge's bounds (185 attempts, 24 hours).

    Attributes:
        max_attempts: How often a delivery is tried at most, from 0 to 1,000,000; 0 makes it a dead
            letter without a try.
        max_age: Seconds after its acceptance at which an event is no longer tried, to a year.
        max_crashes: How often a delivery may end its worker (a segmentation fault, no memory left,
            a kill) before it is a dead letter; 1 to 1,000.
        backoff: Whether the wait grows by `factor` from attempt to attempt, or stays.
        initial: Seconds to wait after the first failed attempt.
        factor: By what the wait is multiplied from attempt to attempt; 1 or more.
        max: Seconds that a wait has at most; no less than `initial`.
        jitter: Whether to wait a random part of the time (`full`) or the whole of it (`none`).
    """

    max_attempts: Annotated[_Whole, Field(ge=0, le=1_000_000)] = 185
    max_age: Annotated[_Seconds, Field(le=_YEAR)] = _DAY
    max_crashes: Annotated[_Whole, Field(ge=1, le=1_000)] = 3
    backoff: Literal["exponential", "constant"] = "exponential"
    initial: Annotated[_Seconds, Field(le=_DAY)] = 1.0
    factor: Annotated[float, _Number, Field(ge=1, le=1000)] = 2.0
    max: Annotated[_Seconds, Field(le=_DAY)] = 900.0
    jitter: Literal["full", "none"] = "full"

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.max < self.initial:
            message = (
                f"max ({format_duration(self.max)}) is shorter than initial "
                f"({format_duration(self.initial)}): raise max, which is 15m unless said"
            )
            raise ValueError(message)
        return self


class CircuitBreaker(_Policy):
    """When a target that keeps failing is left alone for a while.

    Attributes:
        failure_rate: The share of failed calls that opens it; above 0, to 1.
        min_calls: How many calls the window must hold before it may open; 1 or more.
        window: Seconds over which calls are counted, to an hour.
        open_for: Seconds for which it stays open, to a day; then deliveries are let through one at
            a time, as probes.
        probes: How many of them in a row must go well to close it; 1 to 1,000.
    """

    failure_rate: Annotated[float, _Number, Field(gt=0, le=1)] = 0.5
    min_calls: Annotated[_Whole, Field(ge=1, le=1_000_000)] = 20
    window: Annotated[_Seconds, Field(gt=0, le=3600)] = 60.0
    open_for: Annotated[_Seconds, Field(gt=0, le=_DAY)] = 30.0
    probes: Annotated[_Whole, Field(ge=1, le=1_000)] = 1


class Target(_Policy):
    """What a rule delivers to: a task on a queue of its own, and its policy.

    Survives `model_dump_json` and `model_validate_json` unchanged, since workers are told of
    targets as JSON.

    Attributes:
        name: Unique in the rule set; 1 to 64 of ``A-Z a-z 0-9 . _ -``.
        task: The name of the subscriber or Celery task that gets the deliveries.
        queue: Its own queue; the name unless said.
        integration: The outside system behind it; targets of one integration share one worker
            deployment. The name unless said.
        owner: Who answers for it.
        description: What it is for.
        timeout: Seconds that one attempt may take; above 0, to an hour.
        retry: When a failed delivery is tried again.
        circuit_breaker: When it is left alone for a while; None never.
        rate_limit: How many attempts it gets in how long, by all its workers together; None as many
            as there are.
        max_in_flight: How many attempts all its workers together may make at once, to 1,000,000;
            None as many as there are.
        concurrency: How many deliveries one process of an `async def` subscriber's worker makes at
            once, to 1,000; of no account to others, which make one at a time.
        arguments: Whether the task is called with the event (or the shaped input), or with the
            fields of that as keyword arguments.
    """

    name: _Name
    task: Annotated[str, AfterValidator(_check_task)]
    # Filled from the name before validation; the default only tells type checkers.
    queue: _Name = ""
    integration: _Name = ""
    owner: str = ""
    description: str = ""
    timeout: Annotated[_Seconds, Field(gt=0, le=3600)] = 30.0
    retry: RetryPolicy = RetryPolicy()
    circuit_breaker: CircuitBreaker | None = None
    rate_limit: RateField | None = None
    max_in_flight: Annotated[_Whole, Field(ge=1, le=1_000_000)] | None = None
    concurrency: Annotated[_Whole, Field(ge=1, le=1_000)] = 20
    arguments: Literal["event", "keywords"] = "event"

    @model_validator(mode="before")
    @classmethod
    def _name_what_is_unnamed(cls, values: object) -> object:
        if not isinstance(values, dict) or "name" not in values:
            return values
        name = values["name"]
        return {"queue": name, "integration": name, **values}
