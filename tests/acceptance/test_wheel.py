"""The wheel: built, installed in an environment of its own, and used outside of the checkout."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command without anything of the checkout in its environment."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME")
    }
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it; return its environment's folder of programs."""
    place = tmp_path_factory.mktemp("wheel")
    built = run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place, ROOT),
        cwd=place,
    )
    assert 0 == built.returncode, built.stdout + built.stderr
    (wheel,) = place.glob("eventflow-*.whl")
    environment = place / "venv"
    made = run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=place)
    assert 0 == made.returncode, made.stderr
    programs = environment / "bin"
    packages = run(
        programs / "python",
        "-c",
        "import sysconfig; print(sysconfig.get_path('purelib'))",
        cwd=place,
    ).stdout.strip()
    # The libraries are those of this environment; eventflow itself is the wheel's alone.
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(packages) / "libraries.pth").write_text("\n".join(sorted(libraries)))
    done = run(
        *(
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--python",
            programs / "python",
        ),
        *("install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", wheel),
        cwd=place,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return programs


def test_command_runs(installed: Path, tmp_path: Path) -> None:
    """`eventflow --help` lists the commands, and `--version` says the wheel's version."""
    helped = run(installed / "eventflow", "--help", cwd=tmp_path)
    assert 0 == helped.returncode, helped.stderr
    assert {"demo", "up", "publish", "rules", "deadletters"} <= set(helped.stdout.split())
    assert "eventflow 0.1.0\n" == run(installed / "eventflow", "--version", cwd=tmp_path).stdout


def test_names_load_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """Every public name loads, from the installed package and not from the checkout."""
    program = (
        "import eventflow; [getattr(eventflow, name) for name in eventflow.__all__]; "
        "print(eventflow.__file__)"
    )
    done = run(installed / "python", "-c", program, cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(installed.parent)


def test_wheel_carries_what_is_no_python(installed: Path, tmp_path: Path) -> None:
    """Lua scripts, the type marker and the reference deployment are in the wheel."""
    program = "import eventflow, pathlib; print(pathlib.Path(eventflow.__file__).parent)"
    package = Path(run(installed / "python", "-c", program, cwd=tmp_path).stdout.strip())
    expected = {path.relative_to(ROOT) for path in ROOT.glob("eventflow/**/*.lua")}
    expected |= {Path("eventflow/py.typed")}
    expected |= {
        Path("eventflow/reference") / path.relative_to(ROOT)
        for path in [
            *ROOT.glob("workers/*.py"),
            *ROOT.glob("rules/*.yaml"),
            *ROOT.glob("schemas/**/*.json"),
        ]
    }
    assert set() == {path for path in expected if not (package.parent / path).is_file()}


def test_reference_rules_are_sound(installed: Path, tmp_path: Path) -> None:
    """The rules that the wheel carries load without a problem, by the installed command."""
    program = "import eventflow, pathlib; print(pathlib.Path(eventflow.__file__).parent)"
    package = Path(run(installed / "python", "-c", program, cwd=tmp_path).stdout.strip())
    done = run(installed / "eventflow", "rules", "check", package / "reference/rules", cwd=tmp_path)
    assert 0 == done.returncode, done.stdout + done.stderr
