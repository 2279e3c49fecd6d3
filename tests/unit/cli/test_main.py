"""The command `eventflow`: lazy commands, one-line errors, exit codes."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from eventflow.cli import lazy as lazy_module
from eventflow.cli.lazy import LazyGroup, Place
from eventflow.cli.main import COMMANDS, cli, main
from eventflow.errors import EventflowError, LedgerError, StartError

_HEAVY = ["celery", "kombu", "redis", "sqlalchemy", "pydantic", "rich"]


@click.command()
@click.argument("what")
def probe(what: str) -> None:
    """Fail in the way that is asked for."""
    if what == "error":
        try:
            raise ConnectionRefusedError(111, "refused\nby the server")
        except OSError as cause:
            raise LedgerError("the ledger does not answer") from cause
    if what == "lines":
        raise StartError("first\n  second")
    if what == "interrupt":
        raise KeyboardInterrupt
    if what == "abort":
        raise click.Abort
    if what == "no":
        click.get_current_context().exit(1)
    if what == "bug":
        raise ZeroDivisionError
    click.echo(what)


@pytest.fixture
def probing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line whose command `demo` is the probe."""
    monkeypatch.setitem(COMMANDS, "demo", Place(__name__, "probe", "Probe."))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[probe.callback.__module__])
    monkeypatch.setattr(lazy_module, "find_spec", lambda _: True)


def _run(*argv: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    code = caught.value.code
    assert isinstance(code, int)
    return code


def test_help_loads_nothing_heavy() -> None:
    """`eventflow --help` imports neither Celery nor any other large library."""
    code = (
        "import sys\nfrom eventflow.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {_HEAVY} if name in sys.modules])"
    )
    here = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Usage: eventflow" in done.stdout


def test_help_lists_the_commands_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command of the table has its line in the help."""
    assert _run("--help") == 0
    said = capsys.readouterr().out
    for name in COMMANDS:
        assert f"  {name} " in said
    assert "Start everything, in this terminal." in said


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_listed_command_loads(name: str) -> None:
    """A command in the table is a click command of that name."""
    context = click.Context(cli)
    command = cli.get_command(context, name)
    assert command is not None
    assert command.name == name
    assert command.help


def test_a_command_whose_module_is_missing_is_not_listed() -> None:
    """A command without a module breaks nothing: it is unknown."""
    group = LazyGroup("g", places={"x": Place("eventflow.cli.nothing", "x", "X.")})
    context = click.Context(group)
    assert group.list_commands(context) == []
    assert group.get_command(context, "x") is None
    assert "Commands" not in group.get_help(context)


def test_an_import_error_inside_a_command_is_not_hidden() -> None:
    """A command whose module exists and lacks the command is an error, not an unknown command."""
    places = {"x": Place("eventflow.cli.output", "no_such_command", "X.")}
    group = LazyGroup("g", places=places)
    with pytest.raises(AttributeError, match="no_such_command"):
        group.get_command(click.Context(group), "x")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the name and the version."""
    assert _run("--version") == 0
    assert capsys.readouterr().out.startswith("eventflow ")


@pytest.mark.parametrize("argv", [["nonsense"], ["--nonsense"], ["demo"]])
def test_wrong_use_is_exit_code_2(
    probing: None, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown command, an unknown option and a missing argument exit with 2, said on stderr."""
    assert _run(*argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Error: " in captured.err


def test_success_is_exit_code_0(probing: None, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that does its work exits with 0."""
    assert _run("demo", "fine") == 0
    assert capsys.readouterr().out == "fine\n"


def test_a_commands_own_exit_code_is_kept(probing: None) -> None:
    """A command that says "it is not so" by exit code 1 does so without an error."""
    assert _run("demo", "no") == 1


def test_an_error_is_one_line_for_each_cause(
    probing: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error is said with its chain of causes, one line each, without a traceback."""
    assert _run("demo", "error") == 1
    assert capsys.readouterr().err.splitlines() == [
        "Error: the ledger does not answer",
        "  caused by ConnectionRefusedError: [Errno 111] refused by the server",
    ]


def test_a_message_of_several_lines_is_kept(
    probing: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A message that lists problems keeps its lines."""
    assert _run("demo", "lines") == 1
    assert capsys.readouterr().err == "Error: first\n  second\n"


def test_verbose_shows_the_traceback(probing: None, capsys: pytest.CaptureFixture[str]) -> None:
    """With -v the traceback comes before the line."""
    assert _run("-v", "demo", "error") == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last):")
    assert "Error: the ledger does not answer" in said


def test_an_interrupt_is_exit_code_130(probing: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends a command with a word, by the shell's convention."""
    assert _run("demo", "interrupt") == 130
    assert capsys.readouterr().err.strip() == "Stopped."


def test_a_declined_question_is_exit_code_1(probing: None) -> None:
    """A person who says no to a question ends the command with 1."""
    assert _run("demo", "abort") == 1


def test_a_bug_is_not_dressed_up(probing: None) -> None:
    """An exception that is none of eventflow's own is left to be seen."""
    assert not issubclass(ZeroDivisionError, EventflowError)
    with pytest.raises(ZeroDivisionError):
        main(["demo", "bug"])
