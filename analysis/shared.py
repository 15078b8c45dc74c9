"""The data that all networks of a game are measured on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from analysis.cache import CACHE
from analysis.datasets import teleport_set
from analysis.pictures.frames import Frames, TeleportSettings
from analysis.pictures.ladder_sets import LadderSettings, ladder_set
from analysis.pictures.ladders import Ladders
from analysis.pictures.sham_sets import Shams, ShamSettings, sham_set
from analysis.worth.do_maps import DoMap, do_map
from analysis.worth.do_scenes import DoSettings
from analysis.worth.explorer_scenes import ExplorerSettings, Scene, explorer_scene
from analysis.worth.rewards import arms_of
from analysis.worth.rollouts import can_be_played_on
from envs.games import find


@dataclass(frozen=True)
class Shared:
    """Data that all networks of a game are measured on; loaded or built when first asked for.

    Attributes:
        game: From `envs.games`.
        folder: Where sets are kept.
        workers: Processes to build them; as many as there are cores unless told.
    """

    game: str
    folder: Path = CACHE
    workers: int | None = None

    @cached_property
    def held(self) -> Frames:
        """Teleported inputs, opponent held."""
        settings = TeleportSettings(game=self.game)
        return teleport_set(settings, workers=self.workers, folder=self.folder)

    @cached_property
    def held_hash(self) -> str:
        """What tells these inputs from others."""
        return self.held.content_hash()

    @cached_property
    def ladders(self) -> Ladders:
        """The ball moved by exactly δ."""
        settings = LadderSettings(game=self.game)
        return ladder_set(settings, workers=self.workers, folder=self.folder)

    @cached_property
    def ladders_hash(self) -> str:
        """What tells these ladders from others."""
        return self.ladders.content_hash()

    @cached_property
    def shams(self) -> Shams:
        """Pictures that differ in one thing only."""
        return sham_set(ShamSettings(game=self.game), workers=self.workers, folder=self.folder)

    @property
    def has_do_maps(self) -> bool:
        """Whether a script can play the game on from a place."""
        game = find(self.game)
        return game.facts is None or can_be_played_on(game)

    def do_maps(self) -> Iterator[DoMap]:
        """What each place is worth under the scripted player, a map for each opponent arm.

        Loaded one after the other and not kept, since each takes half a GB. None where no script
        can play on.
        """
        for arm in arms_of(self.game) if self.has_do_maps else ():
            settings = DoSettings(game=self.game, arm=arm)
            yield do_map(settings, workers=self.workers, folder=self.folder)

    @cached_property
    def scene(self) -> Scene:
        """One moment with the ball everywhere, for the explorer."""
        return explorer_scene(ExplorerSettings(game=self.game), folder=self.folder)
