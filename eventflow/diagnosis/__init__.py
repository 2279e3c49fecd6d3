"""The diagnosis: what is wrong with a deployment, found by asking all of its parts."""

from eventflow.diagnosis.examination import Examination, examine
from eventflow.diagnosis.finding import CODES, Finding, Severity

__all__ = ["CODES", "Examination", "Finding", "Severity", "examine"]
