"""The names of the ledger's keys in Redis.

All keys of one bus share the hash tag ``{bus}``, so that a script's keys live on one node.

    eventflow:buses                       set     the buses that were ever published to
    eventflow:processes                   zset    process's identity -> when it was last seen
    eventflow:process:<identity>          string  its report as JSON, which expires
    eventflow:canaries                    set     the queues that ever had a canary
    eventflow:canary:<queue>              hash    sent, answered, since, ... (canaries.py)
    eventflow:overseer                    string  the router that reconciles, which expires
    eventflow:{bus}:targets               hash    target -> its definition as JSON
    eventflow:{bus}:event:<id>            hash    state, accepted, left, attempts, redrives:<target>
    eventflow:{bus}:body:<id>             string  the event as JSON, until all is delivered
    eventflow:{bus}:lanes                 list    lanes that have an event to route, in turn
    eventflow:{bus}:lane:<lane>           list    ids of one source's and type's events to route
    eventflow:{bus}:drawn:<name>          string  what a router was handed, as JSON, until its lease ends
    eventflow:{bus}:delivery:<id>         hash    attempts, crashes, rules, input, accepted, owner ...
    eventflow:{bus}:queued:<name>         zset    id -> since when it is on its queue
    eventflow:{bus}:running:<target>      zset    id -> end of its lease
    eventflow:{bus}:told:<target>:<owner> list    what it has told of a list that it makes
    eventflow:{bus}:waiting:<target>      zset    id -> when it is due
    eventflow:{bus}:parked:<target>       zset    id -> when its event was accepted
    eventflow:{bus}:breaker:<target>      hash    state, since, until, and what it has counted
    eventflow:{bus}:tokens:<target>       hash    tokens, at
    eventflow:{bus}:pause:<target>        hash    since, by, reason while paused; total
    eventflow:{bus}:counts:<name>         hash    head, registered, before, delivered, retried, dead, ...
    eventflow:{bus}:dead-letters          hash    id -> dead letter as JSON, until it is in the store
    eventflow:{bus}:journal               stream  entries of the journal, until they are in the store
    eventflow:{bus}:alarms                hash    limit's name -> since when it is crossed
    eventflow:{bus}:replays               hash    replay -> what it is restricted to, as JSON
    eventflow:{bus}:matches               hash    rule -> when it last matched, or since when it is
    eventflow:{bus}:unmatched             hash    source|type -> number and time of the last; rules

A name is a target's, or `eventflow.route`, or `eventflow.dead-letters`; `eventflow.journal` has only
counts: dropped, told, told_at, until.
"""

from eventflow.events import split_delivery_id

__all__ = [
    "BUSES",
    "CANARIES",
    "DEAD_LETTERS",
    "JOURNAL",
    "OVERSEER",
    "PROCESSES",
    "ROUTE",
    "Keys",
    "canary_key",
    "process_key",
]

BUSES = "eventflow:buses"
CANARIES = "eventflow:canaries"
OVERSEER = "eventflow:overseer"
PROCESSES = "eventflow:processes"
ROUTE = "eventflow.route"
DEAD_LETTERS = "eventflow.dead-letters"
JOURNAL = "eventflow.journal"


def process_key(identity: str) -> str:
    """The report of one process."""
    return f"eventflow:process:{identity}"


def canary_key(queue: str) -> str:
    """What is known of one queue's canary."""
    return f"eventflow:canary:{queue}"


class Keys:
    """The keys of one bus.

    Attributes:
        prefix: What each of them begins with.
    """

    __slots__ = (
        "alarms",
        "dead_letters",
        "journal",
        "lanes",
        "matches",
        "prefix",
        "replays",
        "targets",
        "unmatched",
    )

    def __init__(self, bus: str) -> None:
        self.prefix = f"eventflow:{{{bus}}}:"
        self.lanes = f"{self.prefix}lanes"
        self.targets = f"{self.prefix}targets"
        self.dead_letters = f"{self.prefix}dead-letters"
        self.journal = f"{self.prefix}journal"
        self.alarms = f"{self.prefix}alarms"
        self.replays = f"{self.prefix}replays"
        self.matches = f"{self.prefix}matches"
        self.unmatched = f"{self.prefix}unmatched"

    def event(self, event_id: str) -> str:
        """The hash of one event."""
        return f"{self.prefix}event:{event_id}"

    def lane(self, lane: str) -> str:
        """The events of one source and type that wait for a router."""
        return f"{self.prefix}lane:{lane}"

    def body(self, event_id: str) -> str:
        """The JSON of one event."""
        return f"{self.prefix}body:{event_id}"

    def delivery(self, delivery_id: str) -> str:
        """The hash of one delivery."""
        return f"{self.prefix}delivery:{delivery_id}"

    @property
    def deliveries(self) -> str:
        """What every delivery's key begins with."""
        return self.delivery("")

    def event_of(self, delivery_id: str) -> str:
        """The hash of a delivery's event."""
        return self.event(split_delivery_id(delivery_id)[0])

    def body_of(self, delivery_id: str) -> str:
        """The JSON of a delivery's event."""
        return self.body(split_delivery_id(delivery_id)[0])

    def queued(self, name: str) -> str:
        """What is on a queue."""
        return f"{self.prefix}queued:{name}"

    def running(self, target: str) -> str:
        """What is leased to workers."""
        return f"{self.prefix}running:{target}"

    def told(self, target: str, owner: str) -> str:
        """What an owner has told of the list of deliveries that it makes."""
        return f"{self.prefix}told:{target}:{owner}"

    def waiting(self, target: str) -> str:
        """What waits for its next attempt."""
        return f"{self.prefix}waiting:{target}"

    def parked(self, target: str) -> str:
        """What is held back until its target may be called."""
        return f"{self.prefix}parked:{target}"

    def breaker(self, target: str) -> str:
        """A target's circuit breaker."""
        return f"{self.prefix}breaker:{target}"

    def tokens(self, target: str) -> str:
        """What is left of a target's rate."""
        return f"{self.prefix}tokens:{target}"

    def pause(self, target: str) -> str:
        """A target's pause, and for how long it ever was paused."""
        return f"{self.prefix}pause:{target}"

    def counts(self, name: str) -> str:
        """A queue's counters."""
        return f"{self.prefix}counts:{name}"
