"""One set of weights under several aggregators: what the aggregator alone keeps of place.

Rows that differ in nothing but an aggregator take each other's weights (`agents.transplant`). The
weights stay as they are; only what is read off their features is fitted anew.

Weights that were trained on WHERE have seen three fifths of the episodes, and suit the aggregator
they were trained under best there. So bits and errors are taken from the other two fifths alone:
fitted on some of those episodes, judged on others, in turns (`analysis.probing.crossfit`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64

from agents.transplant import transplant
from analysis.networks import FEATURES, Network, build, responses
from analysis.pictures.frames import Frames
from analysis.probing import crossfit, ridge
from analysis.probing import mlp as mlp_probe
from analysis.probing.ridge import Index, span
from analysis.probing.targets import asked, entropy_bits, place_cells, thinned
from analysis.readings import Measured, Reading

TWINS = ("nature", "twin_max", "twin_pick", "twin_avg")
HALVES = ("half_max", "half_pick")
POOLS = ("pool1", "pool2")

UNSEEN_FOLDS = 2
"""Parts of the episodes on which the supervised regime does not train: it chooses and judges."""

RMSE_INPUTS = 2_400
"""About how many inputs a map as large as the first pool's is asked about."""


def place_bits(
    source: Network, frames: Frames, rng: np.random.Generator, rows: Sequence[str] = TWINS
) -> Measured:
    """Return how many bits the features tell of the ball's place cell, one set of weights.

    A lower bound of the mutual information between features and cell: H(cell) − the cross entropy
    of a classifier (Barber and Agakov 2003), the probe of `analysis.probing.mlp`: one hidden
    layer, softmax over the 64 cells of an 8 × 8 grid over all places, its temperature and its best
    look chosen by episodes of their own. Cross-fitted: the 12 episodes of the shared set that no
    network was trained on (4,800 inputs) are dealt into four parts; each is judged once by a
    classifier fitted on two others and chosen by the third. H(cell) is that of the judged inputs:
    5.99 bits.

    Args:
        source: Whose weights; nature, as a rule.
        frames: Teleported, opponent held.
        rng: Draws the classifiers' weights and batches.
        rows: Which rows to put them into, at the source's width.

    Returns:
        A table by `aggregator`, `metric` (bits, r2, rmse_px); readings `place_bits` with their row.

    Raises:
        ValueError: If a row has no place for the weights.
    """
    some = _unseen(frames)
    place, cell, episode = _place(frames, some), place_cells(frames)[some], frames.episode[some]
    seed = int(rng.integers(2**63))
    records: list[dict[str, Any]] = []
    readings = []
    for row, network in _rows(source, rows):
        features = responses(network, frames.observations[some])[FEATURES]
        # The same chance for every row: what differs between them is the aggregator.
        chance = np.random.default_rng(seed)
        said = crossfit.by_mlp(features, place, cell, episode, chance)
        bits = entropy_bits(cell) - said.cross_entropy_bits(cell)
        start = {"weights": source.spec, "aggregator": row}
        records.append({**start, "metric": "bits", "value": bits})
        records += [{**start, **s} for s in _scored(said.predicted, place)]
        readings.append(Reading("place_bits", bits, row=row))
    return Measured(pd.DataFrame(records), tuple(readings))


def place_after_pools(
    source: Network, frames: Frames, rows: Sequence[str] = HALVES, pools: Sequence[str] = POOLS
) -> Measured:
    """Return how well a ridge regression tells the place from the map behind each pool.

    On some 2,400 inputs of the 12 episodes that no network was trained on; in turns, as for
    `place_bits`. No chance is in it.

    Args:
        source: Whose weights; half_max, as a rule.
        frames: Teleported, opponent held.
        rows: Which rows to put them into, at the source's width.
        pools: Layers that all of them have.

    Returns:
        A table by `aggregator`, `layer`, `metric` (rmse_px, r2) and axis; readings `place_rmse_px`,
        both axes together, with their row.

    Raises:
        ValueError: If a row has no place for the weights, or no such layer.
    """
    some = _unseen(frames, RMSE_INPUTS)
    place, episode = _place(frames, some), frames.episode[some]
    records: list[dict[str, Any]] = []
    readings = []
    for row, network in _rows(source, rows):
        found = responses(network, frames.observations[some], pools)
        for pool in pools:
            features = found[pool].reshape(len(some), -1)
            scored = _scored(crossfit.by_ridge(features, place, episode), place)
            start = {"weights": source.spec, "aggregator": row, "layer": pool}
            records += [{**start, **s} for s in scored]
            rmse = next(s["value"] for s in scored if s["metric"] == "rmse_px")
            readings.append(Reading("place_rmse_px", rmse, f"after={pool}", row))
    return Measured(pd.DataFrame(records), tuple(readings))


