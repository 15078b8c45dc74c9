"""Effective fields: never larger than the arithmetic's, and equal to it where weights are dense."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.architectures import find
from agents.extractors import ZooExtractor
from agents.geometry import ledger
from analysis.datasets import play_set
from analysis.measures.receptive import receptive_field, side_holding
from analysis.networks import Observations, build
from analysis.pictures.frames import PlaySettings


@pytest.fixture(scope="module")
def observations(tmp_path_factory: pytest.TempPathFactory) -> Observations:
    settings = PlaySettings("pong", episodes=2, inputs=8)
    return play_set(settings, workers=1, folder=tmp_path_factory.mktemp("sets")).observations


def fields(row: str, observations: Observations) -> dict[str, dict[str, float]]:
    measured = receptive_field(build(row, 0, 6), observations, np.random.default_rng(0))
    assert measured.readings == ()
    table = measured.table.pivot_table(index="layer", columns="quantity", values="value")
    return {str(k): {str(a): float(b) for a, b in v.items()} for k, v in table.T.items()}


@pytest.mark.parametrize(
    "row", ["nature", "half_max", "half_avg", "half_median", "half_blur", "all_conv", "no_stride"]
)
def test_the_support_is_the_field_by_arithmetic(row: str, observations: Observations) -> None:
    found = fields(f"{row}@0.125", observations)
    for layer, field in found.items():
        assert field["support"] <= field["theory"], layer
        assert field["side_95"] <= field["support"]
        assert 0 < field["radius"] < field["theory"]
        # Where one value of a cell is taken, not every way up need be open in sixteen inputs.
        assert field["support"] >= field["theory"] - 2 * (row in ("half_max", "half_median"))
    last = ledger(find(row)).steps[-1]
    assert found[last.name]["theory"] == ledger(find(row)).receptive_field


def test_mass_lies_in_the_middle(observations: Observations) -> None:
    """Overlapping kernels see the middle of their field more often (Luo et al. 2016)."""
    found = fields("no_stride@0.125", observations)
    assert found["conv3"]["side_95"] < found["conv3"]["theory"]
    even = np.hypot(*np.full(2, (13**2 - 1) / 12) ** 0.5)  # of mass spread evenly
    assert found["conv3"]["radius"] < 0.95 * even


def test_one_pixel_planted(observations: Observations) -> None:
    """Weights on a single tap in every layer: a field of one pixel, though arithmetic says 36."""
    network = build("nature@0.125", 0, 6)
    extractor = network.extractor
    assert isinstance(extractor, ZooExtractor)
    with torch.no_grad():
        for conv in extractor.stages:
            assert isinstance(conv, torch.nn.Conv2d)
            conv.bias.fill_(1)
            kept = conv.weight[:, :, 1, 1].abs()
            conv.weight.zero_()
            conv.weight[:, :, 1, 1] = kept
    table = receptive_field(network, observations, np.random.default_rng(0)).table
    shown = table.pivot_table(index="layer", columns="quantity", values="value")
    assert (shown[["side_95", "support"]] == 1).all(axis=None)
    assert (shown["radius"] < 1e-6).all()
    assert shown["theory"].tolist() == [8, 20, 36]


def test_a_dead_network_has_none(observations: Observations) -> None:
    network = build("nature@0.125", 0, 6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    table = receptive_field(network, observations, np.random.default_rng(0)).table
    assert table.query("quantity == 'theory'")["value"].tolist() == [8, 20, 36]
    assert table.query("quantity != 'theory'")["value"].isna().all()


def test_side_by_hand() -> None:
    mass = np.zeros((10, 10))
    mass[3:5, 6:8] = 1
    assert side_holding(mass, 1.0) == 2
    assert side_holding(mass, 0.25) == 1
    mass[9, 0] = 0.2
    assert side_holding(mass, 0.95) == 2
    assert side_holding(mass, 0.99) == 8
