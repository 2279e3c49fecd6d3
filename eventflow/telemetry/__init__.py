"""What a process tells of its work while it works: spans of a trace, and the ids in each log line.

Nothing here needs OpenTelemetry, or imports it before the application or a setting has asked for it.
"""

from eventflow.telemetry.context import TraceContext, current_context, read_context
from eventflow.telemetry.logs import (
    DeliveryFilter,
    JsonFormatter,
    TextFormatter,
    dress_logger,
    logging_config,
)
from eventflow.telemetry.publishing import Publication
from eventflow.telemetry.step import Step, begin_step
from eventflow.telemetry.tracing import Tracing

__all__ = [
    "DeliveryFilter",
    "JsonFormatter",
    "Publication",
    "Step",
    "TextFormatter",
    "TraceContext",
    "Tracing",
    "begin_step",
    "current_context",
    "dress_logger",
    "logging_config",
    "read_context",
]
