"""The ball's place read out of a network's features, for any picture: the probe, ready for use.

The ridge regression behind the reading `where_r2` of `analysis.probing.probes`, on the same
examples; here its weights are kept, so that it can be asked about pictures outside the shared set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from analysis.networks import FEATURES, Network, responses
from analysis.pictures.frames import Frames
from analysis.probing import ridge
from analysis.probing.probes import MOST_NUMBERS
from analysis.probing.targets import thinned


@dataclass(frozen=True)
class Decoder:
    """A linear map from a network's features to the ball's corner, and how far it can be trusted.

    Attributes:
        mean: Of the features of those examples that it was fitted on.
        weights: Screen pixels (x, y) for a unit of each feature.
        intercept: The mean place of those examples, screen pixels.
        r2: Of x and y on unseen games; to 1.
        rmse_px: Of x and y there, screen pixels.
        places_screen: Least and greatest (x, y) that the examples show: beyond, it extrapolates.
        fitted_on: Examples.
        judged_on: Examples, of other games.
    """

    mean: Float32[np.ndarray, " p"]
    weights: Float64[np.ndarray, "p 2"]
    intercept: Float64[np.ndarray, " 2"]
    r2: Float64[np.ndarray, " 2"]
    rmse_px: Float64[np.ndarray, " 2"]
    places_screen: Float64[np.ndarray, "2 2"]
    fitted_on: int
    judged_on: int

    def decode(self, features: Float32[np.ndarray, "n p"]) -> Float64[np.ndarray, "n 2"]:
        """Say where the ball is: x and y of its corner, screen pixels."""
        return _decode(features, self.mean, self.weights, self.intercept)


def place_decoder(network: Network, frames: Frames) -> Decoder:
    """Fit the read-out of a network's last features on the shared set.

    Episodes are split as everywhere: three fifths to fit on, one to choose the penalty by, one to
    judge.

    Args:
        network: Any.
        frames: Teleported, opponent held.
    """
    fold = frames.episode_fold()
    screen = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)
    seen = frames.observations
    if np.prod(responses(network, seen[:1])[FEATURES].shape) > MOST_NUMBERS:
        some = thinned(frames)
        fold, screen, seen = fold[some], screen[some], seen[some]
    found = responses(network, seen)[FEATURES]
    features = found.reshape(len(found), -1).astype(np.float32, copy=False)
    train, judge = np.flatnonzero(fold >= 2), fold == 0
    fitted = ridge.fit(ridge.span(features, train), screen, np.flatnonzero(fold == 1))
    # Where its gradient vanishes, a ridge's weights are Xᵀ(y − ŷ) / λ, X centred.
    mean = features[train].mean(axis=0, dtype=np.float64).astype(np.float32)
    missed = (screen - fitted.predicted)[train] / fitted.penalty
    weights = (features[train] - mean).T.astype(np.float64) @ missed
    intercept = screen[train].mean(axis=0)
    predicted, truth = _decode(features[judge], mean, weights, intercept), screen[judge]
    return Decoder(
        mean=mean,
        weights=weights,
        intercept=intercept,
        r2=ridge.r2(predicted, truth),
        rmse_px=np.sqrt(np.square(predicted - truth).mean(axis=0)),
        places_screen=np.stack([screen.min(axis=0), screen.max(axis=0)]),
        fitted_on=len(train),
        judged_on=len(truth),
    )


def _decode(
    features: Float32[np.ndarray, "n p"],
    mean: Float32[np.ndarray, " p"],
    weights: Float64[np.ndarray, "p 2"],
    intercept: Float64[np.ndarray, " 2"],
) -> Float64[np.ndarray, "n 2"]:
    places: Float64[np.ndarray, "n 2"] = (features - mean).astype(np.float64) @ weights + intercept
    return places
