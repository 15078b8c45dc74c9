"""How much of what can be foretold is foretold: shares corrected for the noise of rollouts.

With K rollouts a state, ḡ is their mean and s² the variance among rollouts of one state, averaged
over states. Both the error against ḡ and the variance of ḡ hold s²/K that no prediction can remove:

    explainable share = 1 − (MSE − s²/K) / (Var ḡ − s²/K)

0 for the mean of all states, 1 for E[G | state] itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

Rollouts = Float[np.ndarray, "n k"]


@dataclass(frozen=True)
class Ceiling:
    """What there is to foretell of some states.

    Attributes:
        mean: ḡ, of each state.
        noise: s²/K: variance of ḡ about E[G | state].
        explainable: Var ḡ − s²/K: an estimate of Var E[G | state].
    """

    mean: Float64[np.ndarray, " n"]
    noise: float
    explainable: float

    def share(self, said: Float[np.ndarray, " n"]) -> float:
        """Return the explainable share that a prediction has; below 0 if worse than the mean.

        Raises:
            ValueError: If nothing can be foretold, so that there is no share of it.
        """
        if self.explainable <= 0:
            raise ValueError(
                f"expected states that differ in what they are worth, got a variance of "
                f"{self.explainable:.4f} after the rollouts' noise"
            )
        error = float(np.square(said - self.mean).mean())
        return 1 - (error - self.noise) / self.explainable


def within_variance(rollouts: Rollouts) -> float:
    """Return s², the variance among rollouts of one state, averaged over states.

    Raises:
        ValueError: If a state has a single rollout: its noise cannot be told from its worth.
    """
    if rollouts.shape[1] < 2:
        raise ValueError(f"expected two rollouts of a state or more, got {rollouts.shape[1]}")
    return float(rollouts.var(axis=1, ddof=1).mean())


def ceiling(rollouts: Rollouts, s2: float | None = None) -> Ceiling:
    """Return what there is to foretell.

    Args:
        rollouts: One row a state, one column a rollout.
        s2: The variance within states; measured unless given, which single rollouts need.
    """
    s2 = within_variance(rollouts) if s2 is None else s2
    mean = rollouts.mean(axis=1).astype(np.float64)
    noise = s2 / rollouts.shape[1]
    return Ceiling(mean, noise, float(mean.var()) - noise)
