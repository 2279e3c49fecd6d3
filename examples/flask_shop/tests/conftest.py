"""The shop on a database of its own, without rows when a test begins."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

os.environ["SHOP_DATABASE"] = f"sqlite:///{tempfile.mkdtemp()}/shop.db"  # before it is imported

from shop import create_app
from shop.database import Base, engine
from shop.integrations import mailer, warehouse


@pytest.fixture(autouse=True)
def app() -> Iterator[Flask]:
    """Return the application, on tables of this test alone."""
    Base.metadata.create_all(engine)
    yield create_app()
    Base.metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where mails and packing slips go; the warehouse fails only when a test says so."""
    monkeypatch.setattr(warehouse, "FOLDER", tmp_path / "warehouse")
    monkeypatch.setattr(warehouse, "FAILURE_RATE", 0)
    monkeypatch.setattr(mailer, "FOLDER", tmp_path / "mails")
    return tmp_path


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a customer's browser."""
    return app.test_client()
