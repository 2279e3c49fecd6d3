"""The delivery of events: the ledger that knows each one, and the policy that times its retries."""

from eventflow.delivery.accepting import NO_CALLS, Accepted, WriteCall, WrittenCall
from eventflow.delivery.answers import (
    Acceptance,
    BreakerChange,
    BreakerState,
    BreakerStatus,
    Claim,
    DeliveryState,
    Finish,
    Finished,
    Moved,
    Outcome,
    Planned,
    Progress,
    RouteWork,
    TargetStatus,
    Verdict,
)
from eventflow.delivery.balances import Balance, Pause
from eventflow.delivery.calls import CALL_AGAIN, JUST_NOW, Draw, Routed, RoutesTaken, Routing, Taken
from eventflow.delivery.canaries import CanaryBook, CanaryStatus
from eventflow.delivery.insist import insist
from eventflow.delivery.ledger import Ledger
from eventflow.delivery.ledgers import Ledgers
from eventflow.delivery.memory_ledger import MemoryLedger
from eventflow.delivery.policy import next_delay
from eventflow.delivery.processes import ProcessBook, ProcessReport, Roster
from eventflow.delivery.reconciliation import Reconciliation
from eventflow.delivery.redis_ledger import RedisLedger
from eventflow.delivery.scripts import connect_redis, is_unanswered
from eventflow.delivery.server import ServerFacts, read_server
from eventflow.delivery.watch import AlarmChange, Backlog, Level, TargetBacklog, Watch

__all__ = [
    "CALL_AGAIN",
    "JUST_NOW",
    "NO_CALLS",
    "Acceptance",
    "Accepted",
    "AlarmChange",
    "Backlog",
    "Balance",
    "BreakerChange",
    "BreakerState",
    "BreakerStatus",
    "CanaryBook",
    "CanaryStatus",
    "Claim",
    "DeliveryState",
    "Draw",
    "Finish",
    "Finished",
    "Ledger",
    "Ledgers",
    "Level",
    "MemoryLedger",
    "Moved",
    "Outcome",
    "Pause",
    "Planned",
    "ProcessBook",
    "ProcessReport",
    "Progress",
    "Reconciliation",
    "RedisLedger",
    "Roster",
    "RouteWork",
    "Routed",
    "RoutesTaken",
    "Routing",
    "ServerFacts",
    "Taken",
    "TargetBacklog",
    "TargetStatus",
    "Verdict",
    "Watch",
    "WriteCall",
    "WrittenCall",
    "connect_redis",
    "insist",
    "is_unanswered",
    "next_delay",
    "read_server",
]
