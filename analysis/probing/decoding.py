"""The ball's place as a linear read-out of the features decodes it, in pictures of any origin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from threadpoolctl import threadpool_limits

from analysis.networks import FEATURES, Network, responses
from analysis.pictures.frames import Frames
from analysis.probing import ridge
from analysis.probing.targets import thinned


@dataclass(frozen=True)
class Decoded:
    """What the read-out says.

    Attributes:
        places_screen: x and y of the ball's corner in each picture asked about.
        r2: On teleported episodes that it was not fitted on, the mean of x and y.
        rmse_px: There, screen pixels: root of the mean of both axes' squared errors.
    """

    places_screen: Float64[np.ndarray, "n 2"]
    r2: float
    rmse_px: float


def decode(network: Network, frames: Frames, features: Float32[np.ndarray, "n p"]) -> Decoded:
    """Fit a ridge regression on a teleported set and let it tell the ball's place elsewhere.

    Fitted, chosen and judged on the episodes of `analysis.probing.probes.place`.

    Args:
        network: Whose features they are.
        frames: Teleported.
        features: Of the pictures asked about.
    """
    some = thinned(frames)
    fold = frames.episode_fold()[some]
    train, choose, judge = (np.flatnonzero(p) for p in (fold >= 2, fold == 1, fold == 0))
    places = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)[some]
    known = responses(network, frames.observations[some])[FEATURES].reshape(len(some), -1)
    # Those asked about come behind; nothing is fitted on them, so their targets say nothing.
    targets = np.concatenate([places, np.zeros((len(features), 2))])
    with threadpool_limits(1, "blas"):
        spanned = ridge.span(np.concatenate([known, features]), train)
        predicted = ridge.fit(spanned, targets, choose).predicted
    missed = predicted[judge] - places[judge]
    return Decoded(
        predicted[len(some) :],
        float(ridge.r2(predicted[judge], places[judge]).mean()),
        float(np.sqrt(np.square(missed).mean())),
    )
