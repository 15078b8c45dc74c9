"""Probes by layer on real frames: known truths, controls, and the names that claims look for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import torch
from small_frames import frames_to_probe

from analysis.claims import CLAIMS
from analysis.networks import build, responses
from analysis.pictures.frames import Frames
from analysis.probing import probes as module
from analysis.probing.probes import pixel_probes, probes
from analysis.readings import Measured


@pytest.fixture(scope="module")
def frames() -> Frames:
    return frames_to_probe()


@pytest.fixture(scope="module")
def nature(frames: Frames) -> Measured:
    return probes(build("nature@0.25", 0, 6), frames, np.random.default_rng(0))


def value(measured: Measured, **where: str) -> float:
    table = measured.table
    for column, wanted in {"view": "full", "split": "scenes", "axis": "mean", **where}.items():
        table = table[table[column] == wanted]
    return float(table["value"].item())


def test_every_layer_is_asked(nature: Measured) -> None:
    table = nature.table
    assert list(table["layer"].unique()) == ["conv1", "conv2", "features", "hidden", "outputs"]
    assert set(table["view"]) == {"full", "projected", "planted"}
    assert set(table["probe"]) == {"ridge", "mlp"}
    assert set(table["split"]) == {"scenes", "blocks", "outer"}
    assert np.isfinite(table["value"]).all()
    keys = [c for c in table.columns if c != "value"]
    assert not table.duplicated(keys).any()
    assert (
        table.groupby("layer", sort=False)["numbers"].first() == [3200, 1296, 784, 128, 6]
    ).all()


def test_controls(nature: Measured) -> None:
    """Planted found by both probes, shuffled by neither, a random map worse than the place."""
    for probe in ("ridge", "mlp"):
        assert value(nature, view="planted", probe=probe, target="place", metric="r2") >= (
            0.99 if probe == "ridge" else 0.95
        )
        assert value(nature, layer="features", probe=probe, target="shuffled", metric="r2") <= 0.02
    shuffled = nature.table[nature.table["target"] == "shuffled"]
    assert shuffled["value"].max() <= 0.02
    gained = value(nature, layer="features", probe="ridge", target="place", metric="selectivity")
    place, mapped = (
        value(nature, layer="features", probe="ridge", target=t, metric="r2")
        for t in ("place", "random map")
    )
    assert gained == pytest.approx(place - mapped)
    assert gained > 0.1


def test_what_is_published_and_said_has_the_controls(nature: Measured) -> None:
    lines = module.published(nature.table)
    assert set(lines["layer"]) == {"features"}
    assert {"random map", "shuffled", "place", "coarse", "phase", "cell"} <= set(lines["target"])
    assert {"full", "planted"} <= set(lines["view"])
    assert {"scenes", "blocks", "outer"} <= set(lines["split"])
    assert "selectivity" in set(lines["metric"])
    said = module.beside(nature.table)
    found = value(
        nature, layer="features", probe="mlp", view="planted", target="place", metric="r2"
    )
    assert f"planted {found:.3f}, random map" in said


def test_place_is_read_where_it_is(nature: Measured, frames: Frames) -> None:
    """Many cells know more than their mean; pixels and RMSE agree with R²."""
    gap = probes(build("gap@0.25", 0, 6), frames, np.random.default_rng(0))
    of = {r.measure: r.value for r in nature.readings}
    of_gap = {r.measure: r.value for r in gap.readings}
    assert of["where_r2"] > of_gap["where_r2"] + 0.2
    assert of["coarse_r2"] > of_gap["coarse_r2"] + 0.2
    r2 = value(nature, layer="features", probe="ridge", target="place", metric="r2", axis="x")
    px = value(nature, layer="features", probe="ridge", target="place", metric="rmse_px", axis="x")
    judged = frames.ball_x_screen[frames.episode_fold() == 0]
    assert px == pytest.approx(judged.std() * np.sqrt(1 - r2))


def test_a_blind_network(frames: Frames) -> None:
    """All of its weights are 0: nothing is known of anything, by any probe, in any layer."""
    network = build("half_max@0.25", 0, 6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    made = probes(network, frames, np.random.default_rng(0))
    blind = made.table[(made.table["view"] != "planted") & (made.table["metric"] == "r2")]
    assert blind["value"].max() <= 0.02
    assert all(abs(r.value) < 0.1 for r in made.readings)
    assert value(made, view="planted", probe="ridge", target="place", metric="r2") >= 0.99


def test_what_is_left_out_is_harder(nature: Measured) -> None:
    """Places between blocks that were seen, and beyond them, are told worse."""
    seen, blocks, outer = (
        value(nature, layer="features", probe="ridge", target="place", metric="rmse_px", split=s)
        for s in ("scenes", "blocks", "outer")
    )
    assert seen < blocks < outer


def test_readings_are_those_of_the_claims(nature: Measured, frames: Frames) -> None:
    cells = {(c.measure, c.condition) for claim in CLAIMS for p in claim.parts for c in p.cells}
    found = {(r.measure, r.condition): r for r in nature.readings}
    assert {("coarse_r2", "held"), ("phase_r2", "held"), ("where_r2", "held")} == set(found)
    assert set(found) <= cells
    made = nature.measurements("nature@0.25", 0, "untrained", "pong", 0, "abc")
    assert {m.row for m in made} == {"nature@0.25"}
    own = probes(build("gap@0.25", 0, 2), frames, np.random.default_rng(0), supervised=True)
    assert {r.measure for r in own.readings} == {"coarse_r2", "phase_r2"}


def test_same_chance_same_numbers(nature: Measured, frames: Frames) -> None:
    again = probes(build("nature@0.25", 0, 6), frames, np.random.default_rng(0))
    pd.testing.assert_frame_equal(again.table, nature.table)
    other = probes(build("nature@0.25", 0, 6), frames, np.random.default_rng(1))
    assert (other.table["value"] != nature.table["value"]).any()


def test_maps_that_do_not_fit_together(frames: Frames, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one pass or in one for each layer, the same."""
    network = build("gap@0.25", 0, 6)
    few = frames.observations[:40]

    def maps() -> Iterator[tuple[str, np.ndarray]]:
        return module._maps(network, few)

    whole = dict(maps())
    monkeypatch.setattr(module, "ROOM_BYTES", 1)
    apart = dict(maps())
    assert (
        list(whole) == list(apart) == ["conv1", "conv2", "conv3", "features", "hidden", "outputs"]
    )
    for name, features in whole.items():
        assert np.allclose(features, apart[name], atol=1e-6)
    assert (whole["features"] == responses(network, few)["features"]).all()


