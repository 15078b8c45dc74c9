"""The live read-out: how well each layer tells where the ball is, while its network is learning.

The probes of `analysis.probing.probes` in small: ridge regression alone, on some 600 teleported
inputs, opponent held, split by episode as theirs are. It takes less than a second and draws
nothing by chance, so that a run that is watched is the run that is not. With so few examples R²
comes out lower than theirs where a layer has many numbers: it is for following a run, not for
verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from analysis.cache import say
from analysis.datasets import teleport_set
from analysis.networks import FEATURES, HIDDEN, OUTPUTS, Network, passes
from analysis.pictures.frames import Frames, TeleportSettings
from analysis.probing import ridge
from envs.games import find

EPISODES = 12
"""Games from which the scenes are; some seven to fit on, two or three to choose by and to judge."""

PLACES = 25
"""In each scene: one for each block of Pong's field; Breakout has 18 blocks, Catch 56."""

MOST_NUMBERS = 100_000
"""Larger layers are not read out: their maps would take 240 MB beside the replay. These are the
first maps of rows that do not subsample before their first pool."""

ROOM = 100_000
"""Numbers an input that are held at a time; the network is passed as often as that demands."""

CHUNK = 64
"""Inputs in one pass."""


def read_out_set(game: str, folder: Path, tell: Callable[[str], None] = say) -> Frames:
    """Load or build the inputs of a game: 432 (Breakout) to 672 (Catch), in some seconds.

    Args:
        game: From `envs.games`.
        folder: Where sets are kept.
        tell: Is told when a damaged set is built again.

    Raises:
        ValueError: If the ball cannot be put anywhere in this game, or its place leaks.
    """
    moments = 1 if find(game).facts is None else 2
    settings = TeleportSettings(game=game, episodes=EPISODES, moments=moments, places=PLACES)
    return teleport_set(settings, workers=1, folder=folder, tell=tell)


def place_r2(network: Network, frames: Frames) -> dict[str, float]:
    """Return R² of the ball's place, the mean of x and y, decoded from each layer.

    Neither the network nor any generator is changed.

    Args:
        network: On any device.
        frames: From `read_out_set`, or any other teleported set.

    Returns:
        R² on episodes that the probe was not fitted on, by layer, from the picture on: stages but
        the last, then `features` (the last stage, flat), `hidden` and `outputs`.
    """
    fold = frames.episode_fold()
    # Those that are fitted on come first, so that they are a slice of large maps, and no copy.
    order = np.argsort(fold < 2, kind="stable")
    fold = fold[order]
    train, choose, judge = (np.flatnonzero(p) for p in (fold >= 2, fold == 1, fold == 0))
    places_screen = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)[order]
    found = {}
    for layer, values in _maps(network, frames.observations[order]):
        fitted = ridge.fit(_spanned(values, train), places_screen, choose)
        found[layer] = float(ridge.r2(fitted.predicted[judge], places_screen[judge]).mean())
    return found


def _spanned(values: Float32[Tensor, "n p"], train: ridge.Index) -> ridge.Spanned:
    """Turn a layer for the regression; large ones without a copy of them, and in their place.

    Those in `train` come first.
    """
    if values.shape[1] <= len(train):
        return ridge.span(values.numpy(), train)
    fitted_on = values[: len(train)]
    values -= fitted_on.mean(dim=0)
    products = (values @ fitted_on.T).numpy().astype(np.float64)
    return ridge.span_products(products, train)


def _maps(
    network: Network, observations: UInt8[np.ndarray, "n 4 84 84"]
) -> Iterator[tuple[str, Float32[Tensor, "n p"]]]:
    """Yield every layer that is not too large, flat, as few at a time as there is room for."""
    names = [*network.layers[: max(0, len(network.layers) - 4)], FEATURES, HIDDEN, OUTPUTS]
    sizes = {k: v[0].numel() for k, v in next(passes(network, observations[:1], names)).items()}
    group: list[str] = []
    for name in [n for n in names if sizes[n] <= MOST_NUMBERS]:
        if group and sum(sizes[n] for n in [*group, name]) > ROOM:
            yield from _read(network, observations, group, sizes)
            group = []
        group.append(name)
    yield from _read(network, observations, group, sizes)


def _read(
    network: Network,
    observations: UInt8[np.ndarray, "n 4 84 84"],
    layers: Sequence[str],
    sizes: dict[str, int],
) -> Iterator[tuple[str, Float32[Tensor, "n p"]]]:
    """Fill one array a layer, so that no map is held twice."""
    held = {name: torch.empty(len(observations), sizes[name]) for name in layers}
    start = 0
    for given in passes(network, observations, layers, CHUNK):
        for name, values in given.items():
            held[name][start : start + len(values)] = values.flatten(1)
        start += len(values)
    for name in layers:
        yield name, held.pop(name)
