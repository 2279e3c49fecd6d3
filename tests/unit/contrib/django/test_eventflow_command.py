"""`manage.py eventflow …`: eventflow's own commands with the project's settings."""

import os
from pathlib import Path

import pytest
from django.test import override_settings

from eventflow.contrib.django.management.commands.eventflow import Command


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back afterwards what is put into the environment."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


def run(*arguments: str) -> int:
    """Run it as `manage.py` does, and return the exit code."""
    with pytest.raises(SystemExit) as caught:
        Command().run_from_argv(["manage.py", "eventflow", *arguments])
    return int(caught.value.code or 0)


def test_it_runs_with_the_settings(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A command finds what `settings.EVENTFLOW` says, and its options are its own."""
    (tmp_path / "shop.yaml").write_text(
        "{targets: {audit: {task: t}}, rules: {all: {pattern: {source: [s]}, targets: [audit]}}}"
    )
    with override_settings(EVENTFLOW={"RULES": tmp_path, "OUTBOX": True, "TLS_CA": None}):
        assert 0 == run("rules", "list", "--json")
    assert '"all"' in capfd.readouterr().out
    assert "True" == os.environ["EVENTFLOW_OUTBOX"]


def test_its_exit_code_is_kept() -> None:
    """What is wrong use for `eventflow` is so here."""
    assert 2 == run("no-such-command")


def test_wrong_settings_are_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    """They are told before anything runs."""
    with override_settings(EVENTFLOW={"RULEZ": "x"}):
        assert 1 == run("rules", "list")
    assert "did you mean 'RULES'" in capfd.readouterr().err
