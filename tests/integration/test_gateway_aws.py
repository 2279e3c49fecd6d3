"""EventBridge's protocol with real clients: boto3, and the AWS CLI as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import redis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from eventflow.settings import Settings
from tests.gateway import ACCESS_KEY, SECRET_KEY, serving, write_publishers
from tests.ports import free_port

RULES = """
targets: {doors: {task: a.b}}
rules:
  open: {pattern: {source: [courier.app]}, targets: [doors]}
  paid: {pattern: {source: [billing.app]}, targets: [doors]}
  shut: {bus: doors, enabled: false, pattern: {source: [x]}, targets: [doors]}
"""
GOOD = {"Source": "billing.app", "DetailType": "Paid", "Detail": '{"amount": 7}'}
PATTERN = '{"source": ["billing.app"]}'
EVENT = {
    "id": "1",
    "source": "billing.app",
    "detail-type": "Paid",
    "account": "000000000000",
    "time": "2026-11-25T01:15:00Z",
    "region": "eu-west-1",
    "resources": [],
    "detail": {},
}
Maker = Callable[..., Any]


@pytest.fixture(scope="module")
def settings(server_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with rules and publishers."""
    place = tmp_path_factory.mktemp("gateway")
    (place / "rules").mkdir()
    (place / "rules" / "rules.yaml").write_text(RULES)
    return server_settings.with_changes(publishers=write_publishers(place), rules=place / "rules")


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    """A gateway's address."""
    with serving(settings) as found:
        yield found


def _client(address: str, key: str = ACCESS_KEY, secret: str = SECRET_KEY) -> Any:
    return boto3.client(
        "events",
        endpoint_url=address,
        region_name="eu-west-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


@pytest.fixture(scope="module")
def events(address: str) -> Any:
    """A client of boto3."""
    return _client(address)


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_entries_are_events(events: Any, client: redis.Redis) -> None:
    """What boto3 puts is in the ledger, with the id that the answer names."""
    moment = datetime(2026, 11, 25, 1, 15, tzinfo=UTC)
    bus = "arn:aws:events:eu-west-1:000000000000:event-bus/doors"
    entry = {**GOOD, "Time": moment, "Resources": ["arn:aws:s3:::x"], "EventBusName": bus}
    answer = events.put_events(Entries=[GOOD, entry])
    assert answer["FailedEntryCount"] == 0
    ids = [one["EventId"] for one in answer["Entries"]]
    stored = json.loads(client.get(f"eventflow:{{doors}}:body:{ids[1]}") or b"{}")
    assert stored["source"] == "billing.app"
    assert stored["detail"] == {"amount": 7}
    assert stored["time"] == "2026-11-25T01:15:00Z"
    assert stored["resources"] == ["arn:aws:s3:::x"]
    assert client.exists(f"eventflow:{{default}}:body:{ids[0]}")


def test_each_entry_fails_alone(events: Any, client: redis.Redis) -> None:
    """Of good and bad entries the good are accepted, and each bad one says why, in order."""
    deep = '{"a":' * 150 + "1" + "}" * 150
    entries = [
        {**GOOD, "Detail": "{"},
        GOOD,
        {**GOOD, "Source": "courier.app"},
        {"Source": "billing.app"},
        {**GOOD, "Detail": deep},
        {**GOOD, "EventBusName": "money"},
        GOOD,
    ]
    answer = events.put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 5
    assert [one.get("ErrorCode") for one in answer["Entries"]] == [
        "MalformedDetail",
        None,
        "NotAuthorizedForSourceException",
        "InvalidArgument",
        "MalformedDetail",
        "AccessDeniedException",
        None,
    ]
    assert len(list(client.scan_iter("eventflow:*:body:*"))) == 2


def test_too_much_fails_as_a_whole(events: Any, client: redis.Redis) -> None:
    """More than ten entries, or a megabyte in all, is refused, and nothing of it is accepted."""
    with pytest.raises(ClientError, match="less than or equal to 10") as caught:
        events.put_events(Entries=[GOOD] * 11)
    assert _code(caught) == "ValidationException"
    large = {**GOOD, "Detail": json.dumps({"x": "y" * 150_000})}
    with pytest.raises(ClientError, match="Total size of the entries") as caught:
        events.put_events(Entries=[large] * 7)
    assert _code(caught) == "ValidationException"
    assert events.put_events(Entries=[large] * 6)["FailedEntryCount"] == 0
    assert len(list(client.scan_iter("eventflow:*:body:*"))) == 6


def test_patterns_are_tested(events: Any) -> None:
    """A pattern matches an event, does not match another, and a faulty one says where."""
    assert events.test_event_pattern(EventPattern=PATTERN, Event=json.dumps(EVENT))["Result"]
    other = json.dumps({**EVENT, "source": "x"})
    assert not events.test_event_pattern(EventPattern=PATTERN, Event=other)["Result"]
    with pytest.raises(ClientError, match=r"Event pattern is not valid\. Reason: ") as caught:
        events.test_event_pattern(EventPattern='{"source": "x"}', Event=other)
    assert _code(caught) == "InvalidEventPatternException"
    less = {name: EVENT[name] for name in EVENT if name not in {"account", "time"}}
    with pytest.raises(ClientError, match="account, time") as caught:
        events.test_event_pattern(EventPattern=PATTERN, Event=json.dumps(less))
    assert _code(caught) == "ValidationException"


def test_rules_are_shown(events: Any) -> None:
    """boto3 reads rules, targets and buses, page by page, with ARNs of its own region."""
    pages = events.get_paginator("list_rules").paginate(PaginationConfig={"PageSize": 1})
    assert ["open", "paid"] == [rule["Name"] for page in pages for rule in page["Rules"]]
    assert json.loads(events.describe_rule(Name="paid")["EventPattern"]) == json.loads(PATTERN)
    assert events.describe_rule(Name="shut", EventBusName="doors")["State"] == "DISABLED"
    (target,) = events.list_targets_by_rule(Rule="open")["Targets"]
    assert target["Id"] == "doors"
    buses = [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]
    assert buses == ["default", "doors"]
    assert (
        events.describe_event_bus(Name="doors")["Arn"]
        == "arn:aws:events:eu-west-1:000000000000:event-bus/doors"
    )
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name="none")


