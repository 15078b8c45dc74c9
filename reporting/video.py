"""A short video of an agent at play, as the network sees it, that plays in a browser."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np
from jaxtyping import UInt8

SCALE = 4
"""Screen pixels a network pixel."""

HEADER = 36
"""Height of the caption, in screen pixels."""

FRAMES_PER_SECOND = 15
"""Agent steps in a second of play: 60 emulator frames, four a step."""

ENOUGH_STEPS = 10 * FRAMES_PER_SECOND
"""Agent steps that make a video worth watching; games shorter than that are shown in a row."""

INK, PAPER = (235, 235, 235), (24, 24, 27)


class Recorder:
    """Collects the first game's pictures; hand `watch` to `analysis.scores.play`.

    Args:
        title: Stands left in the caption; the score stands right.
        max_steps: Agent steps after which nothing more is recorded.

    Attributes:
        earlier: Score of the games that were recorded before this one; the caption adds it.
    """

    def __init__(self, title: str, max_steps: int = 40 * FRAMES_PER_SECOND) -> None:
        self.title = title
        self.max_steps = max_steps
        self.frames: list[np.ndarray] = []
        self.earlier = 0.0

    def watch(
        self,
        observations: UInt8[np.ndarray, "n 4 84 84"],
        actions: np.ndarray,
        scores: np.ndarray,
    ) -> None:
        """Keep the newest picture of the first game, with its score so far."""
        if len(self.frames) < self.max_steps:
            self.frames.append(self._draw(observations[0, -1], self.earlier + float(scores[0])))

    def _draw(
        self, picture: UInt8[np.ndarray, "84 84"], score: float
    ) -> UInt8[np.ndarray, "h w 3"]:
        side = picture.shape[0] * SCALE
        frame = np.full((side + HEADER, side, 3), PAPER, np.uint8)
        big = cv2.resize(picture, (side, side), interpolation=cv2.INTER_NEAREST)
        frame[HEADER:] = big[:, :, None]
        font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.5
        told = f"score {score:g}"
        (width, _), _ = cv2.getTextSize(told, font, size, 1)
        cv2.putText(frame, self.title, (8, 24), font, size, INK, 1, cv2.LINE_AA)
        cv2.putText(frame, told, (side - width - 8, 24), font, size, INK, 1, cv2.LINE_AA)
        return frame

    def save(self, path: Path) -> None:
        """Write what was collected as VP8 in WebM, which every browser plays.

        Raises:
            OSError: If the video cannot be written.
        """
        write_webm(self.frames, path)


def write_webm(
    frames: Iterable[UInt8[np.ndarray, "h w 3"]], path: Path, bits_per_second: int | None = None
) -> None:
    """Write pictures of one size, at least one, as VP8 in WebM, 15 a second.

    Args:
        frames: Even in height and width; taken one at a time.
        path: The file.
        bits_per_second: How good it is to look; the encoder's own choice unless told.

    Raises:
        OSError: If the video cannot be written.
    """
    rest = iter(frames)
    first = next(rest)
    with av.open(str(path), mode="w", format="webm") as container:
        # The encoder's own threads wait for each other where runs share the cores; a quicker
        # search than usual costs a tenth of a decibel.
        options = {"deadline": "good", "cpu-used": "2"}
        stream = container.add_stream("libvpx", rate=FRAMES_PER_SECOND, options=options)
        stream.thread_count = 1
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        if bits_per_second is not None:
            stream.bit_rate = bits_per_second
        for frame in chain([first], rest):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
