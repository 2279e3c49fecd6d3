"""The codes: each may be said, is documented, and stays what it is."""

import re
from pathlib import Path

import pytest

from eventflow.diagnosis import CODES, Finding

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "doctor.md").read_text(encoding="utf-8")
SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("eventflow/diagnosis/*.py"), ROOT / "eventflow/cli/doctor.py")
    if path.name != "finding.py"
)


def test_every_code_is_documented():
    """Each code has its row on the page, with its severity, and no row is of a code that is not."""
    rows = re.findall(r"^\| `([\w-]+)` \| (error|warning|note) \|", PAGE, re.MULTILINE)
    assert dict(rows) == {code: severity.value for code, severity in CODES.items()}
    assert [code for code, _ in rows] == sorted(code for code, _ in rows)


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_said_somewhere(code):
    """No code is left over: each stands where a finding is made, or ends as a made one does."""
    assert f'"{code}"' in SOURCES or f'-{code.rpartition("-")[2]}"' in SOURCES


def test_codes_are_sorted():
    """The table of codes is in order, so that one finds one."""
    assert list(CODES) == sorted(CODES)


def test_a_finding_is_one_line():
    """Where it is, how bad, its code, what is wrong and what to do."""
    finding = Finding("no-router", "processes", "nobody routes", "start one")
    assert str(finding) == "processes: error no-router: nobody routes: start one"
