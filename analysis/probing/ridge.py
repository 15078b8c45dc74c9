"""Ridge regression in closed form: every penalty, any targets, and any group of examples left out.

min_w Σ (y − z·w − b)² + λ‖w‖², b free (Hoerl and Kennard 1970). Features are first turned onto the
directions in which the examples that are fitted on differ at all, at most as many as there are of
those. Nothing is lost: a ridge never weights another direction, and a network that starts at random
and is fitted by gradients only shakes there. The normal matrix is then diagonal, so that each
penalty costs a division, and leaving a group of examples out costs a system of the group's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3)
"""λ in units of the examples' mean square distance from their mean, so that the features' scale and
number do not matter."""

RANK_FLOAT64, RANK_FLOAT32 = 1e-12, 1e-6
"""Least energy of a direction that is kept, over that of the widest: the inner products of large
maps are taken in float32, which is not good to more."""

Index = Int64[np.ndarray, " _"]
"""Which examples."""

Targets = Float64[np.ndarray, "n k"]


@dataclass(frozen=True)
class Spanned:
    """Examples along the directions in which those that are fitted on differ.

    Attributes:
        along: `(n, r)`: all examples, centred on the mean of those that are fitted on.
        energy: `(r,)`: sum of squares of each direction over those that are fitted on.
        train: Which examples these are.
    """

    along: Float64[np.ndarray, "n r"]
    energy: Float64[np.ndarray, " r"]
    train: Index

    @property
    def unit(self) -> float:
        """Mean square distance of the examples that are fitted on from their mean."""
        return max(float(self.energy.sum()) / len(self.train), 1e-30)


def span(features: Float32[np.ndarray, "n p"], train: Index) -> Spanned:
    """Turn features onto the directions in which the examples in `train` differ.

    Solved in the space of the features or of the examples, whichever has fewer dimensions.
    """
    # A selection is a copy, so that what was given stays as it is.
    x = features[:, features.max(axis=0) > features.min(axis=0)]
    x -= x[train].mean(axis=0, dtype=np.float64).astype(np.float32)
    if x.shape[1] <= len(train):
        exact = x.astype(np.float64)
        energy, directions = np.linalg.eigh(exact[train].T @ exact[train])
        kept = energy > RANK_FLOAT64 * energy.max(initial=0)
        return Spanned(exact @ directions[:, kept], energy[kept], train)
    return span_products((x @ x[train].T).astype(np.float64), train)


def span_products(products: Float64[np.ndarray, "n t"], train: Index) -> Spanned:
    """Do the same from inner products alone, for features too many to be copied.

    Args:
        products: Of all examples with those in `train`, centred on the mean of the latter.
        train: Which examples these are.
    """
    energy, mixed = np.linalg.eigh(products[train])
    kept = energy > RANK_FLOAT32 * energy.max(initial=0)
    return Spanned(products @ (mixed[:, kept] / np.sqrt(energy[kept])), energy[kept], train)


@dataclass(frozen=True)
class Fitted:
    """A ridge regression at one penalty.

    Attributes:
        predicted: `(n, k)`: what is said of every example.
        penalty: λ, absolute.
    """

    predicted: Float64[np.ndarray, "n k"]
    penalty: float


def fit(spanned: Spanned, targets: Targets, choose_on: Index) -> Fitted:
    """Fit at the penalty that does best on other examples.

    Args:
        spanned: The features.
        targets: One column for each; the penalty is the one whose mean R² over columns is best.
        choose_on: Examples to choose by.
    """
    tried = [_at(spanned, targets, p * spanned.unit) for p in PENALTIES]
    return max(tried, key=lambda f: float(r2(f.predicted[choose_on], targets[choose_on]).mean()))


def _at(spanned: Spanned, targets: Targets, penalty: float) -> Fitted:
    mean = targets[spanned.train].mean(axis=0)
    moments = spanned.along[spanned.train].T @ (targets[spanned.train] - mean)
    weights = moments / (spanned.energy + penalty)[:, None]
    return Fitted(spanned.along @ weights + mean, penalty)


def left_out(
    spanned: Spanned, targets: Targets, fitted: Fitted, groups: Sequence[tuple[Index, Index]]
) -> Float64[np.ndarray, "n k"]:
    """Return predictions of the same regression fitted without some of its examples.

    w without group g is w − M⁻¹ Z_gᵀ (1 − Z_g M⁻¹ Z_gᵀ)⁻¹ (y_g − Z_g w), M the normal matrix with
    its penalty: exact, the mean included.

    Args:
        spanned: The features.
        targets: As fitted.
        fitted: The regression with all of its examples.
        groups: Each time the examples that are left out, and those that are then predicted.

    Returns:
        Predictions for the latter; NaN where nothing was predicted.
    """
    train = spanned.train
    z = np.hstack([spanned.along, np.ones((len(spanned.along), 1))])
    normal = np.append(spanned.energy + fitted.penalty, float(len(train)))
    found = np.full(fitted.predicted.shape, np.nan)
    for without, asked in groups:
        out = np.intersect1d(without, train)
        shrunk = z[out] / normal
        residual = targets[out] - fitted.predicted[out]
        change = np.linalg.solve(np.eye(len(out)) - shrunk @ z[out].T, residual)
        found[asked] = fitted.predicted[asked] - z[asked] @ (shrunk.T @ change)
    return found


def r2(predicted: Float64[np.ndarray, "n k"], targets: Targets) -> Float64[np.ndarray, " k"]:
    """Return 1 − residual / variance of each column; below 0 if worse than the mean."""
    spread = np.square(targets - targets.mean(axis=0)).sum(axis=0)
    missed = np.square(targets - predicted).sum(axis=0)
    found: Float64[np.ndarray, " k"] = 1 - missed / np.maximum(spread, 1e-30)
    return found
