"""The outbox in the admin."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from eventflow.contrib.django.models import OutboxEvent
from tests.contracts.outbox import body_of

LIST = "/admin/eventflow/outboxevent/"


@pytest.fixture
def rows() -> list[OutboxEvent]:
    """A row of each state."""
    return [
        OutboxEvent.objects.create(
            event_id=f"e-{state}",
            bus="default",
            source="s",
            type="OrderPlaced",
            ordering_key="P7",
            body=body_of(f"e-{state}"),
            state=state,
            attempts=3,
            failure="is not as its schema says" if state == "failed" else "",
        )
        for state in ("waiting", "published", "failed")
    ]


@pytest.fixture
def administrator() -> Iterator[Client]:
    """A browser of one who may do everything."""
    user = User.objects.create_superuser("root")
    client = Client()
    client.force_login(user)
    yield client
    user.delete()


def test_the_list(administrator: Client, rows: list[OutboxEvent]) -> None:
    """All rows are there, and filters and the search narrow them."""
    page = administrator.get(LIST).content.decode()
    assert all(row.event_id in page for row in rows)
    page = administrator.get(LIST, {"state__exact": "failed"}).content.decode()
    assert "e-failed" in page
    assert "e-waiting" not in page
    page = administrator.get(LIST, {"q": "e-waiting"}).content.decode()
    assert "e-waiting" in page
    assert "e-failed" not in page


def test_a_row_is_read_only(administrator: Client, rows: list[OutboxEvent]) -> None:
    """The page shows the event laid out, and the reason; nothing can be edited or added."""
    page = administrator.get(f"{LIST}{rows[2].pk}/change/").content.decode()
    assert "is not as its schema says" in page
    assert "&quot;source&quot;: &quot;s&quot;" in page
    assert "<textarea" not in page
    answer = administrator.post(f"{LIST}{rows[2].pk}/change/", {"body": "{}"})
    assert 403 == answer.status_code
    assert 403 == administrator.get(f"{LIST}add/").status_code
    assert body_of("e-failed")[:20] == OutboxEvent.objects.get(pk=rows[2].pk).body[:20]


def test_a_body_that_is_no_json_is_shown_as_it_is(administrator: Client) -> None:
    """What a person is to mend is what the page shows, harmless."""
    row = OutboxEvent.objects.create(event_id="e", bus="b", source="s", type="T", body="{<b>")
    assert "{&lt;b&gt;" in administrator.get(f"{LIST}{row.pk}/change/").content.decode()


def test_publish_again(administrator: Client, rows: list[OutboxEvent]) -> None:
    """The chosen rows wait again, with all their attempts, and nothing of the others changes."""
    chosen = [row.pk for row in rows if row.state != "waiting"]
    answer = administrator.post(
        LIST, {"action": "publish_again", "_selected_action": chosen}, follow=True
    )
    assert "2 to be published again" in answer.content.decode()
    states = OutboxEvent.objects.order_by("pk").values_list("state", "attempts", "failure")
    assert [("waiting", 3, ""), ("waiting", 0, ""), ("waiting", 0, "")] == list(states)


def test_only_who_may_change_rows_publishes_again(rows: list[OutboxEvent]) -> None:
    """Who may only look is not offered it, and is not heeded."""
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_outboxevent"))
    client = Client()
    client.force_login(user)
    assert "publish_again" not in client.get(LIST).content.decode()
    client.post(LIST, {"action": "publish_again", "_selected_action": [rows[2].pk]})
    assert "failed" == OutboxEvent.objects.get(pk=rows[2].pk).state
    user.delete()
