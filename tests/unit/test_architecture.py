"""What import-linter cannot hold: sizes, names, public faces, and errors that can travel."""

import ast
import inspect
import json
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.backends.base import Backend

import eventflow
from eventflow.errors import Problem

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 350
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}

FILES = sorted([*ROOT.glob("eventflow/**/*.py"), *ROOT.glob("workers/**/*.py")])
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in ROOT.glob("eventflow/**/*.py")
    if path.name != "__main__.py"
)

# A value for each kind of argument that an error takes; none is its default.
SAMPLES: dict[str, object] = {
    "str": "what is wrong: 'door', and what to do",
    "float | None": 30.5,
    "int": 7,
    "collections.abc.Sequence[str]": ["a", "b"],
    "collections.abc.Sequence[eventflow.errors.Problem | tuple[str, int, int, str, str]]": [
        Problem("rules/a.yaml", 3, 5, "rules.unlock", "no target is named 'door'"),
        Problem("", 0, 0, "", "empty"),
    ],
}


def error_classes() -> list[tuple[str, str]]:
    """Return module and name of every error of the package, read without importing it."""
    classes = [
        (module, node.name, {base.id for base in node.bases if isinstance(base, ast.Name)})
        for module in MODULES
        for node in ast.walk(ast.parse(_source_of(module).read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    errors = {"EventflowError", "Retry", "Refuse"}
    while more := {name for _, name, bases in classes if bases & errors} - errors:
        errors |= more
    return [(module, name) for module, name, _ in classes if name in errors]


def _source_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def sample_of(module: str, name: str) -> Exception:
    """Return an error of this class with every argument given."""
    cls: type[Exception] = getattr(import_module(module), name)
    parameters = inspect.signature(cls).parameters.values()
    return cls(*(SAMPLES[_kind_of(item)] for item in parameters))


def _kind_of(parameter: inspect.Parameter) -> str:
    kind = parameter.annotation
    return kind.__name__ if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_short(path: Path) -> None:
    """A module holds one idea, and so has 350 lines at most."""
    assert MOST_LINES >= len(path.read_text().splitlines())


def test_modules_have_names_of_their_own() -> None:
    """No module is called utils, helpers or common: what is shared has a name."""
    assert [] == [
        str(path) for path in FILES if path.stem in NAMELESS or path.parent.stem in NAMELESS
    ]


def test_no_module_hides_a_library() -> None:
    """No module at the top of the package is called like a library that the package uses."""
    libraries = {"celery", "kombu", "redis", "sqlalchemy", "pydantic", "click", "yaml", "rich"}
    names = {name.split(".")[1] for name in MODULES if "." in name}
    assert set() == names & (libraries | sys.stdlib_module_names)


def public_modules() -> list[str]:
    """Return the modules that anyone may import from, but those that only hold a docstring."""
    return [
        name
        for name in MODULES
        if not any(part.startswith("_") for part in name.split("."))
        and len(ast.parse(_source_of(name).read_text()).body) > 1
    ]


@pytest.mark.parametrize("name", public_modules())
def test_public_names_exist(name: str) -> None:
    """Each public module says its names in `__all__`, and has them."""
    module = import_module(name)
    assert hasattr(module, "__all__"), f"{name} has no __all__"
    names = list(module.__all__)
    assert sorted(set(names)) == sorted(names)
    assert [] == [item for item in names if not hasattr(module, item)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_says_its_purpose_first(path: Path) -> None:
    """The first line of a module is a sentence that says its purpose."""
    purpose = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
    assert purpose.endswith((".", "?", ":"))


def test_there_are_errors_to_check() -> None:
    """The search finds the errors that the two tests below are about."""
    found = {name for _, name in error_classes()}
    assert {"RuleError", "PublishError", "Retry", "Refuse"} == found & {
        *("RuleError", "PublishError", "Retry", "Refuse")
    }


@pytest.mark.parametrize(("module", "name"), error_classes())
def test_error_survives_pickling(module: str, name: str) -> None:
    """An error that crosses a process keeps its text and all that it carries."""
    error = sample_of(module, name)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(error), str(error), error.args) == (type(copy), str(copy), copy.args)
    assert vars(error) == vars(copy)


@pytest.mark.parametrize(("module", "name"), error_classes())
def test_error_survives_celery_json(module: str, name: str) -> None:
    """An error that Celery stores as JSON keeps its text and all that it carries."""
    error = sample_of(module, name)
    backend = Backend(Celery(set_as_current=False))
    stored = json.loads(json.dumps(backend.prepare_exception(error, serializer="json")))
    copy = backend.exception_to_python(stored)
    assert (type(error), str(error)) == (type(copy), str(copy))
    assert vars(error) == vars(copy)


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        pytest.param(
            "eventflow.patterns",
            {"celery", "kombu", "redis", "sqlalchemy", "pydantic", "yaml", "click"},
            id="patterns stand alone",
        ),
        pytest.param(
            "eventflow",
            {"celery", "kombu", "redis", "sqlalchemy", "pydantic", "yaml", "click"},
            id="the root loads its names when asked",
        ),
        pytest.param(
            "eventflow.rules",
            {"celery", "kombu", "redis", "sqlalchemy", "click"},
            id="rules do no network",
        ),
        pytest.param(
            "eventflow.cli.main",
            {"celery", "kombu", "redis", "sqlalchemy", "pydantic"},
            id="--help is quick",
        ),
        pytest.param("workers", {"sqlalchemy"}, id="an integration's worker has no store"),
    ],
)
def test_import_stays_light(module: str, heavy: set[str]) -> None:
    """Importing a module in a fresh process loads none of the libraries that it has no use for."""
    program = f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set() == heavy & {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_floors() -> None:
    """Every module imports from lower floors only, as import-linter's contracts say."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


def test_root_names_load() -> None:
    """Each name of the root loads when asked for, and is the one that its home has."""
    names: dict[str, Any] = {name: getattr(eventflow, name) for name in eventflow.__all__}
    homes: dict[str, Any] = {name: import_module(home) for name, home in eventflow._HOMES.items()}
    assert sorted(names) == sorted(homes)
    assert {} == {
        name: value for name, value in names.items() if value is not getattr(homes[name], name)
    }


def test_root_tells_type_checkers_the_same() -> None:
    """The imports that type checkers read at the root are the names that load, from the same home."""
    tree = ast.parse((ROOT / "eventflow/__init__.py").read_text())
    told = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert eventflow._HOMES == told


def test_root_has_no_other_names() -> None:
    """A name that the root does not have is an AttributeError that says so."""
    with pytest.raises(AttributeError, match="module 'eventflow' has no attribute 'Courier'"):
        _ = eventflow.Courier
