"""Each example: its own tests pass, and the command of its README starts a shop that works."""

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.running_up import PATIENCE, RunningProcess, environment, lives, wait_for
from tests.deployment import ROOT
from tests.docs.pages import read_page
from tests.ports import free_port

EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/README.md"))
ORDER = {"email": "ada@example.org", "product": "bell", "quantity": 2}

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)


class Shop(RunningProcess):
    """A shop, started by a script of its folder."""

    program = ()

    def __init__(self, place: Path, script: str) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        super().__init__(place, script, SHOP_PORT=str(port))

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Return what the shop answers; None while it does not."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError:
            raise
        except OSError:
            return None


@pytest.fixture
def place(example: Path, tmp_path: Path) -> Path:
    """A copy of the example, without what a run of it may have left."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=example, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(example / name, tmp_path / name)
    return tmp_path


@each_example
def test_its_own_tests_pass(place: Path) -> None:
    """The example's tests pass where the example stands alone."""
    command = [sys.executable, "-m", "pytest", "-q"]
    done = subprocess.run(
        command, cwd=place, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed", done.stdout)


@each_example
def test_its_schemas_and_rules_are_right(place: Path) -> None:
    """The schema files are as the typed events say, and the rules pass the tests beside them."""
    is_django = (place / "manage.py").exists()
    program = ["manage.py"] if is_django else ["-m", "flask", "--app", "shop"]
    for arguments in (["schemas", "export", "--check"], ["rules", "test"]):
        command = [sys.executable, *program, "eventflow", *arguments]
        done = subprocess.run(
            command, cwd=place, env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_tutorial_is_the_example() -> None:
    """Every file that the tutorial shows is the example's own, to the letter."""
    shown = [
        block
        for block in read_page(ROOT / "docs/tutorial/a-shop-on-django.md").blocks
        if block.title
    ]
    example = ROOT / "examples" / "django_shop"
    assert shown
    assert [] == [
        block.place for block in shown if (example / block.title).read_text() != block.text
    ]


@each_example
@pytest.mark.timeout(240)
def test_the_command_of_its_readme_starts_a_shop(place: Path) -> None:
    """One command starts all: an order is mailed and, in the end, packed; Ctrl-C stops all."""
    blocks = [block.text for block in read_page(place / "README.md").blocks]
    found = next(match for text in blocks if (match := re.fullmatch(r"\$ python (\S+)\n", text)))
    shop = Shop(place, found[1])
    pids: list[int] = []
    try:
        shop.wait_for("eventflow is up: 2 workers")
        wait_for(lambda: shop.ask("/orders", ORDER) is not None, "the shop to take an order")
        wait_for(lambda: any(place.glob("mails/*")), "the mail")
        slip = place / "warehouse" / "order-1.json"
        wait_for(slip.exists, "the packing slip")
        wait_for(lambda: _status(shop) == "packed", "the order to be packed")
        pids = list(shop.descendants())
    finally:
        code = shop.end()
    assert code == 0, shop.said
    assert [pid for pid in pids if lives(pid)] == []


def _status(shop: Shop) -> object:
    order = shop.ask("/orders/1")
    return order and order["status"]
