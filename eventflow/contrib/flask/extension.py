"""The extension: one EventFlow for each application, and `publish()` in the session's transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery import Celery
from flask import Flask, current_app

from eventflow.app import EventFlow
from eventflow.contrib.flask.commands import commands_of
from eventflow.contrib.flask.configuration import given_keys, read_settings
from eventflow.errors import SettingsError, StartError
from eventflow.events import Event
from eventflow.publishing import Publishable, with_envelope

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.orm import Session

    from eventflow.contrib.sqlalchemy import Outbox

__all__ = ["EventFlowExtension"]

_NAME = "eventflow"


class EventFlowExtension:
    """eventflow in Flask applications. Safe in threads; one serves any number of applications.

    Args:
        app: An application to begin with; `init_app` takes more.
        flow: An EventFlow that exists, for all applications. Without one, each application has its
            own, of `app.config["EVENTFLOW_…"]` and the environment.
        session: Returns the session in which `publish` takes place, such as Flask-SQLAlchemy's
            `db.session`. Without one, an event is published at once.
        table: The outbox's, as `eventflow.contrib.sqlalchemy.outbox_table` made it; the one named
            `eventflow_outbox` when missing.

    Example:
        events = EventFlowExtension(session=db.session)
        events.init_app(app)
        events.publish(OrderPlaced(order_id=7))
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        flow: EventFlow | None = None,
        session: "Callable[[], Session] | None" = None,
        table: "Table | None" = None,
    ) -> None:
        self._given = flow
        self._session = session
        self._table = table
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, *, celery: Celery | None = None) -> None:
        """Set an application up: its EventFlow and its commands.

        It connects when it first publishes, so that this may be done before a server forks.

        Args:
            app: The application; `app.extensions["eventflow"]` is its EventFlow afterwards.
            celery: A Celery app to join; without one, an app of eventflow's own is made.

        Raises:
            SettingsError: When a setting cannot be; every fault, by the key of `app.config`.
            StartError: When the application was set up already.
        """
        if _NAME in app.extensions:
            message = f"eventflow was set up for {app.name!r} already: call init_app() once"
            raise StartError(message)
        if self._given is not None:
            self._refuse_what_is_ignored(app, celery)
        flow = (
            self._given if self._given is not None else EventFlow(read_settings(app), celery=celery)
        )
        app.extensions[_NAME] = flow
        app.extensions[f"{_NAME}-publishing"] = _Publishing(flow, self._outbox_of(flow))
        app.cli.add_command(commands_of(app, flow.settings))

    @property
    def flow(self) -> EventFlow:
        """The EventFlow of the current application: for subscribers, `apublish`, and workers.

        Raises:
            StartError: When the application was not set up.
            RuntimeError: Outside of an application's context.
        """
        return self._publishing.flow

    @property
    def outbox(self) -> "Outbox":
        """The outbox of the current application, for sessions of one's own.

        Raises:
            StartError: When the extension has no session.
        """
        outbox = self._publishing.outbox
        if outbox is None:
            message = "this extension has no session: write EventFlowExtension(session=db.session)"
            raise StartError(message)
        return outbox

    def publish(
        self,
        event: Publishable,
        *,
        outbox: bool | None = None,
        ordering_key: str | None = None,
        **envelope: Any,  # a field's own type, checked by pydantic
    ) -> Event[Any]:
        """Publish one event: with the commit of the extension's session, else at once.

        Args:
            event: An `EventModel`, or an `Event`; checked now, so that a mistake is the request's own.
            outbox: Whether the event is written to the outbox, in the session's transaction, and
                published by a relay; `EVENTFLOW_OUTBOX` when missing. Without the outbox, a crash
                between the commit and the publishing loses the event.
            ordering_key: With the outbox: events of one key are published in the order in which
                they were written; the subject when missing, and "" for no order.
            envelope: For a model: fields of the envelope, such as `id`, `subject` or `bus`.

        Returns:
            The event, with its id and time.

        Raises:
            EventError: When it cannot be published as it is.
            PublishError: When the ledger cannot be reached; in a session without the outbox it is
                raised by `commit()`, whose transaction is committed then.
            StartError: When the outbox is asked for, and the extension has no session.
        """
        [published] = self.publish_many(
            [with_envelope(event, envelope)], outbox=outbox, ordering_key=ordering_key
        )
        return published

    def publish_many(
        self,
        events: Sequence[Publishable],
        *,
        outbox: bool | None = None,
        ordering_key: str | None = None,
    ) -> list[Event[Any]]:
        """Publish events, as `publish` does one; all are checked before the first goes.

        Returns:
            The events, in order.

        Raises:
            EventError: When one cannot be published as it is; then none is.
            PublishError: As for `publish`.
            StartError: As for `publish`.
        """
        flow = self.flow
        if outbox if outbox is not None else flow.settings.outbox:
            rows = self.outbox
            return rows.publish_many(self._current_session(), events, ordering_key=ordering_key)
        if self._session is None:
            return flow.publish_many(events)
        from eventflow.contrib.sqlalchemy import publish_many_after_commit  # noqa: PLC0415

        return publish_many_after_commit(flow, self._current_session(), events)

    @property
    def _publishing(self) -> "_Publishing":
        found = current_app.extensions.get(f"{_NAME}-publishing")
        if not isinstance(found, _Publishing):
            message = (
                f"eventflow was not set up for {current_app.name!r}: call init_app(app) where the "
                "application is made"
            )
            raise StartError(message)
        return found

    def _current_session(self) -> "Session":
        assert self._session is not None
        return self._session()

    def _outbox_of(self, flow: EventFlow) -> "Outbox | None":
        if self._session is None:
            return None
        from eventflow.contrib.sqlalchemy import Outbox  # noqa: PLC0415 - SQLAlchemy's users alone

        return Outbox(flow, self._table)

    def _refuse_what_is_ignored(self, app: Flask, celery: Celery | None) -> None:
        ignored = [f"app.config[{key!r}]" for key in given_keys(app)]
        if celery is not None:
            ignored.append("celery=")
        if ignored:
            message = (
                f"{', '.join(ignored)} cannot be: the extension was given an EventFlow, which has "
                "its settings; set them there, or leave `flow=` out"
            )
            raise SettingsError(message)


@dataclass(frozen=True, slots=True)
class _Publishing:
    """What one application publishes with.

    Attributes:
        flow: Its EventFlow.
        outbox: Its outbox; None where the extension has no session.
    """

    flow: EventFlow
    outbox: "Outbox | None"
