"""Names in charts stand where there is room: apart, and off the lines."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import vl_convert
from chart_data import JND, NOWHERE, know_and_pay, narrow, study
from report_runs import copy

from reporting.charts import answer, labels, learning
from reporting.charts.panel import as_json, specification
from reporting.gather import gather


def boxes(svg: str) -> dict[str, tuple[float, float, float, float]]:
    """Return left, top, right and bottom of each row's name in a chart."""
    found = {}
    pattern = r'<text[^>]*text-anchor="(\w+)" transform="translate\(([^)]*)\)"[^>]*>([^<]*)</text>'
    for at, anchor, name in re.findall(pattern, svg):
        x, y = map(float, anchor.split(","))
        wide = 6.2 * len(name)
        left = x - {"start": 0, "middle": wide / 2, "end": wide}[at]
        found[name] = (left, y - 11, left + wide, y + 2)
    return found


def apart(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Return whether two boxes do not lie on each other."""
    return (one[2] <= other[0] or other[2] <= one[0]) or (one[3] <= other[1] or other[3] <= one[1])


def test_names_of_lines_stand_where_no_line_is_and_apart(tmp_path: Path) -> None:
    rows = ("nature", "gap", "gmp", "half_max", "half_avg")
    runs = [copy(tmp_path, row=row) for row in rows]  # all of them end at the very same score
    (panel,) = learning.curves(gather(runs, NOWHERE).runs).panels
    for width in (300, 800):
        svg = str(vl_convert.vegalite_to_svg(as_json(specification(panel, width))))
        found = boxes(svg)
        names = [found[row] for row in rows]
        assert all(apart(a, b) for i, a in enumerate(names) for b in names[:i])
        curves = re.findall(r'aria-roledescription="line mark" d="([^"]*)"', svg)
        reach = max(float(x) for curve in curves for x in re.findall(r"[ML]([\d.]+),", curve))
        assert all(box[0] > reach + 4 for box in names), "to the right of every point"


def test_names_that_crowd_share_the_room() -> None:
    assert labels.spread([1.0, 5.0], 1, 0, 9) == [1, 5]
    assert labels.spread([4.0, 4.0, 4.0], 1, 0, 9) == [3, 4, 5]
    assert labels.spread([0.0, 0.0], 1, 0, 9) == [0, 1]
    assert labels.spread([9.0, 9.0, 9.0], 1, 0, 9) == [7, 8, 9]
    assert labels.spread([0.0] * 5, 3, 0, 8) == [0, 2, 4, 6, 8], "closer, where they are many"


def test_names_of_points_stand_apart(tmp_path: Path) -> None:
    panel = answer.figure(study(tmp_path, know_and_pay()).measurements).panels[0]
    for width in (380, 860):
        svg = str(vl_convert.vegalite_to_svg(as_json(specification(panel, width))))
        found = boxes(svg)
        names = [found[row] for row in narrow(JND)]
        assert all(apart(a, b) for i, a in enumerate(names) for b in names[:i])
    lone = labels.Space(np.array([[0.5, 0.5]]), np.empty((0, 2)), 400)
    assert labels.placed(["a"], lone) == [labels.PLACES[0]]
    # At the right edge of a phone's chart a name stands to the left.
    edge = labels.Space(np.array([[0.99, 0.5]]), np.empty((0, 2)), 400)
    assert labels.placed(["a long name"], edge)[0][0] == "right"
