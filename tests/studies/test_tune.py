"""The learning rate that tuning runs choose, and the runs that then use it."""

from __future__ import annotations

import io
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import train
from agents import tuned
from agents.settings import Settings, as_dict, fingerprint, resolve, training_protocol
from agents.tuned import settings_of, table
from benchmarks.cost import ROOT
from benchmarks.cost_model import Rates, cost
from commandline import BadInput
from studies.agenda import Agenda
from studies.publish import place
from studies.running.directory import config
from studies.tune import main

FAST = resolve("fast", "catch")


def publish(
    results: Path, row: str, rate: float, seed: int, last: float, trained: Settings = FAST
) -> Path:
    """Write a row as a tuning run leaves it: from -0.65 straight to `last`."""
    folder = results / "runs" / f"tune_catch-rate{rate:g}" / "catch" / row
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed{seed}.json"
    content = {
        "study": f"tune_catch-rate{rate:g}", "game": "catch", "extractor": row, "seed": seed,
        "settings": {**as_dict(trained), "learning_rate": rate}, "finished": True,
        "curve": [[0, -0.65, 0, 0, 50], [40_000, last, 0, 0, 50]],
    }  # fmt: skip
    path.write_text(json.dumps(content))
    return path


def tune(
    results: Path, row: str, lasts: dict[float, float], seeds: range = range(100, 103)
) -> None:
    for rate, last in lasts.items():
        for seed in seeds:
            publish(results, row, rate, seed, last + (seed - 101) * 0.1)


def command(told: str, rate: str) -> train.Arguments:
    """Return what train.py understands of the printed command."""
    (line,) = re.findall(r"python train.py (.*); done", told)
    words = shlex.split(line.replace("$rate", rate))
    return train.commandline.parse(train.Arguments, words, "train.py", "")


GRID = {1e-4: 0.0, 3e-4: 0.4, 1e-3: 0.9, 3e-3: -0.2}


def test_the_highest_mean_curve_wins_and_losers_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune(tmp_path, "gap@0.5", GRID)
    assert main([str(tmp_path)]) == 0
    assert "gap@0.5: 0.001 (" in capsys.readouterr().out
    protocol = fingerprint(training_protocol(FAST))
    content = json.loads((tmp_path / "tuning" / f"catch-{protocol}.json").read_text())
    chosen = content["rows"]["gap@0.5"]
    assert chosen["rate"] == 1e-3
    assert set(chosen["rates"]) == {"0.0001", "0.0003", "0.001", "0.003"}
    # Mean of -.65 and .4, in points; half of the way from -.65 to .4, of 1.65.
    assert chosen["rates"]["0.0003"]["heights"]["101"] == pytest.approx(-0.125)
    assert chosen["rates"]["0.0003"]["mean"] == pytest.approx(1.05 / 2 / 1.65, abs=1e-4)
    assert all((tmp_path / p).exists() for r in chosen["rates"].values() for p in r["curves"])


def test_runs_take_the_rate_of_their_row_game_and_training(tmp_path: Path) -> None:
    tune(tmp_path, "gap@0.5", GRID)
    main([str(tmp_path)])
    choice = tmp_path / "tuning"

    def rate(preset: str, row: str, **overrides: object) -> tuple[float, str]:
        settings, source = settings_of(preset, "catch", row, overrides, choice)
        return settings.learning_rate, source

    assert rate("fast", "gap@0.5") == (1e-3, "tuned")
    assert rate("fast", "gap@0.5", steps=80_000) == (1e-3, "tuned"), "twice as long is no other way"
    assert rate("fast", "gap@0.5", learning_rate=1e-4) == (1e-4, "given")
    assert rate("fast", "gap") == (1e-4, "preset"), "another width"
    assert rate("fast", "nature@0.5") == (1e-4, "preset")
    assert rate("fast", "gap@0.5", precision="bfloat16") == (1e-4, "preset")
    assert rate("demo", "gap@0.5") == (1e-4, "preset")


