"""Maps say what the network itself says at that place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_explorers import small_frames, small_maps, small_scene

from analysis.networks import FEATURES, OUTPUTS, build, responses
from analysis.probing.decoding import place_decoder
from analysis.worth import explorer_maps as module
from analysis.worth.explorer_maps import explorer_maps, last_map

SOME = [0, 100, -1]


def test_a_place_alone_gives_the_same() -> None:
    scene, network = small_scene("pong"), build("half_max@0.25", 0, 6)
    table = small_maps("half_max@0.25")
    assert len(table) == len(scene.observations)
    alone = responses(network, scene.observations[SOME], (FEATURES, OUTPUTS))
    outputs = table[[f"output_{k}" for k in range(6)]].to_numpy()
    np.testing.assert_allclose(outputs[SOME], alone[OUTPUTS], rtol=1e-4, atol=1e-6)
    empty = responses(network, scene.without_ball)[FEATURES][scene.velocity[SOME]]
    change = np.linalg.norm(alone[FEATURES] - empty, axis=1) / np.linalg.norm(empty, axis=1)
    np.testing.assert_allclose(table["response"].to_numpy()[SOME], change, rtol=1e-3)
    decoded = place_decoder(network, small_frames("pong")).decode(alone[FEATURES])
    found = table[["decoded_x_screen", "decoded_y_screen"]].to_numpy()
    np.testing.assert_allclose(found[SOME], decoded, atol=0.1)
    np.testing.assert_array_equal(
        table[["ball_x_screen", "ball_y_screen"]].to_numpy(), scene.places_screen
    )


def test_the_last_map_responds_where_the_ball_is() -> None:
    """The middle of the response moves with the ball: nature's map keeps the place."""
    table = small_maps("nature@0.25")
    side = table.attrs["map"]["side"]
    assert side == 7
    maps = np.stack([np.frombuffer(cells, np.uint8) for cells in table["map"]]).astype(float)
    assert maps.max() == module.LEVELS
    middle = (maps.reshape(-1, side, side).sum(axis=1) * np.arange(side)).sum(axis=1)
    middle /= maps.sum(axis=1)
    assert np.corrcoef(middle, table["ball_x_screen"])[0, 1] > 0.9


def test_which_map_is_last(tmp_path: Path) -> None:
    assert last_map(build("gap@0.25", 0, 6)) == "conv3"  # the mean of it keeps no place
    assert last_map(build("half_max@0.25", 0, 6)) is not None
    own = tmp_path / "own.py"
    own.write_text(
        "from stable_baselines3.common.torch_layers import BaseFeaturesExtractor\n"
        "from torch import nn\n\n\n"
        "class Own(BaseFeaturesExtractor):\n"
        "    def __init__(self, observation_space):\n"
        "        super().__init__(observation_space, 16)\n"
        "        self.net = nn.Sequential(nn.AvgPool2d(21), nn.Flatten(), nn.Linear(64, 16))\n"
        "    def forward(self, observations):\n"
        "        return self.net(observations)\n"
    )
    network = build(f"{own}:Own", 0, 6)
    assert last_map(network) is None
    table = explorer_maps(network, small_scene("pong"), small_frames("pong"), "untrained").table
    assert "map" not in table.columns
    assert table["response"].gt(0).any()


def test_large_maps_are_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIDE_AT_MOST", 3)
    network = build("nature@0.25", 0, 6)
    table = explorer_maps(network, small_scene("pong"), small_frames("pong"), "untrained").table
    assert table.attrs["map"]["side"] == 3
    assert {len(cells) for cells in table["map"]} == {9}


def test_a_file_keeps_all_of_it(tmp_path: Path) -> None:
    table = small_maps("nature@0.25")
    table.to_parquet(tmp_path / "explorer.parquet")
    again = pd.read_parquet(tmp_path / "explorer.parquet")
    pd.testing.assert_frame_equal(again, table)
    assert again.attrs == table.attrs
    assert again.attrs["readout"]["fitted_on"] == 150
