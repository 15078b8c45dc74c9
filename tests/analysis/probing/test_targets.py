"""What probes are asked: by hand on real frames, and fair parts of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_frames import frames_to_probe

from analysis.pictures.frames import Frames
from analysis.pictures.splits import chosen
from analysis.probing.targets import (
    asked,
    condition,
    entropy_bits,
    place_cells,
    thinned,
)


@pytest.fixture(scope="module")
def frames() -> Frames:
    return frames_to_probe()


def test_columns_by_hand(frames: Frames) -> None:
    questions = asked(frames, np.random.default_rng(0))
    values = questions.values
    assert (values[:, questions.of("place")][:, 0] == frames.ball_x_screen).all()
    coarse, phase = values[:, questions.of("coarse")], values[:, questions.of("phase")]
    # What the coarse cell leaves is within a cell, and sin and cos are those of its angle.
    left_84 = np.stack([frames.ball_x_84, frames.ball_y_84], axis=1) - 8 * coarse
    assert left_84.min() >= 0
    assert left_84.max() < 8
    assert np.allclose(phase[:, 2:] + 1j * phase[:, :2], np.exp(2j * np.pi * left_84 / 8))
    assert len(np.unique(coarse[:, 0])) == 6
    shuffled = values[:, questions.of("shuffled")]
    assert sorted(shuffled[:, 0]) == sorted(frames.ball_x_screen)
    assert abs(np.corrcoef(shuffled[:, 0], frames.ball_x_screen)[0, 1]) < 0.15


def test_place_cells(frames: Frames) -> None:
    """Sixty-four cells of 10 × 12.5 screen pixels; about six bits."""
    cell = place_cells(frames)
    assert set(cell) == set(range(64))
    assert (cell % 8 == (frames.ball_x_screen - 40) // 10).all()
    assert (cell // 8 == (frames.ball_y_screen - 64) // 12.5).all()
    assert 5.8 < entropy_bits(cell) < 6
    assert entropy_bits(np.array([0, 0, 3, 3])) == 1
    assert entropy_bits(np.zeros(5, np.int64)) == 0


def test_random_map_is_a_map(frames: Frames) -> None:
    """One label a cell, another for each; another draw gives another map."""
    one, other = (asked(frames, np.random.default_rng(s)) for s in (0, 1))
    label = one.values[:, one.of("random map")]
    pairs = {(int(c), *row) for c, row in zip(one.cell, label.tolist(), strict=True)}
    assert len(pairs) == len({p[1:] for p in pairs}) == 64
    assert (label != other.values[:, other.of("random map")]).any()


def test_parts_are_those_of_the_supervised_regime(frames: Frames) -> None:
    parts, expected = asked(frames, np.random.default_rng(0)).parts, chosen(frames, "scenes")
    assert (parts.train == np.flatnonzero(expected["train"])).all()
    assert (parts.choose == np.flatnonzero(expected["validation"])).all()
    assert (parts.judge == np.flatnonzero(expected["test"])).all()


def test_thinned_keeps_every_scene(frames: Frames) -> None:
    """A quarter of the inputs, of every moment alike; every block stays."""
    some = thinned(frames, len(frames) // 4)
    assert len(some) == pytest.approx(len(frames) / 4, rel=0.05)
    counts = np.bincount(frames.moment[some])
    assert counts.min() >= 6
    assert counts.max() <= 7
    assert set(frames.block[some]) == set(range(25))
    assert (thinned(frames, len(frames)) == np.arange(len(frames))).all()
    questions = asked(frames, np.random.default_rng(0)).only(some)
    assert (questions.values[:, 0] == frames.ball_x_screen[some]).all()
    assert (questions.fold == frames.episode_fold()[some]).all()


def test_condition(frames: Frames) -> None:
    """As the claims have it: only Pong has an opponent to be held."""
    assert condition(frames) == "held"
    assert condition(replace(frames, game="breakout")) == ""
    assert condition(replace(frames, game="catch")) == ""
