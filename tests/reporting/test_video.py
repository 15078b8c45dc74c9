"""The video holds what was played, with the score in its caption."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from reporting.video import HEADER, SCALE, Recorder


def test_the_video_shows_the_first_game_and_stops_in_time(tmp_path: Path) -> None:
    recorder = Recorder("pong gap", max_steps=20)
    for step in range(30):
        observations = np.zeros((2, 4, 84, 84), np.uint8)
        observations[0, -1, step, :] = 255  # a bar that sinks by a pixel a step
        recorder.watch(observations, np.zeros(2), np.array([step // 10, 99.0]))
    recorder.save(tmp_path / "game.webm")
    with av.open(str(tmp_path / "game.webm")) as container:
        assert container.streams.video[0].codec_context.name == "vp8"
        frames = [f.to_ndarray(format="gray") for f in container.decode(video=0)]
    assert len(frames) == 20
    assert frames[0].shape == (84 * SCALE + HEADER, 84 * SCALE)
    for step in (0, 7, 19):
        rows = frames[step][HEADER:].mean(axis=1)
        assert abs(int(rows.argmax()) // SCALE - step) <= 1
    captions = [frame[:HEADER].astype(int) for frame in frames]
    assert captions[0].max() > 150, "the caption can be read"
    assert np.abs(captions[0] - captions[19]).max() > 60, "the score in it changes"
