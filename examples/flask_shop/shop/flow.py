"""The shop's EventFlow: what the web publishes with, and what the workers run."""

from eventflow import EventFlow
from eventflow.settings import load_settings
from shop.database import DATABASE

__all__ = ["app", "flow"]

flow = EventFlow(load_settings(outbox=True, outbox_url=DATABASE, workers=__name__))
flow.discover("shop.integrations")
app = flow.celery
