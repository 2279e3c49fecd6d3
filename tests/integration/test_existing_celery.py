"""A Celery app that exists already is joined, and goes on as before."""

import textwrap
from collections.abc import Iterator

import pytest

from eventflow.events import Event
from eventflow.transport import make_queue
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      invoices: {task: shop.send_invoice, retry: {max_attempts: 2, initial: 10ms, max: 10ms}}
    rules:
      orders: {pattern: {source: [shop]}, targets: [invoices]}
"""

SHOP = """
    import gc, json, os, time
    from celery import Celery
    from eventflow import EventFlow

    app = Celery("shop", broker=os.environ["SHOP_BROKER"])
    app.conf.update(
        task_ignore_result=True,
        # An older app's settings: none of them is to reach eventflow's own messages.
        task_serializer="yaml", accept_content=["yaml", "json"], task_acks_late=False,
        task_reject_on_worker_lost=False, task_acks_on_failure_or_timeout=False,
        task_time_limit=2, task_soft_time_limit=1, task_compression="gzip",
    )
    flow = EventFlow(celery=app)

    def note(**facts):
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(json.dumps(facts) + "\\n")

    class Unpicklable(Exception):
        def __init__(self, one, two):
            super().__init__("cannot be pickled")
            self.door = open(os.devnull)

    @app.task(name="shop.send_invoice", bind=True)
    def send_invoice(self, event):
        if event["detail"].get("bad"):
            raise Unpicklable(1, 2)
        if event["detail"].get("slow"):
            time.sleep(3)
        if event["detail"].get("retry"):
            raise self.retry(exc=OSError("the task's own retry"))
        note(id=event["id"], task="invoice")

    @app.task(name="shop.own")
    def own(number):
        note(id=str(number), task="own")

    @app.task(name="shop.memory")
    def memory(worker):
        note(worker=worker, left_out_of_collections=gc.get_freeze_count() > 0)
"""


@pytest.fixture(scope="module")
def shop(any_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A shop's own app with its default worker, and workers for eventflow's queues."""
    place = tmp_path_factory.mktemp("shop")
    with deployed(place, project="", rules=RULES, broker=any_broker) as deployment:
        (place / "project.py").write_text(textwrap.dedent(SHOP))
        deployment.environment["SHOP_BROKER"] = deployment.settings.celery_broker_url
        for name in ("EVENTFLOW_BROKER_URL", "EVENTFLOW_REDIS_URL"):
            deployment.environment.pop(name, None)
        if any_broker != "rabbitmq":
            # No setting but the rules: the ledger is in the shop's own broker.
            del deployment.environment["EVENTFLOW_DATA_DIR"]
        deployment.start("router", ["eventflow.route"])
        deployment.start("invoices", ["invoices"], "-P", "prefork", "-c", "1")
        deployment.run(
            "default", ["-m", "celery", "-A", "project", "worker", "-P", "solo", "-n", "d@%h"]
        )
        deployment.wait(
            lambda: "celery@" in deployment.log("default") or "d@" in deployment.log("default"),
            "the banner",
        )
        deployment.await_ready("router", "invoices")
        yield deployment


def test_an_existing_task_is_a_target(shop: Deployment) -> None:
    """The task gets EventBridge's dict, on its own queue, in its own worker."""
    shop.flow.publish(Event(id="o1", source="shop", type="OrderPlaced", data={}))
    shop.settle()
    assert {"id": "o1", "task": "invoice"} in shop.noted()
    banner = shop.log("default")
    assert "invoices" not in banner.split("[tasks]")[0]
    assert "eventflow.route" not in banner.split("[tasks]")[0]


def test_its_time_limits_are_for_its_own_tasks(shop: Deployment) -> None:
    """A delivery may run for as long as its target's timeout says, whatever the app's tasks may."""
    shop.flow.publish(Event(id="slow", source="shop", type="OrderPlaced", data={"slow": True}))
    shop.settle()
    assert {"id": "slow", "task": "invoice"} in shop.noted()


def test_the_apps_own_tasks_go_on(shop: Deployment) -> None:
    """What the app did before, on its own queue, it does still."""
    shop.flow.celery.send_task("shop.own", args=[7], queue="celery")
    shop.wait(lambda: {"id": "7", "task": "own"} in shop.noted(), "the app's own task")


def test_only_eventflows_workers_have_their_memory_collected_otherwise(shop: Deployment) -> None:
    """How the app's own worker collects its garbage is the app's business."""
    send = shop.flow.celery.send_task
    send("shop.memory", args=["eventflow's"], queue=make_queue("invoices"))
    send("shop.memory", args=["the app's"], queue="celery")
    expected = [
        {"worker": "eventflow's", "left_out_of_collections": True},
        {"worker": "the app's", "left_out_of_collections": False},
    ]
    shop.wait(lambda: all(one in shop.noted() for one in expected), "both workers' answers")


@pytest.mark.parametrize("how", ["bad", "retry"])
def test_its_exceptions_are_the_policys(shop: Deployment, how: str) -> None:
    """An exception, one that cannot be pickled or its own retry, is retried and ends as policy says."""
    shop.flow.publish(Event(id=f"x-{how}", source="shop", type="OrderPlaced", data={how: True}))
    shop.settle()
    status = shop.flow.status()["invoices"]
    assert status.dead >= 1
    shop.await_log("invoices", f"x-{how}:invoices is a dead letter after 2 attempts")
