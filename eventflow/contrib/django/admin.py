"""The outbox in Django's admin: what waits, what has failed and why, and publishing it again."""

import json
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from eventflow.contrib.django.models import OutboxEvent, OutboxState

__all__ = ["OutboxEventAdmin"]


@admin.register(OutboxEvent)
class OutboxEventAdmin(admin.ModelAdmin):
    """The rows, to read; who may change them may have them published again."""

    list_display = (
        *("id", "type", "source", "event_id", "ordering_key", "state"),
        *("attempts", "created_at", "published_at"),
    )
    list_filter = ("state", "bus", "type", "created_at")
    search_fields = ("=event_id", "=ordering_key", "type", "source")
    date_hierarchy = "created_at"
    show_full_result_count = False  # counting a long table takes long
    actions = ("publish_again",)
    fields = (
        *("state", "failure", "attempts", "event_id", "bus", "source", "type", "ordering_key"),
        *("created_at", "due_at", "published_at", "event"),
    )
    readonly_fields = fields

    @admin.display(description="event")
    def event(self, row: OutboxEvent) -> str:
        """Show the event as it will be published, laid out for reading."""
        try:
            text = json.dumps(json.loads(row.body), indent=2, ensure_ascii=False)
        except ValueError:
            text = row.body
        return str(format_html("<pre>{}</pre>", text))

    @admin.action(description="Publish again", permissions=["republish"])
    def publish_again(self, request: HttpRequest, queryset: Any) -> None:
        """Have the chosen rows wait for a relay, with all their attempts."""
        count = queryset.exclude(state=OutboxState.WAITING).update(
            state=OutboxState.WAITING,
            attempts=0,
            failure="",
            due_at=timezone.now(),
            published_at=None,
        )
        # What waits for its next attempt already need not wait longer; its order stays.
        count += queryset.filter(state=OutboxState.WAITING, attempts__gt=0).update(
            attempts=0, due_at=timezone.now()
        )
        text = f"{count} to be published again. Where the ledger still knows an event's id, nothing happens."
        self.message_user(request, text, messages.SUCCESS)

    def has_republish_permission(self, request: HttpRequest) -> bool:
        """Whether this user may have rows published again: who may change them."""
        return bool(request.user.has_perm("eventflow.change_outboxevent"))

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Rows are written by `publish()` alone."""
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        obj: OutboxEvent | None = None,  # noqa: ARG002
    ) -> bool:
        """Nobody edits an event."""
        return False
