"""The four kinds of network can be told apart by everybody, on white and on dark."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from agents.architectures import ROWS
from envs.games import PONG
from reporting.palette import KINDS, SECONDS, colours_of, kind_of

SIGHT = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
"""What is left of linear RGB (Machado et al. 2009, severity 1)."""

XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
"""From linear sRGB, D65."""

PAGES = {"colour": "#ffffff", "on_dark": "#15181d"}
PONG_FIELD = "#{:02x}{:02x}{:02x}".format(*PONG.facts.background) if PONG.facts else ""
NETWORKS = [kind for name, kind in KINDS.items() if name != "other"]


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = XYZ @ np.clip(rgb, 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(a: str, b: str, sight: str) -> float:
    """ΔE of 1976; some 2 can just be seen side by side."""
    return float(np.linalg.norm(lab(SIGHT[sight] @ linear(a)) - lab(SIGHT[sight] @ linear(b))))


def contrast(a: str, b: str) -> float:
    """Return the contrast of WCAG 2, 1 to 21."""
    dark, light = sorted(float(XYZ[1] @ linear(c)) for c in (a, b))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_difference() -> None:
    assert difference("#000000", "#ffffff", "usual") == pytest.approx(100, abs=0.1)
    assert difference("#ff0000", "#00b000", "usual") > 100
    # Red and a green as light: what a deuteranope takes for one.
    assert difference("#b06000", "#738a00", "deuteranopia") < 10


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("page", PAGES)
def test_kinds_differ(sight: str, page: str) -> None:
    for a, b in combinations(NETWORKS, 2):
        assert difference(getattr(a, page), getattr(b, page), sight) > 15, (a.label, b.label)


@pytest.mark.parametrize("page", PAGES)
def test_kinds_stand_out_from_the_page(page: str) -> None:
    """3 : 1, as WCAG 2 asks of what a graphic needs to be understood."""
    for kind in KINDS.values():
        assert contrast(getattr(kind, page), PAGES[page]) > 3, kind.label


def test_seconds_of_a_kind_have_no_kinds_colour() -> None:
    """On either page, and on the field of Pong, which is what is drawn behind them."""
    taken = [kind.colour for kind in KINDS.values()]
    for sight in SIGHT:
        for i, second in enumerate(SECONDS):
            for other in (*taken, *SECONDS[:i], PONG_FIELD):
                assert difference(second, other, sight) > 15, (second, other, sight)
    for second in SECONDS:
        assert all(contrast(second, page) > 3 for page in PAGES.values()), second
    rows = ("nature@0.5", "gap", "all_conv", "gmp", "half_max", "sort", "one_channel")
    found = colours_of(rows)
    assert len(set(found)) == len(rows)
    assert {row: c for row, c in zip(rows, found, strict=True) if c in taken} == {
        "nature@0.5": KINDS["none"].colour, "gap": KINDS["global"].colour,
        "half_max": KINDS["local"].colour,
    }  # fmt: skip


def test_shapes_differ() -> None:
    assert len({kind.shape for kind in KINDS.values()}) == len(KINDS)


def test_rows_are_of_the_kind_that_their_stack_makes_them() -> None:
    found = {
        "nature": "none", "twin_pick": "none", "all_conv": "none", "half_max@0.5": "local",
        "twin_blur": "local", "impala_avg": "local", "max_2x2": "local", "gap": "global",
        "gmp_wide": "global", "sort": "global", "global_first@1.57": "global",
        "gap_learned": "restored", "coord_in_gap": "restored", "spatial_softmax": "restored",
        "ram_oracle": "other", "my_net.py:Net": "other", "<script>.py:Net": "other",
    }  # fmt: skip
    assert {row: kind_of(row) for row in found} == found
    assert {kind_of(row.name) for row in ROWS} == {"none", "local", "global", "restored"}
