"""The outbox's table."""

import django.utils.timezone
from django.db import migrations, models

__all__ = ["Migration"]


class Migration(migrations.Migration):
    """Makes the table and its indexes."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="OutboxEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("event_id", models.CharField(max_length=200)),
                ("bus", models.CharField(max_length=64)),
                ("source", models.CharField(max_length=256)),
                ("type", models.CharField(max_length=128)),
                (
                    "ordering_key",
                    models.CharField(
                        blank=True,
                        help_text="Events of one key are published in the order of their ids; empty: in any.",
                        max_length=200,
                    ),
                ),
                ("body", models.TextField(help_text="The event, as it will be published.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("published", "published"),
                            ("failed", "failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "failure",
                    models.TextField(blank=True, help_text="Why the last attempt was in vain."),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("published_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "event of the outbox",
                "verbose_name_plural": "outbox",
                "db_table": "eventflow_outbox",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["state", "id"], name="eventflow_outbox_waiting"),
                    models.Index(
                        fields=["state", "ordering_key", "id"], name="eventflow_outbox_key"
                    ),
                    models.Index(fields=["published_at"], name="eventflow_outbox_published"),
                    models.Index(fields=["event_id"], name="eventflow_outbox_event"),
                ],
            },
        ),
    )
