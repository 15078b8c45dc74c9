"""Many networks without a game: what is left to do, and the row that each finished one leaves."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from analysis.measurements import Measurement, collect, load, save
from analysis.supervised import SupervisedSettings
from analysis.tasks import tuning
from commandline import BadInput
from studies.networks.supervised import at, judged_runs, perform, tried, tuning_runs
from studies.networks.supervised_run import Stage, SupervisedRun
from studies.running.worker import Options

ASKED = [("where", "pong", "held")]
ROWS = ["nature@0.5", "gap@0.5"]


def run(
    folder: Path,
    row: str = "nature@0.5",
    seed: int = 0,
    stage: Stage = "tuned",
    game: str = "pong",
    settings: SupervisedSettings | None = None,
) -> SupervisedRun:
    settings = settings or SupervisedSettings(updates=tuning.TUNING_UPDATES)
    return SupervisedRun(
        stage,
        "where",
        game,
        "held" if game == "pong" else "",
        row,
        seed,
        settings,
        folder / "runs",
        folder / "results",
    )


def tell(of: SupervisedRun, skill: float) -> None:
    """Write what a tuning run's row says that choosing reads."""
    of.published.parent.mkdir(parents=True, exist_ok=True)
    row = {"settings": asdict(of.settings), "seed": of.seed, "best_validation_skill": skill}
    of.published.write_text(json.dumps(row))


def tell_all(folder: Path, row: str, best: float) -> None:
    for rate in tuning.RATES:
        for seed in tuning.TUNING_SEEDS:
            tell(
                at(run(folder, row, seed, "tuning"), rate, tuning.TUNING_UPDATES),
                float(rate == best),
            )


def test_every_run_has_a_file_of_its_own(tmp_path: Path) -> None:
    """Rates have points in them, which are no suffixes."""
    runs = tuning_runs(ASKED, ROWS, tmp_path / "runs", tmp_path / "results")
    assert len({r.published for r in runs}) == len({r.title for r in runs}) == len(runs) == 24
    assert runs[0].published.name == "rate0.0001-seed100.json"
    assert [r.seed for r in runs] == [100] * 8 + [101] * 8 + [102] * 8


def test_what_has_its_row_is_not_done_again(tmp_path: Path) -> None:
    tell_all(tmp_path, "nature@0.5", 3e-4)
    left = tuning_runs(ASKED, ROWS, tmp_path / "runs", tmp_path / "results")
    assert {r.row for r in left} == {"gap@0.5"}
    tell_all(tmp_path, "gap@0.5", 3e-3)
    left = tuning_runs(ASKED, ROWS, tmp_path / "runs", tmp_path / "results")
    assert [(r.row, r.settings.learning_rate, r.seed) for r in left] == [
        ("gap@0.5", 1e-2, seed) for seed in tuning.TUNING_SEEDS
    ]
    for r in left:
        tell(r, 0.0)
    assert not tuning_runs(ASKED, ROWS, tmp_path / "runs", tmp_path / "results")


def test_a_rate_at_which_training_diverges_was_tried(tmp_path: Path) -> None:
    """Else its row would be asked for again and again; a judged run that diverges has failed."""
    settings = SupervisedSettings(
        updates=40, batch_size=16, warmup=1, learning_rate=1e30, look_every=10, max_grad_norm=1e30
    )
    options = Options(workers=1, wandb_mode="disabled", device="cpu", threads=1)
    for stage in ("tuning", "tuned"):
        of = run(tmp_path, "gap@0.125", 100, stage, "catch", settings)
        if stage == "tuned":
            with pytest.raises(FloatingPointError):
                perform(of, options, lambda said: None, threading.Event())
            assert not of.published.exists()
            continue
        perform(of, options, lambda said: None, threading.Event())
        row = json.loads(of.published.read_text())
        assert "the loss is" in row["diverged"]
        assert [t.skill for t in tried(of)] == [0.0]


def judged(
    folder: Path, stage: Stage = "tuned", seeds: tuple[int, ...] = (0, 1)
) -> list[SupervisedRun]:
    return judged_runs(ASKED, ROWS, seeds, stage, 20_000, folder / "runs", folder / "results")


