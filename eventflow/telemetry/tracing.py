"""Whether a process traces, and how its steps begin: publishing, routing, each attempt."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from eventflow.errors import StartError
from eventflow.telemetry import provider
from eventflow.telemetry.context import is_loaded
from eventflow.telemetry.publishing import Publication
from eventflow.telemetry.step import AttributeValue, Step

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

__all__ = ["Tracing"]

_log = logging.getLogger("eventflow.telemetry")


class Tracing:
    """Makes the spans of one EventFlow, where spans are wanted. Safe in threads and after a fork.

    Args:
        wanted: `EVENTFLOW_TRACES`: False for no spans, True where this process's own SDK is to be
            set up whatever the environment says, None for the application's provider, or for the
            environment's `OTEL_EXPORTER_OTLP_ENDPOINT` in eventflow's own processes.
    """

    def __init__(self, wanted: bool | None = None) -> None:
        self._wanted = wanted
        self._service = ""
        self._found: tuple[Tracer | None] | None = None

    def for_many(self) -> "Tracing":
        """Return one for the steps of one task: it asks for the provider once, and not each time."""
        one = Tracing(self._wanted)
        one._found = (self._tracer(),)
        return one

    def export_as(self, service: str, *, is_own: bool = True) -> None:
        """Have this process, and those that it forks, send their spans by themselves.

        Args:
            service: The process's name, for `service.name`.
            is_own: Whether the process is eventflow's. In another's, the setting must say so.

        Raises:
            StartError: When the setting says so, and what is needed is not installed. Where only
                the environment does, which may be that of many programs, it is a warning.
        """
        if not (self._wanted or (self._wanted is None and is_own and provider.is_asked_for())):
            return
        try:
            provider.check_sdk()
        except StartError as error:
            if self._wanted:
                raise
            _log.warning("no spans are made: %s", error, extra={"action": "traces_failed"})
            return
        self._service = service

    @property
    def is_on(self) -> bool:
        """Whether spans are made."""
        return self._tracer() is not None

    def publication(self) -> Publication:
        """Return the span of one call of `publish()`, to be entered."""
        return Publication(self._tracer())

    def step(
        self,
        name: str,
        destination: str,
        fields: Mapping[str, str | int],
        attributes: Mapping[str, AttributeValue],
        linked: Sequence[str] = (),
    ) -> Step:
        """Return one step of an event's way, to be entered.

        Args:
            name: What is done: `route` or `attempt`.
            destination: The bus or the queue that it was taken from.
            fields: What each log line in it carries.
            attributes: What its span carries.
            linked: The traceparents of what came before; an empty one is none.
        """
        return Step(
            self._tracer(),
            name=name,
            destination=destination,
            fields=fields,
            attributes=attributes,
            linked=linked,
        )

    def flush(self) -> None:
        """Send what spans are left, for a process that ends."""
        if self._wanted is not False and is_loaded():
            provider.flush_spans()

    def _tracer(self) -> "Tracer | None":
        if self._found is not None:
            return self._found[0]
        if self._wanted is False:
            return None
        if self._service:
            provider.set_up_sdk(self._service)
        return provider.found_tracer() if is_loaded() else None
