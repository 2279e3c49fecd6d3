"""An event as large as may be, against schemas that make much of each fault: bounded memory."""

import subprocess
import sys
from pathlib import Path

import pytest

_CHECK = """
import json, resource, sys
from pathlib import Path
from eventflow.schemas import load_repository
from eventflow.schemas.validation import SchemaCheck

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
check = SchemaCheck(load_repository(Path(sys.argv[1])))
data = eval(sys.argv[2])
assert len(json.dumps(data)) > 600_000
result = check.check("shop", "Sold", None, "default", data)
print(result.action.value, len(result.faults), result.faults[0].path)
"""

_TREE = """{"$defs": {"node": {"type": "object", "properties": {
    "value": {"type": "integer"},
    "nodes": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}}, "$ref": "#/$defs/node"}"""
_CHOICE = (
    '{"type": "object", "properties": {"all": {"type": "array", "items": {"enum": ['
    + ", ".join(f'"choice {number}"' for number in range(5000))
    + "]}}}}"
)


@pytest.mark.parametrize(
    ("schema", "data", "path"),
    [
        pytest.param(_CHOICE, '{"all": ["none of them"] * 60_000}', "data.all[0]", id="choices"),
        pytest.param(
            _TREE,
            '{"nodes": [{"nodes": [{"value": "x"}] * 250} for _ in range(250)]}',
            "data.nodes[0].nodes[0].value",
            id="a tree",
        ),
    ],
)
def test_faults_without_number(tmp_path: Path, schema: str, data: str, path: str) -> None:
    """Of an event with 60,000 faults the first one is told, and memory does not run out."""
    file = tmp_path / "shop" / "Sold" / "1.0.json"
    file.parent.mkdir(parents=True)
    file.write_text(schema)

    ran = subprocess.run(
        [sys.executable, "-c", _CHECK, str(tmp_path), data],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout == f"refuse 1 {path}\n", ran.stderr[-2000:]
