"""What was learnt by heart: WHERE from few states, judged on blocks and brightnesses held out.

Two networks can be compared for overfitting only at equal training loss; else the one that has
learnt less seems to overfit less. So training ends when the mean training loss of the last 100
updates first reaches `LEVEL`, and the weights of that moment are judged. A run that does not get
there within its updates has no test error. The states of 500 are among those of 2,000, and these
among those of 8,000; all rows and seeds share them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Int64

from analysis.datasets import teleport_set
from analysis.networks import Observations
from analysis.pictures.frames import Frames, TeleportSettings
from analysis.pictures.splits import Part
from analysis.readings import Reading
from analysis.supervised import SupervisedSettings
from analysis.tasks.drawn import BACKGROUND, BALL_CONTRAST, field
from analysis.tasks.task import Examples, Outputs
from analysis.tasks.where import Where
from envs.emulator import shrink
from envs.games import PONG
from envs.positions import X_84, Y_84

HeldOut = Literal["blocks", "colours"]

HELD_OUT: tuple[HeldOut, ...] = get_args(HeldOut)

STATES = (500, 2_000, 8_000)

LEVEL = 0.05
"""Training loss at which training ends, in variances of the place: an R² of .95, an RMSE of 5.8
screen px. As low as nature, the slowest looked at, can be expected to get: on 500 states of three
brightnesses `nature@0.5` at 3e-4 was at .08 behind 6,000 updates of a schedule of as many."""

SETTINGS = SupervisedSettings(look_every=100, stop_at_loss=LEVEL)
"""How these networks are trained; the learning rate is each row's own, as tuned on WHERE."""

FRAMES = TeleportSettings(moments=14)
"""Frames enough for 8,000 states outside a fifth of the blocks and two fifths of the episodes."""

SEEN_CONTRASTS = (48, 96, 144)
HELD_OUT_CONTRASTS = (24, 72, 120, 168)
"""What the ball is brighter than the field, 149 as Pong draws it. Only brighter ones: of two frames
the network sees the greater value, so a darker ball would vanish."""

LOOKED_AT = 500
"""Frames at most in the validation part, which decides nothing here."""


@dataclass(frozen=True)
class Overfitting(Where):
    """The task; see `analysis.tasks.task.ManySided`. Its error is the RMSE in screen pixels."""

    name: str = "overfitting"
    measure: str = "test_error"

    def readings(
        self, outputs: Outputs, curve: Sequence[Mapping[str, float]]
    ) -> tuple[Reading, ...]:
        """Return the test error, if training got to the level."""
        if not curve or curve[-1]["loss"] > LEVEL:
            return ()
        error = self.judge(outputs, "test").beside["rmse_px"]
        return (Reading("test_error", error, self.condition),)


def overfitting(split: HeldOut, states: int, frames: Frames | None = None) -> Overfitting:
    """Return WHERE with so many training states.

    Args:
        split: `blocks`: tested on a fifth of the blocks, on which it was not trained. `colours`:
            trained on balls of three brightnesses, tested on four others. Test episodes are unseen
            either way.
        states: To train on.
        frames: Pong's, teleported, opponent held; `FRAMES` unless given.

    Raises:
        ValueError: If there is no such split, or there are not so many states.
    """
    if split not in HELD_OUT:
        raise ValueError(f"expected a split among {', '.join(HELD_OUT)}, got {split!r}")
    frames = teleport_set(FRAMES) if frames is None else frames
    kept = _chosen(frames, split, states)
    screen = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)
    centre, spread = screen[kept["train"]].mean(axis=0), screen[kept["train"]].std(axis=0)
    targets = ((screen - centre) / spread).astype(np.float32)
    parts: dict[Part, Examples] = {}
    for part, i in kept.items():
        shown = frames.observations[i]
        if split == "colours":
            choices = HELD_OUT_CONTRASTS if part == "test" else SEEN_CONTRASTS
            # By the number of the frame, so that a state looks the same in every set it is in.
            shown = recoloured(shown, np.array(choices)[_lot(len(frames), 1)[i] % len(choices)])
        parts[part] = Examples(shown, targets[i])
    return Overfitting(
        frames.game,
        MappingProxyType(parts),
        MappingProxyType({part: screen[i] for part, i in kept.items()}),
        centre,
        spread,
        condition=f"split={split},states={states}",
    )


def recoloured(observations: Observations, contrast: Int64[np.ndarray, " n"]) -> Observations:
    """Give the ball of Pong another brightness, as if the emulator had drawn it so.

    In the part that nothing but the ball ever enters, what is not the empty field is the ball's
    share of a pixel times its contrast; resizing by area is linear. Rounding adds one grey level at
    most for contrasts up to the ball's own.

    Args:
        observations: Teleported, with the ball's own contrast.
        contrast: One for each, above 0 and at most 168: white.

    Raises:
        ValueError: If a contrast is out of range.
    """
    if len(contrast) and not (contrast.min() > 0 and contrast.max() <= 255 - BACKGROUND):
        raise ValueError(
            f"expected contrasts above 0, up to {255 - BACKGROUND}, "
            f"got {contrast.min()} to {contrast.max()}"
        )
    assert PONG.facts is not None
    clear, empty = PONG.facts.clear, shrink(field()).astype(np.int16)
    # Columns and rows of the network's picture that show something of it and no paddle or digit.
    columns = slice(math.ceil(clear.left * X_84), int(clear.right * X_84))
    rows = slice(int(clear.top * Y_84), math.ceil(clear.bottom * Y_84))
    empty = empty[rows, columns]
    made = observations.copy()
    for shown, value in zip(made, contrast, strict=True):
        ball = shown[:, rows, columns] - empty
        shown[:, rows, columns] = np.round(empty + ball * (value / BALL_CONTRAST))
    return made


def _chosen(frames: Frames, split: HeldOut, states: int) -> dict[Part, Int64[np.ndarray, " k"]]:
    """Return which frames are in which part."""
    fold = frames.episode_fold()
    away: Bool[np.ndarray, " n"] = np.zeros(len(frames), bool)
    if split == "blocks":
        away = frames.block_fold() == 0
    order = np.argsort(_lot(len(frames), 0), kind="stable")
    allowed = order[((fold >= 2) & ~away)[order]]
    if len(allowed) < states:
        raise ValueError(f"expected {states} states or more to train on, got {len(allowed)}")
    tested = (fold == 0) & (away if split == "blocks" else ~away)
    return {
        "train": allowed[:states],
        "validation": order[((fold == 1) & ~away)[order]][:LOOKED_AT],
        "test": np.flatnonzero(tested),
    }


def _lot(frames: int, which: int) -> Int64[np.ndarray, " n"]:
    """Draw a number for each frame, always the same ones."""
    return np.random.default_rng(np.random.SeedSequence([12, which])).integers(2**40, size=frames)
