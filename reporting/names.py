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


VIDEO = "video"
"""The agent at play; at the end of training plain, behind an evaluation with marks if there are."""

POSITION_BINS = "table/position_bins"
"""Reward by the ball's place in the agent's own games, a line for each bin."""


def score(statistic: str) -> str:
    """Name a number of `scores.json`: `score/iqm_low`."""
    return f"score/{statistic}"


def measure(name: str, condition: str = "", row: str = "") -> str:
    """Name a reading: `measure/where_r2`, `measure/bits/twin_max`.

    Args:
        name: A key of `analysis.measurements.MEASURES`.
        condition: As the claims have it; that the opponent was held goes without saying.
        row: Another row, if the weights were put into that one.
    """
    return "/".join(["measure", name, *(x for x in (condition, row) if x not in ("", "held"))])


def table_of(measured: str) -> str:
    """Name the table of a measure: `table/probes`."""
    return f"table/{measured}"


def map_of(measured: str) -> str:
    """Name the picture of a map: `map/values`."""
    return f"map/{measured}"
