"""Factories for the tests of rules."""

from collections.abc import Callable
from pathlib import Path

import pytest

from eventflow.errors import RuleError
from eventflow.rules import load_rules

TARGETS = "targets: {audit: {task: workers.audit.keep}}\n"


@pytest.fixture
def write_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write rule files into `rules/` of a fresh current directory; returns that directory."""
    monkeypatch.chdir(tmp_path)

    def write(**files: str | bytes) -> Path:
        folder = Path("rules")
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (folder / f"{name}.yaml").write_bytes(data)
        return folder

    return write


@pytest.fixture
def faults_of(write_rules: Callable[..., Path]) -> Callable[..., list[str]]:
    """Load rule files that are faulty; returns each problem as the line that people see."""

    def load(**files: str | bytes) -> list[str]:
        with pytest.raises(RuleError) as caught:
            load_rules(write_rules(**files))
        return [str(problem) for problem in caught.value.problems]

    return load
