"""What the worker commands decide before Celery starts."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from celery import signals

from eventflow.cli.application import check_servers, import_subscribers, load_app
from eventflow.cli.processes import queues_of
from eventflow.cli.supervisor import restart_delay
from eventflow.errors import EventflowError, StartError
from eventflow.settings import load_settings
from eventflow.worker import make_app

TARGETS = {
    "device-vendor": ("device-vendor", "device-vendor"),
    "device-vendor-close": ("device-vendor", "closing"),
    "audit": ("records", "audit"),
    "records": ("archive", "records"),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project as the current directory; what it imports is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0].startswith("project_"):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["device-vendor"], ["closing", "device-vendor"]),  # an integration: all its targets
        (["device-vendor-close"], ["closing"]),  # one target
        (["records"], ["audit"]),  # an integration goes before a target of its name
        (["archive", "device-vendor-close", "archive"], ["closing", "records"]),
    ],
)
def test_names_become_queues(names: list[str], expected: list[str]) -> None:
    """A worker reads the queues of the targets and integrations it is named after, each once."""
    assert queues_of(names, TARGETS) == expected


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    """Every unknown name is said, and what could have been meant."""
    with pytest.raises(click.UsageError) as caught:
        queues_of(["audit", "x", "y"], TARGETS)
    assert caught.value.message == (
        "no target or integration is named 'x', 'y'. "
        "Known are: archive, audit, device-vendor, device-vendor-close, records."
    )


def test_restarts_wait_longer_each_time() -> None:
    """Half a second at first, doubled each time, never more than 15 seconds."""
    waits = [restart_delay(failures) for failures in (1, 2, 3, 4, 5, 6, 7, 10_000)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_the_app_is_found_in_the_current_directory(project: Path) -> None:
    """The module of EVENTFLOW_WORKERS is imported from the current directory, as Celery does."""
    (project / "project_a.py").write_text("from celery import Celery\napp = Celery('mine')\n")
    assert load_app(load_settings(workers="project_a")).main == "mine"


def test_a_missing_module_is_said_with_where_it_was_looked_for(project: Path) -> None:
    """Where there is no such module, the message names it, the folder and the setting."""
    with pytest.raises(StartError) as caught:
        load_app(load_settings(workers="project_b.workers"))
    message = str(caught.value)
    assert f"there is no module 'project_b.workers' in {project}" in message
    assert "EVENTFLOW_WORKERS" in message
    assert caught.value.__cause__ is None


def test_a_module_without_an_app_is_refused(project: Path) -> None:
    """A module whose `app` is no Celery app is named, with what to write."""
    (project / "project_c.py").write_text("app = None\n")
    with pytest.raises(StartError, match=r"project_c\.py.* has no Celery app named `app`: write"):
        load_app(load_settings(workers="project_c"))


@pytest.mark.parametrize(
    ("code", "line", "cause"),
    [
        ("x = 1\nimport no_such_library\n", 2, ModuleNotFoundError),
        ("\n\ndef f(:\n", 3, SyntaxError),
        ("import json\n\njson.loads('')\n", 3, ValueError),  # raised in a library it calls
    ],
)
def test_a_broken_module_is_said_with_its_line(
    project: Path, code: str, line: int, cause: type[Exception]
) -> None:
    """A module that fails while it is imported is said with file and line, and the cause is kept."""
    path = project / f"project_d{line}{cause.__name__}.py"
    path.write_text(code)
    with pytest.raises(StartError) as caught:
        load_app(load_settings(workers=path.stem))
    assert str(caught.value) == f"the module '{path.stem}' cannot be imported: {path}:{line}"
    assert isinstance(caught.value.__cause__, cause)


def test_an_error_of_our_own_is_passed_on_as_it_is(project: Path) -> None:
    """A wrong setting that a module runs into is said itself, not as a failed import."""
    code = "from eventflow.errors import SettingsError\nraise SettingsError('wrong')\n"
    (project / "project_e.py").write_text(code)
    with pytest.raises(EventflowError) as caught:
        load_app(load_settings(workers="project_e"))
    assert str(caught.value) == "wrong"


def test_subscribers_are_imported_before_the_start(project: Path) -> None:
    """A module that the app would import at its start is found broken before."""
    (project / "project_f.py").write_text("raise RuntimeError('no door')\n")
    app = make_app(load_settings())
    app.conf.include = ["project_f"]
    sys.path.insert(0, str(project))
    with pytest.raises(StartError, match=r"'project_f' cannot be imported: .*project_f\.py:1"):
        import_subscribers(app)


def test_celery_is_told_before_subscribers_are_imported(project: Path) -> None:
    """Who waits for Celery's signal, as its support of Django does, is called before the import."""
    app = make_app(load_settings())
    app.conf.include = ["project_g"]
    sys.path.insert(0, str(project))

    def set_up(**_: object) -> None:
        (project / "project_g.py").write_text("")

    signals.import_modules.connect(set_up, sender=app)
    import_subscribers(app)
    assert "project_g" in sys.modules


def test_what_fails_before_the_import_is_said(project: Path) -> None:
    """When who was called before the import fails, the reason is said."""
    app = make_app(load_settings())

    def set_up(**_: object) -> None:
        raise RuntimeError("no such database")

    signals.import_modules.connect(set_up, sender=app)
    with pytest.raises(StartError, match="no such database"):
        import_subscribers(app)


def test_a_missing_embedded_server_is_said(tmp_path: Path) -> None:
    """Without a server on the embedded one's socket, the message says how to start it."""
    settings = load_settings(data_dir=tmp_path)
    with pytest.raises(StartError) as caught:
        check_servers(settings, make_app(settings))
    message = str(caught.value)
    assert f"no server answers on {settings.socket_path}" in message
    assert "`eventflow up`" in message
    assert "EVENTFLOW_BROKER_URL" in message


@pytest.mark.timeout(15)
@pytest.mark.parametrize(
    ("values", "variable"),
    [
        ({"broker_url": "redis://user:secret@127.0.0.1:1/0"}, "EVENTFLOW_BROKER_URL"),
        ({"redis_url": "redis://user:secret@127.0.0.1:1/0"}, "EVENTFLOW_REDIS_URL"),
    ],
)
def test_a_missing_redis_is_said_without_its_password(
    values: dict[str, str], variable: str
) -> None:
    """A Redis that is not there is named with its setting, and its password is not shown."""
    settings = load_settings(**values)
    with pytest.raises(StartError) as caught:
        check_servers(settings, make_app(settings))
    message = str(caught.value)
    assert "the Redis or Valkey at redis://user:***@127.0.0.1:1/0 does not answer" in message
    assert f"set {variable} to one that runs" in message
