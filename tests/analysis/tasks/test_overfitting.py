"""Few states, others held out: who is in which part, new brightnesses, and an equal end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.datasets import teleport_set
from analysis.pictures.frames import Frames, TeleportSettings
from analysis.supervised import Stopped, SupervisedSettings, outputs_of, protocol, train
from analysis.tasks.overfitting import (
    HELD_OUT_CONTRASTS,
    LEVEL,
    SEEN_CONTRASTS,
    SETTINGS,
    STATES,
    overfitting,
    recoloured,
)
from analysis.tasks.task import ManySided, Task
from envs.emulator import Emulator, stack
from envs.games import PONG
from envs.moments import moments
from envs.shams import paste
from envs.teleport import Teleporter


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    settings = TeleportSettings("pong", episodes=5, moments=1, places=75)
    return teleport_set(settings, workers=1, folder=tmp_path_factory.mktemp("sets"))


def test_a_new_brightness_is_as_if_it_had_been_drawn() -> None:
    """Against frames on which the sprite was pasted in another grey, and then resized."""
    moment = next(moments(PONG, np.random.default_rng(0), episode=0))
    teleporter = Teleporter(Emulator(PONG, seed=0), moment)
    facts = teleporter.facts
    flight = teleporter.flight((1, -1)).ending_at(facts, 77, 101)
    frames = teleporter.show(flight, "held").frames
    original = stack(frames)[None]
    for contrast in (24, 96, 168):
        grey = 87 + contrast
        other = replace(facts, ball=replace(facts.ball, colour=(grey, grey, grey)))
        wanted = stack(paste(other, frames.copy(), flight)).astype(int)
        made = recoloured(original, np.array([contrast]))[0]
        assert np.abs(made - wanted).max() <= 2
        assert (np.abs(wanted - original[0].astype(int)) > 5).any()
    assert (recoloured(original, np.array([149])) == original).all()
    with pytest.raises(ValueError, match="got -20 to 96"):
        recoloured(np.repeat(original, 2, axis=0), np.array([96, -20]))


def test_held_out_blocks(frames: Frames) -> None:
    """No training place lies in a block that is tested on, and no test episode is trained on."""
    task = overfitting("blocks", 150, frames)
    assert isinstance(task, Task)
    assert isinstance(task, ManySided)
    assert task.condition == "split=blocks,states=150"
    assert len(task.parts["train"]) == 150
    cell = {p: (task.places_screen[p] - (40, 64)) // (16, 20) for p in ("train", "test")}
    trained, tested = ({tuple(c) for c in cell[p].tolist()} for p in ("train", "test"))
    assert not trained & tested
    assert len(trained) == 20
    assert len(tested) == 5
    seen = {o.tobytes() for o in task.parts["train"].observations}
    assert not seen & {o.tobytes() for o in task.parts["test"].observations}


def test_fewer_states_are_among_more(frames: Frames) -> None:
    for split in ("blocks", "colours"):
        few, more = (overfitting(split, n, frames).parts["train"] for n in (50, 150))
        assert (few.observations == more.observations[:50]).all()
        assert few.targets.std() == pytest.approx(1, abs=0.2)
    with pytest.raises(ValueError, match="expected 5000 states or more"):
        overfitting("blocks", 5_000, frames)


def test_held_out_brightnesses(frames: Frames) -> None:
    """The brightest pixel of the ball, by part: three levels here, four others there."""
    assert not set(SEEN_CONTRASTS) & set(HELD_OUT_CONTRASTS)
    task = overfitting("colours", 150, frames)
    for part, levels in (("train", SEEN_CONTRASTS), ("test", HELD_OUT_CONTRASTS)):
        inner = task.parts[part].observations[:, :, 14:77, 11:73].astype(int) - 87
        peak = inner.reshape(len(inner), -1).max(axis=1)
        assert inner.min() >= 0
        # A ball covers a pixel wholly in some phases only, so its peak is a share of its contrast.
        assert peak.max() <= max(levels)
        assert peak.max() > 0.8 * max(levels)
        assert peak.min() <= min(levels)
    assert SETTINGS.stop_at_loss == LEVEL
    assert STATES == (500, 2_000, 8_000)


def test_training_ends_at_the_loss_and_goes_on_exactly(frames: Frames, tmp_path: Path) -> None:
    """Stopped at a loss it reaches: last weights judged, no update more, the same when resumed."""
    task = overfitting("blocks", 64, frames)
    brief = SupervisedSettings(updates=80, batch_size=16, warmup=5, look_every=5, save_every=20)
    whole = train("gmp@0.25", task, 0, brief, tmp_path / "whole")
    goal = whole.curve[5]["loss"]
    first = next(i for i, row in enumerate(whole.curve) if row["loss"] <= goal)
    ends = replace(brief, stop_at_loss=goal)
    told: list[int] = []
    done = train("gmp@0.25", task, 0, ends, tmp_path / "ends", lambda n, _: told.append(n))
    assert done.curve == whole.curve[: first + 1]
    assert told[-1] == 5 * (first + 1) < 80
    assert done.judged.skill == done.last
    outputs = outputs_of(done.network, task.parts["test"].observations)
    assert task.readings(outputs, done.curve) == ()  # far above the level of the study
    near = [{**done.curve[-1], "loss": LEVEL}]
    (reading,) = task.readings(outputs, near)
    assert (reading.measure, reading.condition) == ("test_error", "split=blocks,states=64")
    assert reading.value == done.judged.beside["rmse_px"] > 0

    # A finished run stays finished; an interrupted one ends with the same bits.
    again = train("gmp@0.25", task, 0, ends, tmp_path / "ends", lambda n, _: told.append(-1))
    assert told[-1] != -1
    with pytest.raises(Stopped):
        train("gmp@0.25", task, 0, ends, tmp_path / "cut", stop=iter([False] * 6 + [True]).__next__)
    resumed = train("gmp@0.25", task, 0, ends, tmp_path / "cut")
    for other in (again, resumed):
        assert other.curve == done.curve
        for a, b in zip(done.network.parameters(), other.network.parameters(), strict=True):
            assert (a == b).all()


def test_an_unset_end_changes_no_fingerprint(frames: Frames) -> None:
    task = overfitting("blocks", 64, frames)
    assert "stop_at_loss" not in SupervisedSettings().facts()
    settings = SupervisedSettings()
    assert protocol(task, settings) != protocol(task, replace(settings, stop_at_loss=0.1))
