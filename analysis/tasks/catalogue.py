"""Every task of the supervised regime, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from analysis.datasets import teleport_set
from analysis.pictures.frames import TeleportSettings
from analysis.tasks.counting import count
from analysis.tasks.reward import reward
from analysis.tasks.task import Task
from analysis.tasks.what import what
from analysis.tasks.where import where
from analysis.worth.returns import RewardSettings
from analysis.worth.rewards import CONDITIONS, reward_set
from commandline import choose


@dataclass(frozen=True)
class Kind:
    """A task before its data are there.

    Attributes:
        meaning: In a few words.
        games: In which it can be asked, and under which conditions in each; an empty string where
            there is nothing to set.
        build: Returns it, for a game and a condition; loads or builds the data.
    """

    meaning: str
    games: Mapping[str, tuple[str, ...]]
    build: Callable[[str, str], Task]


def _where(game: str, condition: str) -> Task:
    return where(teleport_set(TeleportSettings(game=game)))


def _reward(game: str, condition: str) -> Task:
    arm = next(arm for arm, named in CONDITIONS.items() if named == condition)
    return reward(reward_set(RewardSettings(game=game, arm=arm)))


TASKS: Mapping[str, Kind] = MappingProxyType(
    {
        "where": Kind(
            "the ball's x and y, opponent held",
            {"pong": ("held",), "breakout": ("",), "catch": ("",), "bowling": ("",)},
            _where,
        ),
        "reward": Kind(
            "the sign of the next point, opponent held and moved along",
            {"pong": tuple(CONDITIONS.values())},
            _reward,
        ),
        "what": Kind(
            "which way a bar points; learnt on the left, asked on the right",
            {"pong": ("",)},
            lambda game, condition: what(),
        ),
        "count": Kind(
            "whether, how many and where equal things are",
            {"pong": ("",)},
            lambda game, condition: count(),
        ),
    }
)
"""By the name that is typed."""


def task(name: str, game: str, condition: str) -> Task:
    """Return a task with its data.

    Raises:
        BadInput: If there is no such task, game or condition.
    """
    choose("task", name, TASKS)
    choose("game", game, TASKS[name].games)
    choose("condition", condition, TASKS[name].games[game])
    return TASKS[name].build(game, condition)
