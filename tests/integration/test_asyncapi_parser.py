"""The AsyncAPI document is one, by the specification's official parser."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from eventflow.catalogue import asyncapi_document, write_catalogue
from tests.integration.catalogue import reference_catalogue
from tests.servers import require

HERE = Path(__file__).resolve().parents[1] / "asyncapi"
_MISSING = (
    "no node and npm on this machine: apt-get install nodejs npm, or scripts/install-test-services"
)
pytestmark = pytest.mark.timeout(300)  # npm installs at first

_ERROR = 0  # a diagnostic's severity


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the parser, in the virtual environment; installed when it is not there."""
    npm = require(shutil.which("node") and shutil.which("npm"), _MISSING)
    lock = (HERE / "package-lock.json").read_bytes()
    folder = Path(sys.prefix) / "node" / f"asyncapi-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not folder.exists():
        # Made whole elsewhere and then put in place: two test runs may be at it.
        making = tmp_path_factory.mktemp("npm") / "asyncapi"
        making.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, making)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=making, capture_output=True, text=True, check=False)
        last = done.stderr.strip().rpartition("\n")[2]
        require(done.returncode == 0 or None, f"npm cannot install the AsyncAPI parser: {last}")
        beside = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.copytree(making, beside, symlinks=True)
        with suppress(OSError):  # the other run was quicker
            beside.rename(folder)
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def parse(parser: Path, file: Path) -> dict[str, Any]:
    """Return what the parser says of a document."""
    command = ["node", str(HERE / "parse.cjs"), str(file)]
    done = subprocess.run(command, cwd=parser, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_official_parser_finds_no_fault(parser: Path, tmp_path: Path) -> None:
    """The parser reads the document without an error, and finds all that the catalogue has."""
    catalogue = reference_catalogue(tmp_path / "schemas")
    write_catalogue(catalogue, tmp_path / "out")
    said = parse(parser, tmp_path / "out/asyncapi.json")
    # A newer AsyncAPI is no fault of this one.
    assert [] == [item for item in said["problems"] if item["code"] != "asyncapi-latest-version"]
    assert ["default"] == said["channels"]
    versions = {
        f"{event.key}.{version.document.name.version}"
        for event in catalogue.events
        for version in event.versions
    }
    assert versions == set(said["messages"])
    received = next(item for item in said["operations"] if item["id"] == "audit.receives.default")
    assert ("receive", versions) == (received["action"], set(received["messages"]))


def test_official_parser_would_find_a_fault(parser: Path, tmp_path: Path) -> None:
    """What is wrong is an error by the same parser: an operation without a channel."""
    document = asyncapi_document(reference_catalogue(tmp_path / "schemas"))
    del document["operations"]["audit.receives.default"]["channel"]
    (tmp_path / "wrong.json").write_text(json.dumps(document))
    said = parse(parser, tmp_path / "wrong.json")
    assert [_ERROR] == sorted({item["severity"] for item in said["problems"]} - {2})
