"""Settings: from the environment, with defaults that work, refused by name."""

import os
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from eventflow.errors import SettingsError
from eventflow.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a directory of its own to run in."""
    monkeypatch.chdir(tmp_path)


def test_defaults_are_the_embedded_server(tmp_path: Path) -> None:
    """With nothing set, broker and ledger are the embedded server and the store is SQLite."""
    settings = load_settings()
    socket = tmp_path / ".eventflow" / "valkey.sock"
    assert settings.embedded
    assert f"unix://{socket}?db=0" == settings.ledger_url
    assert f"redis+socket://{socket}?virtual_host=0" == settings.celery_broker_url
    assert f"sqlite:///{tmp_path}/.eventflow/eventflow.db" == settings.store_url


def test_every_setting_is_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each field's default, written into its variable, is read back as itself."""
    defaults = load_settings()
    for name in Settings.model_fields:
        default = getattr(defaults, name)
        monkeypatch.setenv(f"EVENTFLOW_{name.upper()}", "" if default is None else str(default))
    assert defaults == load_settings()


@pytest.mark.parametrize(
    ("text", "seconds"), [("10s", 10.0), ("1h30m", 5400.0), ("2.5", 2.5), ("0s", 0.0), ("0", 0.0)]
)
def test_durations(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    """A duration is text with a unit, or a number of seconds; zero is a value."""
    monkeypatch.setenv("EVENTFLOW_DEDUPLICATION_WINDOW", text)
    assert seconds == load_settings().deduplication_window


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """An empty variable, as Compose files pass on, leaves the default."""
    monkeypatch.setenv(f"EVENTFLOW_{name.upper()}", "")
    assert Settings.model_fields[name].default == getattr(load_settings(), name)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FLOWER_PORT", "abc", "Input should be a valid integer"),
        ("FLOWER_PORT", "0", "Input should be greater than or equal to 1"),
        ("FLOWER_PORT", "65536", "Input should be less than or equal to 65535"),
        ("PUBLISH_DEADLINE", "soon", "'soon' is not a duration"),
        ("PUBLISH_DEADLINE", "0s", "Input should be greater than 0"),
        ("PUBLISH_DEADLINE", "nan", "Input should be"),
        ("PUBLISH_DEADLINE", "inf", "Input should be a finite number"),
        ("PUBLISH_DEADLINE", "-1", "Input should be greater than"),
        ("LOG_LEVEL", "LOUD", "one of DEBUG, INFO, WARNING, ERROR"),
        ("APPENDFSYNC", "no", "one of everysec, always"),
        ("TASK_EVENTS", "perhaps", "Input should be a valid boolean"),
        ("MAX_EVENT_BYTES", "1", "Input should be greater than or equal to 1024"),
        ("MAX_EVENT_DEPTH", "201", "Input should be less than or equal to 200"),
        ("BROKER_URL", "kafka://x", "an address that begins with one of redis://, rediss://"),
        ("BROKER_URL", "redis://x:port/0", "an address whose port is a number up to 65535"),
        ("REDIS_URL", "amqp://x", "an address that begins with one of redis://, rediss://, unix"),
        ("REDIS_URL", "redis://[::1/0", "Invalid IPv6 URL"),
    ],
)
def test_wrong_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    """A wrong value is refused with the variable's name and what is allowed."""
    monkeypatch.setenv(f"EVENTFLOW_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"EVENTFLOW_{name}: {message}")


def test_all_wrong_values_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wrong settings are said together, a line each."""
    monkeypatch.setenv("EVENTFLOW_LOG_LEVEL", "LOUD")
    monkeypatch.setenv("EVENTFLOW_CONCURRENCY", "0")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    lines = str(caught.value).splitlines()
    assert "these settings cannot be:" == lines[0]
    assert ["EVENTFLOW_CONCURRENCY", "EVENTFLOW_LOG_LEVEL"] == [
        line.strip().partition(":")[0] for line in lines[1:]
    ]


def test_secret_in_a_wrong_address_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password that breaks its address is not quoted in the message."""
    monkeypatch.setenv("EVENTFLOW_BROKER_URL", "redis://:hun/ter2@host:6379/0")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "hun" not in str(caught.value)


def test_true_is_no_duration() -> None:
    """A boolean is not read as one second."""
    with pytest.raises(SettingsError, match="true is not a duration"):
        load_settings(mover_interval=True)


def test_unknown_setting() -> None:
    """A field that does not exist is refused by its variable's name."""
    with pytest.raises(SettingsError, match="EVENTFLOW_COLOUR: Extra inputs are not permitted"):
        load_settings(colour="red")


def test_values_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is passed in wins over the variable."""
    monkeypatch.setenv("EVENTFLOW_CONCURRENCY", "5")
    assert 3 == load_settings(concurrency=3).concurrency


def test_with_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change keeps the rest and is checked again."""
    monkeypatch.setenv("EVENTFLOW_CONCURRENCY", "5")
    changed = load_settings().with_changes(flower_port=6000)
    assert (5, 6000) == (changed.concurrency, changed.flower_port)
    with pytest.raises(SettingsError, match="EVENTFLOW_FLOWER_PORT"):
        changed.with_changes(flower_port=0)


def test_with_changes_zero_is_a_value() -> None:
    """A window of zero seconds stays zero through a change of something else."""
    settings = load_settings(deduplication_window=0)
    assert 0 == settings.with_changes(concurrency=1).deduplication_window


@pytest.mark.parametrize(
    ("values", "broker", "ledger", "embedded"),
    [
        pytest.param(
            {"broker_url": "redis://h:1/2"}, "redis://h:1/2", "redis://h:1/2", False, id="one Redis"
        ),
        pytest.param(
            {"broker_url": "redis+socket:///tmp/s?virtual_host=3"},
            "redis+socket:///tmp/s?virtual_host=3",
            "unix:///tmp/s?db=3",
            False,
            id="a socket as kombu writes it",
        ),
        pytest.param(
            {"redis_url": "unix:///tmp/s?db=3"},
            "redis+socket:///tmp/s?virtual_host=3",
            "unix:///tmp/s?db=3",
            False,
            id="a socket as redis-py writes it",
        ),
        pytest.param(
            {"redis_url": "rediss://h/1"}, "rediss://h/1", "rediss://h/1", False, id="TLS"
        ),
        pytest.param(
            {"broker_url": "amqp://a;amqp://b:5673", "redis_url": "redis://h"},
            "amqp://a;amqp://b:5673",
            "redis://h",
            False,
            id="RabbitMQ beside Redis",
        ),
    ],
)
def test_addresses(values: dict[str, str], broker: str, ledger: str, embedded: bool) -> None:
    """Broker and ledger follow from each other where only one is set."""
    settings = load_settings(**values)
    assert (broker, ledger, embedded) == (
        settings.celery_broker_url,
        settings.ledger_url,
        settings.embedded,
    )


def test_rabbitmq_alone_keeps_the_embedded_ledger() -> None:
    """With RabbitMQ and no Redis, the ledger lives in the embedded server."""
    settings = load_settings(broker_url="amqp://h")
    assert settings.embedded
    assert settings.ledger_url.startswith("unix://")


def test_deep_data_dir_has_a_short_socket(tmp_path: Path) -> None:
    """A path too long for a Unix socket is replaced by a short one, always the same."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    path = load_settings(data_dir=deep).socket_path
    assert len(os.fsencode(path)) <= 103
    assert path == load_settings(data_dir=deep).socket_path
    assert path != load_settings(data_dir=deep / "other").socket_path


def test_database_url_is_taken() -> None:
    """A database that is set is the store."""
    url = "postgresql+psycopg://u:p@h/db"
    assert url == load_settings(database_url=url).store_url


@pytest.mark.parametrize("name", ["with space", "per%cent", "what?"])
def test_sqlite_address_is_understood(tmp_path: Path, name: str) -> None:
    """SQLAlchemy finds the file in the store's address, whatever the directory is called."""
    settings = load_settings(data_dir=tmp_path / name)
    assert str(tmp_path / name / "eventflow.db") == make_url(settings.store_url).database


def test_repr_hides_addresses() -> None:
    """No address, and so no password, stands in the repr."""
    settings = load_settings(
        broker_url="redis://:secret@h", redis_url="redis://:secret@h", database_url="secret"
    )
    assert "secret" not in repr(settings)
