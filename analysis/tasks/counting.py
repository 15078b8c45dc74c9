"""Whether, how often and where: one to four equal things on Pong's empty field, or none.

Within a picture all things are equal; between pictures their size and brightness differ, so that
neither the light in a picture nor its brightest spot says how many there are. One network says all
three at once, from the same pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor, nn

from analysis.pictures.splits import Part
from analysis.readings import Reading
from analysis.tasks.drawn import (
    BALL_CONTRAST,
    Marks,
    centres_x_84,
    centres_y_84,
    pictures,
    shape_number,
)
from analysis.tasks.task import Examples, Judged, Outputs
from envs.scenes import MOST_THINGS

SIDES_84 = (6.0, 8.0, 10.0)
"""Sides of the things, network pixels: four of the largest find room."""

LEAST_CONTRAST = 50
"""A third of the ball's: what is seldom missed."""

GAP_84 = 2.0
"""Least distance between two things, the larger of across and down."""

EMPTY = 1 / 3
"""Share of pictures with nothing in them; each other number is as likely as the rest."""

TRIES = 1_000


@dataclass(frozen=True)
class CountSettings:
    """What shapes the pictures.

    Attributes:
        train: Pictures to train on.
        validation: To choose weights by.
        test: To be judged on.
        seed: Of everything drawn.
    """

    train: int = 6_000
    validation: int = 1_000
    test: int = 2_000
    seed: int = 0


@dataclass(frozen=True)
class Count:
    """The task; see `analysis.tasks.task.Task`.

    Four outputs: the logit of there being something, how many there are, and x and y of their
    middle; the last three in standard deviations over the training pictures with something in them,
    where alone they are asked for. Its skill is the mean of the three parts' skills.

    Attributes:
        present: By part, whether there is something.
        entropy: Of that, in nats, over the training pictures: the loss of who guesses.
    """

    parts: Mapping[Part, Examples]
    present: Mapping[Part, Bool[np.ndarray, " n"]]
    entropy: float
    game: str = "pong"
    condition: str = ""
    name: str = "count"
    measure: str = "count_r2"
    gain: str = "count_gain"
    outputs: int = 4

    def loss(self, outputs: Float[Tensor, "n outputs"], targets: Tensor) -> Float[Tensor, ""]:
        """Return the sum of three losses, each 1 for who knows no more than the frequencies."""
        there = targets[:, 0]
        presence = nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], there)
        # Where there is nothing, neither number nor place are asked for.
        square = (outputs[:, 1:] - targets[:, 1:]).square() * there[:, None]
        count, *place = square.sum(dim=0) / there.sum().clamp(min=1)
        total: Tensor = presence / self.entropy + count + sum(place) / 2
        return total

    def judge(self, outputs: Outputs, part: Part) -> Judged:
        """Return the mean of 2 AUC − 1 and the two R²; beside it all three.

        R² of how many (1 to 4) and of their mean place (x and y averaged) are over the pictures
        with something in them.
        """
        there, truth = self.present[part], self.parts[part].targets
        auc = area_under_curve(outputs[:, 0], there)
        off = (outputs - truth)[there, 1:]
        r2 = 1 - np.square(off).mean(axis=0) / truth[there, 1:].var(axis=0)
        count, place = float(r2[0]), float(r2[1:].mean())
        return Judged(
            (2 * auc - 1 + count + place) / 3,
            {"presence_auc": auc, "count_r2": count, "count_place_r2": place},
        )

    def readings(
        self, outputs: Outputs, curve: Sequence[Mapping[str, float]]
    ) -> tuple[Reading, ...]:
        """Return what claims use; see `analysis.tasks.task.ManySided`."""
        judged = self.judge(outputs, "test")
        quarter = max(0, len(curve) * 3 // 4 - 1)
        gain = max(
            curve[-1][name] - curve[quarter][name] for name in ("count_r2", "count_place_r2")
        )
        named = [Reading(name, value) for name, value in judged.beside.items()]
        return (*named, Reading("count_gain", gain))


def area_under_curve(scores: Float[np.ndarray, " n"], positive: Bool[np.ndarray, " n"]) -> float:
    """Return the chance that a positive scores higher than a negative; ties count half.

    Mann and Whitney's U over the number of pairs (Hanley and McNeil 1982).

    Raises:
        ValueError: If there are no positives or no negatives.
    """
    pairs = int(positive.sum()) * int((~positive).sum())
    if not pairs:
        raise ValueError("expected positives and negatives, got one kind only")
    ranks = pd.Series(scores).rank().to_numpy()
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / pairs)


