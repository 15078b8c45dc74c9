"""Which frames a network is trained on, chosen by and judged on."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool

from analysis.pictures.frames import FOLDS, Frames

Part = Literal["train", "validation", "test"]
"""Trained on; chosen by; judged on. No scene is in two of them."""

Split = Literal["scenes", "blocks", "outer"]
"""What is left out: whole episodes (decides); episodes and a fifth of the blocks of space, judged
on those that have others all around (interpolation); episodes and the outer quarter of the places
(extrapolation)."""

SPLITS: tuple[Split, ...] = get_args(Split)


def chosen(frames: Frames, split: Split, left_out: int = 0) -> dict[Part, Bool[np.ndarray, " n"]]:
    """Return which frames are in which part: of five parts of the episodes three are trained on.

    Args:
        frames: Teleported.
        split: What is left out.
        left_out: Which of the five folds of blocks, where blocks are left out.

    Raises:
        ValueError: If there is no such split or fold.
    """
    if split not in SPLITS:
        raise ValueError(f"expected a split among {', '.join(SPLITS)}, got {split!r}")
    if left_out not in range(FOLDS):
        raise ValueError(f"expected a fold from 0 to {FOLDS - 1}, got {left_out}")
    fold = frames.episode_fold()
    away, judged = np.zeros(len(frames), bool), np.ones(len(frames), bool)
    if split == "blocks":
        away = frames.block_fold() == left_out
        last = frames.column_row.max(axis=0)
        judged = away & ((frames.column_row > 0) & (frames.column_row < last)).all(axis=1)
    elif split == "outer":
        away = judged = frames.outer
    return {
        "train": (fold >= 2) & ~away,
        "validation": (fold == 1) & ~away,
        "test": (fold == 0) & judged,
    }
