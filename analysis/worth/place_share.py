"""Claim 2: how much of what a state is worth hangs on where the ball is.

A property of the game under a scripted player, not of a network: regime `game`, row `ball_tracker`
or, beside it, `random_player`. A seed is a draw of its own of scenes, places and rollouts
(`analysis.worth.place_scenes`); how variances are split stands in `analysis.worth.variance_shares`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.readings import Measured, Reading
from analysis.worth.place_scenes import PlaceSettings, Scenes
from analysis.worth.rewards import condition_of
from analysis.worth.variance_shares import components, jackknife


def place_share(settings: PlaceSettings, found: Scenes) -> Measured:
    """Return the shares of place, for one seed.

    Args:
        settings: What was played.
        found: From `analysis.worth.place_scenes.scenes`.

    Returns:
        A table of shares with jackknife errors over episodes, and of variances; the readings are
        the total share and the first-order one.

    Raises:
        ValueError: If the state makes no difference to what comes.
    """
    parts = components(found.rewards, found.episode)
    shares, errors = jackknife(found.rewards, found.episode)
    numbers: dict[str, Any] = {
        "total share": shares[0],
        "total share, standard error": errors[0],
        "first-order share": shares[1],
        "first-order share, standard error": errors[1],
        "variance by place within a scene": parts.within,
        "variance between scenes": parts.between,
        "variance by place alone": parts.first,
        "variance within a state": parts.noise,
        "mean reward": float(found.rewards.mean()),
        "undecided share": found.facts["undecided_share"],
        "kept share": found.facts["kept_share"],
        "mean agent steps": found.facts["mean_agent_steps"],
        "scenes": len(found.rewards),
        "episodes": len(np.unique(found.episode)),
    }
    condition = condition_of(settings.game, settings.arm, settings.policy)
    table = pd.DataFrame({"kind": list(numbers), "value": [float(v) for v in numbers.values()]})
    table = table.assign(condition=condition, policy=settings.policy)
    names = ("place_share", "place_share_alone")
    return Measured(
        table, tuple(Reading(n, float(s), condition) for n, s in zip(names, shares, strict=True))
    )
