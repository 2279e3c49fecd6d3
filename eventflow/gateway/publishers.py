"""Who may publish over HTTP, how they prove it, and as which sources on which buses."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    model_validator,
)
from standardwebhooks import Webhook

from eventflow.events import DEFAULT_BUS
from eventflow.rules.targets import RateField, is_name

__all__ = [
    "ANYBODY",
    "AccessKeyPublisher",
    "GitHubPublisher",
    "KeyPublisher",
    "Publisher",
    "PublisherDocument",
    "Publishers",
    "StandardWebhooksPublisher",
    "WebhookPublisher",
]

_HASH = re.compile(r"[0-9a-f]{64}")
_ACCESS_KEY = re.compile(r"[A-Za-z0-9_]{4,128}")
_SHORTEST_SECRET = 16  # characters: what is shorter can be guessed from one signed request
_LONGEST_SOURCE = 256
_EVERY = "*"


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


def _check_hash(value: str) -> str:
    if not _HASH.fullmatch(value):
        # The value is not shown: it may be the key itself, put here by mistake.
        message = "must be the SHA-256 of the key: 64 hexadecimal digits in lower case"
        raise ValueError(message)
    return value


def _check_access_key(value: str) -> str:
    if not _ACCESS_KEY.fullmatch(value):
        message = "must be 4 to 128 letters, digits and underscores"
        raise ValueError(message)
    return value


def _check_source(value: str) -> str:
    body = value.removesuffix(_EVERY)
    if not value or len(value) > _LONGEST_SOURCE or not value.isprintable() or _EVERY in body:
        message = f"{value!r} must be a source, such as courier.app, or its beginning: courier.*"
        raise ValueError(message)
    return value


def _check_plain_source(value: str) -> str:
    if _check_source(value).endswith(_EVERY):
        message = (
            f"{value!r} must be one source: the events of a webhook have no source of their own"
        )
        raise ValueError(message)
    return value


def _check_bus(value: str) -> str:
    if value != _EVERY and not is_name(value):
        message = f"{value!r} must be a bus: 1 to 64 letters, digits, dots, hyphens, underscores"
        raise ValueError(message)
    return value


def _check_plain_bus(value: str) -> str:
    if value == _EVERY:
        message = "must be one bus"
        raise ValueError(message)
    return _check_bus(value)


def _check_secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < _SHORTEST_SECRET:
        message = f"is shorter than {_SHORTEST_SECRET} characters: make one that cannot be guessed"
        raise ValueError(message)
    return value


def _check_webhook_secret(value: SecretStr) -> SecretStr:
    try:
        Webhook(value.get_secret_value())
    except Exception:  # noqa: BLE001 - the library passes on what base64 raises, secret and all
        message = "is no secret of Standard Webhooks: whsec_ and base64, as the sender shows it"
        raise ValueError(message) from None
    return value


_Sources = Annotated[
    tuple[Annotated[str, AfterValidator(_check_source)], ...],
    Field(min_length=1),
    BeforeValidator(_as_list),
]
_Buses = Annotated[
    tuple[Annotated[str, AfterValidator(_check_bus)], ...],
    Field(min_length=1),
    BeforeValidator(_as_list),
]
_Secret = Annotated[SecretStr, AfterValidator(_check_secret)]


class _Publisher(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    rate: RateField | None = None


class _Sender(_Publisher):
    """One who names source and bus with each event."""

    sources: _Sources
    buses: _Buses = (DEFAULT_BUS,)
    reads_rules: Annotated[bool, Field(strict=True)] = False

    def may_publish_as(self, source: str) -> bool:
        """Say whether events may have this source."""
        return any(
            source.startswith(allowed[:-1]) if allowed.endswith(_EVERY) else source == allowed
            for allowed in self.sources
        )

    def may_use(self, bus: str) -> bool:
        """Say whether events may go to this bus, and its rules be read."""
        return bus in self.buses or _EVERY in self.buses


class KeyPublisher(_Sender):
    """Proves itself by a key in `Authorization: Bearer`.

    Attributes:
        key_sha256: The SHA-256 of the key; of two, while one takes the other's place.
        sources: What events may have as their source: exactly, or beginning so (`courier.*`).
        buses: Where they may go.
        reads_rules: Whether rules and targets are shown.
        rate: How many events in how long; None as many as there are.
    """

    kind: Literal["key"] = "key"
    key_sha256: Annotated[
        tuple[Annotated[str, AfterValidator(_check_hash)], ...],
        Field(min_length=1, repr=False),
        BeforeValidator(_as_list),
    ]


class AccessKeyPublisher(_Sender):
    """Proves itself by AWS Signature Version 4, as every AWS SDK does.

    Attributes:
        access_key: The access key id that the SDK is set up with.
        secret: The secret access key.
    """

    kind: Literal["sigv4"] = "sigv4"
    access_key: Annotated[str, AfterValidator(_check_access_key)]
    secret: _Secret


class _Webhook(_Publisher):
    """One whose requests are signed, and say nothing of source and bus."""

    source: Annotated[str, AfterValidator(_check_plain_source)]
    bus: Annotated[str, AfterValidator(_check_plain_bus)] = DEFAULT_BUS


class GitHubPublisher(_Webhook):
    """GitHub, or one that signs as it does: HMAC-SHA256 in `X-Hub-Signature-256`.

    Attributes:
        secret: The webhook's secret; of two, while one takes the other's place.
        source: The source of its events.
        bus: Where they go.
    """

    kind: Literal["github"] = "github"
    secret: Annotated[tuple[_Secret, ...], Field(min_length=1), BeforeValidator(_as_list)]
    source: Annotated[str, AfterValidator(_check_plain_source)] = "github.com"


class StandardWebhooksPublisher(_Webhook):
    """One that signs as Standard Webhooks says: `webhook-id`, `-timestamp` and `-signature`.

    Attributes:
        secret: The webhook's secret, `whsec_…`; of two, while one takes the other's place.
        type: The events' type where the payload has none of its own.
    """

    kind: Literal["standard-webhooks"] = "standard-webhooks"
    secret: Annotated[
        tuple[Annotated[_Secret, AfterValidator(_check_webhook_secret)], ...],
        Field(min_length=1),
        BeforeValidator(_as_list),
    ]
    type: Annotated[str, Field(min_length=1, max_length=128)] | None = None


Publisher = KeyPublisher | AccessKeyPublisher
"""Those who publish to `/events` and by EventBridge's protocol."""
WebhookPublisher = GitHubPublisher | StandardWebhooksPublisher
PublisherDocument = Annotated[Publisher | WebhookPublisher, Discriminator("kind")]

