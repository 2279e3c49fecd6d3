"""The catalogue of events: what each means, who publishes it and who receives it."""

from eventflow.catalogue.asyncapi import asyncapi_document
from eventflow.catalogue.build import build_catalogue
from eventflow.catalogue.content import Catalogue, EventEntry, Receiver, VersionEntry
from eventflow.catalogue.folder import Written, write_catalogue

__all__ = [
    "Catalogue",
    "EventEntry",
    "Receiver",
    "VersionEntry",
    "Written",
    "asyncapi_document",
    "build_catalogue",
    "write_catalogue",
]
