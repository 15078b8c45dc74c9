"""Probes by layer: how much of the ball's place can be read off what a network makes of it.

Every layer is asked the same, by a ridge regression and by a probe with one hidden layer, as it is
and through a random projection to 64 numbers, so that layers of different size can be compared
(Alain and Bengio 2017; controls after Hewitt and Liang 2019). What is judged are episodes that
neither the probe nor a network of the supervised regime was fitted on.

All layers are asked about 3,000 of the shared set's 12,000 inputs, a quarter of each moment's
places: it costs a large map .01 or .02 of R², and saves 15 of 16 parts of its inner products. The
features, on which claims hang, are asked about all inputs as well. No layer is reduced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.networks import FEATURES, HIDDEN, OUTPUTS, Network, passes, responses
from analysis.pictures.frames import Frames
from analysis.probing import ridge
from analysis.probing.checks import erased
from analysis.probing.records import Features, Record, controls, probe
from analysis.probing.targets import asked, condition, thinned
from analysis.readings import Measured, Reading

MOST_NUMBERS = 8_192
"""Features beyond it, of rows that never subsample, are asked about the thinned set only."""

ROOM_BYTES = 1 << 30
"""What the maps of one pass may take; larger networks are passed several times."""

DECIDE = (
    ("coarse_r2", "mlp", "coarse"),
    ("phase_r2", "mlp", "phase"),
    ("where_r2", "ridge", "place"),
)
"""What claims use: the measure, by which probe, and what it is asked."""


def probes(
    network: Network, frames: Frames, rng: np.random.Generator, *, supervised: bool = False
) -> Measured:
    """Probe every layer of a network.

    Args:
        network: Any.
        frames: Teleported, opponent held; or ordinary play, under a condition of its own.
        rng: Draws projections, controls, and the hidden probes' weights and batches.
        supervised: Whether the network was trained on WHERE: its own skill is `where_r2` then.

    Returns:
        A table with a line for each layer, view (full, projected, planted), probe (ridge, mlp),
        split (scenes, blocks, outer), target (place, coarse, phase, cell, or a control), axis and
        metric (r2, rmse_px, bits, selectivity: R² of the place − R² of the random map).
        `numbers` is the size of the layer, `fitted_on` that of the training part. Readings:
        `where_r2` is the ridge's R² of x and y on the features; `coarse_r2` and `phase_r2` are the
        hidden probe's.
    """
    questions = asked(frames, rng)
    some = thinned(frames)
    records: list[Record] = []
    for layer, features in _maps(network, frames.observations[some]):
        records += probe(features, questions.only(some), rng, {"layer": layer})
        if layer == FEATURES:
            records += controls(features, questions.only(some), rng, {"layer": layer})
            deciding = features
    asked_of = questions.only(some)
    if deciding.shape[1] <= MOST_NUMBERS and len(some) < len(frames):
        deciding, asked_of = _flat(responses(network, frames.observations)[FEATURES]), questions
        records += probe(deciding, asked_of, rng, {"layer": FEATURES}, projected=False)
    table = pd.DataFrame(records)
    asked_all = (table["layer"] == FEATURES) & (table["fitted_on"] == len(asked_of.parts.train))
    decide = [d for d in DECIDE if not (supervised and d[0] == "where_r2")]
    return Measured(table, _readings(table[asked_all], frames, decide))


def published(table: pd.DataFrame) -> pd.DataFrame:
    """Return the lines to publish of a table of `probes`: of the features, both axes together."""
    return table[(table["layer"] == FEATURES) & table["axis"].isin(["mean", ""])]


def beside(table: pd.DataFrame) -> str:
    """Say in a line what the hidden probe finds in the features, and in the controls."""
    of = table[
        (table["layer"] == FEATURES) & (table["probe"] == "mlp") & (table["split"] == "scenes")
    ]
    r2 = of[(of["metric"] == "r2") & (of["axis"] == "mean")].set_index(["view", "target"])["value"]
    return (
        f"R² of the place {r2['full', 'place']:.3f}; controls: planted "
        f"{r2['planted', 'place']:.3f}, random map {r2['full', 'random map']:.3f}, shuffled "
        f"{r2['full', 'shuffled']:.3f}"
    )


def _readings(
    table: pd.DataFrame, frames: Frames, names: Sequence[tuple[str, str, str]], row: str = ""
) -> tuple[Reading, ...]:
    """Return what claims may use of the lines of one layer and one number of examples."""
    numbers = table[
        (table["view"] == "full")
        & (table["split"] == "scenes")
        & (table["metric"] == "r2")
        & (table["axis"] == "mean")
    ].set_index(["probe", "target"])["value"]
    return tuple(
        Reading(measure, float(numbers[by, target]), condition(frames), row)
        for measure, by, target in names
    )


def place(network: Network, frames: Frames) -> Measured:
    """Ask the last features alone for the place, by ridge regression on the thinned set.

    What a network with random weights tells, in a second: there are fifty of each row.

    Args:
        network: Any.
        frames: Teleported, opponent held.

    Returns:
        R² and RMSE by axis, and the reading `where_r2`.
    """
    some = thinned(frames)
    fold = frames.episode_fold()[some]
    screen = np.stack([frames.ball_x_screen, frames.ball_y_screen], axis=1)[some]
    features = _flat(responses(network, frames.observations[some])[FEATURES])
    fitted = ridge.fit(
        ridge.span(features, np.flatnonzero(fold >= 2)), screen, np.flatnonzero(fold == 1)
    )
    predicted, truth = fitted.predicted[fold == 0], screen[fold == 0]
    by_axis = ridge.r2(predicted, truth)
    rmse = np.sqrt(np.square(predicted - truth).mean(axis=0))
    records = [
        {"metric": metric, "axis": axis, "value": float(value)}
        for metric, values in (("r2", by_axis), ("rmse_px", rmse))
        for axis, value in zip("xy", values, strict=True)
    ]
    readings = (Reading("where_r2", float(by_axis.mean()), condition(frames)),)
    return Measured(pd.DataFrame(records), readings)


def pixel_probes(frames: Frames, rng: np.random.Generator) -> Measured:
    """Probe the network's input itself: the limit for a linear read-out; once for each set.

    Beside it stands what is told with the ball erased (`analysis.probing.checks.erased`).

    Args:
        frames: Teleported, opponent held.
        rng: As for `probes`.

    Returns:
        The table of `probes` with the layer `pixels`, and in it the target `place` of the view
        `erased`, for `pixels` and for `paddles`. Readings, all of the row `raw_pixels`: those of
        `probes`, of the thinned set, as `place` has it for networks with random weights; and
        `erased_r2`.
    """
    some = thinned(frames)
    questions = asked(frames, rng).only(some)
    pixels = _flat(frames.observations[some].astype(np.float32) / 255)
    where = {"layer": "pixels"}
    records = probe(pixels, questions, rng, where) + controls(pixels, questions, rng, where)
    without = erased(frames)
    told = {"view": "erased", "probe": "ridge", "split": "scenes", "target": "place"}
    for line in without.table.to_dict("records"):
        records.append(
            {"layer": line["source"], "axis": line["axis"], "value": line["value"], "metric": "r2"}
            | told
        )
    table = pd.DataFrame(records)
    read = _readings(table[table["layer"] == "pixels"], frames, DECIDE, without.readings[0].row)
    return Measured(table, (*read, *without.readings))


def _maps(network: Network, observations: np.ndarray) -> Iterator[tuple[str, Features]]:
    """Yield every layer, flat; the last stage, which gives the features, once.

    As few layers are held at a time as their size demands.
    """
    names = [*network.layers[: max(0, len(network.layers) - 4)], FEATURES, HIDDEN, OUTPUTS]
    sizes = {k: v[0].numel() for k, v in next(passes(network, observations[:1], names)).items()}
    group: list[str] = []
    for name in [*names, ""]:
        bytes_ = 4 * len(observations) * sum(sizes[n] for n in [*group, name] if n)
        if group and (not name or bytes_ > ROOM_BYTES):
            found = responses(network, observations, group)
            for layer in group:
                yield layer, _flat(found.pop(layer))
            group = []
        group.append(name)


def _flat(values: np.ndarray) -> Features:
    return values.reshape(len(values), -1).astype(np.float32, copy=False)
