"""Running the Lua scripts: loaded by file name, called by digest, their errors in our words."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from eventflow.delivery.packing import CommandPacker
from eventflow.errors import LedgerError
from eventflow.settings import mask_url
from eventflow.tls import tls_advice

__all__ = ["Argument", "Scripts", "connect_redis", "guarded", "is_unanswered", "ledger_error"]

Argument = str | bytes | int | float
T = TypeVar("T")
_SILENCE = (redis.TimeoutError, TimeoutError)
_ADVICE = {  # by what redis-py says, or its class
    "OutOfMemory": "Its memory is full (maxmemory): give it more; `eventflow doctor` shows how much "
    "it uses, and `eventflow targets` what waits",
    "ReadOnly": "It is a replica, which takes no writes: name the primary in EVENTFLOW_REDIS_URL",
    "BusyLoading": "It has been started and reads its data from disk: it answers once it is through",
    "BUSY": "A script runs there and does not end, which is none of eventflow's: SCRIPT KILL ends it",
    "MISCONF": "It cannot write to its disk, and takes nothing until it can: see its log",
}
_INCLUDE = re.compile(r"^--# include (\w+)$", re.MULTILINE)  # another file's text, in its place


def connect_redis(
    url: str, *, timeout: float, tls: Mapping[str, Any] | None = None, patient: bool = True
) -> redis.Redis:
    """Return a client of the ledger's server; it connects when first used.

    The client may be shared by threads, and is safe to use after a fork.

    Args:
        url: As `redis.Redis.from_url` takes it.
        timeout: The longest silence, in seconds, that a call waits for.
        tls: From `eventflow.tls.ledger_tls`, where the address means TLS.
        patient: Whether a call that met silence is made once more; one whose connection was closed
            is in any case.

    Raises:
        LedgerError: When the address cannot be read.
    """
    try:
        return redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            health_check_interval=25,
            command_packer=CommandPacker(),
            # Every script may be repeated; one try more covers a connection that the server closed.
            retry=Retry(NoBackoff(), 1, (redis.ConnectionError, *(_SILENCE if patient else ()))),
            **(tls or {}),
        )
    except (ValueError, redis.RedisError) as error:
        message = f"{mask_url(url)} is no address of a Redis: {error}"
        raise LedgerError(message) from error


def guarded(client: Any, call: Callable[[], T]) -> T:
    """Run *call* and raise what goes wrong as a LedgerError that says where and what to do."""
    try:
        return call()
    except redis.RedisError as error:
        raise ledger_error(client, error) from error


def ledger_error(client: Any, error: redis.RedisError) -> LedgerError:
    """Return the LedgerError that says of what went wrong where it did and what to do."""
    place = _describe(client)
    if isinstance(error, redis.exceptions.NoPermissionError) or "The user executing" in str(error):
        message = (
            f"the ledger at {place} does not let this user do what is needed: {error}. "
            "`eventflow acl redis` prints the rights of each kind of process"
        )
        return LedgerError(message)
    message = f"the ledger at {place} cannot be used: {str(error).rstrip('.')}. {_advise(error)}"
    is_tls = issubclass(client.connection_pool.connection_class, redis.SSLConnection)
    return LedgerError(message + tls_advice("rediss://" if is_tls else "", error))


def _advise(error: redis.RedisError) -> str:
    """Say what to do about what a server answers, or about one that does not."""
    for kind, advice in _ADVICE.items():
        if kind.lower() in f"{type(error).__name__} {error}".lower():
            return advice
    return "Is it running? `eventflow up` starts one here; EVENTFLOW_REDIS_URL names another"


def is_unanswered(error: LedgerError) -> bool:
    """Whether the server may have done what it was asked, and its answer was lost.

    Args:
        error: From `guarded`.
    """
    cause = error.__cause__
    if isinstance(cause, redis.AuthenticationError | redis.BusyLoadingError):
        return False  # these are answers, though redis-py counts them among lost connections
    return isinstance(cause, redis.ConnectionError | redis.TimeoutError)


class Scripts:
    """The ledger's scripts on one server."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client  # redis-py types each answer as "now or awaitable"

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run one script in one round trip.

        Args:
            name: The file's name in `lua/`, without its ending.
            keys: All keys that it touches.
            arguments: Its arguments.

        Returns:
            What the script returns, as redis-py gives it: each script has its own shape.

        Raises:
            LedgerError: When the server cannot be reached, or the script fails.
        """
        text, digest = _script(name)

        def call() -> Any:
            try:
                return self._client.evalsha(digest, len(keys), *keys, *arguments)
            except redis.exceptions.NoScriptError:
                return self._client.eval(text, len(keys), *keys, *arguments)

        return guarded(self._client, call)

    def run_once(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run one script, and never a second time: for who must know that an answer was lost.

        Args, Returns and Raises are those of `run`.
        """
        pool = self._client.connection_pool

        def call() -> Any:
            connection = pool.get_connection()
            try:
                try:
                    connection.send_command(*self.command(name, keys, arguments))
                    return connection.read_response()
                except redis.exceptions.NoScriptError:
                    text, _ = _script(name)
                    connection.send_command("EVAL", text, len(keys), *keys, *arguments)
                    return connection.read_response()
            finally:
                pool.release(connection)

        return guarded(self._client, call)

    def command(
        self, name: str, keys: Sequence[str], arguments: Sequence[Argument | None]
    ) -> list[Argument | None]:
        """Return the command that runs one script; where the server does not know it, it says so."""
        return ["EVALSHA", _script(name)[1], len(keys), *keys, *arguments]


@cache
def _script(name: str) -> tuple[str, str]:
    text = _INCLUDE.sub(lambda match: _read("shared", match[1]), _read(name))
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _read(*path: str) -> str:
    file = resources.files("eventflow.delivery").joinpath("lua", *path[:-1], f"{path[-1]}.lua")
    return file.read_text("utf-8")


def _describe(client: redis.Redis) -> str:
    options = client.connection_pool.connection_kwargs
    return str(options.get("path") or f"{options.get('host')}:{options.get('port')}")
