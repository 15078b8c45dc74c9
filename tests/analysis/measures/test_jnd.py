"""JND: thresholds by hand; a planted place is told to the pixel, a constant network never."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_ladders import small_ladders

from analysis.measures.jnd import FLOOR_PX, jnd, threshold
from analysis.networks import Network, build
from analysis.pictures.ladder_sets import LadderSettings, ladder_set
from analysis.pictures.ladders import Ladders
from analysis.readings import Measured, Reading


@pytest.fixture(scope="module")
def ladders() -> Ladders:
    return small_ladders()


def jnd_of(measured: Measured, axis: str, kind: str) -> float:
    table = measured.table
    chosen = (table["quantity"] == "jnd_px") & (table["axis"] == axis) & (table["kind"] == kind)
    return float(table.loc[chosen, "value"].item())


def test_threshold_by_hand() -> None:
    deltas = [1.0, 2, 4, 8]
    assert threshold(deltas, [0.1, 0.5, 1, 9]) == pytest.approx(4)
    assert threshold(deltas, [0.25, 0.5, 2, 9]) == pytest.approx(math.sqrt(8))
    assert threshold(deltas, [1.25, 5, 5, 5]) == pytest.approx(0.8)
    assert threshold(deltas, [40, 50, 60, 70]) == FLOOR_PX
    assert threshold(deltas, [0.9, 0.9, 0.9, 0.99]) == math.inf
    assert 2 < threshold(deltas, [-0.3, -1, 3, 9]) < 4
    assert threshold(deltas, [0.5, math.inf, 1, 1]) == pytest.approx(1, rel=0.2)


class Told(torch.nn.Module):
    """Features that are the column of the ball's light, in steps, and noise that the scene makes.

    The ball is the brightest thing in the clear part of Pong's field.
    """

    def __init__(self, step: float, noise: float) -> None:
        super().__init__()
        self.step, self.noise = step, noise
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        field = pictures[:, 3, 15:75, 12:72]
        light = (field - field.amin(dim=(1, 2), keepdim=True)).clamp(min=0)
        rows, columns = torch.arange(60.0), torch.arange(60.0)
        total = light.sum(dim=(1, 2))
        x = (light.sum(dim=1) * columns).sum(dim=1) / total
        y = (light.sum(dim=2) * rows).sum(dim=1) / total
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn((len(pictures), 2), generator=generator) * self.noise
        return torch.stack([x / 0.525, y / 0.4], dim=1) / self.step + noise


def planted(noise: float) -> Network:
    network = build("gap@0.125", 0, 6)
    network.extractor = Told(1.0, noise)  # type: ignore[assignment]
    network.head = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
    return network


def test_a_planted_place_with_noise_of_known_size(ladders: Ladders) -> None:
    """Noise of σ px makes a JND of σ px; half of it, half; none, the floor."""
    coarse, fine, exact = (jnd(planted(noise), ladders) for noise in (8.0, 2.0, 0.0))
    for axis in ("x", "y"):
        assert jnd_of(coarse, axis, "fixed") == pytest.approx(8, rel=0.5)
        assert jnd_of(fine, axis, "fixed") == pytest.approx(2, rel=0.6)
        assert jnd_of(exact, axis, "fixed") <= 1
        assert jnd_of(coarse, axis, "roaming") == pytest.approx(8, rel=0.5)
        assert jnd_of(exact, axis, "roaming") <= 1
    assert coarse.readings[0].value == pytest.approx(
        math.sqrt(jnd_of(coarse, "x", "roaming") * jnd_of(coarse, "y", "roaming"))
    )
    assert coarse.readings == (Reading("jnd_px", coarse.readings[0].value, "held"),)


def test_a_constant_network_never_tells(ladders: Ladders) -> None:
    network = build("nature@0.125", 0, 6)
    with torch.no_grad():
        for parameter in network.extractor.parameters():
            parameter.zero_()
    measured = jnd(network, ladders)
    assert measured.readings[0].value == math.inf
    assert jnd_of(measured, "both", "fixed") == math.inf
    shown = measured.table.query("quantity == 'd_prime'")
    assert (shown["value"] == 0).all()
    measurement = measured.measurements("nature@0.125", 0, "untrained", "pong", 0, "f")[0]
    assert measurement.value == math.inf


def test_blind_to_the_ball_is_blind(ladders: Ladders) -> None:
    """The ball painted over: everything else is there, and nothing can be told."""
    without = np.repeat(ladders.without_ball[:, None], len(ladders.rungs), axis=1)
    measured = jnd(build("nature@0.125", 0, 6), replace(ladders, observations=without))
    assert measured.readings[0].value == math.inf


def test_nature_tells_and_a_global_mean_tells_less(ladders: Ladders) -> None:
    nature, gap = (jnd(build(f"{row}@0.25", 0, 6), ladders) for row in ("nature", "gap"))
    told, lost = (
        m.table.query("quantity == 'd_prime' and kind == 'fixed'")["value"].median()
        for m in (nature, gap)
    )
    assert told > 2 * lost
    assert jnd_of(nature, "both", "fixed") < jnd_of(gap, "both", "fixed")
    pairs = nature.table.query("quantity == 'd_prime'").groupby(["axis", "kind", "delta_screen"])
    assert pairs.size().unstack()[1.0].tolist() == [4, 2, 4, 2]


def test_catch_in_screen_pixels(tmp_path: Path) -> None:
    settings = LadderSettings("catch", episodes=5, moments=3)
    ladders = ladder_set(settings, workers=1, folder=tmp_path)
    measured = jnd(build("half_max@0.25", 0, 3), ladders)
    deltas = measured.table.query("quantity == 'd_prime' and axis == 'x'")["delta_screen"]
    assert deltas.min() == pytest.approx(1 / 0.525)
    assert deltas.max() == pytest.approx(32 / 0.525)
    assert measured.readings[0].condition == ""
    assert measured.readings[0].value < 4
