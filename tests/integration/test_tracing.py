"""One trace from the publisher through router and workers, as a collector gets it over the wire."""

import json
import os
import signal
import textwrap
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine
from sqlalchemy.orm import Session

from eventflow.contrib.sqlalchemy import Outbox, outbox_table
from eventflow.events import Event
from tests.collector import Collector, SpanTold, collecting
from tests.deployment import TIMEOUT, Deployment, deployed
from tests.ports import free_port

JSON = ("router", "device-vendor", "gateway")  # whose logs are
ELSEWHERE = ("gateway", "outbox-relay")  # what publishes other events
LAST_WORD = "worker: Warm shutdown (MainProcess)"  # to stdout; logs go to stderr
REMOTE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
STORED = [f"00-{number:032x}-{number:016x}-01" for number in (1, 2)]
SECRET = "4711-is-the-door-code"

RULES = """
    targets:
      device-vendor:
        task: project.unlock
        retry: {max_attempts: 3, initial: 50ms, jitter: none}
      notifications: {task: project.tell}
      audit: {task: project.append, queue: ledger}
    rules:
      arrivals:
        pattern: {source: [courier.app], detail-type: [CourierArrived]}
        targets: [device-vendor, notifications, audit]
      openings: {pattern: {source: [doors]}, targets: [audit]}
"""

PROJECT = """
    import logging

    log = logging.getLogger("door")

    @flow.subscriber("device-vendor")
    def unlock(event: Event, delivery: Delivery):
        note(delivery, traceparent=event.traceparent)
        log.info("calls the vendor")
        if delivery.attempt == 1:
            raise ConnectionError(event.data["code"])
        flow.publish(Event(id="opened", source="doors", type="DoorOpened", data={}))

    @flow.subscriber("notifications")
    async def tell(event: Event, delivery: Delivery):
        log.info("writes a message")
        raise Refuse("nobody lives there")

    @flow.subscriber("audit")
    def append(event: Event, delivery: Delivery):
        log.info("writes it down")
"""

# An application with a provider of its own, as a web framework's would be.
PUBLISHER = """
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from eventflow import Event, EventFlow

    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    with trace.get_tracer("shop").start_as_current_span("checkout"):
        event = Event(id="arrived", source="courier.app", type="CourierArrived",
                      data={"code": "4711-is-the-door-code"})
        print("published", EventFlow().publish(event).traceparent, flush=True)
"""


@dataclass
class Story:
    """What became of one publication."""

    collector: Collector
    deployment: Deployment

    def only(self, name: str) -> SpanTold:
        """Return the one span of that name."""
        [span] = self.collector.named(name)
        return span

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return what a process with JSON logs has logged: objects, but for Celery's last word."""
        lines = filter(None, self.deployment.log(name).splitlines())
        return [json.loads(line) for line in lines if line != LAST_WORD]


def post(port: int) -> None:
    """Publish over HTTP, as a client that traces would."""
    document = {"specversion": "1.0", "id": "7", "source": "shop", "type": "Paid", "data": {}}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/events",
        json.dumps(document).encode(),
        {"content-type": "application/cloudevents+json", "traceparent": REMOTE},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        assert answer.status == 202


def relay(deployment: Deployment) -> None:
    """Write two events of two traces into an outbox, and publish them together."""
    url = f"sqlite:///{deployment.place / 'shop.db'}"
    engine = create_engine(url)
    metadata = MetaData()
    outbox_table(metadata)
    metadata.create_all(engine)
    events = [
        Event(id=text, source="shop", type="Paid", data={}, traceparent=text) for text in STORED
    ]
    with Session(engine) as session:
        Outbox(deployment.flow).publish_many(session, events)
        session.commit()
    engine.dispose()
    done = deployment.command("outbox", "relay", "--once", f"--database-url={url}")
    assert done.stdout == "published 2, given up 0\n", done.stderr


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """An event that was published, routed, delivered and retried, and processes that have ended."""
    place = tmp_path_factory.mktemp("tracing")
    with collecting() as collector, deployed(place, project=PROJECT, rules=RULES) as deployment:
        deployment.environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            # No batch goes by its time: what a process does not flush at its end never comes.
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
            "EVENTFLOW_LOG_FORMAT": "json",
        }
        deployment.run("router", ["-m", "eventflow", "router"])
        deployment.run("device-vendor", ["-m", "eventflow", "worker", "device-vendor", "-c", "1"])
        port = free_port()
        deployment.run("gateway", ["-m", "eventflow", "serve", "--no-auth", f"--port={port}"])
        deployment.environment["EVENTFLOW_LOG_FORMAT"] = "text"
        deployment.start("others", ["notifications", "ledger"], "-P", "threads", "-c", "2")
        deployment.await_ready("router", "device-vendor", "others")
        deployment.await_log("gateway", "Uvicorn running")
        deployment.run("publisher", ["-c", textwrap.dedent(PUBLISHER)])
        assert deployment.processes["publisher"].wait(TIMEOUT) == 0, deployment.log("publisher")
        deployment.wait(lambda: len(deployment.noted()) == 2, "the retry")
        post(port)
        relay(deployment)
        deployment.settle()
        for name in ("router", "device-vendor", "others", "gateway"):
            process = deployment.processes.pop(name)
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(TIMEOUT) in {0, -signal.SIGTERM}, deployment.log(name)
        yield Story(collector, deployment)


