"""One small teleport set for all tests of what is read off a layer: building takes seconds."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.datasets import teleport_set
from analysis.pictures.frames import Frames, TeleportSettings


@cache
def frames_to_probe() -> Frames:
    """A thousand inputs of ten games of Pong, built once a process."""
    settings = TeleportSettings(episodes=10, moments=4, places=25)
    with TemporaryDirectory() as folder:
        return teleport_set(settings, workers=1, folder=Path(folder))
