"""The gateway's one desk: lets a request in, reads it within bounds, and publishes what it brings."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request

from eventflow.app import EventFlow
from eventflow.delivery.scripts import connect_redis, guarded
from eventflow.errors import EventError, EventflowError, PublishError, SchemaError
from eventflow.events import Event
from eventflow.gateway.authentication import identify
from eventflow.gateway.bodies import read_body
from eventflow.gateway.crew import Crew
from eventflow.gateway.publishers import Publisher, Publishers, WebhookPublisher
from eventflow.gateway.rates import Rates
from eventflow.gateway.refusals import Refusal
from eventflow.rules import RuleSet, RuleSource
from eventflow.settings import Settings
from eventflow.tls import ledger_tls

__all__ = ["Reception"]


class Reception:
    """What every route needs. Its methods are called in the event loop; threads do what blocks.

    Args:
        settings: What it runs with.
        publishers: Who may publish.
    """

    def __init__(self, settings: Settings, publishers: Publishers) -> None:
        self.publishers = publishers
        self._settings = settings
        self._flow = EventFlow(settings)
        self._flow.context.tracing.export_as("gateway")
        self._crew = Crew(settings.http_threads, settings.http_timeout)
        self._rates = Rates()
        self._rules = RuleSource(settings.rules, interval=settings.rules_interval)
        self._ledger = connect_redis(
            settings.ledger_url, timeout=settings.publish_deadline, tls=ledger_tls(settings)
        )

    async def admit(self, request: Request) -> tuple[Publisher, bytes]:
        """Say who sends a request, and read it.

        Args:
            request: The request.

        Returns:
            The publisher, proven, and the body.

        Raises:
            Refusal: When it is nobody's, or its body is too large or too slow.
        """
        claim = identify(self.publishers, request)
        body = await self.read(request)
        claim.prove(body)
        return claim.publisher, body

    async def read(self, request: Request) -> bytes:
        """Read a request's body within the settings' bounds.

        Raises:
            Refusal: When it is too large, or too slow.
        """
        return await read_body(
            request, most=self._settings.http_max_bytes, within=self._settings.http_timeout
        )

    def count(self, publisher: Publisher | WebhookPublisher, events: int) -> None:
        """Count what a publisher wants against its rate.

        Raises:
            Refusal: When it is too much.
        """
        self._rates.take(publisher.name, publisher.rate, events)

    async def publish(self, events: Sequence[Event[Any]]) -> None:
        """Publish events: all, or none where one of them cannot be published as it is.

        Args:
            events: Events that their publisher may publish.

        Raises:
            Refusal: When one cannot be (422), or the ledger does not take them (503).
        """
        try:
            await self._crew.run(self._flow.publish_many, events)
        except PublishError as error:
            faults = [f"{event_id}: was not accepted" for event_id in error.rejected]
            message = f"{error.message}; send all of them again, with the same ids"
            raise Refusal(message, HTTPStatus.SERVICE_UNAVAILABLE, faults, retry_after=1) from error
        except SchemaError as error:
            faults = [str(problem) for problem in error.problems]
            raise Refusal(error.message, HTTPStatus.UNPROCESSABLE_ENTITY, faults) from error
        except EventError as error:
            raise Refusal(str(error), HTTPStatus.UNPROCESSABLE_ENTITY) from error

    async def publish_each(self, events: Sequence[Event[Any]]) -> list[EventflowError | None]:
        """Publish events, each whatever becomes of the others.

        Args:
            events: Events that their publisher may publish.

        Returns:
            For each, None where it is accepted, or why it is not.

        Raises:
            Refusal: When there is no answer in time; 503.
        """
        return await self._crew.run(self._publish_each, events)

    async def rules(self) -> RuleSet:
        """Return the rules in force.

        Raises:
            Refusal: When there are none; 500.
        """
        try:
            return await self._crew.run(self._rules.current)
        except EventflowError as error:
            message = "the rules cannot be read here: `eventflow rules check` says why"
            raise Refusal(
                message, HTTPStatus.INTERNAL_SERVER_ERROR, code="InternalException"
            ) from error

    async def check_ready(self) -> None:
        """Check that the ledger answers.

        Raises:
            LedgerError: When it does not.
            Refusal: When it does not in time.
        """
        await self._crew.run(guarded, self._ledger, self._ledger.ping)

    def close(self) -> None:
        """End the threads, once what they do is done."""
        self._crew.close()
        self._flow.context.tracing.flush()

    def _publish_each(self, events: Sequence[Event[Any]]) -> list[EventflowError | None]:
        try:
            self._flow.publish_many(events)
        except PublishError as error:
            return [None if event.id in error.accepted else error for event in events]
        except EventflowError as error:
            if not events[1:]:
                return [error]
            # One of them cannot be published, and so none has been: now each by itself.
            return [outcome for event in events for outcome in self._publish_each([event])]
        return [None] * len(events)
