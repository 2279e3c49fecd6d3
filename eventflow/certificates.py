"""The files of TLS: looked into at start, and handed to PostgreSQL in its address."""

import ssl
from pathlib import Path
from urllib.parse import quote

__all__ = ["check_certificates", "with_postgresql_tls"]

_SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/cert.pem",  # macOS
)


def check_certificates(ca: Path | None, certificate: Path | None, key: Path | None) -> None:
    """Look into the files, so that a wrong one is refused at start and not at each connection.

    Args:
        ca: What `EVENTFLOW_TLS_CA` says.
        certificate: What `EVENTFLOW_TLS_CERTIFICATE` says.
        key: What `EVENTFLOW_TLS_KEY` says.

    Raises:
        ValueError: When one is not there, or holds something else.
    """
    named = {"CA": ca, "CERTIFICATE": certificate, "KEY": key}
    for name, path in named.items():
        if path is not None:
            _check_readable(f"EVENTFLOW_TLS_{name}", path)
    if key is not None and certificate is None:
        message = "EVENTFLOW_TLS_KEY: it belongs to a certificate: set EVENTFLOW_TLS_CERTIFICATE"
        raise ValueError(message)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except OSError:
            message = f"EVENTFLOW_TLS_CA: {ca} holds no certificates in PEM"
            raise ValueError(message) from None
    if certificate is not None:
        _check_pair(context, certificate, key)


def with_postgresql_tls(
    url: str, ca: Path | None, certificate: Path | None, key: Path | None
) -> str:
    """Return a database's address with what libpq is to do about TLS.

    What the address says itself stays. With a CA, certificate and host name are checked unless it
    says otherwise; without one, libpq's own default holds, which checks nothing.

    Args:
        url: The address, as SQLAlchemy writes it; SQLite's comes back as it is.
        ca: The CA's file.
        certificate: The client's certificate.
        key: Its key; None when it is in the same file.
    """
    if not url.startswith(("postgresql", "postgres:")):
        return url
    place, mark, query = url.rpartition("?") if _has_query(url) else (url, "", "")
    said = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    wanted: dict[str, str] = {}
    if ca is not None:
        wanted = {"sslmode": "verify-full", "sslrootcert": str(ca)}
    elif said.get("sslmode", "").startswith("verify"):
        # libpq would look in the home directory alone, which in a container holds nothing.
        wanted = {"sslrootcert": _system_file()}
    if certificate is not None:
        wanted |= {"sslcert": str(certificate), "sslkey": str(key or certificate)}
    added = [f"{name}={quote(text)}" for name, text in wanted.items() if name not in said]
    if not added:
        return url
    return f"{place}?{'&'.join([query] if mark and query else [])}{'&' if query else ''}" + (
        "&".join(added)
    )


def _check_readable(name: str, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        message = f"{name}: {path} cannot be read: {error.strerror}"
        raise ValueError(message) from None


def _check_pair(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    def refuse() -> str:  # asked for a passphrase, OpenSSL would wait at the terminal
        message = f"EVENTFLOW_TLS_KEY: {key or certificate} has a passphrase: store it without one"
        raise ValueError(message)

    try:
        context.load_cert_chain(certificate, key, password=refuse)
    except OSError:
        message = (
            f"EVENTFLOW_TLS_CERTIFICATE: {certificate} and the key in {key or certificate} are no "
            "certificate in PEM and the key that belongs to it"
        )
        raise ValueError(message) from None


def _has_query(url: str) -> bool:
    return "?" in url.rpartition("@")[2]


def _system_file() -> str:
    candidates = (ssl.get_default_verify_paths().cafile, *_SYSTEM_FILES)
    # "system" is libpq's own word, from its version 16 on.
    return next((path for path in candidates if path and Path(path).exists()), "system")
