"""What layers make of shams: nothing where nothing changed, and as much as stands in the pixels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from small_shams import small_shams

from analysis.measures.shams import sham_changes
from analysis.networks import build, responses


def table(row: str, *, plays: bool = False) -> pd.DataFrame:
    return sham_changes(build(row, 0, 6), small_shams("pong"), plays=plays).table


def test_by_hand() -> None:
    """The ratio, and what the outputs do, from the responses themselves."""
    network, of = build("half_max@0.25", 0, 6), small_shams("pong")
    found = sham_changes(network, of, plays=True).table.set_index(["quantity", "layer", "sham"])
    shape = of.observations.shape[:2]
    flat = of.observations.reshape(-1, 4, 84, 84)
    given = responses(network, flat, ("conv1", "outputs"))
    conv1 = given["conv1"].reshape(*shape, -1).astype(float)
    base, painted, digits = (
        conv1[:, of.versions.index(v)] for v in ("teleported", "painted over", "digits changed")
    )
    ratio = np.sqrt(np.square(digits - base).sum() / np.square(base - painted).sum())
    assert found.loc[("change", "conv1", "digits changed"), "value"] == pytest.approx(ratio)
    q = given["outputs"].reshape(*shape, 6)
    before, after = of.pairs["paddle moved"]
    rms = np.sqrt(np.square(q[:, after] - q[:, before]).mean())
    sd = np.sqrt(q[:, 0].var(axis=0).mean())
    shown = found.loc[("change_over_sd", "outputs", "paddle moved"), "value"]
    assert shown == pytest.approx(rms / sd, rel=1e-4)


def test_nothing_and_the_ball() -> None:
    for row in ("nature@0.25", "gap@0.25"):
        found = table(row, plays=True)
        idle = found[found["sham"].isin(["own place", "pasted"])]
        assert (idle["value"] == 0).all()
        erased = found[(found["sham"] == "ball erased") & (found["quantity"] == "change")]
        assert erased["value"].to_numpy() == pytest.approx(1)
        others = found[~found["sham"].isin(["own place", "pasted"])]
        assert (others[others["quantity"] == "change"]["value"] > 0).all()
        assert found[found["quantity"] == "flips"]["value"].between(0, 1).all()
    assert set(table("gap@0.25")["quantity"]) == {"change", "change_over_sd"}


def test_a_constant_network_has_no_ratio() -> None:
    network = build("gap@0.25", 0, 6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    found = sham_changes(network, small_shams("pong")).table
    assert found["value"].isna().all()
