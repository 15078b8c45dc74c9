"""Student's t distribution for any degrees of freedom, in numpy.

With t = √ν tan θ the chance of lying within ±t is C ∫₀^θ cos^(ν−1) φ dφ: a smooth integral over a
bounded range, which Gauss and Legendre's rule gives to some ten digits for the degrees of freedom
that a study can have. scipy is the oracle in the tests, and is not needed to run.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)
LOG_GAMMA = np.vectorize(math.lgamma, otypes=[float])


def _constant(freedom: Float[np.ndarray, "*studies"]) -> Float[np.ndarray, "*studies"]:
    """Return the density in θ at 0 of |T|."""
    constant: Float[np.ndarray, "*studies"] = np.asarray(
        2 / math.sqrt(math.pi) * np.exp(LOG_GAMMA((freedom + 1) / 2) - LOG_GAMMA(freedom / 2))
    )
    return constant


def _within(
    theta: Float[np.ndarray, "*studies"], freedom: Float[np.ndarray, "*studies"]
) -> Float[np.ndarray, "*studies"]:
    """Return P(|T| ≤ √ν tan θ)."""
    phi = theta[..., None] * (NODES + 1) / 2
    integral = (np.cos(phi) ** (freedom[..., None] - 1)) @ WEIGHTS * theta / 2
    chance: Float[np.ndarray, "*studies"] = np.asarray(_constant(freedom) * integral)
    return chance


def upper_tail(
    t: Float[np.ndarray, "*studies"], freedom: Float[np.ndarray, "*studies"]
) -> Float[np.ndarray, "*studies"]:
    """Return P(T ≥ t).

    Args:
        t: Any number, infinities included.
        freedom: Degrees of freedom, 1 or more, not necessarily whole.
    """
    theta = np.asarray(np.arctan(np.abs(t) / np.sqrt(freedom)))
    half = np.clip((1 - _within(theta, freedom)) / 2, 0, 0.5)
    tail: Float[np.ndarray, "*studies"] = np.asarray(np.where(t >= 0, half, 1 - half))
    return tail


def reach(level: float, freedom: Float[np.ndarray, "*studies"]) -> Float[np.ndarray, "*studies"]:
    """Return the t with P(|T| ≤ t) = `level`.

    Newton's method in θ: the chance is concave there, so that from 0 each step falls short of the
    root and none goes past it.

    Args:
        level: In (0, 1).
        freedom: Degrees of freedom, 1 or more, not necessarily whole.
    """
    constant, theta = _constant(freedom), np.zeros_like(freedom)
    for _ in range(60):
        slope = constant * np.cos(theta) ** (freedom - 1)
        step = (level - _within(theta, freedom)) / slope
        theta = np.asarray(theta + step)
        if np.max(np.abs(step), initial=0) < 1e-12:
            break
    t: Float[np.ndarray, "*studies"] = np.asarray(np.sqrt(freedom) * np.tan(theta))
    return t
