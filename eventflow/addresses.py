"""Servers' addresses: checked, passwords masked out of them, what they say of TLS read out of them."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

__all__ = [
    "TLS_SCHEMES",
    "TlsAsked",
    "as_kombu",
    "as_redis",
    "check_address",
    "mask_url",
    "mask_values",
    "read_tls",
    "without_tls",
]

TLS_SCHEMES = ("rediss", "amqps")
"""The schemes that mean TLS."""

_NEXT_ADDRESS = re.compile(r";(?=[A-Za-z][A-Za-z0-9+.-]*://)")  # amqp brokers may be several
_PAIR = re.compile(r"(^|[?&])([^=&#?]*)=([^&#]*)")
_SECRET_NAME = re.compile(r"pass|secret|token|credential", re.IGNORECASE)
_QUERY = re.compile(r"[^=&#@]+=[^&#]*(&[^=&#]+=[^&#]*)*(#.*)?")
_UNREADABLE = "(an address that cannot be read)"
_REQUIREMENTS = {
    **dict.fromkeys(("required", "optional", "cert_required", "cert_optional"), True),
    **dict.fromkeys(("none", "cert_none"), False),
}
_TLS_NAMES = ("ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


@dataclass(frozen=True, slots=True)
class TlsAsked:
    """What an address itself asks of TLS, under the names that redis-py and kombu give it.

    Attributes:
        checks_certificate: False after `ssl_cert_reqs=none`.
        checks_name: False after `ssl_check_hostname=false`, and where the certificate is not
            checked.
        ca: `ssl_ca_certs`; empty when not said.
        certificate: `ssl_certfile`; empty when not said.
        key: `ssl_keyfile`; empty when not said.
    """

    checks_certificate: bool = True
    checks_name: bool = True
    ca: str = ""
    certificate: str = ""
    key: str = ""


def read_tls(url: str) -> TlsAsked:
    """Read what *url*, or any of several addresses in it, asks of TLS.

    Raises:
        ValueError: When it asks what is not known, or asks it of an address without TLS.
    """
    asked: dict[str, str] = {}
    for address in _NEXT_ADDRESS.split(url):
        query = address.partition("?")[2]
        found = {name: value for name, value in parse_qsl(query) if name.startswith("ssl_")}
        scheme = address.partition("://")[0]
        if found and scheme not in TLS_SCHEMES:
            message = f"{', '.join(sorted(found))} means something in rediss:// and amqps:// alone"
            raise ValueError(message)
        asked |= found
    unknown = sorted(asked.keys() - set(_TLS_NAMES))
    if unknown:
        message = f"{', '.join(unknown)} is not known; of TLS, write {', '.join(_TLS_NAMES)}"
        raise ValueError(message)
    requirement = asked.get("ssl_cert_reqs", "required").lower()
    names = asked.get("ssl_check_hostname", "true").lower()
    if requirement not in _REQUIREMENTS or names not in {"true", "false"}:
        message = "ssl_cert_reqs can be required or none, and ssl_check_hostname true or false"
        raise ValueError(message)
    is_checked = _REQUIREMENTS[requirement]
    return TlsAsked(
        checks_certificate=is_checked,
        checks_name=is_checked and names == "true",
        ca=asked.get("ssl_ca_certs", ""),
        certificate=asked.get("ssl_certfile", ""),
        key=asked.get("ssl_keyfile", ""),
    )


def without_tls(url: str) -> str:
    """Return *url* without what it asks of TLS, for those who are given that by itself."""
    return ";".join(_without_tls(address) for address in _NEXT_ADDRESS.split(url))


def as_kombu(url: str) -> str:
    """Return a Redis's address as kombu writes it; one of another broker comes back as it is.

    kombu knows a socket as `redis+socket://`, and user and password before the @ alone.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss", "redis+socket", "unix"}:
        return url
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    login = _login_of(parts, query)
    if parts.scheme in {"unix", "redis+socket"}:
        number = query.pop("db", None) or query.pop("virtual_host", None) or "0"
        query = {"virtual_host": number, **query}
    scheme = "redis+socket" if parts.scheme == "unix" else parts.scheme
    return _join(scheme, login, parts, query)


