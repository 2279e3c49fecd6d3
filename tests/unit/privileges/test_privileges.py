"""Least privilege, as it is written: each role has its own keys and queues, and no other's."""

import inspect
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from click.testing import CliRunner

from eventflow.cli.main import cli
from eventflow.delivery.keys import Keys
from eventflow.privileges import Duty, Role, acl_of, permissions_of
from eventflow.transport.unacked import unacked_keys
from tests.deployment import ROOT

TARGETS = (("device-vendor", "doors"), ("device-vendor-close", "device-vendor-close"))


def patterns_of(rules: list[str]) -> list[str]:
    """Return the patterns of keys of all rules and selectors."""
    return re.findall(r"(?:~)([^ )]+)", " ".join(rules))


def test_every_key_of_a_target_is_its_workers() -> None:
    """A key that a target has is one that its worker may use, and another's worker may not."""
    keys = Keys("default")
    own = [
        method(
            keys,
            **{
                name: "device-vendor"
                for name in inspect.signature(method).parameters
                if name != "self"
            },
        )
        for _, method in inspect.getmembers(Keys, inspect.isfunction)
        if "target" in inspect.signature(method).parameters
    ]
    assert len(own) >= 5
    own += [keys.queued("device-vendor"), keys.counts("device-vendor")]
    own.append(keys.delivery("any-id:device-vendor"))
    mine = patterns_of(acl_of(Duty(Role.WORKER, TARGETS)))
    others = patterns_of(acl_of(Duty(Role.WORKER, (("audit", "audit"),))))
    for key in own:
        assert any(fnmatchcase(key, pattern) for pattern in mine), key
        assert not any(fnmatchcase(key, pattern) for pattern in others), key


def test_a_router_may_run_every_script() -> None:
    """Each command in a script of the ledger's is one that a router may use."""
    folder = ROOT / "eventflow/delivery/lua"
    scripts = "".join(path.read_text() for path in folder.rglob("*.lua"))
    used = {name.lower() for name in re.findall(r"redis\.call\('(\w+)'", scripts)}
    assert "zadd" in used
    granted = set(re.findall(r"\+([\w|]+)", " ".join(acl_of(Duty(Role.ROUTER, TARGETS)))))
    assert set() == used - granted


def test_a_publisher_may_accept() -> None:
    """Each command of the script that accepts an event is one that a publisher may use."""
    script = (ROOT / "eventflow/delivery/lua/accept.lua").read_text()
    used = {name.lower() for name in re.findall(r"(?:redis\.call|add)\('(\w+)'", script)}
    granted = set(re.findall(r"\+([\w|]+)", " ".join(acl_of(Duty(Role.PUBLISHER)))))
    assert set() == used - granted


def test_a_bus_can_be_the_only_one() -> None:
    """A user of one bus has no key of another."""
    patterns = patterns_of(acl_of(Duty(Role.WORKER, TARGETS, ("shop",))))
    assert any(fnmatchcase(Keys("shop").body("1"), pattern) for pattern in patterns)
    assert not any(fnmatchcase(Keys("default").body("1"), pattern) for pattern in patterns)


def test_nobody_has_all() -> None:
    """No role has all keys, all channels, or whole categories of commands."""
    for role in Role:
        words = " ".join(acl_of(Duty(role, TARGETS))).split()
        assert "-@all" in words
        assert not {"~*", "&*", "allkeys", "allchannels", "+@all"} & {w.strip("()") for w in words}
        assert not [word for word in words if word.startswith(("+@", "(+@"))]


def test_a_ledger_alone_has_nothing_of_celery() -> None:
    """Where another server is the broker, no queue and no channel is granted."""
    rules = " ".join(acl_of(Duty(Role.WORKER, TARGETS), has_broker=False))
    for word in ("~doors", "kombu", "pidbox", "subscribe", "publish", "brpop"):
        assert word not in rules


def test_the_database_is_in_the_channels() -> None:
    """Celery's channels bear the number of the broker's database."""
    rules = acl_of(Duty(Role.MONITOR, database=3))
    assert "&/3.celeryev/*" in rules
    assert "(+publish &/3.celery.pidbox)" in rules


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (
            Role.WORKER,
            ["doors", "n@h.celery.pidbox"],
            ["audit", "eventflow.route", "m@h.celery.pidbox"],
        ),
        (Role.ROUTER, ["eventflow.route"], ["doors", "eventflow.dead-letters"]),
        (
            Role.RECORDER,
            ["eventflow.dead-letters", "eventflow.archive"],
            ["doors", "eventflow.route"],
        ),
        (Role.PUBLISHER, [], ["eventflow.route", "doors", "celeryev"]),
        (Role.OPERATOR, [], ["eventflow.route", "doors", "eventflow.dead-letters"]),
        (Role.MONITOR, ["celeryev"], ["eventflow.route", "doors"]),
    ],
)
def test_who_may_read_what_in_rabbitmq(role: Role, may: list[str], may_not: list[str]) -> None:
    """Each role reads its own queues, by whole name."""
    read = permissions_of(Duty(role, TARGETS, node="n")).read
    assert may == [name for name in may if re.search(read, name)]
    assert [] == [name for name in [*may_not, "my-doors-2"] if re.search(read, name)]


def test_a_recorder_touches_the_archives_deliveries_alone() -> None:
    """Whatever targets there are: their deliveries are none of its business."""
    rules = " ".join(acl_of(Duty(Role.RECORDER, TARGETS)))
    assert "delivery:*:eventflow.archive" in rules
    assert "device-vendor" not in rules


def test_notes_are_apart_by_queues() -> None:
    """The same queues in any order share their notes; others do not; names stay short."""
    assert unacked_keys(["b", "a"]) == unacked_keys(["a", "b"])
    assert not set(unacked_keys(["a"]).values()) & set(unacked_keys(["a", "b"]).values())
    many = [f"queue-{number}" for number in range(100)]
    assert max(map(len, unacked_keys(many).values())) < 100


@pytest.fixture
def _reference_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The rules of the reference deployment, and no server."""
    monkeypatch.setenv("EVENTFLOW_RULES", str(ROOT / "rules"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_reference_rules")
def test_the_command_prints_what_servers_take() -> None:
    """An integration's name stands for all its targets; the queues come from the rules."""
    run = CliRunner().invoke
    printed = run(cli, ["acl", "redis", "--role", "worker", "--target", "device-vendor"])
    assert printed.output.startswith("ACL SETUSER device-vendor on resetkeys ")
    assert "%W~eventflow.dead-letters" in printed.output
    assert "delivery:*:device-vendor-close" in printed.output
    assert "notifications" not in printed.output
    options = ["acl", "rabbitmq", "--role", "worker", "--target", "audit", "--json"]
    document = json.loads(run(cli, [*options, "--user", "a", "--vhost", "v"]).output)
    assert ("a", "v") == (document["user"], document["vhost"])
    assert re.search(document["read"], "audit@host.celery.pidbox")


@pytest.mark.usefixtures("_reference_rules")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--role", "worker"], "say which targets or integrations the worker is for"),
        (["--role", "router", "--target", "audit"], "--target is for workers"),
        (["--role", "worker", "--target", "nobody"], "no target or integration is named 'nobody'"),
    ],
)
def test_wrong_use(options: list[str], message: str) -> None:
    """What cannot be is said, with exit code 2."""
    for server in ("redis", "rabbitmq"):
        done = CliRunner().invoke(cli, ["acl", server, *options])
        assert 2 == done.exit_code
        assert message in done.output
