"""Redriving dead letters as a plan: count, a canary, then the rest, as long as it goes well."""

from eventflow.redrive.fate import Course, Fate, LedgerCourse, Standing
from eventflow.redrive.plan import Part, Plan, make_plan
from eventflow.redrive.run import Pace, Run, RunState
from eventflow.redrive.sending import (
    Outcome,
    Redriven,
    Redriver,
    batches_of,
    preview,
    redrive_letters,
)

__all__ = [
    "Course",
    "Fate",
    "LedgerCourse",
    "Outcome",
    "Pace",
    "Part",
    "Plan",
    "Redriven",
    "Redriver",
    "Run",
    "RunState",
    "Standing",
    "batches_of",
    "make_plan",
    "preview",
    "redrive_letters",
]
