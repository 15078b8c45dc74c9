"""The zoo: every network of the argument, as frozen data, without torch.

A network reads 4 × 84 × 84 values in [0, 1], passes them through its stack, flattens what is left,
and goes through `hidden` ReLU units to one value an action. Rows differ in their stack only. To add
a row, add an entry to `ROWS`: a visible change to a row that is there.

Stacks are written as in the papers: `Conv(32, 8, 4)` is 32 channels, kernel 8, stride 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from agents.parts import (
    AdaptiveAvg,
    AdaptiveMax,
    AvgPool,
    BlurPool,
    Capsules,
    CellPick,
    Conv,
    Coordinates,
    CornerPick,
    GlobalMax,
    GlobalMean,
    LearnedMean,
    LinearConv,
    MaxPool,
    MedianPool,
    OverlapAvg,
    OverlapMax,
    Relu,
    Residual,
    Sort,
    SpatialSoftmax,
)
from agents.stacks import Architecture as Architecture
from agents.stacks import at_width, gain_behind_pools, pool_by
from commandline import PYTHON, BadInput, choose

PAIRS: Mapping[str, str] = MappingProxyType(
    {
        "P1": "the aggregator inside a cell; parameters, subsampling and weights at the start are "
        "the same (_gain: also the activations' RMS)",
        "P2": "how each IMPALA section halves its map: stride, max or mean",
        "P3": "what is left of place: uniform or learned spatial weights, sorted values, one map, "
        "expected places, coordinates",
        "P4": "the dose: how many cells the last map keeps, 7 × 7, 4 × 4, 2 × 2 or 1 × 1",
        "P5": "the 2 × 2 convolutions halve the map, or a max-pool behind each does",
        "P6": "where the field of view comes from: descriptive only, the budgets are too far apart",
    }
)
"""The matched pairs, by name: what differs within each."""


NATURE = Architecture(
    "nature",
    (Conv(32, 8, 4), Conv(64, 4, 2), Conv(64, 3)),
    "strided convolutions, no pooling",
    source="Mnih et al. 2015",
)

TWIN_MAX = NATURE.variant(
    "twin_max",
    (Conv(32, 8), MaxPool(4), Conv(64, 4), MaxPool(2), Conv(64, 3)),
    "nature's kernels at stride 1; a pool does all of the subsampling",
    pair="P1",
)

HALF_MAX = NATURE.variant(
    "half_max",
    (Conv(32, 8, 2), MaxPool(2), Conv(64, 4), MaxPool(2), Conv(64, 3)),
    "half of the first stride and the whole of the second done by a pool",
    pair="P1",
)

POOLED: tuple[Architecture, ...] = (
    TWIN_MAX,
    replace(TWIN_MAX, name="twin_avg", layers=pool_by(TWIN_MAX, AvgPool)),
    replace(TWIN_MAX, name="twin_median", layers=pool_by(TWIN_MAX, MedianPool)),
    replace(TWIN_MAX, name="twin_blur", layers=pool_by(TWIN_MAX, BlurPool), source="Zhang 2019"),
    replace(TWIN_MAX, name="twin_pick", layers=pool_by(TWIN_MAX, CellPick)),
    HALF_MAX,
    replace(HALF_MAX, name="half_avg", layers=pool_by(HALF_MAX, AvgPool)),
    replace(HALF_MAX, name="half_median", layers=pool_by(HALF_MAX, MedianPool)),
    replace(HALF_MAX, name="half_blur", layers=pool_by(HALF_MAX, BlurPool), source="Zhang 2019"),
    replace(HALF_MAX, name="half_pick", layers=pool_by(HALF_MAX, CellPick)),
)
"""The pooled side of P1: five aggregators, at the cells of `twin_max` and of `half_max`."""

TWIN_CELL_2 = TWIN_MAX.variant(
    "twin_max_cell2",
    (Conv(32, 8), MaxPool(2), Conv(64, 4), MaxPool(4), Conv(64, 3)),
    "cells of 2 in the first pool and of 4 in the second: the same stride in all",
)

TWIN_CELL_8 = TWIN_MAX.variant(
    "twin_max_cell8",
    (Conv(32, 8), MaxPool(8), Conv(64, 4), Conv(64, 3)),
    "cells of 8 in the first pool, none behind it: the same stride in all",
)

GAINS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "twin_max": (0.874, 0.949),
        "twin_avg": (0.991, 1.027),
        "twin_median": (0.993, 1.029),
        "twin_blur": (1.032, 1.023),
        "twin_pick": (0.979, 1.016),
        "half_max": (0.92, 0.941),
        "half_avg": (0.997, 1.026),
        "half_median": (0.997, 1.026),
        "half_blur": (1.028, 1.026),
        "half_pick": (0.987, 1.016),
    }
)
"""Gains behind the two pools of each row of P1, without a unit: RMS in nature over RMS behind the
pool, same weights. Measured by `agents.transplant.restore_rms` on Pong under random play: geometric
mean of 20 initialisations, which differ by .02 and less (SD). It is the maximum that depends on the
game: twin_max would take .77 and .90 in Breakout. `restore_rms` sets a game's own.
"""

GAP = NATURE.variant(
    "gap",
    (*NATURE.layers, GlobalMean()),
    "each of the 64 last maps collapsed to its mean",
    pair="P4",
    source="Lin et al. 2014",
)

GMP = NATURE.variant(
    "gmp",
    (*NATURE.layers, GlobalMax()),
    "each of the 64 last maps collapsed to its greatest value",
    pair="P4",
)

EXTRA_STRIDE = Architecture(
    "extra_stride",
    (Conv(32, 8, 8), Conv(64, 4), Conv(64, 3)),
    "twice nature's first stride, and none behind it",
)

ALL_CONV = Architecture(
    "all_conv",
    (Conv(32, 8, 2), Conv(32, 2, 2), Conv(64, 4), Conv(64, 2, 2), Conv(64, 3)),
    "2 × 2 convolutions of stride 2 where half_max has its pools",
    source="Springenberg et al. 2015",
)

NO_STRIDE = NATURE.variant(
    "no_stride",
    (Conv(32, 8), Conv(64, 4), Conv(64, 3)),
    "nature's kernels, and nothing that subsamples",
    pair="P6",
)

DILATED_MAX = NATURE.variant(
    "dilated_max",
    (Conv(32, 8), Conv(64, 4, dilation=4), Conv(64, 3, dilation=8), MaxPool(7)),
    "nature's taps where its strides would put them, dense; one pool at the end",
    pair="P6",
    source="Yu and Koltun 2016",
)

IMPALA_STRIDE = Architecture(
    "impala_stride",
    (
        *(LinearConv(16, 3, 2, padding=1), Residual(), Residual()),
        *(LinearConv(32, 3, 2, padding=1), Residual(), Residual()),
        *(LinearConv(32, 3, 2, padding=1), Residual(), Residual()),
        Relu(),
    ),
    "IMPALA's sections, halving their maps by the stride of their first convolution",
    source="Espeholt et al. 2018",
)

IMPALA_MAX = IMPALA_STRIDE.variant(
    "impala_max",
    (
        *(LinearConv(16, 3, padding=1), OverlapMax(), Residual(), Residual()),
        *(LinearConv(32, 3, padding=1), OverlapMax(), Residual(), Residual()),
        *(LinearConv(32, 3, padding=1), OverlapMax(), Residual(), Residual()),
        Relu(),
    ),
    "IMPALA as published, halving its maps by max-pools of 3 at stride 2",
    pair="P2",
    source="Espeholt et al. 2018",
)

ROWS: tuple[Architecture, ...] = (
    NATURE,
    *POOLED,
    *(
        replace(row, name=f"{row.name}_gain", layers=gain_behind_pools(row, *GAINS[row.name]))
        for row in POOLED
    ),
    *(
        replace(row, name=row.name.replace("max", kind), layers=pool_by(row, pool))
        for row in (TWIN_CELL_2, TWIN_CELL_8)
        for kind, pool in (("max", MaxPool), ("avg", AvgPool), ("pick", CellPick))
    ),
    EXTRA_STRIDE,
    EXTRA_STRIDE.variant(
        "extra_max",
        (Conv(32, 8, 4), MaxPool(2), Conv(64, 4), Conv(64, 3)),
        "a max-pool behind nature's first layer; extra_stride keeps a corner there",
    ),
    GAP,
    GMP,
    GAP.variant(
        "gap_learned",
        (*NATURE.layers, LearnedMean()),
        "the mean's weights learned for each channel; at 1/49 it is gap",
        pair="P3",
    ),
    GAP.variant(
        "gap_wide",
        (*NATURE.layers, Conv(3136, 1), GlobalMean()),
        "as many features as nature, one place",
    ),
    GMP.variant(
        "gmp_wide",
        (*NATURE.layers, Conv(3136, 1), GlobalMax()),
        "as many features as nature, one place",
    ),
    NATURE.variant(
        "sort",
        (*NATURE.layers, Sort()),
        "the same values, each channel's in ascending order",
        pair="P3",
    ),
    GAP.variant(
        "one_channel",
        (*NATURE.layers, LinearConv(1, 1)),
        "49 places of one channel instead of 64 channels at one place",
        pair="P3",
    ),
    *(
        NATURE.variant(
            f"{name}_{side}x{side}",
            (*NATURE.layers, pool(side)),
            f"each of the 64 last maps pooled to {side} × {side}",
            pair="P4",
        )
        for name, pool in (("avg", AdaptiveAvg), ("max", AdaptiveMax))
        for side in (4, 2)
    ),
    GAP.variant(
        "global_first",
        (Conv(32, 8, 4), GlobalMax(), Conv(64, 1), Conv(64, 1)),
        "collapsed already behind the first layer",
    ),
    ALL_CONV,
    ALL_CONV.variant(
        "conv_pool",
        (
            *(Conv(32, 8, 2), Conv(32, 2), MaxPool(2)),
            *(Conv(64, 4), Conv(64, 2), MaxPool(2), Conv(64, 3)),
        ),
        "the 2 × 2 convolutions at stride 1, a max-pool behind each",
        pair="P5",
    ),
    NO_STRIDE,
    DILATED_MAX,
    replace(DILATED_MAX, name="dilated_avg", layers=pool_by(DILATED_MAX, AvgPool)),
    NATURE.variant(
        "capsule",
        (*NATURE.layers, Capsules()),
        "the last map as 392 capsules of 8, routed to 16 of 16",
        source="Sabour et al. 2017",
    ),
    IMPALA_STRIDE,
    IMPALA_MAX,
    IMPALA_STRIDE.variant(
        "impala_avg",
        tuple(OverlapAvg() if isinstance(p, OverlapMax) else p for p in IMPALA_MAX.layers),
        "impala_max with means",
        pair="P2",
        source="Espeholt et al. 2018",
    ),
    IMPALA_MAX.variant(
        "impoola",
        (*IMPALA_MAX.layers, GlobalMean()),
        "impala_max, each last map collapsed to its mean",
        source="Trumpp et al. 2025",
    ),
    GAP.variant(
        "coord_in_gap",
        (Coordinates(), *NATURE.layers, GlobalMean()),
        "coordinates beside the picture",
        pair="P3",
        source="Liu et al. 2018",
    ),
    GAP.variant(
        "coord_last_gap",
        (*NATURE.layers[:2], Coordinates(), NATURE.layers[2], GlobalMean()),
        "coordinates beside the second map",
        pair="P3",
        source="Liu et al. 2018",
    ),
    GAP.variant(
        "spatial_softmax",
        (*NATURE.layers, SpatialSoftmax()),
        "where each channel is, expected x and y, instead of how much of it there is",
        pair="P3",
        source="Levine et al. 2016, Finn et al. 2016",
    ),
    NATURE.variant(
        "corner_twin",
        pool_by(TWIN_MAX, CornerPick),
        "the twin that keeps what nature's strides keep: must equal nature",
        control=True,
    ),
    NATURE.variant(
        "corner_half",
        pool_by(HALF_MAX, CornerPick),
        "the half that keeps what nature's strides keep: must equal nature",
        control=True,
    ),
    GAP.variant(
        "dense_circular_gap",
        (
            *(Conv(8, 8, padding="circular"), Conv(8, 4, padding="circular")),
            *(Conv(64, 3, padding="circular"), GlobalMean()),
        ),
        "no border, no stride phase: must not see where anything is. Nature's kernels, gap's 64 "
        "features; eight channels before them keep its multiply-adds below a twin's",
        control=True,
    ),
)
"""The rows, in the order in which they are listed."""

ZOO: Mapping[str, Architecture] = MappingProxyType({row.name: row for row in ROWS})
"""Every row by its name."""


def ranked() -> tuple[Architecture, ...]:
    """Return the rows that compete: all but the controls."""
    return tuple(row for row in ROWS if not row.control)


def pairs_of(row: Architecture) -> tuple[str, ...]:
    """Return the matched pairs in which `row` stands on either side, in the order of `PAIRS`."""
    base = row.name.partition("@")[0]
    return tuple(p for p in PAIRS if any(base in (r.name, r.against) for r in ROWS if r.pair == p))


def find(name: str, what: str = "--extractor") -> Architecture:
    """Return the row called `name`, which may carry a width: `half_max`, `half_max@0.5`.

    Args:
        name: What was typed.
        what: The argument as the user knows it, for the message.

    Raises:
        BadInput: If there is no such row, naming the nearest, or if the width is no number above 0.
    """
    base, at, typed = name.partition("@")
    row = ZOO[choose(what, base, ZOO, f"{PYTHON} -m agents.geometry")]
    if not at:
        return row
    try:
        width = float(typed)
    except ValueError:
        width = math.nan
    if not (math.isfinite(width) and width > 0):
        raise BadInput(
            f"{what}: expected a width above 0 behind the @, as in {base}@0.5; got {name!r}"
        )
    return at_width(row, width)
