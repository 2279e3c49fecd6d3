"""eventflow's tasks belong to one app each."""

from eventflow import EventFlow
from eventflow.settings import load_settings


def test_two_flows_have_tasks_of_their_own() -> None:
    """A process with two flows runs each one's tasks with its own parts, not the first one's."""
    settings = load_settings()
    one, two = EventFlow(settings), EventFlow(settings)
    tasks = [flow.celery.tasks["eventflow.route"] for flow in (one, two)]
    contexts = [task.run.__closure__ and task.run.__closure__[0].cell_contents for task in tasks]
    assert [task.app for task in tasks] == [one.celery, two.celery]
    assert contexts == [one.context, two.context]
