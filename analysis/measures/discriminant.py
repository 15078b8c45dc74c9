"""Linear discriminant analysis with a shrunken covariance, for more features than examples.

The covariance is Ledoit and Wolf's (2004, "A well-conditioned estimator for large-dimensional
covariance matrices"): (1 − ρ) S + ρ μ I, with S the covariance of the examples, μ its mean
eigenvalue, and the ρ that is expected to come closest. Neither S nor its inverse is ever written
down: with n examples everything is in their n × n products, exactly.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Shaped

LEAST_RIDGE = 1e-9
"""Least of what is added to the eigenvalues, in units of their mean: keeps the solution finite
where the examples fill fewer dimensions than there are and ρ is 0."""


def shrinkage(
    products: Float64[np.ndarray, "n n"], squares: Float64[np.ndarray, " n"], features: int
) -> float:
    """Return Ledoit and Wolf's ρ, in [0, 1], from the examples' products alone.

    Args:
        products: X Xᵀ of the centred examples.
        squares: Its diagonal.
        features: Columns of X.
    """
    n = len(squares)
    mean = squares.sum() / n / features
    size = float(np.square(products).sum()) / n**2  # ‖S‖², also that of Xᵀ X / n
    away = size / features - mean**2  # from μ I
    noise = (float(np.square(squares).sum()) / n - size) / n / features
    return 1.0 if away <= 0 else float(np.clip(noise / away, 0, 1))


def direction(
    first: Shaped[np.ndarray, "n d"], second: Shaped[np.ndarray, "m d"]
) -> Float64[np.ndarray, " d"]:
    """Return the weights that tell two classes apart: Σ⁻¹ (mean of second − mean of first).

    Features are put to unit variance first, over both classes, so that it does not matter in
    which units they come; those that never vary get no weight.

    Args:
        first: Examples of one class.
        second: Of the other.
    """
    whole = np.concatenate([first, second]).astype(np.float64)
    spread = whole.std(axis=0)
    varies = spread > 1e-7 * np.abs(whole).max(axis=0, initial=0)
    weights = np.zeros(whole.shape[1])
    if not varies.any():
        return weights
    scaled = whole[:, varies] / spread[varies]
    n = len(first)
    low, high = scaled[:n].mean(axis=0), scaled[n:].mean(axis=0)
    scaled[:n] -= low
    scaled[n:] -= high
    products = scaled @ scaled.T
    squares = np.diagonal(products).copy()
    rho = shrinkage(products, squares, scaled.shape[1])
    mean = squares.sum() / len(scaled) / scaled.shape[1]
    ridge = max(rho, LEAST_RIDGE) * max(mean, LEAST_RIDGE)
    # (a I + b XᵀX / n)⁻¹ d = (d − Xᵀ (X Xᵀ + n a / b I)⁻¹ X d) / a, and with b = 0 it is d / a.
    apart = high - low
    if rho < 1:
        kernel = products + np.eye(len(scaled)) * (len(scaled) * ridge / (1 - rho))
        apart = apart - scaled.T @ np.linalg.solve(kernel, scaled @ apart)
    weights[varies] = apart / ridge / spread[varies]
    return weights


def d_prime(
    first: Shaped[np.ndarray, "n d"],
    second: Shaped[np.ndarray, "n d"],
    fold: Shaped[np.ndarray, " n"],
) -> float:
    """Return d′ between two classes, fitted on all folds but one and tested on that one.

    d′ is the distance of the means along the direction fitted, over the standard deviation within
    a class (Green and Swets 1966). What a direction gives is divided by the standard deviation
    which the shrunken covariance expects of it, so that folds can be pooled.

    Args:
        first: Examples of one class.
        second: Of the other; number i belongs to the same fold as number i of the first.
        fold: Which part each belongs to.

    Returns:
        About 0 if they cannot be told apart, a little below by chance; infinite if nothing but the
        class makes any difference.

    Raises:
        ValueError: If there are fewer than two folds.
    """
    if len(np.unique(fold)) < 2:
        raise ValueError(f"expected two folds or more, got {len(np.unique(fold))}")
    apart, within, tests = 0.0, 0.0, 0
    for part in np.unique(fold):
        test, train = fold == part, fold != part
        weights = direction(first[train], second[train])
        # With weights w = Σ⁻¹ d that standard deviation is √(wᵀ Σ w) = √(wᵀ d).
        variance = float((second[train].mean(axis=0) - first[train].mean(axis=0)) @ weights)
        if variance <= 0:  # the means are the same
            continue
        low, high = (x[test] @ weights / math.sqrt(variance) for x in (first, second))
        apart += float((high - low).sum())
        within += float(np.square(low - low.mean()).sum() + np.square(high - high.mean()).sum()) / 2
        tests += int(test.sum())
    if not tests or not apart:
        return 0.0
    # Centred in each fold: one degree of freedom less for each.
    sd = (within / max(tests - len(np.unique(fold)), 1)) ** 0.5
    return math.copysign(math.inf, apart) if sd == 0 else apart / tests / sd
