"""The supervised regime on real teleported frames: it learns, is fair, and goes on exactly."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

from agents.checkpoints import load_weights
from analysis import supervised
from analysis.datasets import teleport_set
from analysis.networks import Network, build
from analysis.pictures.frames import Frames, TeleportSettings
from analysis.pictures.splits import SPLITS, chosen
from analysis.supervised import (
    Row,
    Stopped,
    SupervisedSettings,
    late_gain,
    outputs_of,
    protocol,
    train,
)
from analysis.tasks import catalogue
from analysis.tasks.batches import Batches
from analysis.tasks.task import Task, content_hash
from analysis.tasks.where import where
from commandline import BadInput

BRIEF = SupervisedSettings(updates=80, batch_size=16, warmup=10, look_every=10, save_every=20)
ROW = "gmp@0.25"


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    settings = TeleportSettings("catch", episodes=5, moments=2, places=56)
    return teleport_set(settings, workers=1, folder=tmp_path_factory.mktemp("sets"))


@pytest.fixture(scope="module")
def on_a_grid(frames: Frames) -> Frames:
    """The same pictures, said to be of 5 × 5 blocks, as Pong's are."""
    blocks = np.random.default_rng(0).integers(0, 25, len(frames))
    return replace(frames, block=blocks, column_row=np.stack([blocks % 5, blocks // 5], axis=1))


@pytest.fixture(scope="module")
def task(frames: Frames) -> Task:
    return where(frames)


class Ends:
    """Asks a run to stop after so many updates."""

    def __init__(self, at: int) -> None:
        self.at, self.updates = at, 0

    def tell(self, updates: int, curve: list[Row]) -> None:
        self.updates = updates

    def __call__(self) -> bool:
        return self.updates >= self.at


def weights(folder: Path) -> str:
    return hashlib.sha256((folder / "network.safetensors").read_bytes()).hexdigest()


def checkpoint(folder: Path) -> str:
    """Return what the newest checkpoint holds, Adam's moments among it."""
    (file,) = folder.glob("checkpoint-*.safetensors")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("split", SPLITS)
def test_no_scene_and_no_left_out_place_on_both_sides(on_a_grid: Frames, split: str) -> None:
    frames = on_a_grid
    parts = chosen(frames, split)  # type: ignore[arg-type]
    episodes = {name: set(frames.episode[kept]) for name, kept in parts.items()}
    assert not episodes["train"] & episodes["test"]
    assert not episodes["train"] & episodes["validation"]
    assert not episodes["validation"] & episodes["test"]
    if split == "blocks":
        assert not set(frames.block[parts["train"]]) & set(frames.block[parts["test"]])
    if split == "outer":
        assert frames.outer[parts["test"]].all()
        assert not frames.outer[parts["train"]].any()
    assert all(kept.any() for kept in parts.values())


def test_every_inner_block_is_judged_in_one_of_five_folds(on_a_grid: Frames) -> None:
    """All of its neighbours were trained on, none of a fold's own blocks was."""
    judged: list[int] = []
    for fold in range(5):
        parts = chosen(on_a_grid, "blocks", fold)
        here, trained = (set(on_a_grid.block[parts[part]]) for part in ("test", "train"))
        assert not here & trained
        assert all({b - 5, b - 1, b + 1, b + 5} <= trained for b in here)
        judged += here
    assert sorted(judged) == [6, 7, 8, 11, 12, 13, 16, 17, 18]
    with pytest.raises(ValueError, match="expected a fold from 0 to 4, got 5"):
        chosen(on_a_grid, "blocks", 5)


def test_places_left_out_are_tasks_of_their_own(
    on_a_grid: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "teleport_set", lambda settings: replace(on_a_grid, game="pong"))
    for name in ("where", "interpolation", "extrapolation"):
        for condition in catalogue.TASKS[name].games["pong"]:
            assert catalogue.task(name, "pong", condition).condition == condition
    assert len(catalogue.TASKS["interpolation"].games["pong"]) == 5


def test_judged_as_scikit_learn_does(frames: Frames, task: Task) -> None:
    """R² and RMSE of arbitrary outputs, in screen pixels."""
    kept = chosen(frames, "scenes")["test"]
    truth = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)[kept]
    train_kept = chosen(frames, "scenes")["train"]
    places = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)[train_kept]
    outputs = np.random.default_rng(0).normal(size=(len(truth), 2)).astype(np.float32)
    said = outputs * places.std(axis=0) + places.mean(axis=0)
    judged = task.judge(outputs, "test")
    assert judged.skill == pytest.approx(r2_score(truth, said), abs=1e-6)
    assert judged.beside["rmse_x_px"] == pytest.approx(
        np.sqrt(np.mean((said - truth)[:, 0] ** 2)), rel=1e-6
    )
    exact = ((truth - places.mean(axis=0)) / places.std(axis=0)).astype(np.float32)
    assert task.judge(exact, "test").skill == pytest.approx(1, abs=1e-6)
    assert task.judge(np.zeros_like(exact), "test").skill == pytest.approx(0, abs=0.05)


def test_learning_rate_rises_and_falls() -> None:
    settings = SupervisedSettings(updates=2_000, learning_rate=1e-3, warmup=500)
    rates = [settings.rate(k) for k in range(2_000)]
    assert rates[0] == pytest.approx(1e-3 / 500)
    assert max(rates) == pytest.approx(1e-3)
    assert np.argmax(rates) in (499, 500)
    assert rates[1_250] == pytest.approx(0.5e-3, rel=1e-2)
    assert rates[-1] < 1e-8


def test_updates_have_to_come_in_quarters() -> None:
    with pytest.raises(BadInput, match="--updates: expected a multiple of 2,000, got 3,000"):
        SupervisedSettings(updates=3_000)


def test_batches_are_passes_over_all_examples() -> None:
    """Each example once a pass, passes differ, and any batch can be had without those before it."""
    batches = Batches(96, 16, seed=1)
    first = np.concatenate([batches[k] for k in range(6)])
    second = np.concatenate([batches[k] for k in range(6, 12)])
    assert sorted(first) == sorted(second) == list(range(96))
    assert not np.array_equal(first, second)
    assert np.array_equal(Batches(96, 16, seed=1)[8], batches[8])
    assert not np.array_equal(Batches(96, 16, seed=2)[8], batches[8])


def test_stopped_anywhere_it_ends_with_the_same_bits(task: Task, tmp_path: Path) -> None:
    left_alone = train(ROW, task, 0, BRIEF, tmp_path / "a")
    for stop_at in (13, 20, 55):
        ends = Ends(stop_at)
        with pytest.raises(Stopped):
            train(ROW, task, 0, BRIEF, tmp_path / "b", ends.tell, ends)
        assert ends.updates == stop_at
    resumed = train(ROW, task, 0, BRIEF, tmp_path / "b")
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert resumed.curve == left_alone.curve
    assert resumed.judged == left_alone.judged


def test_another_seed_ends_elsewhere(task: Task, tmp_path: Path) -> None:
    for seed in (0, 1):
        train(ROW, task, seed, BRIEF, tmp_path / str(seed))
    assert weights(tmp_path / "0") != weights(tmp_path / "1")


def test_the_best_weights_are_kept(task: Task, tmp_path: Path) -> None:
    """What is judged is what did best on the validation scenes, and what lies on the disk."""
    trained = train("half_max@0.25", task, 0, replace(BRIEF, learning_rate=3e-2), tmp_path)
    validation = task.parts["validation"].observations
    best = max(row["skill"] for row in trained.curve)
    assert task.judge(outputs_of(trained.network, validation), "validation").skill == best
    again = build("half_max@0.25", 1, 2)
    load_weights(again, tmp_path / "network.safetensors")
    assert np.array_equal(outputs_of(again, validation), outputs_of(trained.network, validation))


def test_it_learns(task: Task, tmp_path: Path) -> None:
    """Some hundred updates of a small network find the ball better than its mean place does."""
    settings = SupervisedSettings(
        updates=320, batch_size=16, warmup=40, learning_rate=3e-3, look_every=40
    )
    trained = train("half_max@0.25", task, 0, settings, tmp_path)
    assert trained.judged.skill > 0.5
    assert not trained.stuck
    assert trained.reached("rmse_px", 1e9) == 40
    assert math.isinf(trained.reached("rmse_px", 0.0))
    skills = [row["skill"] for row in trained.curve]
    assert trained.gain == pytest.approx(max(skills) - max(skills[:6]))


def test_a_collapse_is_no_gain_and_hides_none() -> None:
    """The best weights are judged: by how much they got better late is what counts."""
    assert late_gain([0.1, 0.5, 0.6, 0.8], 4) == pytest.approx(0.2)
    assert late_gain([0.1, 0.9, 0.0, 0.8], 4) == 0, "collapsed and recovering below its best"
    assert late_gain([0.3], 1) == 0
    assert late_gain([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.0], 8) == 0
    assert late_gain([0.0, 0.6], 8) == 0, "ended early"


def test_a_rate_of_nothing_is_stuck(task: Task, tmp_path: Path) -> None:
    trained = train(ROW, task, 0, replace(BRIEF, learning_rate=1e-12), tmp_path)
    assert trained.stuck
    before = build(ROW, 0, 2).state_dict()
    after = trained.network.state_dict()
    assert all(torch.allclose(before[n], after[n], atol=1e-8) for n in before)


def test_damaged_and_foreign_checkpoints_are_refused(task: Task, tmp_path: Path) -> None:
    train(ROW, task, 0, BRIEF, tmp_path)
    with pytest.raises(BadInput, match="expected the checkpoint of this run"):
        train(ROW, task, 1, BRIEF, tmp_path)
    (file,) = tmp_path.glob("checkpoint-*.safetensors")
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    with pytest.raises(BadInput, match="damaged"):
        train(ROW, task, 0, BRIEF, tmp_path)


def test_protocol_is_of_task_and_budget(frames: Frames, task: Task) -> None:
    """Rows may differ in their rate; not in data, budget or batch."""
    print_of = protocol(task, BRIEF)
    assert protocol(task, replace(BRIEF, learning_rate=1.0, save_every=40)) == print_of
    assert protocol(task, replace(BRIEF, batch_size=32)) != print_of
    assert protocol(where(frames, "split=outer"), BRIEF) != print_of
    assert content_hash(where(frames)) == content_hash(task)


@pytest.mark.parametrize("layer", ["extractor.stages.conv3", "head.0"])
def test_training_ends_when_a_layer_has_died(
    layer: str, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing gets past it and no gradient gets back: what is behind only finds the mean."""
    settings = replace(BRIEF, updates=1_200, look_every=100, learning_rate=1e-3)
    spec, built = "nature@0.25", []

    def kept(*args: Any) -> Network:
        built.append(build(*args))
        return built[-1]

    def kill(updates: int, curve: list[Row]) -> None:
        if updates == 150:
            bias = built[-1].get_parameter(f"{layer}.bias")
            torch.nn.init.constant_(bias, -1e3)

    monkeypatch.setattr(supervised, "build", kept)
    ended = train(spec, task, 0, settings, tmp_path / "ended", kill)
    assert ended.silent
    assert 150 + 600 < ended.curve[-1]["update"] < 1_200
    assert ended.gain == 0
    # Stopped before and after that look, it ends with the same bits.
    for stop_at in (ended.curve[-1]["update"] - 30, ended.curve[-1]["update"]):
        ends = Ends(int(stop_at))

        def tell(updates: int, curve: list[Row], ends: Ends = ends) -> None:
            kill(updates, curve)
            ends.tell(updates, curve)

        with pytest.raises(Stopped):
            train(spec, task, 0, settings, tmp_path / "resumed", tell, ends)
    resumed = train(spec, task, 0, settings, tmp_path / "resumed", kill)
    assert resumed.silent
    assert resumed.curve == ended.curve
    assert checkpoint(tmp_path / "resumed") == checkpoint(tmp_path / "ended")
    # Had it gone on, it would have learnt nothing.
    monkeypatch.setattr(supervised, "is_silent", lambda network, adam, observations: False)
    went_on = train(spec, task, 0, settings, tmp_path / "on", kill)
    assert went_on.curve[: len(ended.curve)] == ended.curve
    assert len(went_on.curve) == settings.looks
    assert max(row["skill"] for row in went_on.curve[len(ended.curve) :]) < 0.01


def test_a_network_that_no_longer_changes_is_not_taken_for_silent(
    task: Task, tmp_path: Path
) -> None:
    trained = train(ROW, task, 0, replace(BRIEF, learning_rate=1e-12), tmp_path)
    assert not trained.silent
    assert len(np.unique(outputs_of(trained.network, task.parts["test"].observations))) > 2
