"""The worker commands against real servers: which are asked for, and where targets are known from."""

from pathlib import Path

import pytest
import redis

from eventflow.cli.application import check_servers
from eventflow.cli.deployment import Roll
from eventflow.cli.processes import known_targets
from eventflow.delivery import Ledgers
from eventflow.errors import RuleError, StartError
from eventflow.rules import Target
from eventflow.settings import Settings
from eventflow.worker import make_app


@pytest.fixture
def announced(server_settings: Settings, client: redis.Redis, tmp_path: Path) -> Settings:
    """Settings without rule files, whose ledger a router has told of a target."""
    settings = server_settings.with_changes(rules=tmp_path / "rules")
    target = Target(name="unlock", task="a.b", queue="unlocking", integration="vendor")
    Ledgers(settings).of("default").announce({"unlock": target.model_dump_json()})
    return settings


def test_servers_that_answer_are_passed(server_settings: Settings) -> None:
    """Where the server answers, a process may start."""
    check_servers(server_settings, make_app(server_settings))


@pytest.mark.timeout(15)
def test_a_missing_broker_beside_the_ledger_is_said(server_settings: Settings) -> None:
    """A RabbitMQ that does not answer is named within seconds, without its password."""
    settings = server_settings.with_changes(broker_url="amqp://user:secret@127.0.0.1:1//")
    with pytest.raises(StartError) as caught:
        check_servers(settings, make_app(settings))
    message = str(caught.value)
    assert "the broker amqp://user:**@127.0.0.1:1// does not answer" in message
    assert "EVENTFLOW_BROKER_URL" in message


def test_targets_are_known_from_the_ledger_without_rule_files(announced: Settings) -> None:
    """A worker whose machine has no rule files knows the targets that a router has announced."""
    expected = {"unlock": ("vendor", "unlocking")}
    assert expected == known_targets(announced, ["vendor"])
    assert expected == known_targets(announced, ["unlock"])


def test_faulty_rules_do_not_keep_a_known_worker_from_starting(
    announced: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """With faulty rule files the announced targets are used, and the faults are said."""
    announced.rules.mkdir()
    (announced.rules / "a.yaml").write_text("targets: {unlock: 5}\n")
    assert {"unlock": ("vendor", "unlocking")} == known_targets(announced, ["vendor"])
    said = capsys.readouterr().err
    assert "a.yaml:1" in said
    assert "The targets that a router announced earlier are used." in said


def test_a_target_that_nobody_knows_shows_the_rules_faults(announced: Settings) -> None:
    """A name that is neither in the ledger nor readable from the rules ends in the rules' faults."""
    with pytest.raises(RuleError, match="rules"):
        known_targets(announced, ["unlock", "other"])


def test_nobody_answers_the_roll_where_nobody_is(server_settings: Settings) -> None:
    """A worker that does not run does not answer."""
    assert Roll(make_app(server_settings)).answers("router")() is False


def test_the_roll_survives_a_missing_broker(tmp_path: Path, server_settings: Settings) -> None:
    """While the broker is away nobody answers, and nothing fails."""
    settings = server_settings.with_changes(broker_url=f"redis+socket://{tmp_path}/none.sock")
    ask = Roll(make_app(settings)).answers("router")
    assert ask() is False
