"""The generated pages of docs/ are as their sources say."""

import subprocess
import sys
from pathlib import Path

from eventflow.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def test_generated_pages_are_fresh() -> None:
    """Writing the generated pages again would change nothing; if it would, `make docs` does it."""
    command = [sys.executable, str(ROOT / "scripts/generate-docs"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_every_setting_is_documented() -> None:
    """Each setting's variable stands in the table of settings, with what it is."""
    page = (ROOT / "docs/reference/settings.md").read_text()
    missing = [name for name in Settings.model_fields if f"`EVENTFLOW_{name.upper()}`" not in page]
    assert [] == missing
    assert [] == [name for name, field in Settings.model_fields.items() if not field.description]
