"""Guards: what holds a verdict back although the numbers would give one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulated import (
    GOOD,
    cells,
    draw,
    fired,
    on,
    play_study,
    replaced,
    rng,
    sane,
)

from analysis.measurements import Measurement


def test_no_guard_fires_on_a_good_study() -> None:
    assert fired(GOOD, "1L") == fired(GOOD, "1G") == []


def test_assay_guard_stops_refutations_on_the_floor_and_not_support() -> None:
    floor = dict.fromkeys(("nature", "half_max", "half_avg", "gap", "gmp"), 0.1)
    low = [m for m in GOOD if not (m.measure == "where_r2" and m.row in floor)]
    low += draw(cells("where_r2", floor, "held"), rng(2))
    assert on("1L", low).verdict == "inconclusive"
    assert set(fired(low, "1L")) == {"assay"}
    assert on("1G", low).verdict == "supported"


def test_assay_guard_wants_a_positive_control() -> None:
    for row in ("sort", "gap"):
        high = draw(cells("where_r2", {row: 0.88}, "held"), rng(2))
        lost = replaced(GOOD, "where_r2", row, high)
        assert on("1L", lost).verdict == "refuted", "the other one still shows"
    neither = replaced(
        lost, "where_r2", "sort", draw(cells("where_r2", {"sort": 0.88}, "held"), rng(3))
    )
    assert fired(neither, "1L") == ["assay"]


def test_the_ceiling_counts_for_scores_and_not_for_pixels() -> None:
    at_ceiling = dict.fromkeys(("nature", "half_max", "half_avg"), 0.99)
    perfect = play_study(rng(), at_ceiling, sd=0.003)
    assert set(fired(perfect, "3L")) == {"assay"}
    px = [m for m in GOOD if not (m.measure == "where_r2" and m.row in at_ceiling)]
    px += draw(cells("where_r2", at_ceiling, "held"), rng(2), sd=0.003)
    assert on("1L", px).verdict == "refuted"


def test_budget_guard() -> None:
    late = replaced(
        GOOD,
        "where_gain",
        "half_avg",
        draw(cells("where_gain", {"half_avg": 0.05}), rng(), sd=0.01),
    )
    assert fired(late, "1L") == ["budget"]
    assert on("1L", late).verdict == "inconclusive"
    assert fired(late, "1G") == [], "half_avg is none of its rows"


def test_budget_guard_looks_at_both_opponent_arms() -> None:
    """Each arm is learnt by networks of its own, under a protocol of its own."""
    rows = ("gap", "global_first@1.57")
    means = {"gap": 0.8, "global_first@1.57": 0.4, "sort": 0.3, "nature": 0.9}
    measured = sane()
    for arm in ("held", "moved"):
        drawn = draw(cells("reward_share", means, arm), rng())
        drawn += draw(cells("reward_gain", dict.fromkeys(rows, 0.0), arm), rng(), sd=0.001)
        measured += [replace(m, fingerprint=arm) for m in drawn]
    assert on("11 reward", measured).verdict == "supported"
    late = [
        replace(m, value=0.05)
        if (m.measure, m.row, m.condition) == ("reward_gain", "gap", "moved")
        else m
        for m in measured
    ]
    assert fired(late, "11 reward") == ["budget"]
    assert "gap [moved]" in on("11 reward", late).fired[0].reason
    half = [m for m in measured if (m.measure, m.condition) != ("reward_gain", "moved")]
    assert on("11 reward", half).verdict == "inconclusive"
    assert "reward_gain [moved] of gap: seeds 0–9" in on("11 reward", half).evidence.needs


@pytest.mark.parametrize(
    ("row", "jnd"), [("gap_wide", 4.0), ("gap_learned", 12.0)], ids=["wide", "learned"]
)
def test_capacity_guard(row: str, jnd: float) -> None:
    narrow = replaced(
        GOOD, "jnd_px", row, draw(cells("jnd_px", {row: jnd}, "held"), rng(2), sd=0.1)
    )
    assert fired(narrow, "1G") == ["capacity"]
    assert "bottleneck or optimisation" in on("1G", narrow).fired[0].reason
    assert on("1G", narrow).verdict == "inconclusive"


def test_oracle_guard() -> None:
    means = {"gap": 0.8, "global_first@1.57": 0.4, "sort": 0.3, "nature": 0.9}
    gains = cells("reward_gain", {"gap": 0.0, "global_first@1.57": 0.0})
    measured = sane() + draw(gains, rng(), sd=0.001)
    for arm in ("held", "moved"):
        measured += draw(cells("reward_share", means, arm), rng())
    assert on("11 reward", measured).verdict == "supported"
    dim = replace(sane()[-1], value=0.7)
    dull = replaced(measured, "reward_share", "ram_oracle", [sane()[-2], dim])
    assert fired(dull, "11 reward") == ["oracle"], "one arm is enough"
    blind = replaced(measured, "reward_share", "ram_oracle", [sane()[-2]])
    assert on("11 reward", blind).verdict == "inconclusive"
    assert on("11 reward", blind).evidence.needs == (
        "reward_share [moved] of ram_oracle: any seed",
    ), "both arms have to be there"


def test_the_positive_control_mixes_no_protocols() -> None:
    """Claim 13 on what compares what_shift; its control is of another task."""
    finding = on("1L", GOOD)
    assert finding.verdict in ("supported", "refuted")
    control = [m for m in GOOD if (m.measure, m.row) == ("where_r2", "gap")]
    other = [replace(m, fingerprint="another set") for m in control]
    mixed = [*(m for m in GOOD if m not in control), *other]
    finding = on("1L", mixed)
    assert finding.verdict == "inconclusive"
    assert any("one protocol for where_r2" in need for need in finding.evidence.needs)


@pytest.mark.parametrize(
    ("measure", "row", "bad"),
    [
        ("blank_r2", "dense_circular_gap", 0.06),
        ("blank_r2", "dense_circular_gap", -0.06),
        ("corner_dq", "corner_half", 1e-6),
        ("erased_r2", "raw_pixels", 0.03),
    ],
)
def test_a_failed_manipulation_check_stops_the_study(measure: str, row: str, bad: float) -> None:
    failed = Measurement(measure, row, 1, "supervised", "pong", bad)
    assert fired([*GOOD, failed], "1L") == ["manipulation"]
    assert on("1G", [*GOOD, failed]).verdict == "inconclusive"


def test_fewer_than_ten_seeds_leave_primaries_inconclusive() -> None:
    nine = [m for m in GOOD if m.seed < 9]
    finding = on("1G", nine)
    assert finding.verdict == "inconclusive"
    assert "seeds" in [g.name for g in finding.fired]
    assert "jnd_px [held] of gap: seed 9" in finding.evidence.needs


def test_coverage_guard_stops_ratios_over_three_seeds() -> None:
    truth = cells("updates_to_4px", {"nature": 9000.0, "half_max": 3000.0})
    rest = [*GOOD, *draw(truth, rng(), sd=0.05)]
    assert on("10", rest).verdict == "supported"
    for n, expected in ((5, "supported"), (3, "inconclusive")):
        few = [m for m in rest if m.seed < n]
        assert on("10", few).verdict == expected
    assert "coverage" in fired(few, "10")


@pytest.mark.parametrize(
    ("measure", "row", "part", "needed"),
    [
        ("where_gain", "gap", "1G", "where_gain of gap: seeds 0–9"),
        ("jnd_px", "gap_wide", "1G", "jnd_px [held] of gap_wide: seeds 0–9"),
        ("corner_dq", "corner_twin", "1L", "corner_dq of corner_twin: the manipulation check"),
        ("where_r2", "half_avg", "1L", "where_r2 [held] of half_avg: seeds 0–9"),
    ],
)
def test_what_a_guard_lacks_is_named_and_holds_the_verdict_back(
    measure: str, row: str, part: str, needed: str
) -> None:
    finding = on(part, replaced(GOOD, measure, row))
    assert finding.verdict == "inconclusive"
    assert finding.evidence.needs == (needed,)
    assert finding.fired == ()
