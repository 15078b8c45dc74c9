"""What somebody types wrongly comes back as one helpful line."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from commandline import BadInput, LostError, at_least, choose, counted, parse, run, typed


@dataclass(frozen=True)
class Options:
    """Options for the tests.

    Attributes:
        games: How many.
        names: Which.
        rate: How fast.
        seeds: Where from.
        steps: How far.
    """

    games: int = 3
    names: list[str] = field(default_factory=list)
    rate: float = 0.5
    seeds: list[int] = field(default_factory=list)
    steps: int | None = None


def read(*argv: str) -> Options:
    return parse(Options, argv, "prog", "About.")


def test_values_are_read() -> None:
    assert read("--games", "4", "--names", "a", "b", "--rate", "1e-3") == Options(
        4, ["a", "b"], 1e-3
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--gmaes", "3"), "Unrecognized options: --gmaes, 3; did you mean --games?"),
        (("--games", "x"), "--games: expected a whole number, got 'x'"),
        (("--rate", "fast"), "--rate: expected a number, got 'fast'"),
        (("--seeds", "1.5"), "--seeds: expected a whole number, got '1.5'"),
        (("--seeds", "1", "x"), "--seeds: expected a whole number, got '1 x'"),
        (("--steps", "many"), "--steps: expected a whole number, got 'many'"),
        (("--rate",), "Missing value for argument '--rate'. Expected 1 values."),
    ],
)
def test_errors_are_one_line(argv: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(*argv)
    assert str(caught.value) == message


def test_help_leaves_with_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read("--help")
    assert caught.value.code == 0
    assert "How many." in capsys.readouterr().out


def test_choose_names_the_nearest() -> None:
    assert choose("--game", "pong", ["pong", "catch"]) == "pong"
    with pytest.raises(BadInput, match=r"^--game: expected one of pong, catch; got 'pogn'; did "):
        choose("--game", "pogn", ["pong", "catch"])
    with pytest.raises(BadInput, match=r"got 'zzz'$"):
        choose("--game", "zzz", ["pong", "catch"])


def test_at_least() -> None:
    assert at_least("--steps", 1, 1) == 1
    with pytest.raises(BadInput, match="--steps: expected a whole number of at least 1, got 0"):
        at_least("--steps", 0, 1)


def test_numbers_agree_with_their_nouns() -> None:
    assert [counted(n, "agent") for n in (0, 1, 2155)] == ["0 agents", "1 agent", "2,155 agents"]
    assert counted(2, "loss", "losses") == "2 losses"


def test_commands_are_typed_as_in_the_readme_and_quoted() -> None:
    assert typed("evaluate.py", Path("runs/fast")) == ".venv/bin/python evaluate.py runs/fast"
    assert shlex.split(typed("evaluate.py", "it's here"))[-1] == "it's here"
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"{typed('evaluate.py')} runs/demo" in readme


def test_bad_input_leaves_with_status_2_and_one_line(tmp_path: Path) -> None:
    script = tmp_path / "prog.py"
    script.write_text(
        "import commandline\n"
        "def main():\n    raise commandline.BadInput('--x: expected y, got z')\n"
        "commandline.run(main)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "prog.py: error: --x: expected y, got z\n"


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (LostError("the cluster\nhas gone"), 1, "error: the cluster has gone"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_nobody_typed_has_a_status_of_its_own(
    error: BaseException, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> int:
        raise error

    with pytest.raises(SystemExit) as caught:
        run(main)
    assert caught.value.code == status
    assert capsys.readouterr().err == f"{Path(sys.argv[0]).name}: {line}\n"
