"""The users that `eventflow acl` prints are such as Valkey takes, and PostgreSQL's as documented."""

import re
from pathlib import Path

import pytest
import redis
from sqlalchemy import text

from eventflow.errors import StoreError
from eventflow.privileges import Duty, Role, acl_of
from eventflow.store import DeadLetterFilter, DeadLetterStore, JournalStore, open_engine
from eventflow.store.audit import AuditEntry, AuditStore
from tests.contracts.journal_store import entry_of
from tests.contracts.store import letter_of
from tests.integration.postgres import MISSING, find_binaries, running_postgres
from tests.servers import require

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/least-privilege.md"


@pytest.mark.parametrize("role", Role)
def test_valkey_takes_the_user(client: redis.Redis, role: Role) -> None:
    """Each role's rules are accepted as they are, and again over themselves."""
    server: object = client
    rules = acl_of(Duty(role, (("audit", "audit"),), publishes=role is Role.WORKER))
    for _ in range(2):
        assert server.execute_command("ACL", "SETUSER", "someone", *rules)  # type: ignore[attr-defined]
    server.execute_command("ACL", "DELUSER", "someone")  # type: ignore[attr-defined]


def test_postgresql_users_of_the_page() -> None:
    """With the grants of the page the recorder records and operators redrive and purge; no more."""
    pytest.importorskip("psycopg", reason="no driver: pip install 'eventflow[postgres]'")
    grants = re.findall(r"^GRANT .*;$", PAGE.read_text(), re.MULTILINE)
    assert {"recorder", "operator"} == {grant.rpartition(" ")[2].strip(";") for grant in grants}
    with running_postgres(require(find_binaries(), MISSING)) as server:
        owner = open_engine(server.url)
        DeadLetterStore(owner).list()
        with owner.begin() as connection:
            for name in ("recorder", "operator"):
                connection.execute(text(f"CREATE USER {name}"))
            for grant in grants:
                connection.execute(text(grant))
        owner.dispose()
        urls = [server.url.replace("tester", name) for name in ("recorder", "operator")]
        engines = [open_engine(url) for url in urls]
        recorder, operator = (DeadLetterStore(engine) for engine in engines)
        letter = letter_of()
        recorder.record([letter])
        with pytest.raises(StoreError, match="permission denied"):
            recorder.purge(DeadLetterFilter())
        assert {letter.id} == operator.mark_redriven([operator.get(letter.id)], at=1.0)
        with pytest.raises(StoreError, match="permission denied"):
            operator.record([letter_of("e2")])
        operator.purge(DeadLetterFilter(state=None))
        AuditStore(engines[1], retention=1.0).record(AuditEntry(who="maria", what="targets pause"))
        assert 0 == operator.count(DeadLetterFilter(state=None)).total
        JournalStore(engines[0]).record([entry_of()])
        assert [entry_of()] == JournalStore(engines[1]).of_event("e1")
        assert 1 == JournalStore(engines[0]).prune(entry_of().at + 1, 0)
        for engine in engines:
            engine.dispose()