def swap(first: Network, second: Network, frames: Frames, rng: np.random.Generator) -> Measured:
    """Tell optimisation from information: both networks' weights under both aggregators.

    The second aggregator good with the first one's weights: what failed was optimisation. The
    first bad with the second one's: it lost the information. Weights are frozen; the head is
    fitted anew on the frozen features, on WHERE with its own parts of the set, twice: linear, in
    closed form, and with one hidden layer, by the short fit of `analysis.probing.mlp` (20 passes).

    Args:
        first: Trained under its own aggregator.
        second: Likewise; the same shapes of weights.
        frames: Teleported, opponent held.
        rng: Draws the heads' weights and batches.

    Returns:
        A table by `weights`, `aggregator`, `head` (ridge, mlp), `metric` (r2, rmse_px) and axis.

    Raises:
        ValueError: If the weights of one have no place in the other.
    """
    questions, seed = asked(frames, rng), int(rng.integers(2**63))
    place, parts = _place(frames, np.arange(len(frames))), questions.parts
    records: list[dict[str, Any]] = []
    for source in (first, second):
        for row, network in _rows(source, (first.spec, second.spec), widths=False):
            features = responses(network, frames.observations)[FEATURES]
            spanned = span(features, parts.train)
            linear = ridge.fit(spanned, place, parts.choose).predicted[parts.judge]
            chance = np.random.default_rng(seed)
            hidden = mlp_probe.fit(spanned, place, questions.cell, parts, chance).predicted
            for head, predicted in (("ridge", linear), ("mlp", hidden)):
                start = {"weights": source.spec, "aggregator": row, "head": head}
                records += [{**start, **s} for s in _scored(predicted, place[parts.judge])]
    return Measured(pd.DataFrame(records))


def _rows(
    source: Network, rows: Sequence[str], *, widths: bool = True
) -> Iterator[tuple[str, Network]]:
    """Yield each row with the weights of `source` in its extractor; the source itself as it is."""
    _, at, width = source.spec.partition("@")
    for name in rows:
        row = name + at + width if widths else name
        if row == source.spec:
            yield row, source
            continue
        # Its initial weights are all overwritten, so that their seed has no say.
        network = build(row, 0, 1)
        if left := transplant(source.extractor, network.extractor):
            raise ValueError(f"expected weights for all of {row} in {source.spec}, none for {left}")
        network.eval()
        yield row, network


def _unseen(frames: Frames, left: int | None = None) -> Index:
    """Return the examples of episodes that the supervised regime does not train on."""
    unseen = frames.episode_fold() < UNSEEN_FOLDS
    if left is not None:
        kept = np.zeros(len(frames), bool)
        kept[thinned(frames, left * len(frames) // int(unseen.sum()))] = True
        unseen &= kept
    some: Index = np.flatnonzero(unseen)
    return some


def _place(frames: Frames, some: Index) -> Float64[np.ndarray, "n 2"]:
    place: Float64[np.ndarray, "n 2"] = np.stack(
        [frames.ball_x_screen[some], frames.ball_y_screen[some]], axis=1
    )
    return place


def _scored(
    predicted: Float64[np.ndarray, "n 2"], place: Float64[np.ndarray, "n 2"]
) -> list[dict[str, Any]]:
    """Return RMSE in screen pixels and R², both axes together first."""
    error, found = np.square(predicted - place).mean(axis=0), ridge.r2(predicted, place)
    numbers = {
        "rmse_px": (np.sqrt(error.mean()), *np.sqrt(error)),
        "r2": (found.mean(), *found),
    }
    return [
        {"metric": metric, "axis": axis, "value": float(value)}
        for metric, values in numbers.items()
        for axis, value in zip(("mean", "x", "y"), values, strict=True)
    ]
