"""WHERE: from the picture to the ball's place, on teleported frames with the opponent held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Float64
from torch import Tensor, nn

from analysis.pictures.frames import FOLDS, Frames
from analysis.pictures.splits import Part, Split, chosen
from analysis.probing.targets import condition as held
from analysis.tasks.task import Examples, Judged, Outputs


@dataclass(frozen=True)
class Where:
    """The task; see `analysis.tasks.task.Task`.

    Attributes:
        places_screen: By part, `(n, 2)`: x and y of the ball's corner.
        centre_screen: Mean place of the training examples.
        spread_screen: Its standard deviation; targets are places in units of it.
    """

    game: str
    parts: Mapping[Part, Examples]
    places_screen: Mapping[Part, Float64[np.ndarray, "n 2"]]
    centre_screen: Float64[np.ndarray, " axes"]
    spread_screen: Float64[np.ndarray, " axes"]
    condition: str = "held"
    name: str = "where"
    measure: str = "where_r2"
    gain: str = "where_gain"
    outputs: int = 2

    def loss(self, outputs: Float[Tensor, "n outputs"], targets: Tensor) -> Float[Tensor, ""]:
        """Return the mean squared error, in variances of the place."""
        return nn.functional.mse_loss(outputs, targets)

    def judge(self, outputs: Outputs, part: Part) -> Judged:
        """Return R², the mean of x and y; beside it both, and the RMSE in screen pixels."""
        truth = self.places_screen[part]
        off = outputs * self.spread_screen + self.centre_screen - truth
        error = np.square(off).mean(axis=0)
        r2 = 1 - error / truth.var(axis=0)
        x_px, y_px = np.sqrt(error)
        return Judged(
            float(r2.mean()),
            {
                "r2_x": float(r2[0]),
                "r2_y": float(r2[1]),
                "rmse_px": float(np.sqrt(error.mean())),
                "rmse_x_px": float(x_px),
                "rmse_y_px": float(y_px),
            },
        )


BLOCKS = tuple(f"split=blocks,fold={fold}" for fold in range(FOLDS))
"""Places left out for interpolation, as a condition says it."""

OUTER = "split=outer"
"""The same for extrapolation."""

LEFT_OUT: Mapping[str, tuple[Split, int]] = MappingProxyType(
    {
        "": ("scenes", 0),
        OUTER: ("outer", 0),
        **{said: ("blocks", k) for k, said in enumerate(BLOCKS)},
    }
)
"""Split and fold by what a condition says of them: nothing of the split that decides."""


def where(frames: Frames, left_out: str = "") -> Where:
    """Return the task on a teleport set.

    Args:
        frames: Teleported, opponent held.
        left_out: Which places, a key of `LEFT_OUT`.
    """
    kept = chosen(frames, *LEFT_OUT[left_out])
    screen = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)
    centre, spread = screen[kept["train"]].mean(axis=0), screen[kept["train"]].std(axis=0)
    targets = ((screen - centre) / spread).astype(np.float32)
    return Where(
        frames.game,
        MappingProxyType(
            {part: Examples(frames.observations[i], targets[i]) for part, i in kept.items()}
        ),
        MappingProxyType({part: screen[i] for part, i in kept.items()}),
        centre,
        spread,
        condition=",".join(filter(None, (held(frames), left_out))),
    )
