"""The application's factory, where the extra `http` is not installed."""

import sys

import pytest

from eventflow import gateway
from eventflow.errors import StartError


def test_a_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without FastAPI the factory says what to install, instead of a traceback."""
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.delitem(sys.modules, "eventflow.gateway.application", raising=False)
    with pytest.raises(StartError, match=r"fastapi is not installed: .* 'eventflow\[http\]'"):
        gateway.create_app()
