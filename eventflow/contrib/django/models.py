"""The outbox's table: one row an event, written in the transaction of the business data."""

from django.db import models
from django.utils import timezone

__all__ = ["OutboxEvent", "OutboxState"]


class OutboxState(models.TextChoices):
    """Where a row stands."""

    WAITING = "waiting", "waiting"
    PUBLISHED = "published", "published"
    FAILED = "failed", "failed"


class OutboxEvent(models.Model):
    """An event that was committed, and is, or will be, published by a relay.

    Nothing forbids two rows of one event id: publishing an id twice is one event.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.CharField(max_length=200)
    bus = models.CharField(max_length=64)
    source = models.CharField(max_length=256)
    type = models.CharField(max_length=128)
    ordering_key = models.CharField(
        max_length=200,
        blank=True,
        help_text="Events of one key are published in the order of their ids; empty: in any.",
    )
    body = models.TextField(help_text="The event, as it will be published.")
    state = models.CharField(
        max_length=10, choices=OutboxState.choices, default=OutboxState.WAITING
    )
    attempts = models.PositiveIntegerField(default=0)
    failure = models.TextField(blank=True, help_text="Why the last attempt was in vain.")
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """What Django asks of a model."""

        db_table = "eventflow_outbox"
        ordering = ("-id",)
        verbose_name = "event of the outbox"
        verbose_name_plural = "outbox"
        indexes = (
            # What waits, in order; and what waits of one key. Whole indexes: MySQL has no others.
            models.Index(fields=["state", "id"], name="eventflow_outbox_waiting"),
            models.Index(fields=["state", "ordering_key", "id"], name="eventflow_outbox_key"),
            # What may be deleted, and what a person looks for.
            models.Index(fields=["published_at"], name="eventflow_outbox_published"),
            models.Index(fields=["event_id"], name="eventflow_outbox_event"),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
