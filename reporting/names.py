"""Names of what is logged while an agent trains, where more than one place has to know them."""

from __future__ import annotations

SCORE = "eval/score_mean"
"""Mean raw score of whole games, ε .05: the learning curve."""

READ_OUT_SECONDS = "time/readout_seconds"
"""What a look at every layer took."""


def where(layer: str) -> str:
    """Name R² of the ball's place decoded from a layer: `where/conv1_r2`.

    Args:
        layer: From `analysis.networks.Network.layers`.
    """
    return f"where/{layer}_r2"