def test_pixels(frames: Frames) -> None:
    """The input's own limit; and what the set said of ball-erased inputs when it was built."""
    made = pixel_probes(frames, np.random.default_rng(0))
    assert set(made.table["layer"]) == {"pixels", "paddles"}
    assert value(made, layer="pixels", probe="ridge", target="place", metric="r2") > 0.5
    read = {r.measure: r for r in made.readings}
    assert {r.row for r in made.readings} == {"raw_pixels"}
    assert set(read) == {"coarse_r2", "phase_r2", "where_r2", "erased_r2"}
    by_mlp = {"probe": "mlp", "metric": "r2", "view": "full", "split": "scenes"}
    for measure, target in (("coarse_r2", "coarse"), ("phase_r2", "phase")):
        assert read[measure].value == value(made, layer="pixels", target=target, **by_mlp)
    by_ridge = {**by_mlp, "probe": "ridge"}
    assert read["where_r2"].value == value(made, layer="pixels", target="place", **by_ridge)
    erased = read["erased_r2"]
    assert (erased.measure, erased.row, erased.condition) == ("erased_r2", "raw_pixels", "held")
    assert erased.value == max(frames.facts["leak"].values()) <= 0.02
    made.measurements("raw_pixels", 0, "untrained", "pong", 0, "abc")
