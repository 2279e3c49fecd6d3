"""Publishing: from a model or an event to the ledger, and on to the routers; also by an outbox."""

from eventflow.publishing.outbox import (
    CHANNEL,
    LONGEST_FAILURE,
    MOST_AT_ONCE,
    Claim,
    Outbox,
    OutboxRow,
    RelayPolicy,
    ordering_key_of,
)
from eventflow.publishing.preparation import Publishable, with_envelope
from eventflow.publishing.publisher import Publisher
from eventflow.publishing.relay import Relay, Relayed
from eventflow.publishing.running import relay_policy, stopped_by_signals

__all__ = [
    "CHANNEL",
    "LONGEST_FAILURE",
    "MOST_AT_ONCE",
    "Claim",
    "Outbox",
    "OutboxRow",
    "Publishable",
    "Publisher",
    "Relay",
    "RelayPolicy",
    "Relayed",
    "ordering_key_of",
    "relay_policy",
    "stopped_by_signals",
    "with_envelope",
]
