"""Potential rewards of a small set: split, resumed, judged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from analysis.pictures.splits import chosen
from analysis.supervised import SupervisedSettings, train
from analysis.tasks.reward import reward
from analysis.tasks.task import Task, content_hash
from analysis.worth import returns
from analysis.worth.returns import RewardSettings
from analysis.worth.rewards import Rewards, arms_of, condition_of, main, reward_set, summary
from analysis.worth.rollouts import rollouts
from commandline import BadInput

SMALL = RewardSettings(
    episodes=5,
    moments=2,
    places=25,
    train=30,
    validation=16,
    validation_rollouts=2,
    test=16,
    test_rollouts=3,
    seed=2,
)
"""So small that in other seeds its states may all be worth the same."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sets")


@pytest.fixture(scope="module")
def small(folder: Path) -> Rewards:
    """A set whose building was interrupted once."""
    done = 0

    def stopping(*given: object) -> dict[str, np.ndarray]:
        nonlocal done
        done += 1
        if done == 3:
            raise KeyboardInterrupt
        return rollouts(*given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(returns, "rollouts", stopping)
        with pytest.raises(KeyboardInterrupt):
            reward_set(SMALL, workers=1, folder=folder)
        assert len(list(folder.glob("*.parts/*.npz"))) == 2
        found = reward_set(SMALL, workers=1, folder=folder)
    assert done == 3 + 3  # of five episodes two were not played again
    assert not list(folder.glob("*.parts"))
    return found


@pytest.mark.slow
def test_interrupted_or_not_a_set_is_the_same(small: Rewards, folder: Path, tmp_path: Path) -> None:
    for teleported in folder.glob("teleport-*"):
        (tmp_path / teleported.name).write_bytes(teleported.read_bytes())
    again = reward_set(SMALL, workers=1, folder=tmp_path)
    for part in small.parts:
        assert (small.parts[part].index == again.parts[part].index).all()
        assert (small.parts[part].rewards == again.parts[part].rewards).all()
    (ours,), (theirs,) = folder.glob("reward-*.npz"), tmp_path.glob("reward-*.npz")
    assert ours.name == theirs.name


def test_states_are_split_as_for_where(small: Rewards) -> None:
    among = chosen(small.frames, "scenes")
    for part, (states, times) in {"train": (30, 1), "validation": (16, 2), "test": (16, 3)}.items():
        drawn = small.parts[part]  # type: ignore[index]
        assert drawn.rewards.shape == (states, times)
        assert among[part][drawn.index].all()  # type: ignore[index]
        assert len(np.unique(drawn.index)) == states
        assert set(np.unique(drawn.rewards)) <= {-1, 0, 1}
    counts = small.facts["counts"]
    assert counts["rollouts"] == 30 + 32 + 48
    assert counts["undecided"] / counts["rollouts"] == small.facts["undecided_share"]
    assert 10 < small.facts["mean_agent_steps"] < 300
    assert summary(small)["states"]["test"] == [16, 3]


def test_rollouts_of_a_state_differ(small: Rewards) -> None:
    rewards = np.concatenate([small.parts[p].rewards[:, :2] for p in ("validation", "test")])
    assert (rewards[:, 0] != rewards[:, 1]).any()
    assert small.parts["test"].rewards.std() > 0


def test_the_task(small: Rewards) -> None:
    """The mean of the rollouts has the greatest share, a constant the share 0."""
    task = reward(small)
    assert isinstance(task, Task)
    assert (task.measure, task.condition, task.outputs) == ("reward_share", "held", 1)
    assert set(np.unique(task.parts["train"].targets)) <= {-1, 0, 1}
    for part in ("validation", "test"):
        truth = task.parts[part].targets
        known = task.ceilings[part]
        assert known.noise > 0
        assert known.explainable > 0
        best = task.judge(truth, part)
        assert best.skill == pytest.approx(1 + known.noise / known.explainable)
        assert best.beside["mse"] == pytest.approx(0, abs=1e-12)
        flat = task.judge(np.full_like(truth, truth.mean()), part)
        assert flat.skill == pytest.approx(0, abs=1e-6)
        assert flat.beside["correlation"] == 0
        assert task.judge(-truth, part).skill < flat.skill
    outputs, targets = torch.tensor([[0.5], [0.0]]), torch.tensor([[1.0], [-1.0]])
    assert float(task.loss(outputs, targets)) == 0.625
    assert content_hash(task) == content_hash(reward(small))


def test_a_network_can_be_trained_on_it(small: Rewards, tmp_path: Path) -> None:
    settings = SupervisedSettings(updates=8, batch_size=16, warmup=2, look_every=2, save_every=8)
    done = train("gap@0.5", reward(small), 0, settings, tmp_path)
    assert [row["update"] for row in done.curve] == [2, 4, 6, 8]
    assert {"mse", "correlation", "skill"} <= set(done.curve[0])
    assert done.judged.skill < 0.9


def test_the_command(small: Rewards, tmp_path: Path) -> None:
    """What cannot be is refused in one line, before anything is written."""
    for wrong, said in {
        ("--game", "catch"): "--game: expected",
        ("--game", "bowling"): "--game: expected",
        ("--arm", "moved"): "--arm: expected",
        ("--policy", "agent"): "--policy: expected",
        ("--game", "breakout", "--arm", "along"): "--arm: expected",
    }.items():
        with pytest.raises(BadInput, match=said):
            main([*wrong, "--folder", str(tmp_path)])
    with pytest.raises(BadInput, match="expected pong or breakout, got 'catch'"):
        reward_set(RewardSettings("catch"), folder=tmp_path)
    assert not list(tmp_path.iterdir())
    assert json.loads(json.dumps(summary(small)))["game"] == "pong"


def test_too_few_states_are_refused(small: Rewards) -> None:
    settings = RewardSettings(test=10_000)
    with pytest.raises(ValueError, match="expected 10000 train states, got 150: more episodes"):
        returns.states_of(settings, chosen(small.frames, "scenes"))


def test_arms() -> None:
    """Where nobody opposes there is one, and the claims call it nothing."""
    assert arms_of("pong") == ("held", "along")
    assert arms_of("breakout") == arms_of("catch") == ("held",)
    assert condition_of("pong", "along") == "moved"
    assert condition_of("breakout", "held") == ""
