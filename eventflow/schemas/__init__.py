"""Schemas of events' data: the repository, and typed events as pydantic models."""

from eventflow.schemas.document import (
    Compatibility,
    SchemaDocument,
    Status,
    Unknown,
    Validation,
)
from eventflow.schemas.loader import load_repository
from eventflow.schemas.models import EventModel
from eventflow.schemas.names import SchemaName, Version
from eventflow.schemas.policy import BusPolicy, Policy
from eventflow.schemas.repository import Repository

__all__ = [
    "BusPolicy",
    "Compatibility",
    "EventModel",
    "Policy",
    "Repository",
    "SchemaDocument",
    "SchemaName",
    "Status",
    "Unknown",
    "Validation",
    "Version",
    "load_repository",
]