def count(settings: CountSettings | None = None) -> Count:
    """Return the task.

    Args:
        settings: What shapes it.
    """
    settings = settings or CountSettings()
    sizes: dict[Part, int] = {
        "train": settings.train,
        "validation": settings.validation,
        "test": settings.test,
    }
    drawn: dict[Part, tuple[Marks, Int64[np.ndarray, " n"]]] = {}
    for part in get_args(Part):
        entropy = [settings.seed, *f"count {part}".encode()]
        drawn[part] = scatter(np.random.default_rng(np.random.SeedSequence(entropy)), sizes[part])
    raw = {part: _wanted(*found) for part, found in drawn.items()}
    known = raw["train"][raw["train"][:, 0] > 0]
    # The first column is the answer to a yes-or-no question and stays what it is.
    centre, spread = known.mean(axis=0), known.std(axis=0)
    centre[0], spread[0] = 0, 1
    present = {part: wanted[:, 0] > 0 for part, wanted in raw.items()}
    share = float(present["train"].mean())
    parts = {
        part: Examples(
            pictures(marks, len(how_many)),
            (((raw[part] - centre) / spread) * present[part][:, None]).astype(np.float32),
        )
        for part, (marks, how_many) in drawn.items()
    }
    return Count(
        MappingProxyType(parts),
        MappingProxyType(present),
        float(-share * np.log(share) - (1 - share) * np.log(1 - share)),
    )


def scatter(rng: np.random.Generator, count: int) -> tuple[Marks, Int64[np.ndarray, " n"]]:
    """Put none to four equal discs in each picture, clear of each other.

    Returns:
        What is drawn, and how many there are in each picture.
    """
    others = (1 - EMPTY) / MOST_THINGS
    how_many = rng.choice(MOST_THINGS + 1, count, p=[EMPTY, *[others] * MOST_THINGS])
    side = rng.choice(SIDES_84, count)
    contrast = rng.integers(LEAST_CONTRAST, BALL_CONTRAST + 1, count)
    places = [_clear(rng, int(n), float(s)) for n, s in zip(how_many, side, strict=True)]
    picture = np.repeat(np.arange(count), how_many)
    x_84, y_84 = np.concatenate(places).T
    marks = Marks(
        picture,
        shape=np.full(len(picture), shape_number("disc")),
        orientation=np.zeros(len(picture), np.int64),
        x_84=x_84,
        y_84=y_84,
        side_84=side[picture],
        contrast=contrast[picture],
    )
    return marks, how_many


def _clear(rng: np.random.Generator, things: int, side_84: float) -> Float64[np.ndarray, "n 2"]:
    """Draw centres until no two things are closer than the gap: all such places are as likely."""
    across, down = centres_x_84(side_84), centres_y_84(side_84)
    for _ in range(TRIES):
        put = np.stack([rng.choice(across, things), rng.choice(down, things)], axis=1)
        apart = np.abs(put[:, None] - put).max(axis=2)[np.triu_indices(things, 1)]
        if (apart >= side_84 + GAP_84).all():
            return put
    raise ValueError(f"no room found for {things} things of {side_84:g} network pixels")


def _wanted(marks: Marks, how_many: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, "n 4"]:
    """Return presence, number and mean place; zeros where there is nothing."""
    totals = [np.bincount(marks.picture, a, len(how_many)) for a in (marks.x_84, marks.y_84)]
    mean = [total / np.maximum(how_many, 1) for total in totals]
    return np.stack([how_many > 0, how_many, *mean], axis=1).astype(float)
