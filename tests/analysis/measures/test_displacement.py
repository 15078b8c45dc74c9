"""Displacement: 0 for a blind network, √2 for one whose places never meet, and by hand between."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from small_ladders import small_ladders
from torch import Tensor, nn

from analysis.measures.displacement import displacement
from analysis.networks import build, responses
from analysis.pictures.ladders import Ladders
from analysis.readings import Measured


@pytest.fixture(scope="module")
def ladders() -> Ladders:
    return small_ladders()


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def value(measured: Measured, **wanted: object) -> float:
    table = measured.table
    for column, one in wanted.items():
        table = table[table[column] == one]
    return float(table["value"].item())


class Pixels(nn.Module):
    """Features that are the newest frame."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures[:, 3].flatten(1)


def test_pixels_far_apart_are_at_the_root_of_two(ladders: Ladders) -> None:
    network = build("gap@0.125", 0, 6)
    network.extractor = Pixels()  # type: ignore[assignment]
    network.head = nn.Sequential(nn.Linear(84 * 84, 8), nn.ReLU(), nn.Linear(8, 6))
    measured = displacement(network, ladders, rng())
    for axis in ("x", "y"):
        wanted = {"quantity": "displacement", "layer": "features", "axis": axis, "moved": "ball"}
        for far in (16.0, 32.0, 64.0):
            assert value(measured, delta_screen=far, **wanted) == pytest.approx(2**0.5, rel=0.1)
        assert value(measured, delta_screen=1.0, **wanted) < 1


def test_by_hand(ladders: Ladders) -> None:
    """One layer and one δ, scene by scene, from the definition."""
    network = build("half_max@0.125", 0, 6)
    measured = displacement(network, ladders, rng())
    # One scene of each episode, chosen as the measure's own generator does.
    choose, change, ball = rng(), [], []
    chosen = [choose.choice(np.flatnonzero(ladders.episode == e)) for e in range(5)]
    for s in chosen:
        shown = responses(network, ladders.observations[s])["features"].astype(float)
        empty = responses(network, ladders.without_ball[s : s + 1])["features"].astype(float)
        for i, j in ladders.pairs("y")[4]:
            change.append(np.square(shown[j] - shown[i]).sum())
            ball.append(np.square(shown[i] - empty).sum())
    expected = math.sqrt(np.mean(change) / np.mean(ball))
    wanted = {"quantity": "displacement", "layer": "features", "axis": "y", "moved": "ball"}
    assert value(measured, delta_screen=4.0, **wanted) == pytest.approx(expected, rel=1e-4)
    features = measured.table.query("layer == 'features' and quantity == 'displacement'")
    conv3 = measured.table.query("layer == 'conv3' and quantity == 'displacement'")
    assert np.allclose(features["value"], conv3["value"])
    assert set(measured.table["layer"]) == set(network.layers)


def test_a_dead_network_has_no_ratio(ladders: Ladders) -> None:
    network = build("nature@0.125", 0, 6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    measured = displacement(network, ladders, rng(), plays=True)
    assert measured.table.query("quantity != 'flips'")["value"].isna().all()
    assert (measured.table.query("quantity == 'flips'")["value"] == 0).all()


class Aims(nn.Module):
    """Six actions by the ball's column: RIGHT to the left of the middle, else LEFT."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        picture = features.view(-1, 84, 84)[:, 15:75, 12:72]
        light = (picture - picture.amin(dim=(1, 2), keepdim=True)).clamp(min=0)
        x = (light.sum(dim=1) * torch.arange(60.0)).sum(dim=1) / light.sum(dim=(1, 2)) + 12
        zero = torch.zeros_like(x)
        aside = x - 42
        return torch.stack([zero, zero, -aside, aside, -aside - 1e-4, aside - 1e-4], dim=1)


def test_flips_of_a_network_that_aims(ladders: Ladders) -> None:
    """It changes its mind when the ball crosses the middle, not from RIGHT to RIGHTFIRE."""
    network = build("gap@0.125", 0, 6)
    network.extractor = Pixels()  # type: ignore[assignment]
    network.head = nn.Sequential(nn.Identity(), nn.ReLU(), Aims())
    measured = displacement(network, ladders, rng(), plays=True)
    flips = {"quantity": "flips", "moved": "ball"}
    pairs = ladders.pairs("x")[64]
    crossed = np.mean(
        [(ladders.places[:, i, 0] < 79) & (ladders.places[:, j, 0] >= 81) for i, j in pairs]
    )
    assert value(measured, axis="x", delta_screen=64.0, **flips) == pytest.approx(crossed, abs=0.1)
    assert value(measured, axis="x", delta_screen=64.0, **flips) > 0.8
    assert value(measured, axis="y", delta_screen=64.0, **flips) == 0
    assert "flips" not in set(displacement(network, ladders, rng()).table["quantity"])


def test_sham_moves_everything(ladders: Ladders) -> None:
    """The whole screen shifted: a larger change than the ball's, at any layer of any network."""
    measured = displacement(build("nature@0.125", 0, 6), ladders, rng())
    table = measured.table.query("quantity == 'displacement' and layer != 'outputs'")
    by = table.groupby(["layer", "moved"])["value"].mean().unstack()
    assert (by["screen"] > 2 * by["ball"]).all()


def test_outputs_have_to_be_actions_to_flip(ladders: Ladders) -> None:
    with pytest.raises(ValueError, match="pong: expected 6 values an input, got 2"):
        displacement(build("gap@0.125", 0, 2), ladders, rng(), plays=True)
