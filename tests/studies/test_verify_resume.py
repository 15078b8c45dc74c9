"""Killed again and again, a run ends with the same bits: real processes, real SIGKILL."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from commandline import BadInput
from studies import verify_resume
from studies.verify_resume import Arguments, differences


def test_three_kills_on_catch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--game", "catch", "--extractor", "gap@0.5", "--kills", "3"]
    assert verify_resume.main([*words, "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "one W&B history" in told
    digests = [line.split()[1] for line in told.splitlines() if "disturbed: " in line]
    assert len(digests) == 2
    assert digests[0] == digests[1]
    # And a difference would be told.
    ours, theirs = (next((tmp_path / n).glob("demo/*/*/*")) for n in ("undisturbed", "disturbed"))
    assert differences(ours, theirs, wandb=True) == []
    rows = (theirs / "metrics.jsonl").read_text().splitlines()
    (theirs / "metrics.jsonl").write_text("\n".join([*rows, rows[-1]]) + "\n")
    agent = json.loads((theirs / "agent.json").read_text())
    (theirs / "agent.json").write_text(json.dumps({**agent, "sha256": "0"}))
    found = differences(ours, theirs, wandb=True)
    assert [line.split(":")[0] for line in found] == ["agent.safetensors", "metrics.jsonl", "wandb"]
    shutil.copytree(next((theirs / "wandb").glob("offline*")), theirs / "wandb" / "offline-run-2")
    assert "wandb: 2 runs would be uploaded" in differences(ours, theirs, wandb=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--device gpu", "--device: expected one of cpu, cuda; got 'gpu'"),
        ("--device cuda", "--device: .*finds no CUDA device"),
        ("--seed -1", "--seed: expected a whole number of at least 0, got -1"),
        ("--steps 1", "--steps: expected a whole number of at least 2, got 1"),
        ("--out README.md", "--out: expected a folder that can be made, got README.md"),
        ("--out {}", "--out: expected a folder without runs, got one with disturbed in it"),
    ],
)
def test_what_is_typed_wrongly_is_told_before_anything_is_written(
    words: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "disturbed").mkdir()
    with pytest.raises(BadInput, match=message):
        verify_resume.main(words.format(tmp_path).split())
    assert [p.name for p in tmp_path.rglob("*")] == ["disturbed"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("game", ["pong", "catch"])
def test_twenty_kills_and_five_stops(game: str, tmp_path: Path) -> None:
    arguments = Arguments(game=game, kills=20, stops=5)
    assert verify_resume.verify(arguments, tmp_path / "runs") == 0
