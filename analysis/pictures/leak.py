"""The leak test: nothing but the ball may say where the ball is.

Ridge regression from ball-erased frames, and from the paddles' places, to the ball's x and y;
tested on episodes it was not fitted on. With the opponent held both must fail.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64, Shaped

LIMIT = 0.02
"""Greatest R² at which a set is still accepted."""

FOLDS = 5

RIDGES = (1e-4, 1e-2, 1.0, 100.0)
"""Penalties, in units of the mean square of the features; the most telling one counts."""

Targets = Float64[np.ndarray, "n k"]


class Leak(ValueError):  # noqa: N818  (what is wrong with the set)
    """Something other than the ball says where the ball is; the set must not be used."""


def predicted_r2(
    features: Shaped[np.ndarray, "n ..."], targets: Targets, episode: Int64[np.ndarray, " n"]
) -> Float64[np.ndarray, " k"]:
    """R² of a ridge regression on episodes that were left out, at the best of four penalties.

    Args:
        features: Any number of them, in any shape; solved in the space of the examples.
        targets: One column for each thing to be predicted.
        episode: Which game each example comes from.

    Returns:
        One R² for each target, 1 − residual / variance; below 0 where guessing the mean of the
        other episodes does better.
    """
    flat = features.reshape(len(features), -1).astype(np.float32)
    flat = flat - flat.mean(axis=0)
    kernel = (flat @ flat.T).astype(np.float64)
    unit = max(float(np.trace(kernel)) / len(kernel), 1e-12)
    fold = _folds(episode)
    residual = np.zeros((len(RIDGES), *targets.shape))
    for f in range(FOLDS):
        test, train = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
        if not len(test) or not len(train):
            raise ValueError(f"expected at least {FOLDS} episodes, got {len(np.unique(episode))}")
        mean = targets[train].mean(axis=0)
        values, vectors = np.linalg.eigh(kernel[np.ix_(train, train)])
        projected = vectors.T @ (targets[train] - mean)
        across = kernel[np.ix_(test, train)] @ vectors
        for r, ridge in enumerate(RIDGES):
            weights = projected / (values.clip(0) + ridge * unit)[:, None]
            residual[r, test] = targets[test] - mean - across @ weights
    spread = ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)
    r2: Float64[np.ndarray, " k"] = (1 - (residual**2).sum(axis=1) / spread).max(axis=0)
    return r2


def _folds(episode: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Number the episodes in order and deal them out."""
    dealt: Int64[np.ndarray, " n"] = np.unique(episode, return_inverse=True)[1] % FOLDS
    return dealt


def measure(
    without_ball: Shaped[np.ndarray, "n 4 84 84"],
    paddles: Float64[np.ndarray, "n p"],
    ball: Targets,
    episode: Int64[np.ndarray, " n"],
) -> dict[str, float]:
    """R² of the ball's x and y from what is not the ball.

    Args:
        without_ball: Network inputs with the ball erased.
        paddles: Places of the paddles; their squares and products are added.
        ball: x and y.
        episode: Which game each example comes from.
    """
    known = paddles[:, np.isfinite(paddles).all(axis=0)]
    scaled = (known - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-9)
    upper = np.triu_indices(scaled.shape[1])
    products = (scaled[:, :, None] * scaled[:, None, :])[:, upper[0], upper[1]]
    by_pixels = predicted_r2(without_ball, ball, episode)
    by_paddles = predicted_r2(np.hstack([scaled, products]), ball, episode)
    return {
        "pixels_to_x": float(by_pixels[0]),
        "pixels_to_y": float(by_pixels[1]),
        "paddles_to_x": float(by_paddles[0]),
        "paddles_to_y": float(by_paddles[1]),
    }


def refuse(found: dict[str, float]) -> None:
    """Raise `Leak` if any R² is above the limit."""
    worst = max(found, key=lambda name: found[name])
    if found[worst] > LIMIT:
        raise Leak(
            f"the ball's place can be predicted without seeing it: R² {found[worst]:.3f} "
            f"({worst.replace('_', ' ')}), expected {LIMIT} at most"
        )
