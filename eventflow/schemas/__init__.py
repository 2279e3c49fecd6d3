"""Typed events: the schema of an event's data, as a pydantic model."""

from eventflow.schemas.models import EventModel

__all__ = ["EventModel"]
