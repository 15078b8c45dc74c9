"""The rows as data: names, widths, pairs, and what users are told."""

from dataclasses import FrozenInstanceError

import pytest

from agents.architectures import PAIRS, POOLED, ROWS, ZOO, find, pairs_of, ranked
from agents.parts import (
    AvgPool,
    Capsules,
    Conv,
    CornerPick,
    Gain,
    GlobalMean,
    LinearConv,
    MaxPool,
    Pool,
    scale,
)
from commandline import BadInput


def test_names_are_unique_and_references_exist() -> None:
    assert len(ZOO) == len(ROWS)
    for row in ROWS:
        assert row.against in ("", *ZOO), row.name
        assert row.pair in ("", *PAIRS), row.name
        assert row.note, row.name
        assert not row.pair or row.against, row.name


def test_the_zoo_is_frozen() -> None:
    with pytest.raises(TypeError):
        ZOO["mine"] = ZOO["nature"]  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        ZOO["nature"].hidden = 1  # type: ignore[misc]


def test_controls_are_never_ranked() -> None:
    names = [row.name for row in ranked()]
    controls = {"corner_twin", "corner_half", "dense_circular_gap"}
    assert {*ZOO} >= controls
    assert not controls & {*names}
    assert all(row.control for name, row in ZOO.items() if name not in names)
    assert names[0] == "nature"


def test_p1_differs_in_aggregators_alone() -> None:
    for row in POOLED:
        parent = ZOO[f"{row.name.split('_')[0]}_max"]
        assert len(row.layers) == len(parent.layers)
        for ours, theirs in zip(row.layers, parent.layers, strict=True):
            if isinstance(theirs, Pool):
                assert isinstance(ours, Pool)
                assert ours.size == theirs.size
            else:
                assert ours == theirs
        bare = tuple(p for p in ZOO[f"{row.name}_gain"].layers if not isinstance(p, Gain))
        assert bare == row.layers
        assert len(ZOO[f"{row.name}_gain"].layers) == 7


def test_variants_are_visible_changes() -> None:
    assert ZOO["gap"].layers == (*ZOO["nature"].layers, GlobalMean())
    assert ZOO["twin_avg"].layers[1] == AvgPool(4)
    assert ZOO["corner_half"].layers[3] == CornerPick(2)
    assert ZOO["dilated_max"].layers[-1] == MaxPool(7)
    assert ZOO["dilated_avg"].layers[-1] == AvgPool(7)


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("nature", ("P1", "P3", "P4", "P6")),
        ("gap", ("P3", "P4")),
        ("twin_blur_gain", ("P1",)),
        ("impala_stride", ("P2",)),
        ("all_conv", ("P5",)),
        ("capsule", ()),
        ("half_max@0.5", ("P1",)),
    ],
)
def test_pairs(name: str, pairs: tuple[str, ...]) -> None:
    assert pairs_of(find(name)) == pairs


def test_every_pair_has_members_and_a_sentence() -> None:
    assert [*PAIRS] == ["P1", "P2", "P3", "P4", "P5", "P6"]
    for pair, differs in PAIRS.items():
        assert len(differs) > 20
        assert any(row.pair == pair for row in ROWS)


def test_a_width_scales_channels_and_hidden_units() -> None:
    row = find("half_max@0.5")
    assert row.name == "half_max@0.5"
    assert row.against == "nature@0.5"
    assert row.hidden == 256
    expected = (Conv(16, 8, 2), MaxPool(2), Conv(32, 4), MaxPool(2), Conv(32, 3))
    assert row.layers == expected


def test_widths_leave_what_a_row_is_about() -> None:
    assert find("one_channel@2").layers[-1] == LinearConv(1, 1)
    assert find("twin_max_gain@2").layers[2] == ZOO["twin_max_gain"].layers[2]
    assert find("capsule@0.5").layers[-1] == Capsules(count=8)


def test_a_width_of_one_is_the_row_itself() -> None:
    assert find("gap@1") is find("gap@1.0") is find("gap") is ZOO["gap"]
    assert find("gap@0.1234567").name == "gap@0.1234567"
    assert find("gap@0.50") == find("gap@0.5") == find("gap@.5")


@pytest.mark.parametrize(
    ("units", "width", "expected"),
    [
        (64, 0.5, 32),
        (64, 0.3, 16),  # 19.2
        (64, 0.32, 24),  # 20.5
        (32, 0.1, 3),  # 3.2: below 8 every whole number will do
        (16, 0.01, 1),
        (1, 4.0, 1),
        (32, 1.5, 48),
    ],
)
def test_scale(units: int, width: float, expected: int) -> None:
    assert scale(units, width) == expected


def test_an_unknown_row_gets_the_nearest_name() -> None:
    with pytest.raises(BadInput, match=r"--extractor: .*got 'half_mx'; did you mean 'half_max'\?"):
        find("half_mx")
    with pytest.raises(BadInput, match="did you mean 'twin_blur'"):
        find("twin_blurr@0.5")


@pytest.mark.parametrize("width", ["", "x", "0", "-1", "nan", "inf", "0.5@2"])
def test_a_width_has_to_be_a_number_above_zero(width: str) -> None:
    with pytest.raises(BadInput, match=r"--extractor: expected a width above 0 behind the @"):
        find(f"half_max@{width}")
