"""`settings.EVENTFLOW`, and the EventFlow that is made of it."""

import pytest
from celery import Celery
from django.test import override_settings

from eventflow.contrib.django import get_flow
from eventflow.contrib.django.configuration import load_celery, read_settings
from eventflow.errors import SettingsError

CELERY = Celery("shop", broker="redis://celerys.example:6379/2", set_as_current=False)


def test_the_dict_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the dict names is taken from it, and the rest from the environment."""
    monkeypatch.setenv("EVENTFLOW_GROUP_SIZE", "7")
    monkeypatch.setenv("EVENTFLOW_PUBLISH_DEADLINE", "9s")
    with override_settings(EVENTFLOW={"PUBLISH_DEADLINE": "1500ms", "OUTBOX": True}):
        settings = read_settings()
    assert (1.5, 7, True) == (settings.publish_deadline, settings.group_size, settings.outbox)


@pytest.mark.parametrize("values", [{}, None])
def test_nothing_is_needed(values: object) -> None:
    """Without any setting, the defaults are there."""
    with override_settings(EVENTFLOW=values):
        assert read_settings().outbox is False


def test_all_faults_are_told_in_django_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wrong key and value at once; each named as it was given."""
    monkeypatch.setenv("EVENTFLOW_CONCURRENCY", "0")
    values = {"BROKER_ULR": "redis://x", "EVENTFLOW_OUTBOX": True, "GROUP_SIZE": 0}
    with override_settings(EVENTFLOW=values), pytest.raises(SettingsError) as caught:
        read_settings()
    text = str(caught.value)
    assert "EVENTFLOW['BROKER_ULR']: there is no such setting; did you mean 'BROKER_URL'?" in text
    assert "EVENTFLOW['EVENTFLOW_OUTBOX']: there is no such setting; did you mean 'OUTBOX'?" in text
    assert 'EVENTFLOW["GROUP_SIZE"]: ' in text
    assert "EVENTFLOW_CONCURRENCY: " in text


def test_only_a_dict_will_do() -> None:
    """Anything else is refused, and what it is is said."""
    with (
        override_settings(EVENTFLOW="redis://x"),
        pytest.raises(SettingsError, match="EVENTFLOW is a str: write a dict"),
    ):
        read_settings()


def test_one_flow_a_process() -> None:
    """It is made once, and anew where a test overrides the settings."""
    first = get_flow()
    assert first is get_flow()
    with override_settings(EVENTFLOW={"GROUP_SIZE": 3}):
        assert 3 == get_flow().settings.group_size
    assert first is not get_flow()


def test_a_celery_app_is_joined() -> None:
    """The project's own app is found by its path, and its broker used."""
    with override_settings(EVENTFLOW={"CELERY": f"{__name__}.CELERY"}):
        flow = get_flow()
    assert flow.celery is CELERY
    assert "celerys.example" in flow.settings.broker_url


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("shop.nowhere.app", "cannot be imported", id="no module"),
        pytest.param("shop", "cannot be imported", id="no path"),
        pytest.param(7, "cannot be imported", id="no text"),
        pytest.param("eventflow.errors.Retry", "is a type, and no Celery app", id="no app"),
    ],
)
def test_what_is_no_celery_app_is_told(path: object, message: str) -> None:
    """The setting is named, and what to write."""
    with (
        override_settings(EVENTFLOW={"CELERY": path}),
        pytest.raises(SettingsError, match=message) as caught,
    ):
        load_celery()
    assert str(caught.value).startswith('EVENTFLOW["CELERY"]: ')
