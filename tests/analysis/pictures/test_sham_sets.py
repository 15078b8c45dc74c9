"""Shams change what they are named after, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from small_shams import small_shams

from analysis.pictures.sham_sets import ShamSettings, sham_set

NOTHING = {"own place", "pasted"}


@pytest.mark.parametrize(("game", "without"), [
    ("pong", set()),
    ("breakout", set()),
    ("bowling", {"velocity reversed", "paddle moved"}),
])  # fmt: skip
def test_what_changes(game: str, without: set[str]) -> None:
    of = small_shams(game)
    everything = {
        "own place", "pasted", "ball erased", "ball moved", "velocity reversed", "paddle moved",
        "digits changed", "screen shifted",
    }  # fmt: skip
    assert set(of.pairs) == everything - without
    assert len(of.observations) == 3
    for sham, (before, after) in of.pairs.items():
        changed = of.observations[:, before] != of.observations[:, after]
        by_scene = changed.reshape(3, -1).any(axis=1)
        assert not by_scene.any() if sham in NOTHING else by_scene.all(), sham
    # Out of sight through RAM is what painting the background over it is.
    erased, painted = (of.versions.index(v) for v in ("ball erased", "painted over"))
    assert (of.observations[:, erased] == of.observations[:, painted]).all()


def test_what_is_elsewhere() -> None:
    """Digits are above the field; the player's paddle is on its line."""
    of = small_shams("pong")
    rows = {}
    for sham in ("digits changed", "paddle moved"):
        before, after = of.pairs[sham]
        changed = of.observations[:, before] != of.observations[:, after]
        rows[sham] = np.nonzero(changed)[2:]
    assert rows["digits changed"][0].max() < 34 * 0.4
    assert rows["paddle moved"][1].min() >= 139 * 0.525 - 1


def test_catch_has_none() -> None:
    with pytest.raises(ValueError, match="a game with an emulator, got 'catch'"):
        sham_set(ShamSettings("catch"))
