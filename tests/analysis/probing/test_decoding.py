"""A read-out that keeps its weights says what the ridge regression behind it says."""

from __future__ import annotations

import numpy as np
import pytest
from small_explorers import small_frames

from analysis.networks import FEATURES, build, responses
from analysis.probing import decoding, ridge
from analysis.probing.decoding import place_decoder


def test_it_is_the_ridge_regression() -> None:
    frames, network = small_frames("pong"), build("half_max@0.25", 0, 6)
    found = place_decoder(network, frames)
    features = responses(network, frames.observations)[FEATURES]
    screen = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)
    fold = frames.episode_fold()
    train = np.flatnonzero(fold >= 2)
    fitted = ridge.fit(ridge.span(features, train), screen, np.flatnonzero(fold == 1))
    decoded = found.decode(features)
    np.testing.assert_allclose(decoded, fitted.predicted, atol=0.05)
    judged = ridge.r2(fitted.predicted[fold == 0], screen[fold == 0])
    np.testing.assert_allclose(found.r2, judged, atol=1e-3)
    missed = np.square(decoded - screen)[fold == 0].mean(axis=0)
    np.testing.assert_allclose(found.rmse_px, np.sqrt(missed))
    assert (found.fitted_on, found.judged_on) == (len(train), int((fold == 0).sum()))
    assert found.places_screen.tolist() == [
        screen.min(axis=0).tolist(),
        screen.max(axis=0).tolist(),
    ]


def test_large_features_are_asked_about_fewer_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, network = small_frames("pong"), build("gap@0.25", 0, 6)
    everything = place_decoder(network, frames)
    monkeypatch.setattr(decoding, "MOST_NUMBERS", 1)
    monkeypatch.setattr(decoding, "thinned", lambda frames: np.arange(0, len(frames), 2))
    fewer = place_decoder(network, frames)
    assert everything.fitted_on == 2 * fewer.fitted_on
