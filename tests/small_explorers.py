"""Small shared sets and coarse scenes for all tests of the explorer, built once a process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from analysis.datasets import teleport_set
from analysis.networks import build
from analysis.pictures.frames import Frames, TeleportSettings
from analysis.worth.explorer_maps import explorer_maps
from analysis.worth.explorer_scenes import ExplorerSettings, Scene, explorer_scene
from envs.games import find

STEPS = {"pong": (8, 12), "catch": (5, 7), "bowling": (8, 9), "breakout": (12, 12)}
"""Coarse: (across, down)."""


@cache
def small_frames(game: str) -> Frames:
    """Inputs of five games."""
    settings = TeleportSettings(game, episodes=5, moments=2, places=25)
    with TemporaryDirectory() as folder:
        return teleport_set(settings, workers=1, folder=Path(folder))


@cache
def small_scene(game: str) -> Scene:
    """One moment with the ball at some hundred places."""
    across, down = STEPS[game]
    with TemporaryDirectory() as folder:
        return explorer_scene(ExplorerSettings(game, across, down), folder=Path(folder))


@cache
def small_maps(row: str, game: str = "pong") -> pd.DataFrame:
    """Maps of a network with random weights."""
    network = build(row, 0, len(find(game).actions))
    return explorer_maps(network, small_scene(game), small_frames(game), "untrained").table
