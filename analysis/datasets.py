"""The frames on which every network is measured: teleported ones, and ordinary play.

Teleported: moments of play × places. Every moment shows the ball once or twice in every block of
16 × 20 screen pixels, with one velocity drawn from those seen in play, so that place is
independent of everything else there is to see. Ordinary play is a secondary set, labelled as such:
there the ball's height follows the paddles.

    python -m analysis.datasets --game pong            build both, say what was kept
    python -m analysis.datasets --figure out.png       the confound, drawn
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from analysis import leak
from analysis.building import play_episodes, teleport_episodes
from analysis.cache import CACHE, Arrays, Facts, cached, say, shaped_by
from analysis.frames import Frames, PlaySettings, TeleportSettings
from envs.games import find

CODE = ("envs/*.py", "analysis/datasets.py", "analysis/building.py", "analysis/frames.py")
"""What has a say in the frames: change it, and the sets are built anew."""


def teleport_set(
    settings: TeleportSettings,
    *,
    workers: int | None = None,
    folder: Path = CACHE,
    tell: Callable[[str], None] = say,
) -> Frames:
    """Load or build the shared teleport set of a game.

    Args:
        settings: What shapes it.
        workers: Processes; as many as there are cores unless told. The set does not depend on it.
        folder: Where sets are kept.
        tell: Is told when a damaged set is built again.

    Raises:
        Leak: If the ball's place can be told from the rest with the opponent held.
    """
    find(settings.game)

    def build() -> tuple[Arrays, Facts]:
        arrays, facts = teleport_episodes(settings, workers)
        erased = arrays.pop("erased_index")
        facts["leak"] = leak.measure(
            arrays.pop("without_ball"),
            np.stack([arrays["player_screen"], arrays["opponent_screen"]], axis=1)[erased],
            np.stack([arrays["ball_x_84"], arrays["ball_y_84"]], axis=1)[erased],
            arrays["episode"][erased],
        )
        if settings.arm == "held":
            leak.refuse(facts["leak"])
        return arrays, facts

    name = f"teleport-{settings.game}-{settings.arm}"
    arrays, facts = cached(name, shaped_by(settings, CODE), build, folder, tell)
    return Frames(game=settings.game, **arrays, facts=facts)


def play_set(
    settings: PlaySettings,
    *,
    workers: int | None = None,
    folder: Path = CACHE,
    tell: Callable[[str], None] = say,
) -> Frames:
    """Load or build a set of ordinary play; see `teleport_set`."""
    find(settings.game)

    def build() -> tuple[Arrays, Facts]:
        return play_episodes(settings, workers)

    arrays, facts = cached(f"play-{settings.game}", shaped_by(settings, CODE), build, folder, tell)
    return Frames(game=settings.game, **arrays, facts=facts)


def summary(frames: Frames) -> dict[str, Any]:
    """What is worth printing about a set."""
    return {
        "game": frames.game,
        "inputs": len(frames),
        "episodes": len(np.unique(frames.episode)),
        "moments": len(np.unique(frames.moment)),
        **frames.facts,
    }
