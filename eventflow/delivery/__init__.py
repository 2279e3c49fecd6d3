"""The delivery of events: the ledger that knows each one, and the policy that times its retries."""

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
    RouteWork,
    TargetStatus,
    Verdict,
)
from eventflow.delivery.insist import insist
from eventflow.delivery.ledger import Ledger
from eventflow.delivery.ledgers import Ledgers
from eventflow.delivery.policy import next_delay
from eventflow.delivery.redis_ledger import RedisLedger
from eventflow.delivery.scripts import connect_redis

__all__ = [
    "Acceptance",
    "BreakerChange",
    "BreakerState",
    "BreakerStatus",
    "Claim",
    "DeliveryState",
    "Finish",
    "Finished",
    "Ledger",
    "Ledgers",
    "Moved",
    "Outcome",
    "Planned",
    "RedisLedger",
    "RouteWork",
    "TargetStatus",
    "Verdict",
    "connect_redis",
    "insist",
    "next_delay",
]
