"""Whoever types wrongly gets one line that helps, status 2, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

import evaluate
import train
from commandline import BadInput
from reporting import explorer

GAMES = "expected one of pong, breakout, catch"

TRAIN = [
    ("--game pogn", f"--game: {GAMES}.*; got 'pogn'; did you mean 'pong'"),
    ("--game pong tetris", f"--game: {GAMES}.*; got 'tetris'"),
    ("--extractor half_mxa", "--extractor: expected one of nature.*got 'half_mxa'; did you mean"),
    ("--extractor nature@wide", "nature@wide"),
    ("--extractor gone.py:Net", "--extractor: expected a file, found none at gone.py"),
    ("--extractor no_stride", "169,950,886 parameters.*--really"),
    ("--game --steps 5", "--game: expected at least one, got none"),
    ("--steps 0", "--steps: expected a whole number of at least 1, got 0"),
    ("--steps -5", "--steps: expected a whole number of at least 1, got -5"),
    ("--steps many", "--steps: expected a whole number, got 'many'"),
    ("--stesp 5", "Unrecognized options: --stesp, 5; did you mean --steps?"),
    ("--learning-rate inf", "--learning-rate: expected a number above 0, got inf"),
    ("--learning-rate nan", "--learning-rate: expected a number above 0, got nan"),
    ("--seed -1", "--seed: expected a whole number of at least 0, got -1"),
    ("--workers -1", "--workers: expected a whole number of at least 0, got -1"),
    ("--time-budget 9", "--time-budget: expected a time such as 90s, 9m, 2h or 1h30m, got '9'"),
    ("--time-budget 2s", "--time-budget: expected at least 10s, got '2s'"),
    ("--preset slow", "--preset: expected one of demo, fast, nature; got 'slow'"),
    ("--device cuda", "--device: .*finds no CUDA device"),
    ("--device tpu", "--device: expected one of auto, cpu, cuda; got 'tpu'"),
    ("--wandb onlin", "--wandb: expected one of offline, online, disabled; got 'onlin'; did"),
    ("--wandb online", "--wandb online: expected a key in WANDB_API_KEY; try --wandb offline"),
    ("--study-name a/b", "--study-name: expected the name of one folder, got 'a/b'"),
    ("--study-name s{step}", "--study-name: expected one of preset, steps, .*; got 'step'"),
    ("--json", "--json: expected --status beside it"),
    ("--results README.md", "--results: expected a folder or none, got a file: README.md"),
    ("--replay-size 100000000000", "--replay-size: .* need .* GB, .* GB are free; .* would fit"),
    ("--readout-every -1", "--readout-every: expected a whole number of at least 0, got -1"),
    ("--update-every 3", "expected one to divide the other"),
]


@pytest.mark.parametrize(("words", "message"), TRAIN, ids=[words for words, _ in TRAIN])
def test_train(words: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(BadInput, match=message) as caught:
        train.main([*words.split(), "--out", str(tmp_path / "runs")])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists(), "something was written"


def test_an_output_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("precious")
    with pytest.raises(BadInput, match="--out: expected a folder that can be made, got"):
        train.main(["--out", str(tmp_path / "runs")])
    assert (tmp_path / "runs").read_text() == "precious"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc to fail in")
def test_an_output_folder_that_cannot_be_made() -> None:
    """Nobody, root included, can make a folder below /proc."""
    with pytest.raises(BadInput, match="--out: expected a folder that can be made, got /proc/"):
        train.main(["--out", "/proc/ballpark"])


def test_a_run_directory_that_holds_something_else(tmp_path: Path) -> None:
    run = tmp_path / "fast" / "pong" / "nature" / "seed0"
    run.mkdir(parents=True)
    (run / "thesis.txt").write_text("precious")
    with pytest.raises(BadInput, match=r"exists and holds no run; choose another folder"):
        train.main(["--out", str(tmp_path)])
    assert [p.name for p in run.iterdir()] == ["thesis.txt"]


EVALUATE = [
    ("", "expected run directories or folders of them, such as runs/fast; got none"),
    ("nowhere", "nowhere: expected a run directory or a folder of them, got nothing"),
    (".", "expected a run directory .with config.json. here or below"),
    (". --games 0", "--games: expected a whole number of at least 1, got 0"),
    (". --report /nowhere/a.html", "--report: expected a file in a folder that is there, got /now"),
    (". --report --measures jnd", "--report: expected nothing to be measured beside it"),
    (". --report --video", "--report: expected nothing to be measured beside it"),
    (". --report --claims", "expected one of them at a time, got --claims and --report"),
    ("--report notes.txt", "notes.txt: expected a run directory or a folder of them, got nothing"),
    (". --epsilon 2", r"--epsilon: expected a number in \[0, 1\], got 2.0"),
    (". --epsilon nan", r"--epsilon: expected a number in \[0, 1\], got nan"),
    (". --device cuda", "--device: .*finds no CUDA device"),
    (". --wandb onlin", "--wandb: expected one of offline, online, disabled; got 'onlin'; did"),
    (". --ray auto", "--ray: expected --supervised, --untrained or --potential-reward beside it"),
    (". --json", "--json: expected --claims beside it"),
    ("gone --report elsewhere", "gone: expected a run directory or a folder of them, got nothing"),
    (". --rows gap", "--rows: expected --supervised or --untrained beside it"),
    (". --tune", "--tune: expected --supervised beside it"),
    ("--supervised where --rows gap --tune --common", "--tune: expected it without --common"),
    ("runs --untrained --rows gap", "--untrained: expected no run directories beside it, got ru"),
    ("--untrained --rows gap --measures jnd", "--measures: expected run directories, not --untr"),
    ("--untrained --rows gap --seeds", "--seeds: expected at least one, got none"),
    ("--untrained --rows gap --game", "--game: expected at least one, got none"),
    ("--report --ray auto", "--ray: expected --supervised, --untrained or --potential-reward be"),
    ("--untrained --rows gapp", "^--rows: expected one of nature.*got 'gapp'; did you mean 'gap'"),
    ("--supervised where --rows a.py:A", "^--rows: expected a file, found none at a.py"),
    ("--supervised were --rows gap", "--supervised: expected one of where, .*; did you mean 'w"),
    (". --gmaes 3", "Unrecognized options: --gmaes, 3; did you mean --games?"),
]


@pytest.mark.parametrize(("words", "message"), EVALUATE, ids=[words for words, _ in EVALUATE])
def test_evaluate(
    words: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=message) as caught:
        evaluate.main(words.split())
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir()), "something was written"


EXPLORER = [
    ("", "expected run directories, or --rows such as nature@0.5 gap@0.5; got none"),
    ("nowhere", "nowhere: expected a run directory or a folder of them, got none"),
    ("--rows natrue", "expected one of nature.*got 'natrue'; did you mean 'nature'"),
    ("--rows gap --seed -1", "--seed: expected a whole number of at least 0, got -1"),
    ("--rows gap --game tennis", f"--game: {GAMES}.*; got 'tennis'"),
    ("--rows gap --out page.pdf", "--out: expected a .html in a folder that exists, got page.pdf"),
    ("--rows gap --out no/page.html", "--out: expected a .html in a folder that exists, got no/p"),
]


@pytest.mark.parametrize(("words", "message"), EXPLORER, ids=[words for words, _ in EXPLORER])
def test_explorer(
    words: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=message) as caught:
        explorer.main(words.split())
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir()), "something was written"


@pytest.mark.parametrize(
    "text", ["{", "[1]", "{}", '{"game": "pong"}', '{"game": 3, "settings": {}}']
)
def test_a_run_directory_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(BadInput, match="expected a"):
        evaluate.main([str(tmp_path)])
    (tmp_path / "agent.json").write_text("{}")
    with pytest.raises(BadInput, match="expected"):
        evaluate.main([str(tmp_path)])


def test_a_run_directory_without_an_agent(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadInput, match="expected a finished run with agent"):
        evaluate.main([str(tmp_path)])
