"""The corner check: 0 to the bit for nature, whatever its weights; and able to fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from analysis.measures import corners
from analysis.measures.corners import corner_dq
from analysis.networks import build

OBSERVATIONS = np.random.default_rng(0).integers(256, size=(6, 4, 84, 84), dtype=np.uint8)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("growth", [1.0, 3.0])
def test_equal_to_the_bit(growth: float) -> None:
    """Also with weights larger than any network starts with, as after training."""
    network = build("nature@0.25", 3, 6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= growth
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    measured = corner_dq(network, OBSERVATIONS, rng())
    assert [(r.measure, r.value, r.row) for r in measured.readings] == [
        ("corner_dq", 0.0, "corner_twin@0.25"),
        ("corner_dq", 0.0, "corner_half@0.25"),
    ]
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, before[name])
    found = measured.measurements("nature@0.25", 0, "untrained", "pong", 0, "f")
    assert [m.row for m in found] == ["corner_twin@0.25", "corner_half@0.25"]


def test_another_aggregator_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corners, "CORNERS", ("half_max",))
    measured = corner_dq(build("nature@0.25", 3, 6), OBSERVATIONS, rng())
    assert measured.readings[0].value > 1e-3


def test_only_nature() -> None:
    with pytest.raises(ValueError, match=r"expected nature, got 'half_max@0\.25'"):
        corner_dq(build("half_max@0.25", 0, 6), OBSERVATIONS, rng())
