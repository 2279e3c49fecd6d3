"""The archive's keys: read in order, checked at start, and told to nobody."""

import base64

import pytest
from cryptography.fernet import Fernet

from eventflow.errors import SettingsError
from eventflow.settings import load_settings

KEYS = [Fernet.generate_key().decode() for _ in range(2)]


def test_keys_are_read_in_order() -> None:
    """Several stand with commas between; none is the default."""
    assert () == load_settings().archive_keys
    assert tuple(KEYS) == load_settings(archive_key=f"{KEYS[0]}, {KEYS[1]}").archive_keys


@pytest.mark.parametrize(
    "value",
    ["secret", f"{KEYS[0]},secret", base64.urlsafe_b64encode(b"x" * 31).decode(), "ä" * 44],
    ids=["text", "second", "short", "umlauts"],
)
def test_what_is_no_key_is_refused_and_not_repeated(value: str) -> None:
    """The error names the variable and what to write."""
    with pytest.raises(SettingsError, match="EVENTFLOW_ARCHIVE_KEY: holds what is no key") as error:
        load_settings(archive_key=value)
    assert value not in str(error.value)


def test_a_key_is_not_shown() -> None:
    """Neither by the settings' own text."""
    assert KEYS[0] not in repr(load_settings(archive_key=KEYS[0]))
