"""Draw what max-pooling hides from the next layer, and what not: `pooling-offsets.png` and `.svg`.

A bar three pixels wide stands at three places, each one pixel further to the right. It is
max-pooled over 2 × 2 cells, and a 2 × 2 convolution of ones at stride 2 reads the result. The first
step leaves no trace; the second changes everything. Run it from anywhere:
`python docs/figures/pooling_offsets.py`.
"""

from __future__ import annotations

from pathlib import Path

import altair as alt
import cv2
import pandas as pd
import torch
import torch.nn.functional as F  # noqa: N812  (as everywhere)
from torch import Tensor

SIDE = 128
"""Side of a panel, in pixels of the figure: 16 for each of the 8 pixels of the picture."""

BAR_WIDTH = 3
"""Pixels of the picture."""

FILLS = {0: "#ffffff", 1: "#a9c8e6", 2: "#4f8fc9", 4: "#174a7c"}
"""Colour of a cell by its value."""

PLACES = {2: "bar at column 2", 3: "one pixel further", 4: "two pixels further"}
"""The bar's first column, counted from 0, and what stands above its panels."""


def panel(
    values: Tensor, above: str, left: str, *, numbers: bool
) -> alt.LayerChart | alt.FacetChart:
    """Draw a square array as cells, dark where it is large, with its values if asked for."""
    count = len(values)
    cells = pd.DataFrame(
        [
            {"row": i, "column": j, "value": value, "dark": value > 1, "fill": FILLS[int(value)]}
            for i, line in enumerate(values.tolist())
            for j, value in enumerate(line)
        ]
    )
    none = alt.Axis(labels=False, ticks=False, domain=False, grid=False, title=None)
    base = alt.Chart(cells).encode(
        alt.X("column:O", axis=none, scale=alt.Scale(padding=0)),
        alt.Y(
            "row:O",
            axis=alt.Axis(
                labels=False,
                ticks=False,
                domain=False,
                grid=False,
                title=left or None,
                titleAngle=0,
                titleAlign="right",
                titleAnchor="middle",
                titleFontWeight="normal",
                titleFontSize=12,
                titlePadding=12,
            ),
            scale=alt.Scale(padding=0),
        ),
    )
    boxes = base.mark_rect(stroke="#c3c9d0", strokeWidth=1).encode(alt.Color("fill:N", scale=None))
    layers = [boxes]
    if numbers:
        layers.append(
            base.mark_text(fontSize=14 if count > 2 else 20).encode(
                alt.Text("value:Q", format="d"),
                color=alt.condition("datum.dark", alt.value("white"), alt.value("#333333")),
            )
        )
    title = alt.Title(above, fontSize=13, fontWeight="bold", offset=8) if above else alt.Title("")
    return alt.layer(*layers).properties(width=SIDE, height=SIDE, title=title)


def figure() -> alt.VConcatChart:
    """Compute the three stages at the three places and lay them out."""
    rows: list[list[alt.LayerChart | alt.FacetChart]] = [[], [], []]
    for number, (column, above) in enumerate(PLACES.items()):
        bar = torch.zeros(1, 1, 8, 8)
        bar[..., column : column + BAR_WIDTH] = 1
        pooled = F.max_pool2d(bar, 2)
        read = F.conv2d(pooled, torch.ones(1, 1, 2, 2), stride=2)
        words = ("picture", "max-pooled over 2 × 2", "sums of 2 × 2, stride 2")
        for k, stage in enumerate((bar, pooled, read)):
            label = words[k] if number == 0 else ""
            rows[k].append(panel(stage[0, 0], above if k == 0 else "", label, numbers=k > 0))
    lines = [alt.hconcat(*row, spacing=28) for row in rows]
    whole: alt.VConcatChart = (
        alt.vconcat(*lines, spacing=16)
        .configure_view(stroke=None)
        .configure(font="sans-serif", background="white", padding=16)
    )
    return whole


if __name__ == "__main__":
    here = Path(__file__).parent
    figure().save(here / "pooling-offsets.svg")
    picture = str(here / "pooling-offsets.png")
    figure().save(picture, scale_factor=2)
    pixels = cv2.imread(picture)
    assert pixels is not None
    # Written again, harder: the renderer's file is ten times the size.
    cv2.imwrite(picture, pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
