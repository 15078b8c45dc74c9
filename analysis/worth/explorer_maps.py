"""What a network says with the ball at every place of one scene: the maps of the explorer.

For each place and velocity: the outputs, by how much the features respond to the ball, how the last
map responds, and where a read-out of the features takes the ball to be. Nothing is interpolated:
every number belongs to a picture that was shown.
"""

from __future__ import annotations

import base64
from collections.abc import Hashable
from typing import Any

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Float32, UInt8

from agents.extractors import ZooExtractor
from agents.shapes import trace
from analysis.networks import FEATURES, OUTPUTS, Network, passes
from analysis.pictures.frames import Frames
from analysis.probing.decoding import Decoder, place_decoder
from analysis.readings import Measured
from analysis.verdicts.rules import Regime
from analysis.worth.explorer_scenes import Scene

SIDE_AT_MOST = 11
"""Cells a side of the kept map; larger ones are shrunk by area. nature's last map has 7."""

LEVELS = 255
"""The greatest number that a cell of the kept map holds."""


def last_map(network: Network) -> str | None:
    """Return the last layer of a row that still is a map, before anything makes one cell of it.

    `None` for an extractor that is no row of the zoo, or has no map.
    """
    if not isinstance(network.extractor, ZooExtractor):
        return None
    steps = trace(network.extractor.architecture)
    maps = [s.name for s in steps if len(s.shape) == 3 and s.shape[1] > 1]
    return maps[-1] if maps else None


def explorer_maps(network: Network, scene: Scene, frames: Frames, regime: Regime) -> Measured:
    """Take the maps of a network.

    Args:
        network: Any.
        scene: Where the ball is put.
        frames: The shared set, on which the read-out is fitted; opponent held.
        regime: In which the network was trained.

    Returns:
        A line for each place and velocity: `velocity_x_screen`, `velocity_y_screen`, screen pixels
        a raw frame; `ball_x_screen` and `ball_y_screen`; `output_0` … of the last layer;
        `response`: |φ(here) − φ(no ball)| / |φ(no ball)|, φ the features; `decoded_x_screen`,
        `decoded_y_screen`: the read-out; `map`, where there is a last map: the mean over channels
        of its cells' |change|, a byte each, row by row, against the greatest of all. What is the
        same for all lines stands in the table's `attrs`, fit for JSON. No verdict hangs on it.
    """
    decoder = place_decoder(network, frames)
    layer = last_map(network)
    layers = (*([] if layer is None else [layer]), FEATURES, OUTPUTS)
    before = next(passes(network, scene.without_ball, layers))
    empty = {name: given.numpy() for name, given in before.items()}
    outputs, response, decoded, maps = [], [], [], []
    start = 0
    for given in passes(network, scene.observations, layers):
        features = given[FEATURES].numpy()
        velocity = scene.velocity[start : start + len(features)]
        start += len(features)
        outputs.append(given[OUTPUTS].numpy())
        decoded.append(decoder.decode(features))
        response.append(_relative(features, empty[FEATURES][velocity]))
        if layer is not None:
            changed = np.abs(given[layer].numpy() - empty[layer][velocity]).mean(axis=1)
            maps.append(np.stack([_small(one) for one in changed]))
    table = pd.DataFrame(
        {
            "velocity_x_screen": scene.velocities_screen[scene.velocity, 0],
            "velocity_y_screen": scene.velocities_screen[scene.velocity, 1],
            "ball_x_screen": scene.places_screen[:, 0],
            "ball_y_screen": scene.places_screen[:, 1],
        }
    )
    for number, column in enumerate(np.concatenate(outputs).T):
        table[f"output_{number}"] = column
    table["response"] = np.concatenate(response)
    places = np.concatenate(decoded).astype(np.float32)
    table["decoded_x_screen"], table["decoded_y_screen"] = places[:, 0], places[:, 1]
    told: dict[Hashable, Any] = {"row": network.spec, "regime": regime}
    table.attrs = told | _common(scene) | _of(decoder)
    if layer is not None:
        whole = np.concatenate(maps)
        top = float(whole.max())
        cells = np.round(whole * (LEVELS / top if top > 0 else 0)).astype(np.uint8)
        table["map"] = [one.tobytes() for one in cells]
        table.attrs["map"] = {"layer": layer, "side": int(whole.shape[1]), "top": top}
    return Measured(table)


def _relative(
    there: Float32[np.ndarray, "n p"], without: Float32[np.ndarray, "n p"]
) -> Float32[np.ndarray, " n"]:
    size = np.linalg.norm(without, axis=1)
    change: Float32[np.ndarray, " n"] = np.linalg.norm(there - without, axis=1)
    return np.asarray(change / np.maximum(size, np.float32(1e-12)))


def _small(cells: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "i j"]:
    if max(cells.shape) <= SIDE_AT_MOST:
        return cells
    side = (SIDE_AT_MOST, SIDE_AT_MOST)
    return np.asarray(cv2.resize(cells, side, interpolation=cv2.INTER_AREA), np.float32)


def _common(scene: Scene) -> dict[Hashable, Any]:
    """What one has to know of the scene to draw it and to go about in it."""
    return {
        "game": scene.game,
        "scene": scene.facts["key"],
        "picture": png(scene.picture),
        "picture_size": [scene.picture.shape[1], scene.picture.shape[0]],
        "origin_screen": scene.facts["origin_screen"],
        "pixel": scene.facts["pixel"],
        "ball": scene.facts["ball"],
        "trail_screen": scene.trail_screen.tolist(),
    }


def _of(decoder: Decoder) -> dict[Hashable, Any]:
    return {
        "readout": {
            "r2": decoder.r2.tolist(),
            "rmse_px": decoder.rmse_px.tolist(),
            "places_screen": decoder.places_screen.tolist(),
            "fitted_on": decoder.fitted_on,
            "judged_on": decoder.judged_on,
        }
    }


def png(picture: UInt8[np.ndarray, "h w 3"]) -> str:
    """Return a picture as base64 of a PNG."""
    _, coded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return base64.b64encode(coded.tobytes()).decode()