def test_each_row_at_its_own_rate_seeds_in_rounds(tmp_path: Path) -> None:
    tell_all(tmp_path, "nature@0.5", 3e-4)
    with pytest.raises(BadInput, match=r"gap@0\.5: expected a learning rate chosen for where"):
        judged(tmp_path)
    tell_all(tmp_path, "gap@0.5", 1e-3)
    runs = judged(tmp_path)
    assert [(r.seed, r.row, r.settings.learning_rate) for r in runs] == [
        (0, "nature@0.5", 3e-4),
        (0, "gap@0.5", 1e-3),
        (1, "nature@0.5", 3e-4),
        (1, "gap@0.5", 1e-3),
    ]
    assert {r.settings.learning_rate for r in judged(tmp_path, "common")} == {tuning.COMMON_RATE}
    runs[0].published.parent.mkdir(parents=True)
    runs[0].published.write_text(json.dumps({"settings": asdict(runs[0].settings)}))
    assert judged(tmp_path) == runs[1:]
    runs[0].published.write_text(
        json.dumps({"settings": {**asdict(runs[0].settings), "batch_size": 32}})
    )
    with pytest.raises(BadInput, match="batch_size: 32 there, 64 asked for"):
        judged(tmp_path)
    runs[0].published.unlink()
    with pytest.raises(BadInput, match="--seeds: expected other seeds"):
        judged(tmp_path, seeds=(0, 101))


def test_a_budget_of_another_length_lies_beside_the_usual_one(tmp_path: Path) -> None:
    """What the budget guard asks for: the same runs doubled, and nothing of the first ones lost."""
    tell_all(tmp_path, "nature@0.5", 3e-4)
    folders = tmp_path / "runs", tmp_path / "results"
    usual, doubled = (
        judged_runs(ASKED, ["nature@0.5"], [4], "tuned", updates, *folders)[0]
        for updates in (20_000, 40_000)
    )
    assert usual.published.name == "seed4.json"
    assert doubled.published.name == "updates40000-seed4.json"
    assert doubled.published.parent == usual.published.parent
    assert doubled.measurements.name == "measurements-updates40000-seed4.json"
    assert doubled.directory != usual.directory


def test_a_row_that_is_stuck_at_every_rate_gets_longer_runs(tmp_path: Path) -> None:
    """Their rows have names of their own, and they alone choose."""
    tell_all(tmp_path, "nature@0.5", 3e-4)
    tell_all(tmp_path, "gap@0.5", -1.0)
    left = tuning_runs(ASKED, ROWS, tmp_path / "runs", tmp_path / "results")
    assert {(r.row, r.settings.updates) for r in left} == {("gap@0.5", tuning.LONG_UPDATES)}
    assert len(left) == 12
    assert left[0].published.name == "updates20000-rate0.0001-seed100.json"
    for r in left:
        tell(r, float(r.settings.learning_rate == 3e-4))
    assert not tuning_runs(ASKED, ROWS, tmp_path / "runs", tmp_path / "results")
    assert judged(tmp_path)[1].settings.learning_rate == 3e-4


def test_a_damaged_row_is_not_passed_over(tmp_path: Path) -> None:
    one = run(tmp_path, seed=100, stage="tuning")
    one.published.parent.mkdir(parents=True)
    one.published.write_text('{"seed": 100}')
    with pytest.raises(BadInput, match="expected the row of a tuning run"):
        tried(one)


def test_tasks_that_use_the_rates_of_another(tmp_path: Path) -> None:
    """Overfitting is trained at the rate tuned on WHERE, at its own loss and looks."""
    asked = [("overfitting", "pong", "split=blocks,states=500")]
    folders = tmp_path / "runs", tmp_path / "results"
    assert {r.task for r in tuning_runs(asked, ROWS, *folders)} == {"where"}
    tell_all(tmp_path, "nature@0.5", 3e-4)
    (one,) = judged_runs(asked, ROWS[:1], [3], "tuned", 20_000, *folders)
    assert one.settings == SupervisedSettings(learning_rate=3e-4, look_every=100, stop_at_loss=0.05)
    assert one.title == "tuned/overfitting-split=blocks,states=500/pong/nature@0.5/seed3"


def test_a_condition_can_be_one_of_the_network(tmp_path: Path) -> None:
    settings = SupervisedSettings()
    where = ("glyph=16,cell=2", "twin_max@0.5", 0, settings, tmp_path, tmp_path)
    one = SupervisedRun("tuned", "glyphs", "pong", *where)
    assert (one.row, one.network) == ("twin_max@0.5", "twin_max_cell2@0.5")
    assert run(tmp_path).network == "nature@0.5"


def test_what_is_read_off_at_the_common_rate_decides_nothing(tmp_path: Path) -> None:
    one = Measurement("where_r2", "gap@0.5", 0, "supervised", "pong", 0.5, "held")
    stages: list[tuple[Stage, list[Measurement]]] = [("common", []), ("tuned", [one])]
    for stage, counted in stages:
        of = run(tmp_path, stage=stage)
        of.measurements.parent.mkdir(parents=True)
        save([one], of.measurements)
        assert load(of.measurements) == [one]
        assert collect([tmp_path]) == counted
