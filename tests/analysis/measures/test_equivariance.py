"""Equivariance: exact at the stride, exact without one, and lost where cells know their column."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_ladders import small_ladders

from agents.architectures import find
from agents.extractors import ZooExtractor
from agents.stacks import Architecture
from analysis.measures.equivariance import alike, balls_alone, equivariance, interior_of
from analysis.networks import build
from analysis.pictures.ladders import Ladders


@pytest.fixture(scope="module")
def ladders() -> Ladders:
    return small_ladders()


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    "row", ["nature", "half_max", "half_avg", "twin_max", "half_blur", "gap", "all_conv", "sort"]
)
def test_exact_at_the_stride_and_nowhere_else(row: str, ladders: Ladders) -> None:
    measured = equivariance(build(f"{row}@0.25", 0, 6), ladders, rng())
    mean, at_stride = measured.readings
    assert (mean.measure, at_stride.measure) == ("equivariance", "equivariance_at_stride")
    assert 0.999 <= at_stride.value <= 1.000001
    assert mean.value < 0.99
    assert set(measured.table.query("at_stride")["shift_84"]) == {-8, 8}


def test_without_a_stride_every_shift_is_exact(ladders: Ladders) -> None:
    mean, at_stride = equivariance(build("no_stride@0.125", 0, 6), ladders, rng()).readings
    assert 0.999 <= mean.value <= 1.000001
    assert 0.999 <= at_stride.value <= 1.000001


def test_pooling_moves_more_alike_than_picking(ladders: Ladders) -> None:
    """Same weights, untrained: a stride aliases, a mean over the cell is smooth."""
    found = {
        row: equivariance(build(f"{row}@0.25", 0, 6), ladders, rng()).readings[0].value
        for row in ("nature", "half_max", "half_avg")
    }
    assert found["nature"] < 0.6
    assert found["half_max"] > found["nature"] + 0.2
    assert found["half_avg"] > found["nature"] + 0.2


def test_coordinates_break_it(ladders: Ladders) -> None:
    """Where cells know their column the map does not move alike, not even by whole cells."""
    exact = equivariance(build("nature@0.25", 0, 6), ladders, rng()).readings[1].value
    network = build("nature@0.25", 0, 6)
    extractor = network.extractor
    assert isinstance(extractor, ZooExtractor)
    conv3 = extractor.stages.get_submodule("conv3")

    def tilted(module: torch.nn.Module, given: object, made: torch.Tensor) -> torch.Tensor:
        return made * torch.linspace(-1, 1, made.shape[3])

    conv3.register_forward_hook(tilted)
    assert equivariance(network, ladders, rng()).readings[1].value < exact - 0.1


def test_padding_leaves_no_interior(ladders: Ladders) -> None:
    measured = equivariance(build("impala_max@0.25", 0, 6), ladders, rng())
    assert measured.readings == ()
    assert len(measured.table) == 0


def test_a_dead_map_gives_no_number(ladders: Ladders) -> None:
    network = build("nature@0.25", 0, 6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert equivariance(network, ladders, rng()).readings == ()


def test_balls_alone_on_an_even_field(ladders: Ladders) -> None:
    field, balls = balls_alone(ladders, rng(), 42.0, 8)
    assert len(np.unique(field)) == 1
    assert balls.shape == (15, 4, 84, 84)
    for ball in balls:
        frames, rows, columns = np.nonzero(ball != field)
        assert set(frames.tolist()) == {0, 1, 2, 3}
        assert abs((rows.min() + rows.max() + 1) / 2 - 42) <= 5
        assert abs((columns.min() + columns.max() + 1) / 2 - 42) <= 5
        assert (rows.max() - rows.min()) < 20
        assert (columns.max() - columns.min()) < 20


def test_alike_by_hand() -> None:
    still = np.arange(5, dtype=np.float32)[None, None] ** 2
    moved, expected = alike(still, still + 100, 8, 8, "x")
    assert expected.ravel().tolist() == [0, 1, 4, 9]
    assert moved.ravel().tolist() == [101, 104, 109, 116]
    _, expected = alike(still, still, -8, 8, "x")
    assert expected.ravel().tolist() == [1, 4, 9, 16]
    _, expected = alike(still, still, 2, 8, "x")
    assert expected.ravel().tolist() == [0.75, 3.25, 7.75, 14.25]
    moved, expected = alike(still, still, -2, 8, "x")
    assert expected.ravel().tolist() == [0.25, 1.75, 5.25, 10.75]
    assert moved.ravel().tolist() == [0, 1, 4, 9]
    _, expected = alike(still, still, 5, 8, "x", nearest=True)
    assert expected.ravel().tolist() == [0, 1, 4, 9]
    down = still.swapaxes(1, 2)
    _, expected = alike(down, down, 2, 8, "y")
    assert expected.ravel().tolist() == [0.75, 3.25, 7.75, 14.25]


def interior(row: str) -> tuple[str, int, int, int]:
    found = interior_of(find(row))
    return found.stage, found.jump, found.first, found.last


def test_interiors_by_arithmetic() -> None:
    assert interior("nature") == ("conv3", 8, 0, 6)  # 48 + 36 = 84
    assert interior("half_max") == ("conv3", 8, 0, 5)  # 40 + 42 = 82
    assert interior("half_blur") == ("conv3", 8, 1, 5)  # reflects: cell 0 begins at −6
    assert interior("no_stride") == ("conv3", 1, 0, 71)
    assert interior("gap") == interior("sort") == interior("avg_2x2") == interior("nature")
    assert interior("global_first") == ("conv1", 4, 0, 19)
    first, last = interior("impala_max")[2:]
    assert first > last
    with pytest.raises(ValueError, match="expected a row with a convolution that gives a map"):
        interior_of(Architecture("none", (), ""))
