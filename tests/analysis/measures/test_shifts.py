"""Input shifts: what does not see them, what sees nothing else, and the definition by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from analysis.datasets import play_set
from analysis.measures.actions import effective_actions
from analysis.measures.shifts import ONE, ONE_TO_FOUR, output_shift, q_shift, shifts_84
from analysis.networks import OUTPUTS, Network, Observations, build, responses
from analysis.pictures.frames import PlaySettings
from analysis.readings import Reading
from envs.shams import screen_shifted


@pytest.fixture(scope="module")
def observations(tmp_path_factory: pytest.TempPathFactory) -> Observations:
    settings = PlaySettings("pong", episodes=2, inputs=20)
    return play_set(settings, workers=1, folder=tmp_path_factory.mktemp("sets")).observations


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_shifts() -> None:
    assert ONE == shifts_84(1) == ((-1, 0), (1, 0), (0, -1), (0, 1))
    assert len(set(ONE_TO_FOUR)) == 16
    assert ONE_TO_FOUR[:4] == ONE


def test_change_by_hand(observations: Observations) -> None:
    network = build("nature@0.125", 0, 3)
    before = responses(network, observations, (OUTPUTS,))[OUTPUTS].astype(float)
    squares = []
    for dx, dy in ONE_TO_FOUR:
        moved = np.stack([screen_shifted(o, dx, dy) for o in observations])
        squares.append(np.square(responses(network, moved, (OUTPUTS,))[OUTPUTS] - before).mean())
    expected = math.sqrt(np.mean(squares)) / math.sqrt(before.var(axis=0).mean())
    measured = output_shift(network, observations, rng(), measure="reward_shift", condition="moved")
    [reading] = measured.readings
    assert reading == Reading("reward_shift", reading.value, "moved")
    assert reading.value == pytest.approx(expected, rel=1e-4)
    assert len(measured.table) == 16


class Where(nn.Module):
    """Three outputs: the brightness of what is left, middle and right; or of the whole."""

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self.whole = whole
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, pictures: Tensor) -> Tensor:
        if self.whole:
            return pictures.sum(dim=(1, 2, 3))[:, None].repeat(1, 6)
        return pictures[:, 3, 40:46].mean(dim=1)[:, 20:26]


def seeing(whole: bool) -> Network:
    network = build("gap@0.125", 0, 6)
    network.extractor = Where(whole)  # type: ignore[assignment]
    network.head = nn.Sequential(nn.Identity(), nn.ReLU(), nn.Identity())
    return network


def test_one_column_of_noise_is_lost_by_a_shift_and_a_sum_is_kept() -> None:
    """Of white noise nothing is left one pixel further: 1 − r = 1, change √2. Its sum stays."""
    noise = np.random.default_rng(1).integers(256, size=(200, 4, 84, 84), dtype=np.uint8)
    local = q_shift(seeing(whole=False), noise, rng(), "pong")
    whole = q_shift(seeing(whole=True), noise, rng(), "pong")
    lost, kept = local.readings[0], whole.readings[0]
    assert lost.measure == kept.measure == "q_shift"
    # Along x all is new; along y five rows of six stay, so 1/6 of the variance is.
    table = local.table.query("quantity == 'change_over_sd'")
    along_x = table[table["shift_y_84"] == 0]["value"]
    along_y = table[(table["shift_x_84"] == 0) & (table["shift_y_84"].abs() == 1)]["value"]
    assert along_x.tolist() == pytest.approx([2**0.5] * 8, rel=0.08)
    assert along_y.tolist() == pytest.approx([(2 / 6) ** 0.5] * 2, rel=0.08)
    assert kept.value < 0.3


def test_kappa_over_all_shifts() -> None:
    network = seeing(whole=False)
    observations = np.random.default_rng(2).integers(256, size=(100, 4, 84, 84), dtype=np.uint8)
    measured = q_shift(network, observations, rng(), "pong")
    reading = measured.readings[1]
    assert reading.measure == "action_kappa"
    before = effective_actions("pong", responses(network, observations, (OUTPUTS,))[OUTPUTS])
    moved = np.stack([screen_shifted(o, 4, 0) for o in observations])
    after = effective_actions("pong", responses(network, moved, (OUTPUTS,))[OUTPUTS])
    table = measured.table.query("quantity == 'kappa'")
    at = table[(table["shift_x_84"] == 4) & (table["shift_y_84"] == 0)]["value"].item()
    agree = (before == after).mean()
    chance = sum((before == a).mean() * (after == a).mean() for a in range(6))
    assert at == pytest.approx((agree - chance) / (1 - chance))
    assert table["value"].min() <= reading.value <= 1


def test_a_constant_network_loses_nothing_and_shows_nothing(observations: Observations) -> None:
    network = build("nature@0.125", 0, 6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    change, kappa = q_shift(network, observations, rng(), "pong").readings
    assert change.value == 0
    assert kappa.value == 0


def test_one_input_has_no_spread(observations: Observations) -> None:
    with pytest.raises(ValueError, match="inputs between which the outputs differ"):
        q_shift(build("nature@0.125", 0, 6), observations[:1], rng(), "pong")
