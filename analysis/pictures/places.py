"""Where the ball is put: the same number of places in every block, and how far out they lie."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int64

from envs.facts import Box

BLOCK_SCREEN = (16, 20)
"""Screen pixels of a block: one cell of a stride-8 map, 8.4 × 8 network pixels."""

BLOCK_CATCH_84 = (8, 8)
"""The same for Catch, in network pixels."""

INNER = 0.75**0.5
"""Side of the inner part of the places, as a share of the whole: the outer part is a quarter."""


def balanced_places(
    box: Box,
    block: tuple[int, int],
    step: tuple[int, int],
    count: int,
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, "n 2"], Int64[np.ndarray, "n 2"]]:
    """Draw places, the same number in every block.

    Args:
        box: Where they may be; blocks fill it exactly.
        block: Width and height of a block.
        step: Distance between places that can be drawn, across and down.
        count: About how many; rounded to a multiple of the number of blocks, at least one each.
        rng: The only source of chance.

    Returns:
        x and y of each place, and column and row of its block.
    """
    columns, rows = (box.right - box.left) // block[0], (box.bottom - box.top) // block[1]
    each = max(1, round(count / (columns * rows)))
    across, down = block[0] // step[0], block[1] // step[1]
    places, cells = [], []
    for row in range(rows):
        for column in range(columns):
            for spot in rng.choice(across * down, each, replace=False).tolist():
                x = box.left + column * block[0] + spot % across * step[0]
                y = box.top + row * block[1] + spot // across * step[1]
                places.append((x, y))
                cells.append((column, row))
    return np.array(places), np.array(cells)


def outer(box: Box, places: Int64[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
    """Whether each place lies in the outer quarter of the box."""
    size = np.array([box.right - box.left, box.bottom - box.top])
    corner = np.array([box.left, box.top])
    off_centre = np.abs((places - corner + 0.5) / size - 0.5).max(axis=1)
    far: Bool[np.ndarray, " n"] = off_centre > INNER / 2
    return far


def block_labels(
    cells: Int64[np.ndarray, "n 2"], box: Box, block: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Name each place's block by column and row, and by one number."""
    across = (box.right - box.left) // block[0]
    return {"column_row": cells, "block": cells[:, 1] * across + cells[:, 0]}
