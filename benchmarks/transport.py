"""What a message costs on its way through a broker: kombu's own way and ours, in the same run.

On Redis, with kombu's transport, with the one that survives garbage, and with the quick one: to send
it, to receive and acknowledge it, and to have a Celery worker of one process run it, whose task does
nothing. On RabbitMQ, where it is installed: to send it with each confirmed before the next is sent,
as kombu does, or all of a list at once, as our sender does; and the worker. Times are CPU time of the
process that is looked at, and of the server beside it, in microseconds; what waits is not in them.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the servers that tests start

import redis
from celery import Celery
from celery.worker import state
from kombu import transport as kombu_transport
from kombu.transport import TRANSPORT_ALIASES

from eventflow.embedded import running_server
from eventflow.settings import Settings, load_settings
from eventflow.transport import Message, Sender, make_queue, route_message
from eventflow.worker.celery_app import configure_app, make_app
from tests.servers import RabbitServer
from tests.servers.rabbitmq import MISSING, find_program

COUNT = 1500
ROUNDS = 3
QUEUE = "eventflow.route"
REDIS = {
    "kombu's": "kombu.transport.redis:Transport",
    "ours, clean": "eventflow.transport.redis_transport:Transport",
    "ours, quick": "eventflow.transport.redis_quick:Transport",
}
Costs = dict[str, float]


def messages(count: int) -> list[Message]:
    """Return messages such as a publisher sends, each for one event."""
    return [route_message("default", [(f"event-{number}", "T")]) for number in range(count)]


def app_on(settings: Settings, transport: str) -> Celery:
    """Return an app whose broker is reached by a transport."""
    app = make_app(settings)
    configure_app(app)
    if transport:
        TRANSPORT_ALIASES["redis"] = transport
        kombu_transport._transport_cache.clear()  # noqa: SLF001 - it remembers the one before
    app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1)
    return app


def cpu_seconds() -> float:
    """Return the CPU time that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def microseconds(run: Callable[[], object], count: int) -> float:
    """Return the CPU time of a message; the best of some rounds, since the machine is shared."""
    best = float("inf")
    for _ in range(ROUNDS):
        before = cpu_seconds()
        run()
        best = min(best, cpu_seconds() - before)
    return best / count * 1e6


def receiving(app: Celery, client: redis.Redis, sent: list[Message]) -> Callable[[], object]:
    """Return what takes and acknowledges all of a queue; before it comes a new queue's filling."""
    Sender(app).send(sent)
    kept = client.lrange(QUEUE, 0, -1)
    client.delete(QUEUE)

    def run() -> None:
        client.rpush(QUEUE, *kept)
        left = len(kept)

        def take(message: Any) -> None:
            nonlocal left
            left -= 1
            message.ack()

        with app.connection_for_read() as connection:
            consumer = app.amqp.TaskConsumer(
                connection, queues=[make_queue(QUEUE)], on_message=take, prefetch_count=1
            )
            with consumer:
                while left:
                    connection.drain_events(timeout=5)

    return run


def measure_redis(settings: Settings, count: int) -> dict[str, Costs]:
    """Return what a message costs with each transport."""
    client = redis.Redis.from_url(settings.ledger_url)
    table: dict[str, Costs] = {}
    for name, transport in REDIS.items():
        app = app_on(settings, transport)
        sender, sent = Sender(app), messages(count)

        def one_by_one(sender: Sender = sender, sent: list[Message] = sent) -> None:
            for message in sent:
                sender.send([message])

        def by_hundred(sender: Sender = sender, sent: list[Message] = sent) -> None:
            for first in range(0, len(sent), 100):
                sender.send(sent[first : first + 100])

        costs = {
            "send one": microseconds(one_by_one, count),
            "send 100": microseconds(by_hundred, count),
        }
        client.delete(QUEUE)
        costs["receive, ack"] = microseconds(receiving(app, client, sent), count)
        for events in (False, True):
            sender.send(sent)
            before = server_seconds(client)
            costs[f"worker{', events' if events else ''}"] = run_worker(
                settings, transport, count, events=events
            )
            if not events:
                costs["its server"] = (server_seconds(client) - before) / count * 1e6
        table[name] = costs
        app.close()
    client.close()
    return table


def server_seconds(client: redis.Redis) -> float:
    """Return the CPU seconds that the server has used so far."""
    facts = client.info("cpu")
    return float(facts["used_cpu_user"]) + float(facts["used_cpu_sys"])


