"""The reference deployment: in-garage delivery, one module per integration.

`celery -A workers worker -Q device-vendor` runs one integration; `eventflow up` runs them all.
"""

from eventflow import EventFlow

__all__ = ["app", "flow"]

flow = EventFlow()
flow.discover(__name__)  # every module of this package is imported when a worker starts
app = flow.celery