def test_the_card_of_a_run_says_where_its_rate_is_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(tmp_path, "gap@0.5", GRID)
    main([str(tmp_path)])
    monkeypatch.setattr(tuned, "FOLDER", tmp_path / "tuning")
    words = ["--preset=fast", "--game=catch", "--extractor", "gap@0.5", "sort@0.5"]
    specs = train.plan(train.commandline.parse(train.Arguments, words, "train.py", ""))
    assert [(s.settings.learning_rate, s.rate_from) for s in specs] == [
        (1e-3, "tuned"),
        (1e-4, "preset"),
    ]


def test_an_optimum_at_the_edge_is_said_and_widens_the_grid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune(tmp_path, "gap@0.5", {**GRID, 3e-3: 0.95})
    main([str(tmp_path)])
    told = capsys.readouterr().out
    assert "gap@0.5: not chosen yet, the best so far lies at the edge" in told
    tune(tmp_path, "sort@0.5", GRID)
    main([str(tmp_path)])
    assert settings_of("fast", "catch", "gap@0.5", {}, tmp_path / "tuning")[1] == "open"
    assert settings_of("fast", "catch", "sort@0.5", {}, tmp_path / "tuning")[1] == "tuned"
    table.cache_clear()  # a process that tunes does not train
    assert "for rate in 0.01; do" in told
    asked = command(told, "0.01")
    assert asked.results == tmp_path
    specs = train.plan(asked)
    assert [(s.title, s.settings.learning_rate) for s in specs] == [
        (f"tune_catch-rate0.01/catch/gap@0.5/seed{seed}", 0.01) for seed in (100, 101, 102)
    ]
    tune(tmp_path, "gap@0.5", {1e-2: 0.3})
    main([str(tmp_path)])
    assert "gap@0.5: 0.003 (" in capsys.readouterr().out


def test_a_row_that_is_being_tuned_holds_up_training_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tune(tmp_path, "gap@0.5", {**GRID, 3e-3: 0.95})
    tune(tmp_path, "sort@0.5", GRID)
    main([str(tmp_path)])
    capsys.readouterr()
    monkeypatch.setattr(tuned, "FOLDER", tmp_path / "tuning")
    study = Path(train.__file__).parent / "studies" / "catch.yaml"
    words = ["--study", str(study), "--out", str(tmp_path / "out"), "--results", str(tmp_path)]
    assert train.main([*words, "--status"]) == 0
    told = capsys.readouterr().out
    assert "says what is missing): gap@0.5\n" in told
    assert re.search(r"gap@0\.5 .* not chosen yet", told)
    assert re.search(r"sort@0\.5 .* 0\.001 \(tuned\)", told)
    open_row = r"gap@0\.5: expected a row whose learning rate for catch is chosen"
    with pytest.raises(BadInput, match=open_row):
        train.main(words)
    assert not (tmp_path / "out").exists()
    costs = cost(study, Rates.read(ROOT / "results" / "rates.json"))
    assert costs.runs == 90

    asked = train.Arguments(
        extractor=["gap@0.5"], game=["catch"], out=tmp_path / "out", study_name="catch"
    )
    (spec,) = train.plan(asked)
    with pytest.raises(BadInput, match=open_row):
        Agenda.of([spec], tmp_path)
    # Trained when another rate was the chosen one: it is done, whatever comes out now.
    old = replace(spec, settings=replace(spec.settings, learning_rate=0.02), rate_from="tuned")
    spec.directory.mkdir(parents=True)
    for name, content in (("config", config(old)), ("agent", {})):
        (spec.directory / f"{name}.json").write_text(json.dumps(content))
    assert Agenda.of([spec], tmp_path).to_train == []
    row = {**config(old), "finished": True, "scores": {}}
    place(spec, tmp_path).parent.mkdir(parents=True)
    place(spec, tmp_path).write_text(json.dumps(row))
    assert Agenda.of([spec], tmp_path).todo == []


