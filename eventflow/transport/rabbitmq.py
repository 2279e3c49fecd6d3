"""Sending to RabbitMQ so that nothing goes astray: each message is confirmed, and has a queue.

kombu waits for each message's confirmation before it sends the next, and drops what no queue takes.
Here all of a list is sent, then all confirmations are awaited, and what came back is named. Of calls,
which may be lost, the confirmations are awaited when the next ones are sent: by then they are mostly
there, while awaiting them at once takes longer than all else that is done for an event. Leans on
py-amqp's `Channel.events` for confirmations and returns; a test that sends to a queue which is not
there fails when that changes.
"""

import os
import select
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from amqp.exceptions import AMQPError, NotFound
from celery import Celery
from kombu.exceptions import OperationalError

from eventflow.errors import TransportError
from eventflow.transport.messages import Message

__all__ = ["Line", "Lines", "Publication"]

T = TypeVar("T")
_MOST_IDLE = 10  # lines of one process that are kept open

Publication = Callable[[Message, Any], object]
"""Publishes one message through a kombu producer."""


class Line:
    """A connection of its own, whose channel confirms. For one thread at a time.

    Args:
        celery: The app whose broker it is.
        silence: Seconds that the broker may be silent before it counts as away.

    Attributes:
        known: The queues that took what was sent to them.
        posted: What was sent last without waiting for the broker.
    """

    def __init__(self, celery: Celery, *, silence: float) -> None:
        self.known: set[str] = set()
        self.posted: Sequence[Message] = ()
        self._silence = silence
        self._connection = celery.connection_for_write(
            connect_timeout=silence,
            # Not confirmed one by one, whatever a joined app has its own messages do.
            transport_options={
                "confirm_publish": False,
                "read_timeout": silence,
                "write_timeout": silence,
            },
        )
        # Each of the addresses once; kombu would try again, and wait for seconds in between.
        others = max(0, len(self._connection.alt) - 1)
        self._connection.ensure_connection(max_retries=others, interval_start=0, interval_max=0)
        self._channel = self._connection.channel()
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_confirmed)
        self._channel.events["basic_nack"].add(self._on_refused)
        self._channel.events["basic_return"].add(self._on_returned)
        self._producer = celery.amqp.Producer(self._channel, auto_declare=False)
        self._sent = 0
        self._open: set[int] = set()
        self._refused = 0
        self._returned: set[str] = set()

    def publish(self, messages: Sequence[Message], publish: Publication) -> None:
        """Send, and wait for nothing.

        Args:
            messages: The messages.
            publish: How each is.

        Raises:
            AMQPError, OSError: When the broker is away. Then this line is of no more use.
        """
        for message in messages:
            self._sent += 1
            self._open.add(self._sent)
            publish(message, self._producer)

    def settle(self) -> set[str]:
        """Wait until the broker has all safe that was published, and see whether it is there at all.

        Returns:
            The names of queues that do not exist: what was for them is nowhere.

        Raises:
            TransportError: When the broker took a message and would not keep it.
            AMQPError, OSError: When the broker is away, or silent for too long. Then it is not known
                what it has, and this line is of no more use.
        """
        while self._open or self._has_word():
            self._channel.connection.drain_events(timeout=self._silence)
        refused, self._refused = self._refused, 0
        if refused:
            message = (
                f"the broker refused {refused} messages: is a queue at its length limit, or "
                "a node of the cluster away?"
            )
            raise TransportError(message)
        returned, self._returned = self._returned, set()
        self.known -= returned
        return returned

    def declare(self, queue: Any) -> None:
        """Have the queue exist.

        Raises:
            ChannelError: When this user may not declare it, or another of its name is there.
            AMQPError, OSError: When the broker is away.
        """
        with self._side_channel() as channel:
            queue(channel).queue_declare()

    def depth(self, name: str) -> int:
        """Return how many messages wait on a queue; 0 where there is none of that name."""
        with self._side_channel() as channel:
            try:
                return int(channel.queue_declare(name, passive=True).message_count)
            except NotFound:
                return 0

    def close(self) -> None:
        """Let go of the connection, whatever state it is in."""
        with suppress(AMQPError, OSError):
            self._connection.collect()

    def _has_word(self) -> bool:
        """Whether the broker said something that is unread: that it goes away, for instance."""
        poll = select.poll()
        poll.register(self._channel.connection.sock, select.POLLIN)
        return bool(poll.poll(0))

    @contextmanager
    def _side_channel(self) -> Iterator[Any]:
        """Have another channel: the broker closes the one on which it refuses something."""
        channel = self._connection.channel()
        try:
            yield channel
        finally:
            channel.close()

    def _on_confirmed(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._open = {number for number in self._open if number > tag}
        else:
            self._open.discard(tag)

    def _on_refused(self, tag: int, multiple: bool) -> None:
        before = len(self._open)
        self._on_confirmed(tag, multiple)
        self._refused += before - len(self._open)

    def _on_returned(self, _error: object, _exchange: str, key: str, _message: object) -> None:
        self._returned.add(key)


class Lines:
    """The lines of a process, each used by one thread at a time. Safe in threads and after a fork.

    Args:
        celery: The app whose broker it is.
        silence: Seconds that the broker may be silent before it counts as away.
    """

    def __init__(self, celery: Celery, *, silence: float) -> None:
        self._celery = celery
        self._silence = silence
        # By process: a child must not write to its parent's connections, nor close them by
        # forgetting them.
        self._idle: dict[int, list[Line]] = {}

    def __del__(self) -> None:
        while self._mine():
            self._mine().pop().close()

    def use(self, work: Callable[[Line], T]) -> T:
        """Do *work* on a line; once more on a new one where an idle one turns out to be dead.

        What was sent is then sent twice, perhaps, which does no harm.

        Raises:
            AMQPError, OSError, OperationalError: When the broker cannot be reached, or is silent.
        """
        while self._mine():
            try:
                line = self._mine().pop()
            except IndexError:  # another thread was quicker
                break
            try:
                return self._work(line, work)
            except TimeoutError:
                raise  # it is silent, and the caller has waited long enough
            except (AMQPError, OSError, OperationalError):
                continue  # the broker was restarted meanwhile: so are all that lay idle
        return self._work(Line(self._celery, silence=self._silence), work)

    def _work(self, line: Line, work: Callable[[Line], T]) -> T:
        try:
            result = work(line)
        except BaseException:
            line.close()
            raise
        if len(self._mine()) < _MOST_IDLE:
            self._mine().append(line)
        else:
            line.close()
        return result

    def _mine(self) -> list[Line]:
        return self._idle.setdefault(os.getpid(), [])
