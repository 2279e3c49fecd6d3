"""How long an event's envelope takes: to check, to write as the ledger keeps it, to read back."""

import timeit

from eventflow.encoding import decode_event, encode_event
from eventflow.events import validate_event

DOCUMENT = {
    "source": "courier.app",
    "type": "CourierArrived",
    "data": {
        "parcel": {"id": "P-1042", "weight": 2.5, "value": 80, "tags": ["fragile", "signed"]},
        "door": {"id": "garage-7", "kind": "garage"},
        "recipient": {"id": "R-7", "name": "Ada", "address": "12 Garden Street"},
        "courier": {"id": "C-3", "network": {"address": "10.0.0.7"}},
    },
}
ROUNDS = 2000


def main() -> None:
    """Print microseconds an event for each step, the best of five runs."""
    event = validate_event(DOCUMENT)
    encoded = encode_event(event)
    steps = {
        "validate_event": lambda: validate_event(DOCUMENT),
        "encode_event": lambda: encode_event(event),
        "decode_event": lambda: decode_event(encoded),
        "to_eventbridge": event.to_eventbridge,
    }
    print(f"an event of {len(encoded)} bytes, microseconds each:")
    for name, step in steps.items():
        best = min(timeit.repeat(step, number=ROUNDS, repeat=5)) / ROUNDS
        print(f"  {name:16} {best * 1e6:6.1f}")


if __name__ == "__main__":
    main()
