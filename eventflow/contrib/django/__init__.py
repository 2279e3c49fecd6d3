"""eventflow in a Django project: an installed app.

    INSTALLED_APPS = [..., "eventflow.contrib.django"]
    EVENTFLOW = {"BROKER_URL": "redis://…", "OUTBOX": True}

    from eventflow.contrib.django import publish

    with transaction.atomic():
        order.save()
        publish(OrderPlaced(order_id=order.pk))    # waits for the commit, is gone with a rollback

Tests use `eventflow.contrib.django.testing`.
"""

from eventflow.contrib.django.configuration import get_flow
from eventflow.contrib.django.publishing import apublish, apublish_many, publish, publish_many

__all__ = ["apublish", "apublish_many", "get_flow", "publish", "publish_many"]
