"""The live read-out says what the probes would say of as few inputs, and touches nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from analysis.networks import FEATURES, build, responses
from analysis.pictures.frames import Frames
from analysis.probing import read_out, ridge
from analysis.probing.read_out import place_r2, read_out_set


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return read_out_set("catch", tmp_path_factory.mktemp("sets"))


def some(frames: Frames, each: int) -> Frames:
    """Keep the first inputs of each episode."""
    order = np.arange(len(frames)) - np.unique(frames.episode, return_index=True)[1][frames.episode]
    arrays = {
        f.name: getattr(frames, f.name)[order < each]
        for f in dataclasses.fields(frames)
        if f.name not in ("game", "facts")
    }
    return Frames(game=frames.game, **arrays)


def test_the_set_is_small_balanced_and_kept(frames: Frames) -> None:
    assert 400 <= len(frames) <= 700
    assert len(np.unique(frames.episode)) == read_out.EPISODES
    assert len(set(np.bincount(frames.block))) == 1, "as many inputs in every block"


def test_each_layer_is_read_as_an_independent_ridge_reads_it(frames: Frames) -> None:
    network = build("nature@0.5", 0, 3)
    found = place_r2(network, frames)
    assert list(found) == ["conv1", "conv2", "features", "hidden", "outputs"]
    features = responses(network, frames.observations)[FEATURES].astype(np.float64)
    fold = frames.episode_fold()
    places = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)
    unit = np.square(features[fold >= 2] - features[fold >= 2].mean(axis=0)).sum(axis=1).mean()
    best = -np.inf, -np.inf
    for penalty in ridge.PENALTIES:
        fitted = Ridge(penalty * unit).fit(features[fold >= 2], places[fold >= 2])
        chosen_by, judged = (
            float(ridge.r2(fitted.predict(features[fold == k]), places[fold == k]).mean())
            for k in (1, 0)
        )
        best = max(best, (chosen_by, judged))
    assert found["features"] == pytest.approx(best[1], abs=2e-3)
    assert found["features"] > 0.5


def test_shuffled_places_are_not_found(frames: Frames) -> None:
    order = np.random.default_rng(0).permutation(len(frames))
    shuffled = dataclasses.replace(
        frames, ball_x_screen=frames.ball_x_screen[order], ball_y_screen=frames.ball_y_screen[order]
    )
    assert max(place_r2(build("nature@0.5", 0, 3), shuffled).values()) < 0.1


def test_neither_network_nor_generators_are_changed(frames: Frames) -> None:
    network = build("half_max@0.25", 0, 3).train()
    before = {name: p.clone() for name, p in network.state_dict().items()}
    drawn = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    found = place_r2(network, some(frames, 10))
    assert found == place_r2(network, some(frames, 10))
    assert network.training
    assert all(torch.equal(p, before[name]) for name, p in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn[0])
    assert np.random.get_state()[1].tolist() == drawn[1]  # noqa: NPY002


def test_room_and_size_decide_what_is_held_and_what_is_left_out(
    frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = some(frames, 5)
    network = build("twin_max@0.25", 0, 3)  # its first map has 8 × 77 × 77 = 47,432 numbers
    whole = place_r2(network, few)
    assert "conv1" in whole
    monkeypatch.setattr(read_out, "ROOM", 5_000)
    assert place_r2(network, few) == whole, "in several passes the same"
    monkeypatch.setattr(read_out, "MOST_NUMBERS", 47_000)
    left = place_r2(network, few)
    assert left == {layer: r2 for layer, r2 in whole.items() if layer != "conv1"}


def test_a_game_whose_ball_cannot_be_put_anywhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected one of pong"):
        read_out_set("tetris", tmp_path)
