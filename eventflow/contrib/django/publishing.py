"""`publish()` in a Django project: after the commit, or by the outbox, never before or without it."""

from collections.abc import Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.db import router, transaction
from django.utils.asyncio import async_unsafe

from eventflow.contrib.django.configuration import get_flow
from eventflow.contrib.django.listening import notify
from eventflow.contrib.django.sending import Sending, capturing
from eventflow.encoding import decode_event
from eventflow.errors import SettingsError
from eventflow.events import Event
from eventflow.publishing import Publishable, ordering_key_of, with_envelope

__all__ = ["apublish", "apublish_many", "publish", "publish_many"]

_APP = "eventflow.contrib.django"
_WOULD_BLOCK = "publish() would block the event loop: write `await apublish(…)` in async code"

# Called, and not a decorator of its own: Django has no types, and would take those of `publish_many`.
_refuse_in_async_code = async_unsafe(_WOULD_BLOCK)(lambda: None)


def publish(
    event: Publishable,
    *,
    using: str | None = None,
    outbox: bool | None = None,
    ordering_key: str | None = None,
    **envelope: Any,  # a field's own type, checked by pydantic
) -> Event[Any]:
    """Publish one event, if and when the transaction around this call commits.

    Inside `transaction.atomic` the event waits for the outermost block's commit, and is gone with
    the rollback of any block around it. Outside of one it is published at once.

    Args:
        event: An `EventModel`, or an `Event`; checked now, so that a mistake is the request's own.
        using: The database whose transaction counts; the one that Django's routers name for the
            outbox when missing, which is `default` without any.
        outbox: Whether the event is written to the outbox, in the same transaction, and published
            by a relay; `EVENTFLOW["OUTBOX"]` when missing. Without the outbox, a crash between the
            commit and the publishing loses the event.
        ordering_key: With the outbox: events of one key are published in the order in which they
            were written; the subject when missing, and "" for no order.
        envelope: For a model: fields of the envelope, such as `id`, `subject` or `bus`.

    Returns:
        The event, with its id and time.

    Raises:
        EventError: When it cannot be published as it is.
        PublishError: When the ledger cannot be reached; inside a transaction without the outbox,
            it is raised by the end of the outermost block, after the commit.
    """
    [published] = publish_many(
        [with_envelope(event, envelope)], using=using, outbox=outbox, ordering_key=ordering_key
    )
    return published


def publish_many(
    events: Sequence[Publishable],
    *,
    using: str | None = None,
    outbox: bool | None = None,
    ordering_key: str | None = None,
) -> list[Event[Any]]:
    """Publish events, as `publish` does one; all are checked before the first goes.

    Returns:
        The events, in order.

    Raises:
        EventError: When one cannot be published as it is; then none is.
        PublishError: As for `publish`.
    """
    _refuse_in_async_code()
    if not apps.is_installed(_APP):
        message = f'{_APP!r} is not installed: add it to INSTALLED_APPS and run "manage.py migrate"'
        raise SettingsError(message)
    flow = get_flow()
    prepared = flow.prepare(events)
    if not prepared:
        return []
    alias = using if using is not None else router.db_for_write(_model())
    if outbox if outbox is not None else flow.settings.outbox:
        _write(prepared, alias, ordering_key)
        if capturing():
            # As for the rest: they count once the transaction is over.
            transaction.on_commit(Sending(_copies(prepared), by_relay=True), using=alias)
    elif capturing() or transaction.get_connection(alias).in_atomic_block:
        # A copy as it is now: the publisher may change its data before the commit.
        transaction.on_commit(Sending(_copies(prepared)), using=alias)
    else:
        flow.publish_many([event for event, _ in prepared])
    return [event for event, _ in prepared]


async def apublish(
    event: Publishable,
    *,
    using: str | None = None,
    outbox: bool | None = None,
    ordering_key: str | None = None,
    **envelope: Any,  # a field's own type, checked by pydantic
) -> Event[Any]:
    """Do what `publish` does, from async code, in the thread in which Django's database calls run."""
    [published] = await apublish_many(
        [with_envelope(event, envelope)], using=using, outbox=outbox, ordering_key=ordering_key
    )
    return published


async def apublish_many(
    events: Sequence[Publishable],
    *,
    using: str | None = None,
    outbox: bool | None = None,
    ordering_key: str | None = None,
) -> list[Event[Any]]:
    """Do what `publish_many` does, from async code."""
    published = await sync_to_async(publish_many)(
        events, using=using, outbox=outbox, ordering_key=ordering_key
    )
    return list(published)


def _copies(prepared: Sequence[tuple[Event[Any], bytes]]) -> tuple[Event[Any], ...]:
    return tuple(decode_event(body) for _, body in prepared)


def _model() -> Any:  # Any: Django has no types
    # Models cannot be imported before the apps are ready, and settings may import this module.
    return apps.get_model("eventflow", "OutboxEvent")


def _write(
    prepared: Sequence[tuple[Event[Any], bytes]], alias: str, ordering_key: str | None
) -> None:
    model = _model()
    rows = [
        model(
            event_id=event.id,
            bus=event.bus,
            source=event.source,
            type=event.type,
            ordering_key=ordering_key_of(event.subject, ordering_key),
            body=body.decode(),
        )
        for event, body in prepared
    ]
    with transaction.atomic(using=alias, savepoint=False):
        model.objects.using(alias).bulk_create(rows)
        notify(alias)