def test_other_operations_are_unknown(events: Any) -> None:
    """What changes rules is answered as AWS answers an operation that it does not know."""
    with pytest.raises(ClientError, match="they change in the rule files") as caught:
        events.put_rule(Name="x", EventPattern=PATTERN)
    assert _code(caught) == "UnknownOperationException"


def test_wrong_keys_are_refused(address: str, client: redis.Redis) -> None:
    """An unknown access key and a wrong secret are refused by the names that SDKs know."""
    with pytest.raises(ClientError) as caught:
        _client(address, key="AKIDNOBODY").put_events(Entries=[GOOD])
    assert _code(caught) == "UnrecognizedClientException"
    with pytest.raises(ClientError, match="does not match the signature") as caught:
        _client(address, secret="another secret").put_events(Entries=[GOOD])
    assert _code(caught) == "InvalidSignatureException"
    assert not list(client.scan_iter("eventflow:*:body:*"))


def test_a_publisher_may_be_slowed_and_kept_from_rules(address: str) -> None:
    """Beyond its rate it gets ThrottlingException, and without the right to, it reads no rule."""
    slow = _client(address, key="AKIDSLOW")
    with pytest.raises(ClientError, match="reads_rules: true") as caught:
        slow.list_rules()
    assert _code(caught) == "AccessDeniedException"
    with pytest.raises(ClientError) as caught:
        slow.put_events(Entries=[GOOD])
    assert _code(caught) == "ThrottlingException"


def test_surrogates_are_the_sender_s_fault(events: Any) -> None:
    """What no UTF-8 can hold fails its entry, and is said in an answer that can be read."""
    answer = events.put_events(
        Entries=[GOOD, {**GOOD, "Detail": '{"\\ud800": 1}'}, {**GOOD, "Detail": '{"n": 1e400}'}]
    )
    codes = [one.get("ErrorCode") for one in answer["Entries"]]
    assert codes == [None, "MalformedDetail", "MalformedDetail"]


def test_a_cloud_event_may_be_signed(address: str, client: redis.Redis) -> None:
    """A CloudEvent that AWS's signer has signed is accepted, and a changed one is not."""
    url = f"{address}/events"
    body = json.dumps(
        {"specversion": "1.0", "id": "1", "source": "billing.app", "type": "Paid", "data": {}}
    )
    request = AWSRequest("POST", url, {"Content-Type": "application/cloudevents+json"}, body)
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "events", "eu-west-1").add_auth(request)
    headers = dict(request.headers.items())
    answer = httpx.post(url, headers=headers, content=body, trust_env=False)
    assert (answer.status_code, answer.json()["ids"]) == (202, ["billing.app|1"])
    forged = httpx.post(url, headers=headers, content=body.replace("1", "2"), trust_env=False)
    assert forged.status_code == 401


def test_the_ledger_is_away(settings: Settings) -> None:
    """Without the ledger the request fails as a whole, so that an SDK sends it again by itself."""
    gone = settings.with_changes(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    with serving(gone) as address, pytest.raises(ClientError) as caught:
        _client(address).put_events(Entries=[GOOD])
    assert _code(caught) == "InternalException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def _cli(address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "NO_PROXY": "127.0.0.1",
    }
    return subprocess.run(
        [sys.executable, "-m", "awscli", "events", *arguments, "--endpoint-url", address],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_aws_cli(address: str, client: redis.Redis, tmp_path: Path) -> None:
    """The AWS CLI puts entries, good, bad and too large, and tests a pattern."""
    entries = tmp_path / "entries.json"
    entries.write_text(json.dumps([GOOD, {**GOOD, "Detail": "no"}]))
    put = _cli(address, "put-events", "--entries", f"file://{entries}")
    answer = json.loads(put.stdout)
    assert answer["FailedEntryCount"] == 1, put.stderr
    assert answer["Entries"][1]["ErrorCode"] == "MalformedDetail"
    assert client.exists(f"eventflow:{{default}}:body:{answer['Entries'][0]['EventId']}")

    entries.write_text(json.dumps([{**GOOD, "Detail": json.dumps({"x": "y" * 2**20})}]))
    refused = _cli(address, "put-events", "--entries", f"file://{entries}")
    assert refused.returncode != 0
    assert "ValidationException" in refused.stderr
    assert "Total size of the entries in the request is over the limit." in refused.stderr

    tested = _cli(
        address, "test-event-pattern", "--event-pattern", PATTERN, "--event", json.dumps(EVENT)
    )
    assert json.loads(tested.stdout) == {"Result": True}, tested.stderr
