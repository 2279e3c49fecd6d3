"""TLS: what each library is told, what is refused at start, and what is said of a failure."""

import logging
import ssl
from pathlib import Path

import pytest
import trustme
from celery import Celery

from eventflow.app import EventFlow
from eventflow.errors import SettingsError
from eventflow.settings import load_settings
from eventflow.tls import broker_tls, ledger_tls, tls_advice, unchecked


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A CA's file, and a certificate with its key."""
    authority = trustme.CA()
    mine = authority.issue_cert("worker")
    paths = {name: tmp_path / f"{name}.pem" for name in ("ca", "certificate", "key")}
    authority.cert_pem.write_to_path(str(paths["ca"]))
    mine.cert_chain_pems[0].write_to_path(str(paths["certificate"]))
    mine.private_key_pem.write_to_path(str(paths["key"]))
    return paths


def test_nothing_is_said_without_tls() -> None:
    """An address without TLS has no options of it."""
    settings = load_settings(broker_url="amqp://h", redis_url="redis://h")
    assert ({}, None) == (ledger_tls(settings), broker_tls(settings))
    assert ({}, None) == (ledger_tls(load_settings()), broker_tls(load_settings()))


def test_checks_are_on() -> None:
    """Both libraries are told to check certificate and host, though nothing was set."""
    settings = load_settings(redis_url="rediss://h")
    wanted = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    assert wanted == ledger_tls(settings) == broker_tls(settings)
    settings = load_settings(broker_url="amqps://h")
    assert {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None} == broker_tls(settings)


def test_the_files_are_for_all_connections(files: dict[str, Path]) -> None:
    """CA, certificate and key reach Redis, RabbitMQ and PostgreSQL."""
    settings = load_settings(
        broker_url="amqps://h",
        redis_url="rediss://h",
        database_url="postgresql://u@h/db?connect_timeout=3",
        tls_ca=files["ca"],
        tls_certificate=files["certificate"],
        tls_key=files["key"],
    )
    paths = [str(files[name]) for name in ("ca", "certificate", "key")]
    ledger, broker = ledger_tls(settings), broker_tls(settings) or {}
    assert paths == [ledger[f"ssl_{name}"] for name in ("ca_certs", "certfile", "keyfile")]
    assert paths == [broker[name] for name in ("ca_certs", "certfile", "keyfile")]
    assert (
        "postgresql://u@h/db?connect_timeout=3&sslmode=verify-full"
        f"&sslrootcert={paths[0]}&sslcert={paths[1]}&sslkey={paths[2]}"
    ) == settings.store_url


def test_an_address_wins_over_the_settings(files: dict[str, Path]) -> None:
    """What the address says of a file or of PostgreSQL's checks stays."""
    settings = load_settings(
        redis_url="rediss://h?ssl_ca_certs=/mine.pem",
        database_url="postgresql://u:p?w@h/db?sslmode=require",
        tls_ca=files["ca"],
    )
    assert "/mine.pem" == ledger_tls(settings)["ssl_ca_certs"]
    assert "rediss://h" == settings.ledger_url
    wanted = f"postgresql://u:p?w@h/db?sslmode=require&sslrootcert={files['ca']}"
    assert wanted == settings.store_url


def test_postgresql_finds_the_systems_authorities() -> None:
    """Asked to check without a CA's file, libpq is given the system's."""
    url = load_settings(database_url="postgresql://h/db?sslmode=verify-full").store_url
    assert url.startswith("postgresql://h/db?sslmode=verify-full&sslrootcert=")


def test_sqlite_is_left_alone(files: dict[str, Path]) -> None:
    """A file is reached without TLS."""
    settings = load_settings(database_url="sqlite:////tmp/x.db", tls_ca=files["ca"])
    assert "sqlite:////tmp/x.db" == settings.store_url


