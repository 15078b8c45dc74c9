"""WHAT: which of some drawn things there is, wherever it lies; and WHERE on the same pictures.

Bars on Pong's empty field, one a picture, in one of eight orientations. WHAT is trained with the
bar left of the middle and tested with it right of it. WHERE is trained on bars and tested on
crosses. Each has to hold on to one thing across a change in the other.

How far right is part of the task. A flat map has weights of its own for each of its cells, and met
the far ones with nothing in them. Up to 8 network pixels beyond the middle, one cell of the last
map, nature is neither at chance nor perfect. The strip was set on nature alone, the bar's size and
contrast on nature and gap, both on short runs before any row was compared; a network that is blind
to place does there what it does on the left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import get_args

import numpy as np
from jaxtyping import Float, Int64
from torch import Tensor, nn

from analysis.pictures.splits import Part
from analysis.tasks.drawn import (
    BALL_CONTRAST,
    MIDDLE_84,
    Marks,
    centres_x_84,
    centres_y_84,
    pictures,
    shape_number,
    size_screen,
)
from analysis.tasks.task import Examples, Judged, Outputs
from analysis.tasks.where import Where
from envs.positions import X_84, Y_84
from envs.scenes import ORIENTATIONS, SHAPES

CELL_84 = 8.0
"""One cell of most rows' last map: how far right of the middle WHAT is tested."""

PARTS: tuple[Part, ...] = get_args(Part)

LEFT: tuple[Part, ...] = ("train", "validation")
"""Parts of WHAT that lie left of the middle."""

CELLS_84 = (2, 4, 8)
"""Sides of the twins' first pool, in cells of the stride-1 map it reads."""

GLYPHS_84 = (8, 16, 32)
"""Sides of the glyphs of claim 19."""


