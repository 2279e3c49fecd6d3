"""`eventflow outbox relay`: its options and its words."""

from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine, select
from sqlalchemy.orm import Session

from eventflow import Event, EventFlow
from eventflow.cli.main import main
from eventflow.contrib.sqlalchemy import Outbox, outbox_table


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run the command where no ledger is; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENTFLOW_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("EVENTFLOW_PUBLISH_DEADLINE", "200ms")

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["outbox", "relay", *arguments])
        captured = capsys.readouterr()
        return done.value.code, captured.out, captured.err

    return call


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with an empty outbox."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    metadata = MetaData()
    outbox_table(metadata)
    metadata.create_all(create_engine(url))
    return url


def test_an_empty_outbox_is_soon_published(run, url, monkeypatch) -> None:
    """With --once it ends when nothing waits, and says so; the environment may name the database."""
    assert (0, "published 0, given up 0\n", "") == run("--once", "--database-url", url)
    monkeypatch.setenv("EVENTFLOW_OUTBOX_URL", url)
    assert (0, "published 0, given up 0\n", "") == run("--once")


def test_once_without_a_ledger_is_an_error(run, url) -> None:
    """The row waits on, and the error says why."""
    outbox = Outbox(EventFlow())
    engine = create_engine(url)
    with Session(engine) as session:
        outbox.publish(session, Event(source="s", type="T", data={}))
        session.commit()
        code, out, err = run("--once", "--database-url", url)
        assert (1, "") == (code, out)
        assert "1 of 1 events could not be published" in err
        assert "waiting" == session.scalar(select(outbox.table.c.state))


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "say where the outbox is: --database-url, or EVENTFLOW_OUTBOX_URL"),
        (["--database-url", "sqlite:///none.db"], 1, "there is no database 'none.db'"),
        (["--database-url", "sqlite:///none.db", "--batch", "501"], 2, "501 is not in the range"),
    ],
)
def test_what_is_wrong_is_said(run, options, code, message) -> None:
    """Each message says what is allowed, or what to write."""
    got, out, err = run("--once", *options)
    assert (code, "") == (got, out)
    assert message in err