@pytest.mark.parametrize(
    ("preset", "options"),
    [
        ("fast", {"precision": "bfloat16"}),
        ("demo", {"replay_size": 5_000, "steps": 7_000, "eval_games": 3}),
        ("fast", {}),
    ],
    ids=str,
)
def test_the_printed_command_trains_as_the_others_were_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], preset: str, options: dict[str, Any]
) -> None:
    trained = resolve(preset, "catch", options)
    publish(tmp_path, "gap@0.5", 3e-4, 100, 0.5, trained)
    main([str(tmp_path)])
    told = capsys.readouterr().out
    assert told.splitlines()[-1].startswith("train.py takes rates from results/tuning alone")
    (file,) = (tmp_path / "tuning").glob("*.json")
    content = json.loads(file.read_text())
    assert (content["preset"], content["options"]) == (preset, options)
    asked = command(told, "0.0001")
    assert {name: getattr(asked, name) for name in options} == options
    for spec in train.plan(asked):
        assert spec.settings == replace(trained, learning_rate=1e-4)
        assert spec.study == "tune_catch-rate0.0001"


def test_runs_at_a_rate_that_nobody_chose_are_announced(tmp_path: Path) -> None:
    def told(study: str, **more: Any) -> str:
        path = Path(train.__file__).parent / "studies" / f"{study}.yaml"
        console = Console(record=True, file=io.StringIO(), width=200)
        specs = [replace(s, **more) for s in train.plan(train.Arguments(study=[path]))]
        Agenda.of([replace(s, root=tmp_path) for s in specs], None).tell(console)
        return console.export_text()

    for tuned_by, study, runs in (
        ("tune_catch", "catch", 90),
        ("tune_pong_cpu", "blog_pong_cpu", 90),  # in bfloat16, as its rates are
        ("tune_pong_pairs", "blog_pairs", 210),
    ):
        line = f"learning rates: {runs} runs of {runs} at the preset's, not tuned; studies/"
        assert (
            told(study, rate_from="preset") == f"{line}{tuned_by}.yaml chooses one for each row\n"
        )
    assert told("catch", rate_from="tuned").endswith("tuned for 90 runs of 90 (results/tuning)\n")
    assert told("tune_catch") == "", "their rates are given"
    assert told("demo") == "", "nobody tunes them"


def test_noise_chooses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tune(tmp_path, "gap@0.5", {rate: -0.6 + rate for rate in GRID})
    main([str(tmp_path)])
    assert "gap@0.5: stuck at every rate, keeps the preset's" in capsys.readouterr().out
    settings, source = settings_of("fast", "catch", "gap@0.5", {}, tmp_path / "tuning")
    assert (settings.learning_rate, source) == (1e-4, "tuned"), "the preset's, by tuning"
    assert set(table(tmp_path / "tuning").values()) == {"preset"}


def test_a_rate_off_the_grid_has_no_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tune(tmp_path, "gap@0.5", {**GRID, 2e-4: 0.99})
    main([str(tmp_path)])
    assert "gap@0.5: 0.001 (" in capsys.readouterr().out


def test_a_rate_counts_with_all_its_seeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune(tmp_path, "gap@0.5", GRID, range(100, 102))
    main([str(tmp_path)])
    assert "for rate in 0.0001 0.0003 0.001 0.003; do" in capsys.readouterr().out


def test_what_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected rows of seeds 100, 101, 102 below"):
        main([str(tmp_path)])
    path = publish(tmp_path, "gap@0.5", 1e-3, 100, 0.5)
    path.write_text(path.read_text().replace("40000", "20000", 1))
    publish(tmp_path, "gap@0.5", 1e-3, 101, 0.5)
    with pytest.raises(BadInput, match="expected tuning runs of one length"):
        main([str(tmp_path)])
    path.write_text('{"finished": true}')
    with pytest.raises(BadInput, match=r"seed100.json: expected the row of a run"):
        main([str(tmp_path)])
    for wrong in ('{"game": "catch"}', '{"game": "c", "training_fingerprint": "0", "rows": 3}'):
        folder = tmp_path / str(hash(wrong))
        folder.mkdir()
        (folder / "x.json").write_text(wrong)
        with pytest.raises(BadInput, match="expected chosen learning rates"):
            table(folder)
