"""The ledger against the published table, and against the networks as built."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.dqn.policies import DQNPolicy
from torch.utils.flop_counter import FlopCounterMode

from agents.architectures import PAIRS, ROWS, ZOO, Architecture, find
from agents.extractors import ZooExtractor, policy_kwargs
from agents.geometry import ledger, main
from agents.parts import (
    AdaptiveMax,
    AvgPool,
    BlurPool,
    Capsules,
    Conv,
    CornerPick,
    GlobalMean,
    MaxPool,
    OverlapMax,
    Part,
    Sort,
)
from agents.shapes import DoesNotFit, Step, follow, trace
from commandline import BadInput

TWIN = ([77, 20, 17, 9, 7], 43, 8, 3136, 1_687_206, "61.5")
TWIN_BLUR = ([77, 20, 17, 9, 7], 50, 8, 3136, 1_687_206, "61.5")
HALF = ([39, 20, 17, 9, 7], 42, 8, 3136, 1_687_206, "25.3")
HALF_BLUR = ([39, 20, 17, 9, 7], 48, 8, 3136, 1_687_206, "25.3")
TO_ONE = [20, 9, 7, 1]
IMPALA = [42, 21, 11]

# The experiment's table: maps, receptive field, stride, features, parameters, MMAC as printed
# there. Where it says "all" or "–" for a field, the ledger is more definite: `36→all` is a collapse
# of maps that see 36, and adaptive pooling's widest cell is 3 or 4 cells of nature's, 36 + 8·2 and
# 36 + 8·3. For `capsule` it says "7.9 + routing": the ledger's 9.2 are both.
TABLE = {
    "nature": ([20, 9, 7], 36, 8, 3136, 1_687_206, "9.3"),
    **{f"twin_{by}": TWIN for by in ("max", "avg", "median", "pick")},
    "twin_blur": TWIN_BLUR,
    **{f"half_{by}": HALF for by in ("max", "avg", "median", "pick")},
    "half_blur": HALF_BLUR,
    "extra_max": ([20, 10, 7, 5], 52, 8, 1600, 900_774, "6.6"),
    "extra_stride": ([10, 7, 5], 48, 8, 1600, 900_774, "4.2"),
    "gap": (TO_ONE, "36→all", 8, 64, 114_342, "7.8"),
    "gmp": (TO_ONE, "36→all", 8, 64, 114_342, "7.8"),
    "gap_learned": (TO_ONE, "36→all", 8, 64, 117_478, "7.8"),
    "gap_wide": (TO_ONE, "36→all", 8, 3136, 1_891_046, "19.2"),
    "gmp_wide": (TO_ONE, "36→all", 8, 3136, 1_891_046, "19.2"),
    "sort": ([20, 9, 7], 36, 8, 3136, 1_687_206, "9.3"),
    "one_channel": ([20, 9, 7], 36, 8, 49, 106_727, "7.8"),
    "avg_4x4": ([20, 9, 7, 4], 52, 8, 1024, 605_862, "8.3"),
    "max_4x4": ([20, 9, 7, 4], 52, 8, 1024, 605_862, "8.3"),
    "avg_2x2": ([20, 9, 7, 2], 60, 8, 256, 212_646, "7.9"),
    "max_2x2": ([20, 9, 7, 2], 60, 8, 256, 212_646, "7.9"),
    "global_first": ([20, 1], "8→all", 4, 64, 50_854, "3.3"),
    "all_conv": ([39, 19, 16, 8, 6], 42, 8, 2304, 1_281_798, "25.9"),
    "conv_pool": ([39, 38, 19, 16, 15, 8, 6], 48, 8, 2304, 1_281_798, "33.0"),
    "no_stride": ([77, 74, 72], 13, 1, 331_776, 169_950_886, "589"),
    "dilated_max": ([77, 65, 49, 7], 42, 7, 3136, 1_687_206, "277"),
    "dilated_avg": ([77, 65, 49, 7], 42, 7, 3136, 1_687_206, "277"),
    "capsule": ([20, 9, 7], 36, 8, 256, 1_015_462, "9.2"),
    "impala_max": (IMPALA, 141, 8, 3872, 2_083_798, "55"),
    "impala_avg": (IMPALA, 141, 8, 3872, 2_083_798, "55"),
    "impala_stride": (IMPALA, 127, 8, 3872, 2_083_798, "43"),
    "impoola": ([*IMPALA, 1], "141→all", 8, 32, 117_718, "53"),
    "coord_in_gap": (TO_ONE, "36→all", 8, 64, 118_438, "9.4"),
    "coord_last_gap": (TO_ONE, "36→all", 8, 64, 115_494, "7.8"),
    "spatial_softmax": ([20, 9, 7], 36, 8, 128, 147_111, "7.8"),
    # Not in the table: the same sizes by definition; a corner-picking cell sees what nature's does.
    **{f"twin_{by}_gain": TWIN for by in ("max", "avg", "median", "pick")},
    "twin_blur_gain": TWIN_BLUR,
    **{f"half_{by}_gain": HALF for by in ("max", "avg", "median", "pick")},
    "half_blur_gain": HALF_BLUR,
    "corner_twin": (TWIN[0], 36, *TWIN[2:]),
    "corner_half": (HALF[0], 36, *HALF[2:]),
    # 8·4·64 + 8, 8·8·16 + 8, 64·8·9 + 64 parameters in the stack, 84² places each
    "dense_circular_gap": ([1], "13→all", 1, 64, 7_760 + 33_280 + 3_078, "54.2"),
}

BUILT = [
    pytest.param(row, id=row.name, marks=[pytest.mark.slow] * (row.name == "no_stride"))
    for row in ROWS
]


def pictures(side: int = 84) -> spaces.Box:
    return spaces.Box(0, 255, (4, side, side), dtype=np.uint8)


def test_every_line_has_its_row() -> None:
    """Rows that are added later are checked against what is built, below, and need no line."""
    assert {*TABLE} <= {*ZOO}


@pytest.mark.parametrize("name", TABLE)
def test_ledger_is_the_published_table(name: str) -> None:
    maps, field, stride, features, parameters, mmac = TABLE[name]
    facts = ledger(ZOO[name]).facts()
    digits = len(mmac.partition(".")[2])
    assert facts == {
        "name": name,
        "maps": maps,
        "stride": stride,
        "receptive_field": field,
        "features": features,
        "parameters": parameters,
        "mmac": facts["mmac"],
        "pair": facts["pair"],
    }
    assert f"{facts['mmac']:.{digits}f}" == mmac


def test_what_a_capsule_layer_costs() -> None:
    *stack, capsules = ledger(ZOO["capsule"]).steps
    votes = 392 * 16 * 16
    assert capsules.macs == votes * 8 + 3 * votes + 2 * votes  # sums each round, agreements but one
    head = 256 * 512 + 512 * 6
    assert f"{(sum(step.macs for step in stack) + head) / 1e6:.1f}" == "7.9"


@pytest.mark.parametrize("row", BUILT)
def test_parameters_and_flops_of_what_is_built(row: Architecture) -> None:
    policy = DQNPolicy(pictures(), spaces.Discrete(6), lambda _: 1e-4, **policy_kwargs(row.name))
    entry = ledger(row)
    assert sum(p.numel() for p in policy.q_net.parameters()) == entry.parameters
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        policy.q_net(torch.zeros(1, 4, 84, 84, dtype=torch.uint8))
    assert counter.get_total_flops() == 2 * entry.macs


@pytest.mark.parametrize("row", [*ROWS, find("capsule@0.5"), find("half_max@1.5")])
def test_shapes_of_what_is_built(row: Architecture) -> None:
    extractor = ZooExtractor(pictures(), row)
    a = torch.rand(1, 4, 84, 84)
    with torch.no_grad():
        for step, (name, stage) in zip(trace(row), extractor.stages.named_children(), strict=True):
            a = stage(a)
            assert name == step.name
            assert tuple(a.shape) == (1, *step.shape), name
            assert sum(p.numel() for p in stage.parameters()) == step.parameters, name


def seen(row: Architecture, side: int, cell: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the box outside of which no input pixel moves an output cell."""
    torch.manual_seed(0)
    extractor = ZooExtractor(pictures(side), row)
    pixels = torch.rand(4, 4, side, side, requires_grad=True)
    extractor.stages(pixels)[:, :, *cell].sum().backward()
    assert pixels.grad is not None
    mass = pixels.grad.abs().sum(dim=(0, 1))
    rows, columns = mass.sum(1).nonzero().flatten(), mass.sum(0).nonzero().flatten()
    return int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1