def as_redis(url: str) -> str:
    """Return a Redis broker's address as redis-py writes it; others come back as they are."""
    parts = urlsplit(url)
    if parts.scheme != "redis+socket":
        return url
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    login = _login_of(parts, query)
    return _join("unix", login, parts, {"db": query.get("virtual_host", "0")})


def mask_url(url: str) -> str:
    """Return *url*, or several joined by `;`, with every password hidden, for logs and messages.

    Rather hides too much than too little: an address whose password was not percent-encoded loses
    all up to its last @.
    """
    return ";".join(_mask(address) for address in _NEXT_ADDRESS.split(url))


def mask_values(value: object) -> object:
    """Return *value*, made of dicts, lists and plain values, with each address in it masked."""
    if isinstance(value, str):
        return mask_url(value) if "://" in value else value
    if isinstance(value, dict):
        return {
            name: "***"
            if isinstance(name, str) and isinstance(item, str) and _SECRET_NAME.search(name)
            else mask_values(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_values(item) for item in value]
    return value


def _without_tls(address: str) -> str:
    head, mark, query = address.partition("?")
    if not mark:
        return address
    kept = [pair for pair in query.split("&") if not pair.startswith("ssl_")]
    return f"{head}?{'&'.join(kept)}" if kept else head


def _login_of(parts: SplitResult, query: dict[str, str]) -> str:
    """Return user and password, percent-encoded and with their @; takes them out of *query*."""
    user, password = query.pop("username", None), query.pop("password", None)
    before = parts.netloc.rpartition("@")[0]
    if user is None and password is None:
        return f"{before}@" if before else ""
    name, _, word = before.partition(":")
    name = name if user is None else quote(user, safe="")
    word = word if password is None else quote(password, safe="")
    return f"{name}:{word}@"


def _join(scheme: str, login: str, parts: SplitResult, query: dict[str, str]) -> str:
    host = parts.netloc.rpartition("@")[2]
    text = "&".join(f"{name}={quote(value, safe='/:')}" for name, value in query.items())
    return f"{scheme}://{login}{host}{parts.path}{'?' if text else ''}{text}"


def _mask(address: str) -> str:
    scheme, mark, rest = address.partition("://")
    if not mark:
        scheme, rest = "", address
    at = _end_of_user(rest)
    user, place = rest[:at], rest[at + 1 :] if at >= 0 else rest
    if at >= 0:
        name, colon, _password = user.partition(":")
        user = f"{name}{':***' if colon else ''}@"
    else:
        user = ""
        try:
            _ = urlsplit(address).port
        except ValueError:  # what should be a port may be half of a password
            return _UNREADABLE
    head, question, query = place.partition("?")
    return f"{scheme}{mark}{user}{head}{question}{_PAIR.sub(_mask_pair, query)}"


def _end_of_user(rest: str) -> int:
    """Return the place of the @ that ends user and password; -1 where there are none."""
    if rest.startswith("/"):  # a path alone: a socket's, or SQLite's
        return -1
    head, _, query = rest.partition("?")
    if "@" not in head or (query and not _QUERY.fullmatch(query)):
        # Without @ before the ?, or with no query after it, the ? stands in the password.
        return rest.rfind("@") if "@" in head or not _QUERY.fullmatch(query) else -1
    return head.rfind("@")


def _mask_pair(match: re.Match[str]) -> str:
    if _SECRET_NAME.search(unquote(match[2])):
        return f"{match[1]}{match[2]}=***"
    return match[0]


def check_address(value: str, schemes: tuple[str, ...]) -> str:
    """Return an address, or several between semicolons, that can be one.

    Args:
        value: The address; it may be empty.
        schemes: What it may begin with.

    Raises:
        ValueError: When it cannot be one; the message quotes nothing of it.
    """
    if value and urlsplit(value).scheme not in schemes:
        message = (
            f"an address that begins with one of {', '.join(f'{name}://' for name in schemes)}"
        )
        raise ValueError(message)
    try:
        for address in value.split(";"):  # amqp brokers may be several
            _ = urlsplit(address).port
    except ValueError:
        # Python's own message would quote what may be half of a password.
        message = (
            "an address whose port is a number up to 65535; in a password, write / ? # [ ] @ as "
            "%2F %3F %23 %5B %5D %40"
        )
        raise ValueError(message) from None
    read_tls(value)
    return value