def measure_rabbitmq(settings: Settings, count: int) -> dict[str, Costs]:
    """Return what a message costs with each way to have it confirmed."""
    app = app_on(settings, "")
    sender, sent = Sender(app), messages(count)
    sender.declare([QUEUE])
    confirming = {"confirm_publish": True, **app.conf.broker_transport_options}
    queue = make_queue(QUEUE)

    def as_kombu() -> None:
        with app.connection_for_write(transport_options=confirming) as connection:
            producer = app.amqp.Producer(connection, auto_declare=False)
            for message in sent:
                app.send_task(
                    *(message.task, message.args),
                    task_id=message.task_id,
                    queue=queue,
                    producer=producer,
                    argsrepr=message.shown,
                    declare=[],
                )

    def one_by_one() -> None:
        for message in sent:
            sender.send([message])

    def by_hundred() -> None:
        for first in range(0, count, 100):
            sender.send(sent[first : first + 100])

    table: dict[str, Costs] = {}
    for name, run in {"kombu's": as_kombu, "ours, 1": one_by_one, "ours, 100": by_hundred}.items():
        began = time.perf_counter()
        cost = microseconds(run, count)
        table[name] = {
            "send": cost,
            "and wait": (time.perf_counter() - began) / ROUNDS / count * 1e6,
        }
    table["worker"] = {"no events": run_worker(settings, "", count, events=False)}
    table["worker"]["events"] = run_worker(settings, "", count, events=True)
    return table


def run_worker(settings: Settings, transport: str, count: int, *, events: bool) -> float:
    """Return the CPU time of a message in a worker of one process, in microseconds."""
    given = {
        "data_dir": str(settings.data_dir),
        "broker_url": settings.broker_url,
        "transport": transport,
        "count": count,
        "events": events,
    }
    done = subprocess.run(
        [sys.executable, __file__, "--worker", json.dumps(given)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return float(done.stdout.split()[-1])


def be_worker(data_dir: str, broker_url: str, transport: str, count: int, events: bool) -> None:
    """Run messages until there were so many, and print what one of them cost."""
    settings = load_settings(data_dir=Path(data_dir), broker_url=broker_url)
    app = app_on(settings, transport)
    app.conf.update(task_queues=[make_queue(QUEUE)], worker_send_task_events=events)
    seen, began = 0, 0.0

    @app.task(name=QUEUE, ignore_result=True, acks_late=True)  # type: ignore[untyped-decorator]
    def nothing(_bus: str, _ids: list[str]) -> None:
        nonlocal seen, began
        seen += 1
        if seen == count // 5:  # warm by now
            began = cpu_seconds()
        elif seen == count:
            print((cpu_seconds() - began) / (count - count // 5) * 1e6, flush=True)
            state.should_stop = 0

    app.Worker(
        pool="solo",
        loglevel="WARNING",
        queues=[QUEUE],
        hostname=f"bench-{os.getpid()}@here",
        without_gossip=True,
        without_mingle=True,
        send_events=events,
        task_events=events,
    ).start()


def show(title: str, table: dict[str, Costs]) -> None:
    """Print a table, each row with its ratio to the first."""
    print(
        f"\n{title}: microseconds of CPU a message, and how many times less than {next(iter(table))}"
    )
    columns = list(dict.fromkeys(name for costs in table.values() for name in costs))
    first = next(iter(table.values()))
    print(f"{'':14}" + "".join(f"{name:>20}" for name in columns))
    for name, costs in table.items():
        cells = []
        for column in columns:
            if column not in costs:
                cells.append(f"{'':20}")
                continue
            ratio = f" ({first[column] / costs[column]:.2f})" if column in first else ""
            cells.append(f"{f'{costs[column]:.0f}{ratio}':>20}")
        print(f"{name:14}" + "".join(cells))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="messages a measurement")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=["redis", "rabbitmq"], help="one broker alone")
    options = parser.parse_args()
    if options.worker:
        be_worker(**json.loads(options.worker))
        return
    with tempfile.TemporaryDirectory(prefix="ef-") as place:
        settings = load_settings(data_dir=Path(place))
        if options.only != "rabbitmq":
            with running_server(settings):
                show("Redis", measure_redis(settings, options.count))
        if options.only == "redis":
            return
        if find_program() is None:
            print(MISSING)
            return
        server = RabbitServer()
        try:
            server.start()
            on_rabbitmq = load_settings(data_dir=Path(place), broker_url=server.url)
            show("RabbitMQ", measure_rabbitmq(on_rabbitmq, options.count))
        finally:
            server.remove()


if __name__ == "__main__":
    main()
