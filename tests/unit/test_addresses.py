"""Addresses: passwords are masked wherever they stand, and what is asked of TLS is read."""

import pytest

from eventflow.addresses import as_kombu, as_redis, mask_url, mask_values, read_tls, without_tls


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://user@h/0", "redis://user@h/0"),
        ("redis://:secret@h:6379/0", "redis://:***@h:6379/0"),
        ("redis://:s%2Fecret@h:6379/0", "redis://:***@h:6379/0"),
        ("redis://:se@cret@h/0", "redis://:***@h/0"),
        ("redis://:se/cret@h/0", "redis://:***@h/0"),
        ("redis://:se?cret@h/0", "redis://:***@h/0"),
        ("redis://:s@e?cret@h/0", "redis://:***@h/0"),
        ("redis://:se#cret@h/0", "redis://:***@h/0"),
        ("redis://:se;cret@h/0", "redis://:***@h/0"),
        (
            "redis+socket://:secret@/tmp/s?virtual_host=0",
            "redis+socket://:***@/tmp/s?virtual_host=0",
        ),
        ("postgresql+psycopg://u:secret@h/db?x=1", "postgresql+psycopg://u:***@h/db?x=1"),
        ("postgresql://u:secret@h1:1,h2:2/db", "postgresql://u:***@h1:1,h2:2/db"),
        ("postgresql://h/db?user=u&password=se@cret", "postgresql://h/db?user=u&password=***"),
        (
            "postgresql://u@h/db?sslpassword=secret&x=a@b",
            "postgresql://u@h/db?sslpassword=***&x=a@b",
        ),
        ("redis://h/0?pass%77ord=secret", "redis://h/0?pass%77ord=***"),
        ("unix:///tmp/s?db=0&password=secret", "unix:///tmp/s?db=0&password=***"),
        ("unix:///tmp/s?password=a", "unix:///tmp/s?password=***"),
        ("sqlite:////tmp/a@b:c.db", "sqlite:////tmp/a@b:c.db"),
        ("amqp://u:one@a;amqp://u:two@b/v", "amqp://u:***@a;amqp://u:***@b/v"),
        ("redis://:secret/0", "(an address that cannot be read)"),
        ("redis://[::1", "(an address that cannot be read)"),
        ("", ""),
    ],
)
def test_mask_url(url: str, masked: str) -> None:
    """An address keeps everything but its passwords; one that cannot be read is not shown."""
    assert masked == mask_url(url)


def test_mask_values() -> None:
    """In what a worker tells of itself, each address is masked, and each thing named a secret."""
    told = {
        "broker": {"hostname": "socket:///tmp/s?password=x", "alternates": ["amqp://u:x@h"]},
        "options": {"sentinel_kwargs": {"password": "x"}},
        "pool": (1, None, True),
    }
    assert {
        "broker": {"hostname": "socket:///tmp/s?password=***", "alternates": ["amqp://u:***@h"]},
        "options": {"sentinel_kwargs": {"password": "***"}},
        "pool": [1, None, True],
    } == mask_values(told)


@pytest.mark.parametrize(
    ("url", "kombu"),
    [
        ("redis://h:1/2", "redis://h:1/2"),
        ("redis://:w%2F@h/0", "redis://:w%2F@h/0"),
        ("redis://h/0?password=w%2F", "redis://:w%2F@h/0"),
        ("rediss://u@h/0?password=w&client_name=x", "rediss://u:w@h/0?client_name=x"),
        ("unix:///tmp/s?db=3", "redis+socket:///tmp/s?virtual_host=3"),
        ("unix:///tmp/s", "redis+socket:///tmp/s?virtual_host=0"),
        ("unix://:w@/tmp/s?db=3", "redis+socket://:w@/tmp/s?virtual_host=3"),
        ("unix:///tmp/s?db=3&password=w", "redis+socket://:w@/tmp/s?virtual_host=3"),
        ("redis+socket:///tmp/s?password=w", "redis+socket://:w@/tmp/s?virtual_host=0"),
        ("amqp://u:w@a;amqp://b?x=1", "amqp://u:w@a;amqp://b?x=1"),
    ],
)
def test_as_kombu(url: str, kombu: str) -> None:
    """Kombu is given user and password where it looks for them, and sockets as it writes them."""
    assert kombu == as_kombu(url)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("redis://h:1/2?password=w", "redis://h:1/2?password=w"),
        ("redis+socket:///tmp/s?virtual_host=3", "unix:///tmp/s?db=3"),
        ("redis+socket://u:w%2F@/tmp/s", "unix://u:w%2F@/tmp/s?db=0"),
        ("redis+socket:///tmp/s?password=w", "unix://:w@/tmp/s?db=0"),
    ],
)
def test_as_redis(url: str, plain: str) -> None:
    """redis-py is given a socket as it writes it, and the password with it."""
    assert plain == as_redis(url)


@pytest.mark.parametrize(
    ("query", "certificate", "name"),
    [
        ("", True, True),
        ("?ssl_cert_reqs=required", True, True),
        ("?ssl_cert_reqs=CERT_REQUIRED", True, True),
        ("?ssl_cert_reqs=none", False, False),
        ("?ssl_cert_reqs=CERT_NONE&ssl_check_hostname=true", False, False),
        ("?ssl_check_hostname=false", True, False),
        ("?ssl_check_hostname=False", True, False),
        ("?client_name=x", True, True),
    ],
)
@pytest.mark.parametrize("scheme", ["rediss", "amqps"])
def test_checks_are_on_unless_turned_off(
    scheme: str, query: str, certificate: bool, name: bool
) -> None:
    """Only words in the address turn a check off."""
    asked = read_tls(f"{scheme}://h/0{query}")
    assert (certificate, name) == (asked.checks_certificate, asked.checks_name)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("rediss://h?ssl_cert_reqs=perhaps", "ssl_cert_reqs can be required or none"),
        ("rediss://h?ssl_check_hostname=1", "ssl_check_hostname true or false"),
        ("amqps://h?ssl_verify=no", "ssl_verify is not known"),
        ("redis://h?ssl_cert_reqs=none", "in rediss:// and amqps:// alone"),
        ("amqps://a;amqp://b?ssl_cert_reqs=none", "in rediss:// and amqps:// alone"),
    ],
)
def test_what_cannot_be_asked_of_tls(url: str, message: str) -> None:
    """What is misspelt, or said where it means nothing, is refused rather than passed over."""
    with pytest.raises(ValueError, match=message):
        read_tls(url)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("rediss://h/0?ssl_cert_reqs=none", "rediss://h/0"),
        ("rediss://h/0?db=1&ssl_ca_certs=/x&client_name=y", "rediss://h/0?db=1&client_name=y"),
        ("amqps://a?ssl_ca_certs=/x;amqps://b", "amqps://a;amqps://b"),
        ("redis://:a?b@h", "redis://:a?b@h"),
    ],
)
def test_without_tls(url: str, plain: str) -> None:
    """An address without what it asks of TLS is otherwise the same."""
    assert plain == without_tls(url)
