"""How many events a second a `Matcher` matches, beside a plain loop, moto, and reading JSON.

Rates of one run alone compare: every table says what `json.loads` does with the same events. Each
function is run in turn, several times, and its best run counts, in the thread's own time.

JSON text is read by orjson where that is installed, which the first line tells.
"""

import gc
import gzip
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from eventflow.patterns import Matcher, Pattern

CITY_LOTS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "citylots"
ROUNDS = 5
EVENTS = 1_000
FEW = 20
"""How many events the slow ones are given: the plain loop, and moto."""
COUNTS = (10, 100, 1_000, 10_000, 100_000)
LARGEST_LOOP = 1_000
"""The most rules that the slow ones are given; their time grows with the rules."""

Match = Callable[[Any], object]


def main() -> None:
    """Print the tables, and end with status 1 when a count of matches is wrong."""
    moto = load_moto()
    if moto is None:
        print("moto is not installed, so that its column is empty: pip install '.[bench]'\n")
    print(f"JSON text is read by {'orjson' if find_spec('orjson') else 'json'}.\n")
    print_build()  # first, while the memory is fresh
    print()
    wrong = print_city_lots(moto)
    print()
    print_counts("exact", exact_rule, moto)
    print()
    print_counts("mixed", mixed_rule, moto)
    if wrong:
        sys.exit(f"wrong numbers of matches in {', '.join(wrong)}")


def load_moto() -> Any:
    """Return moto's class of patterns, or None where moto is not installed."""
    if find_spec("moto") is None:
        return None
    return import_module("moto.events.models").EventPattern


def measure(functions: dict[str, tuple[Match, Sequence[Any]]]) -> dict[str, float]:
    """Return how many items a second each function takes, the best of some rounds in turn."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, (function, items) in functions.items():
            started = time.thread_time()
            for item in items:
                function(item)
            rate = len(items) / (time.thread_time() - started)
            best[name] = max(rate, best.get(name, 0.0))
    return best


def loop_over(patterns: Iterable[Pattern]) -> Match:
    """Return what matches an event against each pattern."""
    every = list(enumerate(patterns))
    return lambda event: {index for index, pattern in every if pattern.matches(event)}


def moto_over(moto: Any, rules: Iterable[Any]) -> Match:
    """Return what matches an event against each rule, as moto does."""
    every = [moto.load(json.dumps(rule)) for rule in rules]
    return lambda event: [pattern.matches_event(event) for pattern in every]


def compare(
    matcher: Matcher,
    rules: list[Any],
    texts: list[bytes],
    events: list[Any],
    moto: Any,
    *,
    slow: bool = True,
) -> dict[str, float]:
    """Measure the matcher on rules and events, and what it is compared with."""
    functions: dict[str, tuple[Match, Sequence[Any]]] = {
        "loads": (json.loads, texts),
        "match": (matcher.match, events),
        "text": (matcher.match, texts),
    }
    if slow:
        functions["loop"] = (loop_over(map(Pattern, rules)), events[:FEW])
        if moto is not None:
            functions["moto"] = (moto_over(moto, rules), events[:FEW])
    return measure(functions)


def show(rates: dict[str, float], name: str) -> str:
    """Return by how much the matcher is faster than another, as a column."""
    return f"{rates['match'] / rates[name]:9.1f}" if name in rates else f"{'-':>9}"


def print_city_lots(moto: Any) -> list[str]:
    """Print the table of the city lots' rule sets; return those with wrong counts."""
    if not CITY_LOTS.exists():
        print("The city lots are not there: no ../shared/data/citylots beside the checkout.")
        return []
    lines = gzip.decompress((CITY_LOTS / "events.jsonl.gz").read_bytes()).splitlines()
    events = [json.loads(line) for line in lines]
    sets = json.loads((CITY_LOTS / "rule-sets.json").read_text(encoding="utf-8"))
    wrong = []
    print(f"{len(sets['rules'])} rule sets, {len(events):,} events of city lots. Events/s, and how")
    print("many times the rate of json.loads, of a loop over the rules, of moto; from JSON text,")
    print("events/s and how many times json.loads.")
    print(
        f"{'':26} {'events/s':>10} {'x loads':>9} {'x loop':>9} {'x moto':>9} {'text/s':>10}",
        end="",
    )
    print(f" {'x loads':>9}  matches")
    for name, sources in sets["rules"].items():
        rules = [json.loads(rule) if isinstance(rule, str) else rule for rule in sources]
        matcher = Matcher({str(index): rule for index, rule in enumerate(rules)})
        counted = Counter(found for event in events for found in matcher.match(event))
        expected = sets["matches_in_20000_events"][name]
        right = expected == [counted[str(index)] for index in range(len(rules))]
        wrong += [] if right else [name]
        rates = compare(matcher, rules, lines[:EVENTS], events[:EVENTS], moto)
        print(
            f"{name:26} {rates['match']:10,.0f} {show(rates, 'loads')} {show(rates, 'loop')}"
            f" {show(rates, 'moto')} {rates['text']:10,.0f} {rates['text'] / rates['loads']:9.2f}"
            f"  {'right' if right else 'WRONG'}"
        )
    return wrong