ANYBODY = KeyPublisher(
    name="anybody", key_sha256=("0" * 64,), sources=("*",), buses=("*",), reads_rules=True
)
"""Who publishes where nobody has to prove anything."""


class Publishers(BaseModel):
    """All publishers; immutable.

    Attributes:
        every: Each of them.
        is_open: Whether no proof is asked for, as on a developer's own machine.
    """

    model_config = ConfigDict(frozen=True)

    every: tuple[PublisherDocument, ...] = ()
    is_open: bool = False

    @model_validator(mode="after")
    def _check_twins(self) -> Self:
        for kind, values in (
            ("access key", self._access_keys()),
            ("key_sha256", self._key_hashes()),
        ):
            found = sorted(values)
            if len(found) > len(set(found)):
                message = f"two publishers have the same {kind}: each proves itself by its own"
                raise ValueError(message)
        return self

    @property
    def senders(self) -> tuple[Publisher, ...]:
        """Those who name source and bus with each event."""
        return tuple(one for one in self.every if isinstance(one, _Sender))

    def webhook(self, name: str) -> WebhookPublisher | None:
        """Return the publisher whose requests come to `/webhooks/NAME`."""
        for one in self.every:
            if one.name == name and isinstance(one, _Webhook):
                return one
        return None

    def _access_keys(self) -> Iterable[str]:
        return (one.access_key for one in self.every if isinstance(one, AccessKeyPublisher))

    def _key_hashes(self) -> Iterable[str]:
        return (
            key for one in self.every if isinstance(one, KeyPublisher) for key in one.key_sha256
        )
