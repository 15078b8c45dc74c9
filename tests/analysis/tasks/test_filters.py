"""The battery of filters: what a maximum keeps, what ridge reads out, and who may ask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from agents.architectures import find
from agents.extractors import ZooExtractor
from analysis.networks import build, responses
from analysis.tasks.drawn import pictures
from analysis.tasks.filters import (
    CHANNELS,
    PENALTIES,
    FilterSettings,
    _bars,
    _battery,
    _codes,
    filters,
    ridge,
)

SMALL = FilterSettings(train=500, validation=100, test=200)


def test_readings_and_table() -> None:
    """Names, rows and conditions as the claims have them; more channels say more."""
    measured = filters(build("nature@0.25", 0, 6), np.random.default_rng(0), SMALL)
    assert set(measured.table.columns) == {"channels", "code", "target", "value"}
    assert len(measured.table) == len(CHANNELS) * 3 * 2
    at = {(r.measure, r.row, r.condition): r.value for r in measured.readings}
    assert ("what_skill", "nature@0.25", "channels=256") in at
    assert find("nature@0.25").name == "nature@0.25"
    by = measured.table.set_index(["code", "target", "channels"]).value
    assert by["max", "what", 256] > by["max", "what", 4] + 0.1
    assert by["flat", "where", 256] > 0.6
    assert by["flat", "where", 256] > by["max", "where", 256]
    ratio = at["what_over_flat", "gmp@0.25", "channels=256"]
    skills = by["max", "what", 256], by["flat", "what", 256]
    assert skills[1] > 0.2, "both codes say something, so that there is a ratio"
    assert ratio == pytest.approx(skills[0] / skills[1])


def test_the_battery_is_torchs_own_layer_with_more_channels() -> None:
    """The codes by numpy from the maps; the spread of the weights is that of torch's."""
    network = build("nature@0.25", 0, 6)
    observations = pictures(_bars(np.random.default_rng(1), 5), 5)
    codes = _codes(network, observations, np.random.default_rng(2))
    before, battery = _battery(network, np.random.default_rng(2))
    assert isinstance(network.extractor, ZooExtractor)
    last = network.extractor.stages.get_submodule("conv3")
    assert isinstance(last, torch.nn.Conv2d)
    assert battery.weight.shape == (256, *last.weight.shape[1:])
    assert float(battery.weight.detach().std()) == pytest.approx(
        float(last.weight.detach().std()), rel=0.05
    )
    assert last.weight.shape[0] == 16  # the network itself keeps what it had
    given = torch.from_numpy(responses(network, observations, (before,))[before])
    with torch.inference_mode():
        maps = battery(given).numpy()
    assert codes["max", 8] == pytest.approx(maps[:, :8].max(axis=(2, 3)))
    assert codes["mean", 256] == pytest.approx(maps.mean(axis=(2, 3)), abs=1e-6)
    assert codes["flat", 32].shape == (5, 32)


def test_ridge_is_sklearns_and_finds_what_is_there() -> None:
    rng = np.random.default_rng(0)
    split = FilterSettings(train=300, validation=100, test=200)
    features = rng.normal(size=(600, 20)) * rng.uniform(0.1, 9, 20)
    planted = features @ rng.normal(size=(20, 1))
    noise = rng.normal(size=(600, 1))
    said = ridge(features, np.hstack([planted, noise]), split)
    off = np.square(said - np.hstack([planted, noise])[400:]).mean(axis=0)
    assert off[0] / planted[400:].var() < 0.01
    assert off[1] / noise[400:].var() > 0.98
    scaled = (features - features[:300].mean(axis=0)) / features[:300].std(axis=0)
    theirs = [Ridge(alpha=p * 300).fit(scaled[:300], noise[:300, 0]) for p in PENALTIES]
    errors = [np.square(t.predict(scaled[300:400]) - noise[300:400, 0]).mean() for t in theirs]
    best = theirs[int(np.argmin(errors))]
    assert said[:, 1] == pytest.approx(best.predict(scaled[400:]), abs=1e-6)


@pytest.mark.parametrize("spec", ["gap@0.25", "impala_max@0.25"])
def test_only_rows_that_end_in_a_convolution(spec: str) -> None:
    with pytest.raises(ValueError, match=f"ends in a convolution, got {spec}"):
        filters(build(spec, 0, 2), np.random.default_rng(0), SMALL)