@pytest.mark.parametrize(
    ("name", "side"),
    [
        *((name, 84) for name in ("nature", "twin_max", "twin_avg", "twin_median", "twin_blur")),
        ("twin_pick", 84),
        *((name, 84) for name in ("half_max", "half_avg", "half_blur", "half_pick", "extra_max")),
        *((name, 84) for name in ("extra_stride", "all_conv", "conv_pool", "no_stride")),
        *((name, 84) for name in ("dilated_max", "dilated_avg", "corner_twin", "corner_half")),
        # Larger than the frame: to see it whole, it takes a larger frame.
        *((name, 220) for name in ("impala_max", "impala_avg", "impala_stride")),
    ],
)
def test_receptive_field_by_the_mass_of_gradients(name: str, side: int) -> None:
    row = ZOO[name]
    step = trace(row, side=side)[-1]
    middle = step.shape[1] // 2
    assert seen(row, side, (middle, middle)) == (step.sees, step.sees)


@pytest.mark.parametrize(
    ("name", "side"), [("avg_4x4", 4), ("max_4x4", 4), ("avg_2x2", 2), ("max_2x2", 2)]
)
def test_the_widest_cell_of_adaptive_pooling(name: str, side: int) -> None:
    widths = [seen(ZOO[name], 84, (i, i))[0] for i in range(side)]
    assert max(widths) == trace(ZOO[name])[-1].sees


