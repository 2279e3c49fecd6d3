"""Settings: every one from the environment, with a default that works, refused at start if wrong."""

import hashlib
import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from eventflow.addresses import as_kombu, as_redis, check_address, without_tls
from eventflow.certificates import check_certificates, with_postgresql_tls
from eventflow.errors import SettingsError
from eventflow.settings.duration import Duration
from eventflow.settings.seeing import SeeingSettings

__all__ = ["Settings", "load_settings"]

_PREFIX = "EVENTFLOW_"
SettingsT = TypeVar("SettingsT", bound="Settings")
_SOCKET_PATH_LIMIT = 100  # Linux allows 107 bytes, macOS 103
_BROKER_SCHEMES = ("redis", "rediss", "redis+socket", "amqp", "amqps", "pyamqp")
_REDIS_SCHEMES = ("redis", "rediss", "unix")


class Settings(SeeingSettings):
    """What one process runs with. Each field is the variable ``EVENTFLOW_<NAME>``.

    With neither `broker_url` nor `redis_url`, both are the embedded server of `data_dir`.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        # Compose files pass `${NAME:-}` on as an empty variable: that is no setting.
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    broker_url: str = Field(
        "",
        repr=False,
        description="Celery's broker: redis://, rediss://, redis+socket:// or amqp(s)://. "
        "Empty: the server of EVENTFLOW_REDIS_URL, else the embedded one.",
    )
    redis_url: str = Field(
        "",
        repr=False,
        description="The ledger's Redis or Valkey: redis://, rediss:// or unix://. "
        "Empty: the broker, where that is Redis, else the embedded server.",
    )
    database_url: str = Field(
        "",
        repr=False,
        description="The store of dead letters, as SQLAlchemy writes it. "
        "Empty: SQLite in EVENTFLOW_DATA_DIR.",
    )
    tls_ca: Path | None = Field(
        None,
        description="A PEM file of the certificates that servers' certificates are signed with. "
        "Empty: those that the system trusts.",
    )
    tls_certificate: Path | None = Field(
        None,
        description="A PEM file of the client's certificate, for servers that ask for one.",
    )
    tls_key: Path | None = Field(
        None,
        description="A PEM file of that certificate's key, without a passphrase. "
        "Empty: it is in the same file.",
    )
    rules: Path = Field(Path("rules"), description="The directory of rule files.")
    schemas: Path = Field(
        Path("schemas"),
        description="The directory of event schemas; where there is none, no event has a schema.",
    )
    data_dir: Path = Field(
        Path(".eventflow"), description="Where the embedded server and SQLite keep their data."
    )
    appendfsync: str = Field(
        "everysec",
        description="When the embedded server's disk is to have what is written: everysec, within a "
        "second, or always, [before it answers](../explanation/the-guarantee.md#what-a-disk-has).",
    )
    workers: str = Field(
        "workers",
        description="The module that holds the Celery app `app` and imports every subscriber; "
        "the commands router, worker, recorder and up start it.",
    )
    max_event_bytes: int = Field(
        1024 * 1024, ge=1024, le=64 * 1024 * 1024, description="The most bytes an event may have."
    )
    max_event_depth: int = Field(
        # Pydantic writes no more than 254 levels, and the envelope and the task need some.
        100,
        ge=1,
        le=200,
        description="The most levels that an event's data may be nested.",
    )
    deduplication_window: Duration = Field(
        86400.0, description="How long an event's id is remembered once all is delivered."
    )
    publish_deadline: Duration = Field(
        2.0,
        gt=0,
        description="The longest that `publish()` may take, however ledger or broker fail; of a long "
        "list, for each 500 events. Also the longest that either may be silent.",
    )
    lease_margin: Duration = Field(
        10.0,
        ge=1,
        description="How much longer than its timeout a delivery stays leased to a worker.",
    )
    requeue_after: Duration = Field(
        5.0,
        ge=0.1,
        description="How long something may be queued, with its queue empty, before its message "
        "counts as lost and is sent again; for events and deliveries at most three seconds.",
    )
    route_lease: Duration = Field(
        10.0,
        ge=1,
        description="How long a router may take over an event before another one is given it.",
    )
    batch_scheduling: bool = Field(
        True,
        description="Whether routers and workers are scheduled as a batch on Linux: they do not "
        "interrupt what else runs on their machine, such as the ledger, or who publishes.",
    )
    mover_interval: Duration = Field(
        0.25, ge=0.01, description="How often each process looks for what is due."
    )
    report_interval: Duration = Field(
        5.0,
        ge=0.05,
        description="How often each process tells the ledger who it is, and looks for alarms.",
    )
    rules_interval: Duration = Field(
        1.0, ge=0.01, description="How often a router looks whether the rule files changed."
    )
    schemas_interval: Duration = Field(
        1.0,
        ge=0.01,
        description="How often publishers and routers look whether the schema files changed.",
    )
    group_size: int = Field(
        50, ge=1, le=1000, description="The most events or deliveries that one message names."
    )
    max_route_attempts: int = Field(
        5, ge=1, le=100, description="How often routing an event may kill its router."
    )
    max_backlog: int = Field(
        1_000_000,
        ge=0,
        description="The most events of a bus that may wait to be routed; `publish()` refuses more. "
        "0: any number.",
    )
    alarm_unrouted: int = Field(
        50_000, ge=0, description="Events that wait to be routed, from which on to warn. 0: never."
    )
    alarm_queued: int = Field(
        100_000,
        ge=0,
        description="Deliveries of one target that are queued or parked, from which on to warn. 0: never.",
    )
    alarm_waiting: int = Field(
        100_000,
        ge=0,
        description="Deliveries of one target that wait for another attempt, from which on to warn. "
        "0: never.",
    )
    alarm_unrecorded: int = Field(
        1_000,
        ge=0,
        description="Dead letters that wait for the recorder, from which on to warn. 0: never.",
    )
    alarm_dead_letters: int = Field(
        1_000, ge=0, description="Dead letters in the store, from which on to warn. 0: never."
    )
    outbox: bool = Field(
        False,
        description="Whether `publish()` of the Django app, or of the Flask extension, writes to the "
        "[outbox](../how-to/outbox.md) unless it is told otherwise.",
    )
    outbox_url: str = Field(
        "",
        repr=False,
        description="The application's database, as SQLAlchemy writes it, for `eventflow outbox "
        "relay`.",
    )
    outbox_poll: Duration = Field(
        0.5,
        ge=0.01,
        description="How often the outbox's relay looks for rows where the database does not tell "
        "it of them.",
    )
    outbox_max_attempts: int = Field(
        10,
        ge=1,
        le=1000,
        description="How often an event of the outbox that cannot be published as it is is tried "
        "before its row is failed.",
    )
    outbox_retention: Duration = Field(
        7 * 86400.0, description="How long a published row of the outbox is kept."
    )
    task_events: bool = Field(
        True,
        description="Whether workers tell Flower what they do; costs some 0.1 ms of a processor's "
        "time a message.",
    )
    concurrency: int = Field(
        2,
        ge=1,
        le=1000,
        description="Processes a worker runs deliveries in, unless told otherwise.",
    )
    publishers: Path | None = Field(
        None, description="The file of those who may publish over HTTP (`eventflow serve`)."
    )
    http_max_bytes: int = Field(
        4 * 1024 * 1024,
        ge=1024,
        le=256 * 1024 * 1024,
        description="The most bytes that a request to `eventflow serve` may have.",
    )
    http_timeout: Duration = Field(
        10.0,
        gt=0,
        description="How long `eventflow serve` waits for a request, and then for its answer.",
    )
    http_threads: int = Field(
        8,
        ge=1,
        le=200,
        description="Calls of `publish()` that each process of `eventflow serve` makes at once.",
    )
    flower_port: int = Field(5555, ge=1, le=65535, description="Where `eventflow up` puts Flower.")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("broker_url")
    @classmethod
    def _check_broker(cls, value: str) -> str:
        return check_address(value, _BROKER_SCHEMES)

    @field_validator("redis_url")
    @classmethod
    def _check_redis(cls, value: str) -> str:
        return check_address(value, _REDIS_SCHEMES)

    @field_validator("appendfsync")
    @classmethod
    def _check_appendfsync(cls, value: str) -> str:
        if value not in {"everysec", "always"}:
            message = "one of everysec, always"
            raise ValueError(message)
        return value

    @field_validator("log_level")
    @classmethod
    def _check_level(cls, value: str) -> str:
        level = value.upper()
        if level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            message = "one of DEBUG, INFO, WARNING, ERROR"
            raise ValueError(message)
        return level

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        check_certificates(self.tls_ca, self.tls_certificate, self.tls_key)
        return self

    @cached_property
    def socket_path(self) -> Path:
        """Where the embedded server listens; in a short private folder if `data_dir` is deep."""
        path = self.data_dir.absolute() / "valkey.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
            return path
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"eventflow-{os.getuid()}" / f"{name}.sock"

    @property
    def embedded(self) -> bool:
        """Whether the ledger lives in the embedded server."""
        return not self.redis_url and not self.broker_url.startswith("redis")

    @property
    def ledger_url(self) -> str:
        """The ledger's address as redis-py writes it; `eventflow.tls` has what it says of TLS."""
        if self.redis_url:
            return without_tls(self.redis_url)
        if self.broker_url.startswith("redis"):
            return without_tls(as_redis(self.broker_url))
        return f"unix://{quote(str(self.socket_path))}?db=0"

    @property
    def celery_broker_url(self) -> str:
        """The broker's address as kombu writes it; `eventflow.tls` has what it says of TLS."""
        if self.broker_url:
            return without_tls(as_kombu(self.broker_url))
        return as_kombu(self.ledger_url)

    @property
    def store_url(self) -> str:
        """The store's address as SQLAlchemy writes it, with what the settings say of TLS."""
        if self.database_url:
            return with_postgresql_tls(
                self.database_url, self.tls_ca, self.tls_certificate, self.tls_key
            )
        path = str(self.data_dir.absolute() / "eventflow.db")
        return f"sqlite:///{path.replace('%', '%25').replace('?', '%3F')}"

    def with_changes(self, **changes: Any) -> Self:  # Any: a field's own type, checked by pydantic
        """Return these settings with some fields set otherwise, all of them checked again."""
        values = {**self.model_dump(exclude_unset=True), **changes}
        return _load(type(self), values)


def load_settings(**values: Any) -> Settings:  # Any: a field's own type, checked by pydantic
    """Read the settings from the environment; *values* win over it.

    Returns:
        The settings.

    Raises:
        SettingsError: When one cannot be; the message names each variable and what is allowed.
    """
    return _load(Settings, values)


def _load(cls: type[SettingsT], values: dict[str, Any]) -> SettingsT:
    try:
        return cls(**values)
    except ValidationError as error:
        lines = []
        for fault in error.errors(include_url=False, include_input=False):
            name = ".".join(str(part) for part in fault["loc"])
            message = fault["msg"].removeprefix("Value error, ")
            # What concerns several settings at once names them itself.
            lines.append(f"{_PREFIX}{name.upper()}: {message}" if name else message)
        text = "\n  ".join(["these settings cannot be:", *lines]) if lines[1:] else lines[0]
        raise SettingsError(text) from None
