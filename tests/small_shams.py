"""One small set of shams for all tests of what is measured on them: building takes seconds."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.pictures.sham_sets import Shams, ShamSettings, sham_set


@cache
def small_shams(game: str) -> Shams:
    """Three scenes of a game."""
    with TemporaryDirectory() as folder:
        return sham_set(ShamSettings(game, episodes=3), workers=1, folder=Path(folder))
