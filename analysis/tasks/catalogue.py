"""Every task of the supervised regime, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType

from analysis.datasets import teleport_set
from analysis.pictures.frames import TeleportSettings
from analysis.supervised import SupervisedSettings
from analysis.tasks import overfitting
from analysis.tasks.counting import count
from analysis.tasks.reward import reward
from analysis.tasks.task import Task
from analysis.tasks.tuning import LONG_UPDATES, TUNING_UPDATES
from analysis.tasks.what import (
    CELLS_84,
    GLYPHS_84,
    glyphs,
    row_with_cell,
    what,
    where_across_shapes,
)
from analysis.tasks.where import BLOCKS, OUTER, where
from analysis.worth.returns import RewardSettings
from analysis.worth.rewards import arms_of, condition_of, reward_set
from commandline import choose


@dataclass(frozen=True)
class Kind:
    """A task before its data are there.

    Attributes:
        meaning: In a few words.
        games: In which it can be asked, and under which conditions in each; an empty string where
            there is nothing to set.
        build: Returns it, for a game and a condition; loads or builds the data.
        settings: How networks are trained on it; updates and learning rate come from elsewhere.
        rates_of: The task whose tuned learning rates it uses; its own unless named.
        tuning_updates: Of a run that chooses a learning rate.
        network: Returns the row that is trained for a row and a condition: the row itself, unless
            the condition says something about the network.
    """

    meaning: str
    games: Mapping[str, tuple[str, ...]]
    build: Callable[[str, str], Task]
    settings: SupervisedSettings = field(default_factory=SupervisedSettings)
    rates_of: str = ""
    tuning_updates: int = TUNING_UPDATES
    network: Callable[[str, str], str] = lambda row, condition: row


def _where(game: str, condition: str) -> Task:
    left_out = condition.removeprefix(HELD[game]).removeprefix(",")
    return where(teleport_set(TeleportSettings(game=game)), left_out)


def _reward(game: str, condition: str) -> Task:
    arm = next(arm for arm in arms_of(game) if condition_of(game, arm) == condition)
    return reward(reward_set(RewardSettings(game=game, arm=arm)))


def _overfitting(game: str, condition: str) -> Task:
    split, states = _numbers(condition)
    return overfitting.overfitting("blocks" if split == "blocks" else "colours", int(states))


def _glyphs(game: str, condition: str) -> Task:
    side_84, cell_84 = map(int, _numbers(condition))
    return glyphs(side_84, cell_84)


def _cell(row: str, condition: str) -> str:
    return row_with_cell(row, int(_numbers(condition)[1]))


def _numbers(condition: str) -> list[str]:
    """Return the values of `name=value,name=value`."""
    return [part.split("=")[1] for part in condition.split(",")]


PLAYED_ON = ("pong", "breakout")
"""Games in which a script can play on from any place (`analysis.worth.rollouts`)."""

HELD: Mapping[str, str] = MappingProxyType(
    {"pong": "held", "breakout": "", "catch": "", "bowling": ""}
)
"""Games with a teleport set, and what the opponent does in it, where somebody opposes."""


def _without(places: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the conditions under which places are left out, by game."""
    return {
        game: tuple(",".join(filter(None, (held, left_out))) for left_out in places)
        for game, held in HELD.items()
    }


TASKS: Mapping[str, Kind] = MappingProxyType(
    {
        "where": Kind(
            "the ball's x and y, opponent held",
            {game: (held,) for game, held in HELD.items()},
            _where,
        ),
        "interpolation": Kind(
            "where, in blocks of space that training left out, each fifth of them in turn",
            # Elsewhere some folds have no block with others all around.
            {"pong": _without(BLOCKS)["pong"]},
            _where,
            rates_of="where",
        ),
        "extrapolation": Kind(
            "where, in the outer quarter of the places, which training left out",
            _without([OUTER]),
            _where,
            rates_of="where",
        ),
        "reward": Kind(
            "the sign of the next point, opponent held and moved along; in Breakout a brick or a "
            "lost life",
            {game: tuple(condition_of(game, arm) for arm in arms_of(game)) for game in PLAYED_ON},
            _reward,
            # One rollout a state is a noisy target: nothing left the mean in 4,000 updates.
            tuning_updates=LONG_UPDATES,
        ),
        "what": Kind(
            "which way a bar points; learnt on the left, asked on the right",
            {"pong": ("",)},
            lambda game, condition: what(),
        ),
        "shapes": Kind(
            "where a bar is, asked of crosses: beside what, the other half of a dissociation",
            {"pong": ("drawn,shape=cross",)},
            lambda game, condition: where_across_shapes(),
        ),
        "count": Kind(
            "whether, how many and where equal things are",
            {"pong": ("",)},
            lambda game, condition: count(),
        ),
        "overfitting": Kind(
            "where, learnt from few states until the training loss is the same for all",
            {
                "pong": tuple(
                    f"split={split},states={states}"
                    for split, states in product(overfitting.HELD_OUT, overfitting.STATES)
                )
            },
            _overfitting,
            settings=overfitting.SETTINGS,
            rates_of="where",
        ),
        "glyphs": Kind(
            "which shape it is, for twins with a first pool of 2, 4 or 8",
            {
                "pong": tuple(
                    f"glyph={glyph},cell={cell}" for glyph, cell in product(GLYPHS_84, CELLS_84)
                )
            },
            _glyphs,
            rates_of="what",
            network=_cell,
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


def where_rates_are(name: str, game: str, condition: str) -> tuple[str, str, str]:
    """Return the task, game and condition on which a task's learning rates are tuned.

    A row has one rate for a task: of several conditions, such as opponent arms, the first one's.
    """
    tuned = TASKS[name].rates_of or name
    return tuned, game, TASKS[tuned].games[game][0]
