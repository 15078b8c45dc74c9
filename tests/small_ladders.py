"""One small set of ladders for all tests of what is measured on them: building takes seconds."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.pictures.ladder_sets import LadderSettings, ladder_set
from analysis.pictures.ladders import Ladders


@cache
def small_ladders() -> Ladders:
    """Fifteen scenes of five games of Pong."""
    with TemporaryDirectory() as folder:
        return ladder_set(LadderSettings(episodes=5, moments=3), workers=1, folder=Path(folder))