def test_one_trace_leads_from_publisher_to_subscribers(story: Story) -> None:
    """Every span is of one trace: parents and kinds are as OpenTelemetry has them for messages."""
    checkout, publish, route = (
        story.only("checkout"),
        story.collector.named("publish default")[0],
        story.collector.named("route default")[0],
    )
    of_event = [span for span in story.collector.spans if span.service not in ELSEWHERE]
    others = {REMOTE[3:35], *(text[3:35] for text in STORED)}
    assert {checkout.trace} == {span.trace for span in of_event} - others
    assert (checkout.id, "PRODUCER") == (publish.parent, publish.kind)
    assert (publish.id, "CONSUMER") == (route.parent, route.kind)
    attempts = [
        *story.collector.named("attempt device-vendor"),
        story.only("attempt notifications"),
    ]
    attempts.append(story.collector.named("attempt ledger")[0])
    assert [(publish.id, "CONSUMER")] * 4 == [(span.parent, span.kind) for span in attempts]
    assert "arrived" == publish.attributes["messaging.message.id"]
    assert ["audit", "device-vendor", "notifications"] == sorted(
        route.attributes["eventflow.targets"]
    )
    assert "ledger" == attempts[-1].attributes["messaging.destination.name"]
    assert "audit" == attempts[-1].attributes["eventflow.target"]


def test_each_process_says_who_it_is(story: Story) -> None:
    """Services go by the workers' names; a pool's child sends its own."""
    services = {span.name: span.service for span in story.collector.spans}
    assert "router" == services["route default"]
    assert "device-vendor" == services["attempt device-vendor"]
    assert "others" == services["attempt ledger"]


def test_a_client_s_trace_goes_on_over_http(story: Story) -> None:
    """The gateway's span is the child of the request's; the event's routing is that one's."""
    found = {span.name: span for span in story.collector.spans if span.trace == REMOTE[3:35]}
    assert {"publish default", "route default"} == set(found)
    assert (REMOTE[36:52], "gateway") == (
        found["publish default"].parent,
        found["publish default"].service,
    )
    assert found["publish default"].id == found["route default"].parent


def test_an_outbox_keeps_each_event_in_its_trace(story: Story) -> None:
    """One call of the relay publishes them, whose span is linked to both."""
    [published] = [span for span in story.collector.spans if span.service == "outbox-relay"]
    assert {text[36:52] for text in STORED} == set(published.links)
    routed = {span.trace: span.parent for span in story.collector.named("route default")}
    assert [text[36:52] for text in STORED] == [routed[text[3:35]] for text in STORED]


def test_a_retry_is_linked_to_the_attempt_before(story: Story) -> None:
    """The first attempt is linked to the routing, the second to the first."""
    route = story.collector.named("route default")[0]
    first, second = story.collector.named("attempt device-vendor")
    assert ((route.id,), (first.id,)) == (first.links, second.links)
    assert [(1, "retry"), (2, "done")] == [
        (span.attributes["eventflow.attempt"], span.attributes["eventflow.attempt.outcome"])
        for span in (first, second)
    ]
    assert (True, False) == (first.is_error, second.is_error)
    assert "ConnectionError" == first.attributes["error.type"] == first.status
    assert "unlock" in first.events["exception"]["exception.stacktrace"]


def test_what_a_subscriber_publishes_continues_the_trace(story: Story) -> None:
    """Its parent is the attempt; the event that the subscriber was handed names the publisher."""
    second = story.collector.named("attempt device-vendor")[1]
    published = story.collector.named("publish default")[1]
    assert (second.id, "opened") == (published.parent, published.attributes["messaging.message.id"])
    routed = story.collector.named("route default")[1]
    assert published.id == routed.parent == story.collector.named("attempt ledger")[1].parent
    told = story.deployment.log("publisher").split()[1]
    assert {told} == {note["traceparent"] for note in story.deployment.noted()}


def test_a_dead_letter_is_an_event_of_its_span(story: Story) -> None:
    """The reason is said, and the payload is nowhere."""
    refused = story.only("attempt notifications")
    assert {"eventflow.reason": "refused"} == refused.events["eventflow.dead_letter"]
    assert ("Refuse", True) == (refused.attributes["error.type"], refused.is_error)
    assert SECRET.encode() not in story.collector.raw


def test_json_logs_carry_the_ids(story: Story) -> None:
    """Each line is an object; a subscriber's own lines name delivery, attempt and span."""
    first, second = story.collector.named("attempt device-vendor")
    own = [line for line in story.lines("device-vendor") if line["logger"] == "door"]
    assert [
        {
            "message": "calls the vendor",
            "level": "INFO",
            "bus": "default",
            "event_id": "arrived",
            "delivery_id": "arrived:device-vendor",
            "target": "device-vendor",
            "attempt": number,
            "trace_id": span.trace,
            "span_id": span.id,
        }
        for number, span in ((1, first), (2, second))
    ] == [
        {name: value for name, value in line.items() if name not in {"logger", "time", "process"}}
        for line in own
    ]
    actions = {line.get("action"): line for line in story.lines("device-vendor")}
    assert first.id == actions["delivery_retry"]["span_id"]
    assert "ConnectionError" in actions["delivery_retry"]["traceback"]
    assert {"level", "logger", "message", "time"} <= set.intersection(
        *(set(line) for name in JSON for line in story.lines(name))
    )


def test_text_logs_carry_the_ids_that_help(story: Story) -> None:
    """Of a thread and of a coroutine as well; what a line names itself is not said once more."""
    log, trace = story.deployment.log("others"), story.only("checkout").trace
    assert f"writes it down [delivery arrived:audit, attempt 1, trace {trace}]" in log
    assert f"writes a message [delivery arrived:notifications, attempt 1, trace {trace}]" in log
    assert f"delivered arrived:audit at attempt 1 [trace {trace}]" in log
