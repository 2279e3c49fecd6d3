"""Who acts at this terminal, and the line of the audit that says so."""

import getpass
import os
import pwd
import socket
from collections.abc import Mapping

from eventflow.cli.output import say
from eventflow.errors import StoreError
from eventflow.settings import Settings, load_settings

__all__ = ["record_audit", "who"]

_NOBODY = "unknown"


def who(settings: Settings | None = None) -> str:
    """Name the person who acts.

    Args:
        settings: Their `actor` wins; from the environment when missing.

    Returns:
        `EVENTFLOW_ACTOR` as it is; else who called `sudo`, else who is logged in, each with
        `@` and the machine's name.
    """
    actor = (settings or load_settings()).actor.strip()
    return actor or f"{_login()}@{socket.gethostname()}"


def record_audit(
    what: str,
    *,
    target: str = "",
    count: int = 0,
    facts: Mapping[str, object] | None = None,
    settings: Settings | None = None,
) -> bool:
    """Write a line of the audit: this person did that, now. Call it once the deed is done.

    A store that cannot be reached keeps nobody from opening a breaker or pausing a target: then it
    is said on stderr that the line is missing, and the command goes on.

    Args:
        what: The deed, as the command says it, such as `targets pause`.
        target: The target's name, where it was one.
        count: To how many deliveries or letters; 0 where nothing is counted.
        facts: What else there is to say, as JSON can hold it; no payloads.
        settings: Where the store is; from the environment when missing.

    Returns:
        Whether it was written.
    """
    from eventflow.store import open_engine  # noqa: PLC0415 - `--help` need not pay for SQLAlchemy
    from eventflow.store.audit import AuditEntry, AuditStore  # noqa: PLC0415

    settings = settings or load_settings()
    entry = AuditEntry(
        who=who(settings), what=what, target=target, count=count, facts=dict(facts or {})
    )
    try:
        engine = open_engine(settings.store_url)
        try:
            AuditStore(engine, retention=settings.audit_retention).record(entry)
        finally:
            engine.dispose()
    except StoreError as error:
        say(f"This is missing in the audit: {error}", style="yellow")
        return False
    return True


def _login() -> str:
    if name := os.environ.get("SUDO_USER", "").strip():
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user has no entry
        pass
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return _NOBODY
