"""TLS to RabbitMQ: a broker that is who it says is used, any other is refused in time."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.authority import Authority
from tests.security.commands import refusal, run
from tests.security.servers import TlsRabbit, running_rabbitmq
from tests.servers import rabbitmq, require

PROJECT = """
from eventflow import EventFlow
flow = EventFlow()
app = flow.celery
"""
RULES = """
targets: {audit: {task: project.audit}}
rules: {all: {pattern: {source: [test]}, targets: [audit]}}
"""


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[TlsRabbit]:
    """A RabbitMQ whose certificate is for 127.0.0.1."""
    require(rabbitmq.find_program(), rabbitmq.MISSING)
    with running_rabbitmq(authority.sign("rabbit", "127.0.0.1"), authority) as server:
        yield server


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project in a folder."""
    (tmp_path / "project.py").write_text(PROJECT)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules.yaml").write_text(RULES)
    return tmp_path


def start_router(place: Path, url: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Have `eventflow up` come to the broker; it is refused, or ended by the test."""
    settings = {"broker_url": url, "workers": "project", "data_dir": place / "d", **settings}
    return run(place, "up", "--no-flower", **settings)


def test_an_unknown_authority_is_refused(server: TlsRabbit, place: Path) -> None:
    """A certificate that no trusted CA signed is refused."""
    said = refusal(start_router(place, server.url()))
    assert "signed by nobody who is trusted here: set EVENTFLOW_TLS_CA" in said
    assert rabbitmq.PASSWORD not in said


def test_another_host_is_refused(server: TlsRabbit, authority: Authority, place: Path) -> None:
    """A certificate for another host is refused."""
    said = refusal(start_router(place, server.url("127.1"), tls_ca=authority.file))
    assert "the server's certificate is for another host" in said


def test_an_expired_certificate_is_refused(authority: Authority, place: Path) -> None:
    """A certificate whose time is over is refused."""
    expired = authority.sign("expired", "127.0.0.1", days=-1)
    with running_rabbitmq(expired, authority) as server:
        said = refusal(start_router(place, server.url(), tls_ca=authority.file))
    assert "the server's certificate has expired" in said


def test_a_broker_without_tls_is_refused(
    server: TlsRabbit, authority: Authority, place: Path
) -> None:
    """Nothing is sent in plain text where TLS was asked for."""
    url = server.node.url.replace("amqp://", "amqps://")
    said = refusal(start_router(place, url, tls_ca=authority.file))
    assert "TLS on that port" in said


def test_each_broker_is_checked_by_its_own_name(server: TlsRabbit, authority: Authority) -> None:
    """After a failover the name that is checked is the next broker's, not the first one's."""
    from eventflow.settings import load_settings
    from eventflow.worker import make_app, secure_app

    url = f"{server.url('127.1')};{server.url('127.0.0.1')}"
    settings = load_settings(broker_url=url, tls_ca=authority.file)
    app = make_app(settings)
    secure_app(app, settings, is_joined=False)
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=3, interval_start=0, timeout=20)
        assert "127.0.0.1" == connection.hostname