def test_wrong_files_are_refused_at_start(files: dict[str, Path], tmp_path: Path) -> None:
    """A file that is missing, holds something else, or does not fit is named with its variable."""
    text = tmp_path / "text"
    text.write_text("nothing")
    other = tmp_path / "other"
    trustme.CA().issue_cert("x").private_key_pem.write_to_path(str(other))
    for values, message in (
        ({"tls_ca": "/none"}, "EVENTFLOW_TLS_CA: /none cannot be read: No such file"),
        ({"tls_ca": text}, f"EVENTFLOW_TLS_CA: {text} holds no certificates in PEM"),
        ({"tls_certificate": "/none"}, "EVENTFLOW_TLS_CERTIFICATE: /none cannot be read"),
        ({"tls_key": files["key"]}, "EVENTFLOW_TLS_KEY: it belongs to a certificate"),
        ({"tls_certificate": files["certificate"]}, "are no certificate in PEM and the key"),
        (
            {"tls_certificate": files["certificate"], "tls_key": other},
            "are no certificate in PEM and the key",
        ),
    ):
        with pytest.raises(SettingsError) as caught:
            load_settings(**values)
        assert message in str(caught.value)


def test_a_passphrase_is_not_asked_for(files: dict[str, Path], tmp_path: Path) -> None:
    """A key with a passphrase is refused, rather than waited for at a terminal."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(files["key"].read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    with pytest.raises(SettingsError, match="has a passphrase: store it without one"):
        load_settings(tls_certificate=files["certificate"], tls_key=locked)


def test_what_is_unchecked_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Each check that was turned off is a warning, with the variable and without the password."""
    settings = load_settings(
        broker_url="amqps://u:secret@a?ssl_check_hostname=false",
        redis_url="rediss://:secret@h?ssl_cert_reqs=none",
        database_url="postgresql://u:secret@h/db?sslmode=require",
    )
    found = unchecked(settings)
    names = ("BROKER", "REDIS", "DATABASE")
    assert [f"EVENTFLOW_{name}_URL" for name in names] == [item.partition(":")[0] for item in found]
    assert "secret" not in "".join(found)
    assert [] == unchecked(load_settings(redis_url="rediss://h"))
    with caplog.at_level(logging.WARNING):
        EventFlow(settings)
    assert found == [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("rediss://h", {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}),
        ("amqps://h", {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}),
        ("redis://h", None),
    ],
)
def test_a_joined_app_is_checked_too(url: str, wanted: object) -> None:
    """An app that was told nothing of TLS, which for kombu means no check, is told to check."""
    app = Celery("shop", broker=url, set_as_current=False)
    EventFlow(load_settings(), celery=app)
    assert wanted == app.conf.broker_use_ssl


def test_a_joined_apps_own_word_stands() -> None:
    """What the owner of a joined app said of TLS is kept."""
    own = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": "/own.pem"}
    app = Celery("shop", broker="rediss://h", broker_use_ssl=own, set_as_current=False)
    EventFlow(load_settings(), celery=app)
    assert own == app.conf.broker_use_ssl


@pytest.mark.parametrize(
    ("url", "text", "advice"),
    [
        ("rediss://h", "certificate verify failed: Hostname mismatch, ...", "another host"),
        ("rediss://h", "certificate verify failed: certificate has expired", "renew it"),
        ("rediss://h", "certificate verify failed: self-signed certificate", "EVENTFLOW_TLS_CA"),
        ("rediss://h", "tlsv13 alert certificate required", "EVENTFLOW_TLS_CERTIFICATE"),
        ("rediss://h", "tlsv1 alert unknown ca", "does not accept the client's certificate"),
        ("rediss://h", "[SSL: WRONG_VERSION_NUMBER] wrong version number", "speaks no TLS"),
        ("rediss://h", "Timeout connecting to server", "may speak no TLS"),
        ("rediss://h", "Connection closed by server.", "may want a client's certificate"),
        ("redis://h", "Connection closed by server.", "write rediss://"),
        ("redis://h", "Timeout connecting to server", ""),
        ("rediss://h", "Connection refused", ""),
    ],
)
def test_advice(url: str, text: str, advice: str) -> None:
    """What a library says of TLS is met with what to do; of all else nothing is said."""
    said = tls_advice(url, OSError(text))
    assert advice in said
    assert bool(advice) == said.startswith("; ")