def exact_rule(number: int) -> dict[str, Any]:
    """Return a rule that one event in all matches, by equality."""
    return {"detail-type": [f"x{number}"], "detail": {"k": [f"v{number}"]}}


def mixed_rule(number: int) -> dict[str, Any]:
    """Return a rule that one event in all matches, by an operator that goes round."""
    octets = ".".join(str(2 * number >> shift & 255) for shift in (16, 8, 0))
    source = {"source": ["courier.app"]}
    return [
        {**source, "detail": {"k": [f"v{number}"]}},
        {**source, "detail": {"text": [{"prefix": f"begin-{number}-"}]}},
        {**source, "detail": {"text": [{"suffix": f"-{number}-end"}]}},
        {**source, "detail": {"size": [{"numeric": [">=", number, "<", number + 1]}]}},
        {**source, "detail": {"text": [{"wildcard": f"begin-{number}-*-end"}]}},
        {**source, "detail": {"k": [{"equals-ignore-case": f"V{number}"}]}},
        {"detail-type": [f"x{number}"], "detail": {"k": [{"anything-but": "none"}]}},
        {**source, "detail": {"address": [{"cidr": f"10.{octets}/31"}]}},
    ][number % 8]


def event_of(number: int) -> dict[str, Any]:
    """Return the event that the rule of the same number matches."""
    octets = ".".join(str(2 * number >> shift & 255) for shift in (16, 8, 0))
    return {
        "version": "0",
        "id": f"00000000-0000-4000-8000-{number:012}",
        "source": "courier.app",
        "detail-type": f"x{number}",
        "time": "2026-11-23T10:00:00Z",
        "detail": {
            "k": f"v{number}",
            "text": f"begin-{number}-and-{number}-end",
            "size": number + 0.5,
            "address": f"10.{octets}",
            "items": [{"sku": "a", "count": 1}, {"sku": "b", "count": 2}],
        },
    }


def print_counts(kind: str, make: Callable[[int], dict[str, Any]], moto: Any) -> None:
    """Print how the rate goes with the number of rules."""
    print(f"From {COUNTS[0]} to {COUNTS[-1]:,} {kind} rules; each event matches one of them.")
    print(f"{'rules':>8} {'events/s':>10} {'of ten':>7} {'x loads':>9} {'x loop':>9} {'x moto':>9}")
    first = 0.0
    for count in COUNTS:
        step = max(count // EVENTS, 1)
        events = [event_of(number * step % count) for number in range(EVENTS)]
        rules = [make(number) for number in range(count)]
        matcher = Matcher(dict(named(rules)))
        matched = sum(len(matcher.match(event)) for event in events)
        if matched != EVENTS:
            sys.exit(f"{matched} matches of {EVENTS} events with {count} {kind} rules")
        texts = [json.dumps(event).encode() for event in events]
        rates = compare(matcher, rules, texts, events, moto, slow=count <= LARGEST_LOOP)
        first = first or rates["match"]
        print(
            f"{count:8,} {rates['match']:10,.0f} {rates['match'] / first:7.2f}"
            f" {show(rates, 'loads')} {show(rates, 'loop')} {show(rates, 'moto')}"
        )


def named(rules: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    """Return rules with names."""
    return ((str(index), rule) for index, rule in enumerate(rules))


def print_build() -> None:
    """Print how long the largest matchers take to build, and how much memory they take."""
    count = COUNTS[-1]
    text = json.dumps(event_of(7)).encode()
    loads = measure({"loads": (json.loads, [text] * EVENTS)})["loads"]
    print(f"{count:,} rules: time to read them, time to file them, and memory that both take")
    print("before any event is matched; trees are grown by the events that need them.")
    print(f"(json.loads: {loads:,.0f} of their events a second)")
    kept = []
    for kind, make in (("exact", exact_rule), ("mixed", mixed_rule)):
        rules = dict(named(make(number) for number in range(count)))
        gc.collect()
        before = resident()
        started = time.thread_time()
        patterns = {name: Pattern(rule) for name, rule in rules.items()}
        read = time.thread_time()
        kept.append(Matcher(patterns))  # so that the next one finds no room left by this one
        filed = time.thread_time()
        taken = f"{resident() - before:6.0f} MB" if before else "memory unknown"
        print(f"{kind:8} {read - started:6.2f} s + {filed - read:5.2f} s {taken}")


def resident() -> float:
    """Return the process's resident memory in megabytes; 0 where the system does not tell."""
    statistics = Path("/proc/self/statm")
    if not statistics.exists():
        return 0.0
    return int(statistics.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
