"""How kinds of network are told apart in every chart: colour, and shape beside it.

The colours are from the palette of Okabe and Ito (2008, "Color universal design"), chosen so that
they stay apart under the three common kinds of colour blindness, on white and on dark
(`tests/reporting/test_palette.py` measures it); the shapes are for prints without colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agents.architectures import ZOO
from agents.ownfile import is_own
from agents.parts import (
    AdaptivePool,
    AvgPool,
    BlurPool,
    Coordinates,
    GlobalPool,
    LearnedMean,
    MaxPool,
    MedianPool,
    OverlapPool,
    Sort,
    SpatialSoftmax,
)
from analysis.measurements import REFERENCES


@dataclass(frozen=True)
class Kind:
    """One kind of network.

    Attributes:
        label: As legends have it.
        colour: sRGB, hexadecimal, upper case.
        on_dark: The same hue, lighter, for a dark page.
        shape: Vega's name of the symbol.
    """

    label: str
    colour: str
    on_dark: str
    shape: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "none": Kind("no pooling", "#0072B2", "#4A90E2", "circle"),
        "local": Kind("local pooling", "#009E73", "#2FC79A", "square"),
        "global": Kind("global pooling", "#D55E00", "#FF8533", "triangle-up"),
        "restored": Kind("global, place restored", "#CC79A7", "#F0B8D8", "diamond"),
        "other": Kind("no network of the zoo", "#7F7F7F", "#A6A6A6", "cross"),
    }
)
"""By name, in the order in which legends list them."""

LABELS: Mapping[str, str] = MappingProxyType({k: kind.label for k, kind in KINDS.items()})

SECONDS = ("#DD00BB", "#669955", "#8844DD", "#8888EE", "#7733FF")
"""Where networks rather than kinds are told apart: for those whose kind has its colour taken. As
far from the colours of kinds and from Pong's field as from each other, on white and on dark."""

LOCAL = (MaxPool, AvgPool, MedianPool, BlurPool, OverlapPool, AdaptivePool)
"""Parts that make one number of a cell by looking at all of it; a pick looks at one place."""

RESTORING = (LearnedMean, Coordinates, SpatialSoftmax)
"""Parts that give a collapsed map its place back."""


def kind_of(row: str) -> str:
    """Return which of `KINDS` a row is of, by what its stack is made of.

    Args:
        row: A row of the zoo, a width allowed, an own extractor or a reference.
    """
    base = row.partition("@")[0]
    if row in REFERENCES or is_own(row) or base not in ZOO:
        return "other"
    layers = ZOO[base].layers
    if any(isinstance(part, RESTORING) for part in layers):
        return "restored"
    # Sorted values keep all of what there is and nothing of where: as global as a mean.
    if any(isinstance(part, GlobalPool | Sort) for part in layers):
        return "global"
    return "local" if any(isinstance(part, LOCAL) for part in layers) else "none"


def colours_of(rows: Iterable[str]) -> list[str]:
    """Return a colour for each network: the first of a kind has its kind's, the others another.

    Args:
        rows: As `kind_of` takes them, no more than one and all of `SECONDS` of one kind.
    """
    taken: set[str] = set()
    seconds = iter(SECONDS)
    found = []
    for kind in map(kind_of, rows):
        found.append(next(seconds) if kind in taken else KINDS[kind].colour)
        taken.add(kind)
    return found
