"""The part `end_to_end`: each system at rising rates, and the highest rate that it holds."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from benchmarks.end_to_end.deployment import Deployment
from benchmarks.end_to_end.goals import most, tell_goals
from benchmarks.end_to_end.measure import Load, Run, measure
from benchmarks.end_to_end.report import show_runs
from benchmarks.end_to_end.systems import BROKERS, SYSTEMS, System, reason_missing

__all__ = ["RATES", "run_ladder"]

RATES = (100.0, 500.0, 1_000.0, 2_000.0, 4_000.0)
_CLOSE = 1.15
"""The search ends when what holds and what does not are as near as this."""
_LOWEST = 25.0
_HIGHEST = 64_000.0


def run_ladder(options: argparse.Namespace) -> list[Run]:
    """Measure each system on each broker, print tables and ratios, and return all runs."""
    every: list[Run] = []
    for broker in options.broker or BROKERS:
        by_system: dict[str, list[Run]] = {}
        shown: dict[str, Run] = {}
        for name in options.system or SYSTEMS:
            system = SYSTEMS[name]
            if reason := reason_missing(system, broker):
                print(f"left out: {name} on {broker}: {reason}")
                continue
            runs = list(_climb(system, broker, options))
            shown |= {f"{name} {run.load.rate:,.0f}": run for run in _by_rate(runs)}
            every += runs
            by_system[name] = runs
        show_runs(f"{broker}: three targets an event, one publish an event", shown)
        _show_ratios({name: most(runs) for name, runs in by_system.items()})
        for line in tell_goals(by_system):
            print(f"  goal: {line}")
    return every


def _climb(system: System, broker: str, options: argparse.Namespace) -> Iterator[Run]:
    with ExitStack() as stack:
        running: Deployment | None = None

        def at(rate: float) -> Run:
            nonlocal running
            if running is None:
                events = {"EVENTFLOW_TASK_EVENTS": str(options.task_events).lower()}
                running = stack.enter_context(
                    Deployment(
                        system,
                        broker,
                        pool=options.pool,
                        publishers=options.publishers,
                        recorder=options.recorder,
                        environment=events,
                    )
                )
            run = measure(running, Load(rate, options.seconds))
            if not run.holds:  # what is left would be the next run's
                stack.close()
                running = None
            return run

        rates: Sequence[float] = options.rate or RATES
        holds, fails = 0.0, _HIGHEST
        for rate in rates:
            run = at(rate)
            yield run
            if not run.holds:
                fails = rate
                break
            holds = rate
        if options.rate:
            return
        while fails / max(holds, 1.0) > _CLOSE and fails > _LOWEST:
            rate = round(min((holds + fails) / 2, 2 * holds or fails), -1)
            run = at(rate)
            yield run
            holds, fails = (rate, fails) if run.holds else (holds, rate)


def _by_rate(runs: Sequence[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: run.load.rate)


def _show_ratios(best: dict[str, Run]) -> None:
    ours = best.get("eventflow")
    for name, run in best.items():
        held = "held" if run.holds else "done at most, not held"
        line = f"  {name:10} {run.done:8,.0f} events/s {held}"
        if ours is not None and name != "eventflow" and run.done:
            line += f"; eventflow does {ours.done / run.done:.1f} times as many"
            line += f", with {run.cost / ours.cost:.1f} times less processor time an event"
        print(line)
