"""What the explorer's page carries, and what it does without."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from small_explorers import small_frames, small_maps, small_scene

from analysis.networks import build
from analysis.shared import Shared
from analysis.worth.explorer_maps import explorer_maps
from commandline import BadInput
from envs.games import find
from reporting.explorer import PICTURES, Shown, fragment, main, of_run, untrained
from reporting.explorer_data import does, network_of, packed, read, scene_of
from reporting.palette import KINDS, SECONDS

PLACES = 10_176
"""In a scene of Pong at the usual steps."""


def test_numbers_are_kept_within_a_step() -> None:
    values = np.array([-3.0, 0.123, 7.0])
    found = packed(values)
    steps = np.frombuffer(base64.b64decode(found["data"]), "<u2")
    np.testing.assert_allclose(-3 + 10 * (steps / 65535), values, atol=10 / 65535 / 2)
    assert packed(np.full(2, 5.0)) == {"low": 5.0, "high": 5.0, "data": "AAAAAA=="}
    with pytest.raises(ValueError, match="expected finite numbers"):
        packed(np.array([0.0, np.nan]))


def test_four_networks_are_less_than_two_megabytes() -> None:
    table = small_maps("nature@0.25")
    each = len(json.dumps(network_of(table))) / len(table) * PLACES
    assert 4 * each + len(fragment([Shown("", "", table)])) - each < 2e6


def test_grids_of_a_scene() -> None:
    scene = scene_of(small_maps("nature@0.25"))
    assert scene["step"] == [8, 12]
    assert scene["fitted"] == small_maps("nature@0.25").attrs["readout"]["places_screen"]
    sizes = [v["columns"] * v["rows"] for v in scene["velocities"]]
    assert [v["first"] for v in scene["velocities"]] == [0, *np.cumsum(sizes)[:-1]]
    assert sum(sizes) == len(small_maps("nature@0.25"))


@pytest.mark.parametrize(
    ("game", "action", "says"),
    [
        ("pong", "RIGHT", "paddle up"),
        ("pong", "LEFTFIRE", "paddle down"),
        ("pong", "FIRE", "paddle stays"),
        ("breakout", "LEFT", "paddle left"),
        ("breakout", "NOOP", "paddle stays"),
        ("bowling", "UP", ""),
        ("catch", "LEFT", ""),
    ],
)
def test_what_actions_do(game: str, action: str, says: str) -> None:
    assert does(action, find(game).facts) == says


def test_without_values_of_actions() -> None:
    """Networks trained on another task have outputs, but no values."""
    network = build("gap@0.25", 0, 6)
    table = explorer_maps(network, small_scene("pong"), small_frames("pong"), "supervised").table
    assert "outputs" not in network_of(table)
    made = fragment([Shown("where", "", table)])
    assert "data-value>" not in made
    assert "data-distance>" in made


def test_too_many_are_named() -> None:
    table = small_maps("gap@0.25")
    made = fragment([Shown(f"run {k}", "", table) for k in range(8)])
    assert made.count("data-network ") == 6
    colours = [part[:7] for part in made.split('data-network role="group" style="--colour: ')[1:]]
    assert colours == [KINDS["global"].colour, *SECONDS]
    assert "Not shown, for want of room: run 6, run 7." in made
    assert fragment([]) == ""


def test_it_says_how_far_it_is() -> None:
    shared = Shared("pong")
    vars(shared).update(held=small_frames("pong"), scene=small_scene("pong"))
    begun: list[str] = []
    found = untrained(["gap@0.25"], 0, shared, begun.append)
    assert begun == [*PICTURES, "gap@0.25"]
    assert found[0].table.equals(small_maps("gap@0.25"))


def test_from_a_run_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "pong" / "gap" / "seed3"
    (run / "evaluation").mkdir(parents=True)
    (run / "agent.json").write_text('{"steps": 300000}')
    with pytest.raises(BadInput, match=r"evaluate.py .*seed3 --measures explorer takes it"):
        of_run(run)
    file = run / "evaluation" / "explorer.parquet"
    file.write_bytes(b"no parquet")
    with pytest.raises(BadInput, match=r"explorer.parquet: expected maps of the measure explorer"):
        of_run(run)
    small_maps("gap@0.25").drop(columns="map").to_parquet(file)
    shown = of_run(run)
    assert (shown.name, shown.note) == ("pong/gap/seed3", "trained for 300,000 agent steps")
    out = tmp_path / "explorer.html"
    with pytest.raises(BadInput, match="nosuch: expected a run directory or a folder of them"):
        main([str(tmp_path / "nosuch"), "--out", str(out)])
    assert main([str(tmp_path / "pong"), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.err == f"1/1: {run}\n"  # a bar where a terminal is
    assert said.out.startswith(f"{out}: 1 network, ")
    assert "trained for 300,000 agent steps" in out.read_text(encoding="utf-8")


def test_a_file_of_something_else(tmp_path: Path) -> None:
    table = small_maps("gap@0.25").drop(columns="map")
    table.attrs = {}
    table.to_parquet(tmp_path / "other.parquet")
    with pytest.raises(BadInput, match=r"got none of \['game'"):
        read(tmp_path / "other.parquet")