@dataclass(frozen=True)
class DrawnSettings:
    """What shapes the drawn tasks.

    Attributes:
        side_84: Of the bar, network pixels.
        train: Pictures to train on.
        validation: To choose weights by; from where the training ones are.
        test: To be judged on.
        seed: Of everything drawn.
    """

    side_84: float = 16.0
    train: int = 6_000
    validation: int = 1_000
    test: int = 2_000
    seed: int = 0

    def count(self, part: Part) -> int:
        """Return the number of pictures of a part."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[part]

    def rng(self, task: str, part: Part) -> np.random.Generator:
        """Return the generator of one part of one task."""
        entropy = [self.seed, *f"{task} {part}".encode()]
        return np.random.default_rng(np.random.SeedSequence(entropy))


def accuracy_skill(right: Float[np.ndarray, " n"], classes: int) -> float:
    """Return accuracy above chance over 1 − chance: 0 at chance, 1 if all is right."""
    return (float(right.mean()) - 1 / classes) / (1 - 1 / classes)


@dataclass(frozen=True)
class What:
    """Which of some things is there; see `analysis.tasks.task.Task`.

    Attributes:
        marks: By part, what was drawn: one mark a picture, in order.
    """

    condition: str
    outputs: int
    parts: Mapping[Part, Examples]
    marks: Mapping[Part, Marks]
    game: str = "pong"
    name: str = "what"
    measure: str = "what_skill"
    gain: str = "what_gain"

    def loss(self, outputs: Float[Tensor, "n outputs"], targets: Tensor) -> Float[Tensor, ""]:
        """Return the cross-entropy, in nats."""
        return nn.functional.cross_entropy(outputs, targets)

    def judge(self, outputs: Outputs, part: Part) -> Judged:
        """Return accuracy above chance over 1 − chance; beside it the accuracy."""
        right = (outputs.argmax(axis=1) == self.parts[part].targets).astype(float)
        skill = accuracy_skill(right, self.outputs)
        return Judged(skill, {"accuracy": float(right.mean())})


def what(settings: DrawnSettings | None = None) -> What:
    """Return WHAT: eight orientations of a bar, left of the middle, then right of it.

    Args:
        settings: What shapes it.
    """
    settings = settings or DrawnSettings()
    drawn: dict[Part, Marks] = {part: _left(bars(settings, part)) for part in LEFT}
    drawn["test"] = beyond(settings, settings.rng("what", "test"), settings.test)
    return _what("", drawn, {part: m.orientation for part, m in drawn.items()}, ORIENTATIONS)


def where_across_shapes(settings: DrawnSettings | None = None) -> Where:
    """Return WHERE: the place of bars, then of crosses, all over the field.

    The bars to learn from are those of `what`, and as many on the other side.
    """
    settings = settings or DrawnSettings()
    cross = shape_number("cross")
    drawn = {part: bars(settings, part) for part in PARTS}
    drawn["test"] = replace(drawn["test"], shape=np.full(len(drawn["test"]), cross))
    # In screen pixels and by the corner, as the ball's place is on teleported frames.
    screen = {
        part: np.stack([m.x_84 / X_84, m.y_84 / Y_84], axis=1)
        - np.array(size_screen(settings.side_84)) / 2
        for part, m in drawn.items()
    }
    centre, spread = screen["train"].mean(axis=0), screen["train"].std(axis=0)
    parts = {
        part: Examples(pictures(m, len(m)), ((screen[part] - centre) / spread).astype(np.float32))
        for part, m in drawn.items()
    }
    return Where(
        "pong",
        MappingProxyType(parts),
        MappingProxyType(screen),
        centre,
        spread,
        condition="drawn,shape=cross",
    )


def glyphs(side_84: int, cell_84: int, settings: DrawnSettings | None = None) -> What:
    """Return WHAT of claim 19: which of the seven shapes; left of the middle, then right of it.

    The pictures do not depend on the cell, which is the network's (`row_with_cell`).

    Args:
        side_84: Of the glyph.
        cell_84: Of the twins' first pool.
        settings: What shapes the rest.
    """
    settings = replace(settings or DrawnSettings(), side_84=float(side_84))
    drawn: dict[Part, Marks] = {part: _left(_glyphs(settings, part)) for part in LEFT}
    rng = settings.rng("glyphs", "test")
    test = beyond(settings, rng, settings.test)
    shapes = rng.integers(len(SHAPES), size=len(test))
    drawn["test"] = replace(test, shape=shapes, orientation=np.zeros_like(shapes))
    labels = {part: m.shape for part, m in drawn.items()}
    return _what(f"glyph={side_84},cell={cell_84}", drawn, labels, len(SHAPES))


def row_with_cell(row: str, cell_84: int) -> str:
    """Return the row of the zoo that is a twin with a first pool of that side.

    Args:
        row: A twin, a width allowed: `twin_max@0.5`; its measurements are filed under this name.
        cell_84: From `CELLS_84`; 4 is the twin itself.

    Raises:
        ValueError: If there is no such cell.
    """
    if cell_84 not in CELLS_84:
        raise ValueError(f"expected a cell among {CELLS_84}, got {cell_84}")
    base, at, width = row.partition("@")
    return row if cell_84 == 4 else f"{base}_cell{cell_84}{at}{width}"


def bars(settings: DrawnSettings, part: Part) -> Marks:
    """Draw bars all over the field: twice as many as a part of WHAT needs."""
    rng, n = settings.rng("bars", part), 2 * settings.count(part)
    return Marks(
        picture=np.arange(n),
        shape=np.full(n, shape_number("bar")),
        orientation=rng.integers(ORIENTATIONS, size=n),
        x_84=rng.choice(centres_x_84(settings.side_84), n),
        y_84=rng.choice(centres_y_84(settings.side_84), n),
        side_84=np.full(n, float(settings.side_84)),
        contrast=np.full(n, BALL_CONTRAST),
    )


def beyond(
    settings: DrawnSettings,
    rng: np.random.Generator,
    count: int,
    first_84: float = 0.0,
    last_84: float = CELL_84,
) -> Marks:
    """Draw bars right of the middle.

    Args:
        settings: Their size.
        rng: The only source of chance.
        count: How many, each in a picture of its own.
        first_84: More than this far from the middle.
        last_84: Not farther than this.

    Raises:
        ValueError: If the field ends before.
    """
    across = centres_x_84(settings.side_84)
    off = across - MIDDLE_84
    across = across[(off > first_84) & (off <= last_84)]
    if not len(across):
        raise ValueError(f"expected room {first_84:g} px beyond the middle, got none")
    return Marks(
        picture=np.arange(count),
        shape=np.full(count, shape_number("bar")),
        orientation=rng.integers(ORIENTATIONS, size=count),
        x_84=rng.choice(across, count),
        y_84=rng.choice(centres_y_84(settings.side_84), count),
        side_84=np.full(count, float(settings.side_84)),
        contrast=np.full(count, BALL_CONTRAST),
    )


def _glyphs(settings: DrawnSettings, part: Part) -> Marks:
    """Draw upright glyphs where the bars are."""
    there = bars(settings, part)
    shapes = settings.rng("glyphs", part).integers(len(SHAPES), size=len(there))
    return replace(there, shape=shapes, orientation=np.zeros_like(shapes))


def _left(marks: Marks) -> Marks:
    kept = marks.x_84 <= MIDDLE_84
    columns = {f.name: getattr(marks, f.name)[kept] for f in fields(Marks)}
    return Marks(**{**columns, "picture": np.arange(kept.sum())})


def _what(
    condition: str,
    drawn: Mapping[Part, Marks],
    labels: Mapping[Part, Int64[np.ndarray, " n"]],
    classes: int,
) -> What:
    parts = {part: Examples(pictures(m, len(m)), labels[part]) for part, m in drawn.items()}
    return What(condition, classes, MappingProxyType(parts), MappingProxyType(dict(drawn)))
