"""What the workers run: the project's EventFlow, and every integration."""

from eventflow.contrib.django import get_flow

flow = get_flow()
flow.discover("shop.integrations")
app = flow.celery
