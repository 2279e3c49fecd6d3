"""A kombu that is another is noticed, and left to its own ways."""

import logging
from collections.abc import Iterator
from importlib.metadata import version

import pytest
from kombu import Connection
from kombu.transport import redis as kombu_redis

from eventflow.transport import kombu_check, redis_quick, redis_transport


@pytest.fixture
def asked_anew() -> Iterator[None]:
    """Forget what was found, before and after."""
    caches = (kombu_check.find_changes, redis_quick._is_changed)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.mark.usefixtures("asked_anew")
def test_the_kombu_of_today_is_known() -> None:
    """A kombu whose parts are others than those that were read must be read before it is let in."""
    assert kombu_check.find_changes() is None
    assert Connection("redis://", transport=redis_quick.Transport).transport.Channel is (
        redis_quick.QuickChannel
    )


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize("part", ["_brpop_read", "conn_or_acquire"])
def test_another_kombu_goes_its_own_way(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What differs is told once, with kombu's version; messages are taken all the same."""

    def another(self: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(kombu_redis.Channel, part, another)
    with caplog.at_level(logging.WARNING):
        channels = [
            Connection("redis://", transport=redis_quick.Transport).transport.Channel
            for _ in range(2)
        ]
    assert channels == [redis_transport.Channel] * 2
    [record] = caplog.records
    assert f"kombu {version('kombu')} has another Channel.{part}" in record.message


@pytest.mark.usefixtures("asked_anew")
def test_a_part_that_is_gone_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one whose source cannot be read."""
    monkeypatch.delattr(kombu_redis.QoS, "restore_by_tag")
    assert "QoS.restore_by_tag" in (kombu_check.find_changes() or "")
