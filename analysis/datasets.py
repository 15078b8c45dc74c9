"""The frames on which every network is measured: teleported ones, and ordinary play.

Teleported: moments of play × places. Every moment shows the ball once or twice in every block of
16 × 20 screen pixels, with one velocity drawn from those seen in play, so that place is
independent of everything else there is to see. Ordinary play is a secondary set, labelled as such:
there the ball's height follows the paddles.

    python -m analysis.datasets --game pong                       build them, say what was kept
    python -m analysis.datasets --figure docs/figures/confound.png  all games: the confound, drawn
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.cache import CACHE, Arrays, Facts, cached, say, shaped_by
from analysis.pictures import confound, leak
from analysis.pictures.building import play_episodes, teleport_episodes
from analysis.pictures.frames import Frames, PlaySettings, TeleportSettings
from commandline import BadInput, at_least, choose, parse, run
from envs.games import GAMES, find

CODE = (
    "envs/*.py",
    "analysis/datasets.py",
    "analysis/pictures/building.py",
    "analysis/pictures/places.py",
)
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


PROGRAM = "python -m analysis.datasets"
DESCRIPTION = """Build the frames on which every network is measured, or load them.

Two teleport sets a game (opponent held, opponent along) and ordinary play. Prints one line of JSON
for each: how many inputs, which share of the moments was kept, what was dropped and why, and the
leak test's R². A set that fails the leak test is refused."""


@dataclass(frozen=True)
class Options:
    """Command line."""

    game: str = "all"
    """Which game: pong, breakout, catch, bowling, or all."""
    seed: int = 0
    """Of all that is drawn by chance."""
    workers: int = 0
    """Processes; 0 takes as many as there are cores. The sets do not depend on it."""
    folder: Path = CACHE
    """Where sets are kept. Around 4 MB each; 340 MB in memory."""
    figure: Path | None = None
    """Draw the correlation of the ball's place with everything else to this PNG, and print the
    table."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; see `--help`."""
    options = parse(Options, argv, PROGRAM, DESCRIPTION)
    choose("--game", options.game, [*GAMES, "all"])
    at_least("--seed", options.seed, 0)
    at_least("--workers", options.workers, 0)
    if options.figure is not None and not options.figure.parent.is_dir():
        raise BadInput(f"--figure: expected a folder that exists, got {options.figure.parent}")
    workers, seed, found = options.workers or None, options.seed, []
    for game in GAMES if options.game == "all" else [options.game]:
        for name, build in _sets(game, seed):
            frames = build(workers, options.folder)
            print(json.dumps({"set": name, **summary(frames)}), flush=True)
            found.append(confound.table([(name, frames)]))
    if options.figure is not None:
        whole = pd.concat(found, ignore_index=True)
        confound.figure(whole, options.figure)
        print(confound.markdown(whole))
    return 0


def _sets(game: str, seed: int) -> list[tuple[str, Callable[[int | None, Path], Frames]]]:
    """What there is to build for a game; one arm where nobody plays against the agent."""

    def teleported(arm: str) -> Callable[[int | None, Path], Frames]:
        settings = TeleportSettings(game=game, arm=arm, seed=seed)
        return lambda workers, folder: teleport_set(settings, workers=workers, folder=folder)

    def played(workers: int | None, folder: Path) -> Frames:
        return play_set(PlaySettings(game=game, seed=seed), workers=workers, folder=folder)

    facts = GAMES[game].facts
    arms = ["held", "along"] if facts is not None and facts.opponent is not None else ["held"]
    return [
        ("ordinary play", played),
        *((f"teleported, opponent {arm}", teleported(arm)) for arm in arms),
    ]


if __name__ == "__main__":
    run(main)