def stack(*layers: Part) -> Architecture:
    return Architecture("mine", layers, "for a test")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            (Conv(8, 8, 8), Conv(8, 11)),
            r"mine: layer 2, Conv\(channels=8, kernel=11.*a window of 11 × 11 on a map of 10 × 10",
        ),
        ((Conv(8, 80), MaxPool(6)), r"layer 2, MaxPool\(size=6\).*6 × 6 on a map of 5 × 5"),
        ((Conv(8, 80), OverlapMax(size=8)), r"8 × 8 on a map of 5 × 5 \(with padding 7\)"),
        ((Conv(8, 3, dilation=50),), r"101 × 101 on a map of 84 × 84"),
        ((Conv(8, 3, 0),), r"layer 1.*size and stride from 1 on, got 3 and 0"),
        ((Conv(8, 80), AdaptiveMax(6)), r"layer 2.*pooling to 6 × 6 from 5 × 5"),
        ((Conv(8, 8, 4), BlurPool(3)), r"layer 2.*a power of two from 2 on, got 3"),
        ((Conv(8, 3, 2, padding="circular"),), "a torus takes stride 1"),
        ((Conv(12, 8, 4), Capsules()), "12 channels make no whole number of capsules of 8"),
        ((Conv(8, 8, 4), Sort(), AvgPool(2)), r"layer 3.*needs a map.*3200 numbers"),
    ],
)
def test_a_stack_that_does_not_fit(layers: tuple[Part, ...], message: str) -> None:
    with pytest.raises(DoesNotFit, match=message):
        trace(stack(*layers))
    with pytest.raises(BadInput, match=message):
        ZooExtractor(pictures(), stack(*layers))


def test_a_part_without_arithmetic() -> None:
    with pytest.raises(TypeError, match="no arithmetic is known for Part"):
        follow(Step("input", (4, 84, 84)), Part(), "part1")


def test_the_last_size_that_fits() -> None:
    assert trace(stack(Conv(8, 80), MaxPool(5)))[-1].shape == (8, 1, 1)
    assert trace(stack(Conv(8, 84)))[-1].shape == (8, 1, 1)
    assert trace(stack(Conv(8, 8, 4), GlobalMean(), CornerPick(1)))[-1].shape == (8, 1, 1)


def test_json_is_a_list_of_objects(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [*ZOO]
    keys = ["name", "maps", "stride", "receptive_field", "features", "parameters", "mmac", "pair"]
    assert all([*row] == keys for row in rows)


def test_named_rows_only(capsys: pytest.CaptureFixture[str]) -> None:
    main(["half_max@0.5", "gap", "--json"])
    half, gap = json.loads(capsys.readouterr().out)
    assert (half["name"], gap["name"]) == ("half_max@0.5", "gap")
    assert half["features"] == 32 * 49
    # 16·4·64 + 16, 32·16·16 + 32, 32·32·9 + 32, 1568·256 + 256, 256·6 + 6
    assert half["parameters"] == 4_112 + 8_224 + 9_248 + 401_664 + 1_542


def test_the_table_lists_rows_and_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    lines = capsys.readouterr().out.splitlines()
    for row in ROWS:
        assert any(line.split()[:1] == [row.name] for line in lines), row.name
    nature = next(line for line in lines if line.startswith("nature "))
    expected = "nature 20-9-7 8 36 3,136 1,687,206 9.3 P1 P3 P4 P6"
    assert nature.split() == expected.split()
    assert "    all_conv ↔ conv_pool" in [line.rstrip() for line in lines]
    for pair, differs in PAIRS.items():
        assert any(line.startswith(f"{pair}  {differs[:40]}") for line in lines)


def test_bad_input_is_one_line_and_status_2() -> None:
    command = [sys.executable, "-m", "agents.geometry", "--json", "natrue"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "names: expected one of nature, " in done.stderr
    assert "did you mean 'nature'?" in done.stderr


def test_no_torch() -> None:
    """The ledger answers at once, and where torch is not."""
    look = "import sys, agents.geometry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
