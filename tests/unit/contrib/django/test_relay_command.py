"""`manage.py eventflow_relay`: its options and its words."""

import io
import signal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from eventflow.contrib.django import publish
from eventflow.contrib.django.models import OutboxEvent
from eventflow.events import Event

NOWHERE = {"REDIS_URL": "redis://127.0.0.1:1/0", "PUBLISH_DEADLINE": "200ms", "OUTBOX": True}


def run(*options: str) -> str:
    """Run the command, and return what it says."""
    output = io.StringIO()
    call_command("eventflow_relay", *options, stdout=output)
    return output.getvalue()


def test_an_empty_outbox_is_soon_published() -> None:
    """With --once it ends when nothing waits, and says so; its signals are as they were."""
    before = signal.getsignal(signal.SIGTERM)
    assert "published 0, given up 0\n" == run("--once")
    assert before is signal.getsignal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--database", "other"], "there is no database 'other': DATABASES has default"),
        (["--batch", "0"], "--batch: 0 is not between 1 and 500"),
        (["--batch", "501"], "--batch: 501 is not between 1 and 500"),
    ],
)
def test_wrong_options_are_refused(options: list[str], message: str) -> None:
    """What is wrong is said, with what is allowed."""
    with pytest.raises(CommandError, match=message):
        run("--once", *options)


@override_settings(EVENTFLOW=NOWHERE)
def test_once_without_a_ledger_is_an_error() -> None:
    """The row waits on, and the command's end says why."""
    publish(Event(source="s", type="T", data={}))
    with pytest.raises(CommandError, match="1 of 1 events could not be published"):
        run("--once")
    assert "waiting" == OutboxEvent.objects.get().state


def test_wrong_settings_are_no_traceback() -> None:
    """They are told as the command's error."""
    with (
        override_settings(EVENTFLOW={"OUTBOKS": True}),
        pytest.raises(CommandError, match="there is no such setting; did you mean 'OUTBOX'"),
    ):
        run("--once")
