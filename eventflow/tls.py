"""TLS to the servers: checks are on, and what fails is said with what to do about it.

`rediss://` and `amqps://` mean TLS with the server's certificate and host name checked. kombu 5.7
by itself checks neither for `rediss://`, and the certificate alone for `amqps://`; so it is always
told. PostgreSQL is told in its address (`Settings.store_url`).
"""

import logging
import re
import ssl
from typing import Any

from eventflow.addresses import TLS_SCHEMES, TlsAsked, mask_url, read_tls
from eventflow.settings import Settings

__all__ = ["broker_tls", "ledger_tls", "tls_advice", "unchecked", "warn_of_unchecked"]

_log = logging.getLogger("eventflow.tls")
_WEAK_MODES = re.compile(r"[?&]sslmode=(allow|prefer|require|verify-ca)\b")
_ADVICE = (
    (
        r"host ?name mismatch|IP address mismatch|does not match host name|not valid for",
        (
            "the server's certificate is for another host: name the host as its certificate does, or "
            "give the server one that names this host"
        ),
    ),
    (
        r"certificate has expired|certificate expired",
        "the server's certificate has expired: renew it, and look at this machine's clock",
    ),
    (
        r"certificate is not yet valid",
        "the server's certificate is not valid yet: look at this machine's clock",
    ),
    (
        r"certificate required|alert handshake failure|certificate_required",
        (
            "the server asks for a client's certificate: set EVENTFLOW_TLS_CERTIFICATE and "
            "EVENTFLOW_TLS_KEY"
        ),
    ),
    (
        r"alert (unknown ca|bad certificate)|alert certificate",
        (
            "the server does not accept the client's certificate: EVENTFLOW_TLS_CERTIFICATE must be "
            "one that its CA signed"
        ),
    ),
    (
        r"SSL error: certificate verify failed",  # libpq tells no more
        (
            "the server's certificate is signed by nobody who is trusted here, or has expired: set "
            "EVENTFLOW_TLS_CA to the file of the CA that signed it, and look at its dates"
        ),
    ),
    (
        r"certificate verify failed|self[- ]signed certificate|unable to get .*issuer",
        (
            "the server's certificate is signed by nobody who is trusted here: set EVENTFLOW_TLS_CA to "
            "the file of the CA that signed it"
        ),
    ),
    (
        (
            r"wrong version number|record layer failure|packet length too long|unknown protocol"
            r"|does not support SSL|http request"
        ),
        "the server speaks no TLS on that port: use its port for TLS, or an address without TLS",
    ),
)
_HUNG_UP = re.compile(r"EOF|closed|reset|broken pipe", re.IGNORECASE)
_SILENT = re.compile(r"timed? ?out", re.IGNORECASE)


def ledger_tls(settings: Settings) -> dict[str, Any]:
    """Return redis-py's options for the ledger's connection; none where it is without TLS."""
    url = settings.redis_url or settings.broker_url
    if not url.startswith("rediss://"):
        return {}
    return _redis_options(settings, read_tls(url))


def broker_tls(settings: Settings, url: str = "") -> dict[str, Any] | None:
    """Return Celery's `broker_use_ssl`; None where the broker's connection is without TLS.

    Args:
        settings: Name the files.
        url: The broker, where that is not the settings'.
    """
    url = url or settings.broker_url or settings.redis_url
    if url.startswith("rediss://"):
        return _redis_options(settings, read_tls(url))
    if not url.startswith("amqps://"):
        return None
    asked = read_tls(url)
    options: dict[str, Any] = {
        "cert_reqs": ssl.CERT_REQUIRED if asked.checks_certificate else ssl.CERT_NONE
    }
    if asked.checks_name:
        options["server_hostname"] = None  # kombu puts the host there that it connects to
    return options | _files(settings, asked, ("ca_certs", "certfile", "keyfile"))


def tls_advice(url: str, error: BaseException | str) -> str:
    """Return what to do about *error* as far as it comes of TLS, to be put behind a message.

    Args:
        url: Where to; only one that means TLS may blame a silence on its absence.
        error: What a library raised, with all its causes; or its text.

    Returns:
        A clause that begins with "; "; empty where TLS has no part in it.
    """
    text = error if isinstance(error, str) else _text_of(error)
    for pattern, advice in _ADVICE:
        if re.search(pattern, text, re.IGNORECASE):
            return f"; {advice}"
    if url.startswith(tuple(f"{scheme}://" for scheme in TLS_SCHEMES)):
        if _HUNG_UP.search(text):
            # With TLS 1.3 the connection stands before the client's certificate is looked at.
            return (
                "; if it does run, it may want a client's certificate that its CA signed "
                "(EVENTFLOW_TLS_CERTIFICATE and EVENTFLOW_TLS_KEY), or speak no TLS on that port"
            )
        if _SILENT.search(text):
            return "; if it does run, it may speak no TLS on that port"
    elif re.search(r"closed by server|Connection reset|closed connection", text):
        return "; if it speaks TLS alone, write rediss:// or amqps://"
    return ""


def unchecked(settings: Settings) -> list[str]:
    """Say, for each connection whose checks are turned off, which it is and how to turn them on."""
    found = []
    for name in ("broker_url", "redis_url"):
        url = str(getattr(settings, name))
        if not url:
            continue
        asked = read_tls(url)
        if not asked.checks_certificate:
            what, cure = "nobody checks who answers", "leave ssl_cert_reqs out"
        elif not asked.checks_name:
            what, cure = "any server of the same CA may answer", "leave ssl_check_hostname out"
        else:
            continue
        variable = f"EVENTFLOW_{name.upper()}"
        found.append(f"{variable}: {what} at {mask_url(url)}; {cure} to have it checked")
    if weak := _WEAK_MODES.search(settings.database_url):
        found.append(
            f"EVENTFLOW_DATABASE_URL: with sslmode={weak[1]} not all is checked of who answers at "
            f"{mask_url(settings.database_url)}; write sslmode=verify-full to have it checked"
        )
    return found


def warn_of_unchecked(settings: Settings) -> None:
    """Log a warning for each connection whose checks are turned off."""
    for text in unchecked(settings):
        _log.warning("%s", text, extra={"action": "tls_unchecked"})


def _redis_options(settings: Settings, asked: TlsAsked) -> dict[str, Any]:
    return {
        "ssl_cert_reqs": ssl.CERT_REQUIRED if asked.checks_certificate else ssl.CERT_NONE,
        "ssl_check_hostname": asked.checks_name,
        **_files(settings, asked, ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")),
    }


def _files(settings: Settings, asked: TlsAsked, names: tuple[str, str, str]) -> dict[str, str]:
    certificate = asked.certificate or settings.tls_certificate
    key = asked.key or (settings.tls_key if not asked.certificate else None) or certificate
    paths = zip(names, (asked.ca or settings.tls_ca, certificate, key), strict=True)
    return {name: str(path) for name, path in paths if path}


def _text_of(error: BaseException) -> str:
    texts = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        texts.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    return " | ".join(texts)
