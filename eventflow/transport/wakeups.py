"""Calls: messages that say no more than that the ledger holds something to do, told from all others.

Losing one loses nothing, since what it names is in the ledger, which has it called for again. Any
other message is all that there is of what it says: a task of a joined app's own, or garbage that
becomes a dead letter.
"""

from typing import Any

from eventflow.transport.messages import ARCHIVE, CANARY, DELIVER, JOURNAL, RECORD, ROUTE

__all__ = ["ARGUMENTS", "fits_task", "is_call"]

ARGUMENTS = {ROUTE: 2, RECORD: 2, ARCHIVE: 2, DELIVER: 3}
"""How many arguments each of eventflow's tasks has that takes a list of ids."""

_CALLS = frozenset({*ARGUMENTS, JOURNAL, CANARY})
_JSON = "application/json"


def fits_task(name: str, args: Any, kwargs: Any) -> bool:
    """Return whether arguments are those of the task; what is no task of eventflow's takes any.

    Args:
        name: The task's name.
        args: The positional arguments.
        kwargs: The others, of which eventflow's tasks have none.
    """
    count = ARGUMENTS.get(name)
    if count is None:
        return True
    if kwargs or len(args) != count or not all(isinstance(one, str) and one for one in args[:-1]):
        return False
    ids = args[-1]
    # One that names nothing has what is queued done.
    is_bare = ids == [] and name in (DELIVER, ROUTE)
    if not isinstance(ids, list) or not (ids or is_bare):
        return False
    is_delivery = name in (DELIVER, ARCHIVE)
    return all(isinstance(item, str) and item and (not is_delivery or ":" in item) for item in ids)


def is_call(message: Any) -> bool:
    """Return whether a message is a call, and so may be lost; never raises.

    Args:
        message: kombu's message. Nothing but JSON is read, whatever it says that it is.
    """
    headers = message.headers
    if not isinstance(headers, dict) or message.content_type != _JSON or message.errors:
        return False
    name = headers.get("task")
    if not isinstance(name, str) or name not in _CALLS or not isinstance(headers.get("id"), str):
        return False
    try:
        args, kwargs, _embedded = message.decode()  # kept by the message for who reads it next
    except Exception:  # noqa: BLE001 - anything may be in there
        return False
    is_task = isinstance(args, list) and isinstance(kwargs, dict)
    return is_task and fits_task(name, args, kwargs)
