"""Which process runs a replay: its name, and whether one of this machine has died."""

import os
import secrets
import socket

__all__ = ["is_dead", "owner_name"]


def owner_name() -> str:
    """Name this process, and no other one that ever ran: machine, process id, a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def is_dead(owner: str) -> bool:
    """Whether a process is known to have ended: one of this machine that is not there any more.

    Args:
        owner: From `owner_name`.

    Returns:
        False of a process that may be alive, and of every process of another machine.
    """
    machine, _, rest = owner.partition(":")
    identity = rest.partition(":")[0]
    if machine != socket.gethostname() or not identity.isdigit():
        return False
    try:
        os.kill(int(identity), 0)
    except ProcessLookupError:
        return True
    except OSError:  # another user's
        return False
    return False
