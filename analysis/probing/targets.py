"""What probes are asked for: the ball's place, its coarse cell and phase, a grid of place cells.

In the network's own pixels a place is 8 · coarse + phase, since 8 is the stride of nature and of
most rows: the coarse cell can survive where the phase is lost, and the phase leaks through strides
where the cell is lost. So they are asked for apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64

from analysis.pictures.frames import Frames
from analysis.probing.ridge import Index
from envs.games import find

STRIDE_84 = 8
"""Network pixels: the stride of nature's last map."""

GRID = 8
"""Place cells a side: 64 cells, 6 bits. In Pong a cell is 10 × 12.5 screen pixels."""

THINNED = 3_000
"""About how many examples are left where all would take too long."""


@dataclass(frozen=True)
class Column:
    """One number to be told.

    Attributes:
        target: place, coarse, phase; or a control: random map, shuffled.
        axis: x or y.
        of: Which number of that axis: sin or cos of the phase; else empty.
    """

    target: str
    axis: str
    of: str = ""


@dataclass(frozen=True)
class Parts:
    """Examples to fit on, to choose by, and to be judged on: no episode is in two of them."""

    train: Index
    choose: Index
    judge: Index


@dataclass(frozen=True)
class Asked:
    """Everything that is asked of the features of `n` examples.

    Attributes:
        columns: What each column of `values` is.
        values: `(n, k)`. Places are in screen pixels.
        cell: Place cell, 0 to 63, row by row.
        fold: Part of the episodes, 0 to 4.
        block_fold: Part of the blocks of space, 0 to 4; −1 in ordinary play.
        outer: Whether it is in the outer quarter of the places.
    """

    columns: tuple[Column, ...]
    values: Float64[np.ndarray, "n k"]
    cell: Int64[np.ndarray, " n"]
    fold: Int64[np.ndarray, " n"]
    block_fold: Int64[np.ndarray, " n"]
    outer: Bool[np.ndarray, " n"]

    def of(self, *targets: str) -> list[int]:
        """Return the columns of these targets."""
        return [i for i, column in enumerate(self.columns) if column.target in targets]

    def only(self, index: Index) -> Asked:
        """Return what is asked of some of the examples."""
        return replace(
            self,
            values=self.values[index],
            cell=self.cell[index],
            fold=self.fold[index],
            block_fold=self.block_fold[index],
            outer=self.outer[index],
        )

    @property
    def parts(self) -> Parts:
        """The parts of the supervised regime, so that nothing judged was trained on by anyone."""
        return Parts(*(np.flatnonzero(p) for p in (self.fold >= 2, self.fold == 1, self.fold == 0)))


def asked(frames: Frames, rng: np.random.Generator) -> Asked:
    """Return what is asked about a set, controls behind what counts.

    Controls: a *random map* gives every place cell the middle of another (Hewitt and Liang 2019):
    a probe that does as well there has memorised cells. *Shuffled*: the places of other examples.

    Args:
        frames: Any with a ball in each.
        rng: Draws the two controls.
    """
    cell = place_cells(frames)
    screen = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)
    net = np.stack([frames.ball_x_84, frames.ball_y_84], axis=1)
    other = rng.permutation(GRID**2)[cell]
    turn = 2 * np.pi * net / STRIDE_84
    found = {
        ("place", ""): screen,
        ("coarse", ""): np.floor(net / STRIDE_84),
        ("phase", "sin"): np.sin(turn),
        ("phase", "cos"): np.cos(turn),
        ("random map", ""): np.stack([other % GRID, other // GRID], axis=1).astype(np.float64),
        ("shuffled", ""): rng.permutation(screen),
    }
    placed = (frames.column_row >= 0).all(axis=1)
    return Asked(
        tuple(Column(target, axis, of) for target, of in found for axis in ("x", "y")),
        np.concatenate(list(found.values()), axis=1),
        cell,
        frames.episode_fold(),
        np.where(placed, frames.block_fold(), -1),
        frames.outer,
    )


def place_cells(frames: Frames) -> Int64[np.ndarray, " n"]:
    """Number the cells of an 8 × 8 grid over the places that there are, row by row."""
    across, down = (
        np.floor(GRID * (at - at.min()) / (at.max() + 1 - at.min())).astype(np.int64)
        for at in (frames.ball_x_screen, frames.ball_y_screen)
    )
    cells: Int64[np.ndarray, " n"] = down * GRID + across
    return cells


def entropy_bits(cell: Int64[np.ndarray, " n"]) -> float:
    """Return the entropy of how often each cell comes, in bits."""
    share = np.bincount(cell) / len(cell)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def thinned(frames: Frames, left: int = THINNED) -> Index:
    """Return every so many examples of each moment, about `left` in all.

    Places of a moment are in the order of their blocks, and each moment begins at another: every
    episode, moment and block stays. No chance is in it, so that all networks are asked the same.
    """
    step = max(1, len(frames) // left)
    _, first, moment = np.unique(frames.moment, return_index=True, return_inverse=True)
    place = np.arange(len(frames)) - first[moment]
    kept: Index = np.flatnonzero((place + moment) % step == 0)
    return kept


def condition(frames: Frames) -> str:
    """Return how claims call the shared set: `held` where there is an opponent to be held.

    Ordinary play is `play`, for which no claim asks.
    """
    if (frames.block < 0).all():
        return "play"
    facts = find(frames.game).facts
    return "held" if facts is not None and facts.opponent is not None else ""
