"""TLS to Redis and PostgreSQL: a server that is who it says is used, any other is refused in time."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.postgres import MISSING, find_binaries, running_postgres
from tests.security.authority import Authority
from tests.security.commands import refusal, run
from tests.security.servers import TlsPostgres, TlsRedis, running_redis
from tests.servers import redis_server, require


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA that signed nothing that is in use."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[TlsRedis]:
    """A Redis whose certificate is for localhost."""
    require(redis_server.find_program(), redis_server.MISSING)
    with running_redis(authority.sign("localhost", "localhost")) as server:
        yield server


@pytest.fixture(scope="module")
def database(authority: Authority) -> Iterator[TlsPostgres]:
    """A PostgreSQL whose certificate is for localhost."""
    pytest.importorskip("psycopg", reason="no driver: pip install 'eventflow[postgres]'")
    with running_postgres(require(find_binaries(), MISSING)) as server:
        yield TlsPostgres(server, authority.sign("database", "localhost"))


def publish(place: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    """Publish one event."""
    return run(place, "publish", "--source", "test", "--type", "Test", **settings)


def test_a_known_server_is_used(server: TlsRedis, authority: Authority, tmp_path: Path) -> None:
    """With the CA named, the event is accepted."""
    done = publish(tmp_path, redis_url=server.url(), tls_ca=authority.file)
    assert 0 == done.returncode, done.stderr
    assert "Test" in done.stdout


def test_the_address_may_name_the_files(
    server: TlsRedis, authority: Authority, tmp_path: Path
) -> None:
    """What the address says of the CA is taken as the setting is."""
    done = publish(tmp_path, redis_url=server.url(query=f"?ssl_ca_certs={authority.file}"))
    assert 0 == done.returncode, done.stderr


def test_an_unknown_authority_is_refused(
    server: TlsRedis, stranger: Authority, tmp_path: Path
) -> None:
    """A certificate that no trusted CA signed is refused, whatever CAs are trusted."""
    for settings in ({}, {"tls_ca": stranger.file}):
        said = refusal(publish(tmp_path, redis_url=server.url(), **settings))
        assert "signed by nobody who is trusted here: set EVENTFLOW_TLS_CA" in said


def test_another_host_is_refused(server: TlsRedis, authority: Authority, tmp_path: Path) -> None:
    """A certificate for another host is refused."""
    said = refusal(publish(tmp_path, redis_url=server.url("127.0.0.1"), tls_ca=authority.file))
    assert "the server's certificate is for another host" in said


def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    """A certificate whose time is over is refused."""
    with running_redis(authority.sign("expired", "localhost", days=-1)) as server:
        said = refusal(publish(tmp_path, redis_url=server.url(), tls_ca=authority.file))
    assert "the server's certificate has expired: renew it" in said


def test_a_server_without_tls_is_refused(
    server: TlsRedis, authority: Authority, tmp_path: Path
) -> None:
    """Nothing is sent in plain text where TLS was asked for."""
    url = server.plain_url.replace("redis://", "rediss://")
    said = refusal(publish(tmp_path, redis_url=url, tls_ca=authority.file))
    assert "TLS on that port" in said


def test_plain_text_to_a_port_for_tls_is_hinted_at(server: TlsRedis, tmp_path: Path) -> None:
    """An address without TLS, where the server wants it, is told of rediss://."""
    url = server.url().replace("rediss://", "redis://")
    assert "write rediss://" in refusal(publish(tmp_path, redis_url=url))


def test_checks_are_turned_off_by_word_alone(server: TlsRedis, tmp_path: Path) -> None:
    """An address can turn the checks off, and each start says so, without its password."""
    for value in ("none", "CERT_NONE"):
        url = server.url(query=f"?ssl_cert_reqs={value}")
        done = publish(tmp_path, redis_url=url)
        assert 0 == done.returncode, done.stderr
        assert "nobody checks who answers" in done.stderr


def test_the_name_alone_can_be_let_go(
    server: TlsRedis, authority: Authority, tmp_path: Path
) -> None:
    """An address can turn off the check of the host's name, and is warned of."""
    url = server.url("127.0.0.1", "?ssl_check_hostname=false")
    done = publish(tmp_path, redis_url=url, tls_ca=authority.file)
    assert 0 == done.returncode, done.stderr
    assert "any server of the same CA may answer" in done.stderr


def test_a_client_shows_its_certificate(
    authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    """A server that asks for certificates is shown ours, and without it says what is missing."""
    mine, theirs = authority.sign("client", "client"), stranger.sign("client", "client")
    with running_redis(authority.sign("asking", "localhost"), authority) as server:
        settings = {"redis_url": server.url(), "tls_ca": authority.file}
        done = publish(tmp_path, tls_certificate=mine.certificate, tls_key=mine.key, **settings)
        assert 0 == done.returncode, done.stderr
        said = refusal(publish(tmp_path, **settings))
        assert "EVENTFLOW_TLS_CERTIFICATE" in said
        said = refusal(
            publish(tmp_path, tls_certificate=theirs.certificate, tls_key=theirs.key, **settings)
        )
        assert "EVENTFLOW_TLS_CERTIFICATE" in said


def list_letters(place: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    """Ask the store for dead letters."""
    return run(place, "deadletters", "list", **settings)


def test_a_known_database_is_used(
    database: TlsPostgres, authority: Authority, tmp_path: Path
) -> None:
    """With the CA named, the database's certificate and host are checked, and it is used."""
    done = list_letters(tmp_path, database_url=database.url(), tls_ca=authority.file)
    assert 0 == done.returncode, done.stderr


def test_an_unknown_database_is_refused(
    database: TlsPostgres, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    """Another CA and another host are refused; so is what the system's CAs did not sign."""
    said = refusal(list_letters(tmp_path, database_url=database.url(), tls_ca=stranger.file))
    assert "signed by nobody who is trusted here" in said
    url = database.url("127.0.0.1")
    said = refusal(list_letters(tmp_path, database_url=url, tls_ca=authority.file))
    assert "the server's certificate is for another host" in said
    url = database.url(query="?sslmode=verify-full")
    said = refusal(list_letters(tmp_path, database_url=url))
    assert "signed by nobody who is trusted here" in said
    assert "of-the-tests" not in said


def test_a_database_whose_time_is_over_is_refused(authority: Authority, tmp_path: Path) -> None:
    """A database's expired certificate is refused."""
    with running_postgres(require(find_binaries(), MISSING)) as server:
        expired = authority.sign("old-database", "localhost", days=-1)
        url = TlsPostgres(server, expired).url()
        said = refusal(list_letters(tmp_path, database_url=url, tls_ca=authority.file))
    assert "expired" in said


def test_a_database_without_tls_is_refused(authority: Authority, tmp_path: Path) -> None:
    """With the CA named, nothing is said to a database in plain text."""
    with running_postgres(require(find_binaries(), MISSING)) as server:
        plain = TlsPostgres(server, authority.sign("plain", "localhost"), is_plain=True)
        said = refusal(list_letters(tmp_path, database_url=plain.url(), tls_ca=authority.file))
    assert "the server speaks no TLS on that port" in said


def test_a_database_is_less_checked_by_word_alone(
    database: TlsPostgres, authority: Authority, tmp_path: Path
) -> None:
    """An address may ask for less, and each start of a process says so."""
    url = database.url(query="?sslmode=require")
    done = publish(tmp_path, database_url=url, data_dir=tmp_path)
    assert "with sslmode=require not all is checked" in done.stderr
    assert "of-the-tests" not in done.stderr
