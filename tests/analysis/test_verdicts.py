"""Whole simulated studies with known truth go in; what may come out, and how often, is known."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace

import pytest
from simulated import (
    GOOD,
    LOSES,
    cells,
    draw,
    fired,
    on,
    play_study,
    rng,
    sane,
    where_study,
)

from analysis.claims import CLAIMS, claims_table, decide
from analysis.measurements import Measurement

PRIMARY = [claim for claim in CLAIMS if claim.primary]


# --- verdicts under clear effects and clear nulls ---------------------------------------------


def test_clear_effects_are_found() -> None:
    wide = {"gap_wide": 15.0, "gap_learned": 5.0}
    finding = on("1G", where_study(rng(), LOSES | wide))
    assert finding.verdict == "supported"
    assert finding.evidence.seeds == 10
    assert finding.evidence.needs == ()
    record = next(r for r in claims_table(where_study(rng(), LOSES | wide)) if r["id"] == "1G")
    assert record["effect"] == pytest.approx(16 / 4, rel=0.1), "the first of two as sure"
    assert record["interval"][0] > 2


def test_clear_nulls_are_refuted() -> None:
    assert on("1L", where_study(rng(), {})).verdict == "refuted"
    finding = on("3L", play_study(rng(), {}))
    assert finding.verdict == "refuted"
    assert on("4", play_study(rng(), {})).verdict == "supported", "no drop, and more robust"
    assert on("4", play_study(rng(), {}, shift=1.5)).verdict == "refuted"


def test_local_and_global_have_verdicts_of_their_own() -> None:
    measured = play_study(rng(), {"gap": 0.4, "gmp": 0.5, "gap_wide": 0.4})
    assert on("3G", measured).verdict == "supported"
    assert on("3L", measured).verdict == "refuted"


def test_both_rows_have_to_bear_a_verdict_out() -> None:
    measured = play_study(rng(), {"gap": 0.4, "gmp": 0.9, "gap_wide": 0.4})
    assert on("3G", measured).verdict == "inconclusive"


def test_never_reached_is_a_value() -> None:
    never = {"gap": math.inf, "gmp": math.inf, "gap_wide": math.inf, "gap_learned": 5.0}
    record = next(r for r in claims_table(where_study(rng(), never)) if r["id"] == "1G")
    assert record["verdict"] == "supported"
    assert (record["effect"], record["interval"]) == ("inf", ["inf", "inf"])
    json.dumps(record, allow_nan=False)
    both = where_study(rng(), never | {"nature": math.inf})
    record = next(r for r in claims_table(both) if r["id"] == "1G")
    assert record["verdict"] == "inconclusive", "∞/∞ says nothing"
    assert (record["effect"], record["interval"]) == (None, [0.0, "inf"])


# --- how often verdicts are wrong --------------------------------------------------------------


def test_wrong_verdicts_on_the_bound_come_no_more_often_than_they_may() -> None:
    """On the margin both verdicts are wrong; over five primaries, Holm keeps either to .05."""
    counts: Counter[str] = Counter()
    studies = 40
    for seed in range(studies):
        drops = dict.fromkeys(("half_max", "half_avg", "gap", "gmp", "gap_wide"), 0.8)
        measured = play_study(rng(seed), drops, shift=0.95)
        found = [f for f in decide(measured, PRIMARY) if not f.replication]
        counts["any"] += any(f.verdict in ("supported", "refuted") for f in found)
    # Each of five would err in up to .05 of studies without Holm; with it any does in .05.
    assert counts["any"] <= 6, "binomial(40, .05) exceeds 6 once in 300"


def wrong(part: str, measures: list[list[Measurement]]) -> Counter[str]:
    """Return how often which verdict came, guards included."""
    claim = next(c for c in CLAIMS if any(p.id == part for p in c.parts))
    found = (next(f for f in decide(m, [claim]) if f.part.id == part) for m in measures)
    return Counter(f.verdict for f in found)


@pytest.mark.parametrize(("truth", "verdict"), [(0.25, "supported"), (0.05, "refuted")])
def test_one_comparison_errs_in_one_of_forty_studies(truth: float, verdict: str) -> None:
    fixed = [m for m in GOOD if m.row in ("nature", "sort") or not m.budget]
    bits = cells("place_bits", {"nature": 2 + truth, "twin_max": 2.0})
    studies = [fixed + draw(bits, rng(s), sd=0.1) for s in range(160)]
    # 4 of 160 are to be expected; 0 or more than 11 come once in 60 and once in 1,000.
    assert 0 < wrong("7", studies)[verdict] <= 11


def test_more_chances_to_be_wrong_make_no_more_wrong_verdicts() -> None:
    """Claim 15 is refuted by any of three pairs in either direction; two lie on the margin."""
    on_margin = {"half_max": 0.80, "half_avg": 0.75, "half_median": 0.75}
    fixed = [m for m in what(dict.fromkeys(on_margin, 0.0)) if m.measure != "what_skill"]
    studies = [fixed + draw(cells("what_skill", on_margin), rng(s), sd=0.05) for s in range(80)]
    seen = wrong("15 what", studies)
    assert seen["refuted"] <= 8, "4 at most are to be expected"
    assert seen["supported"] <= 8


def test_power_is_sane() -> None:
    drops = {"half_max": 0.65, "half_avg": 0.65}
    seen = Counter(on("3L", play_study(rng(s), drops, sd=0.06)).verdict for s in range(20))
    assert seen["supported"] >= 18
    assert seen["refuted"] == 0


# --- many verdicts at once ---------------------------------------------------------------------


def test_holm_takes_back_what_is_sure_only_alone() -> None:
    # Nine of ten above the bound: the sign test gives 22/1024, which is sure enough alone.
    ratios = [3.0] * 9 + [1.9]
    rows = ("nature", "half_max", "half_avg")
    weak = [m for m in GOOD if m.measure != "jnd_px" or m.row not in rows]
    weak += [
        Measurement("jnd_px", row, s, "supervised", "pong", 4 * f, "held", 1000, "abc")
        for row, factors in (("nature", [1.0] * 10), ("half_max", ratios), ("half_avg", ratios))
        for s, f in enumerate(factors)
    ]
    finding = on("1L", weak)
    assert finding.evidence.verdict == "supported"
    assert finding.verdict == "inconclusive"
    # 1G is surer (2/1024), so that 1L is the second of five and counts four times.
    assert [g.name for g in finding.fired] == ["Holm"]
    assert finding.fired[0].reason.startswith("p = 0.086")


# --- what is missing is said precisely ---------------------------------------------------------


def test_nothing_measured_names_rows_seeds_and_measures() -> None:
    needs = on("1G", []).evidence.needs
    assert needs == (
        "jnd_px [held] of gap: seeds 0–9",
        "jnd_px [held] of nature: seeds 0–9",
        "jnd_px [held] of gmp: seeds 0–9",
    )


def test_missing_seeds_are_named() -> None:
    holes = [
        m for m in GOOD if not (m.measure == "jnd_px" and m.row == "gap" and m.seed in (1, 5, 6))
    ]
    finding = on("1G", holes)
    assert finding.evidence.seeds == 7
    assert finding.evidence.needs == ("jnd_px [held] of gap: seeds 1, 5–6",)
    one_row = [m for m in GOOD if m.row != "gmp"]
    assert on("1G", one_row).verdict == "not measured"
    assert on("1G", one_row).evidence.needs == ("jnd_px [held] of gmp: seeds 0–9",)


# --- nothing is mixed --------------------------------------------------------------------------


def test_protocols_are_not_mixed() -> None:
    other = [replace(m, fingerprint="xyz") if m.row == "gap" else m for m in GOOD]
    finding = on("1G", other)
    assert finding.verdict == "not measured"
    assert finding.evidence.needs == ("one protocol for jnd_px: got abc, xyz",)


def test_what_raw_pixels_tell_changes_no_verdict() -> None:
    """A limit that stands beside the networks; only what is told without the ball is a check."""
    told = {(m, "raw_pixels", "held"): 0.99 for m in ("where_r2", "coarse_r2", "phase_r2")}
    pixels = [*draw(told, rng(), "untrained", n=1, budget=0), *draw(told, rng(), budget=1000)]
    assert claims_table(GOOD + pixels) == claims_table(GOOD)
    leaky = replace(pixels[0], measure="erased_r2", value=0.03)
    assert claims_table([*GOOD, leaky]) != claims_table(GOOD)


def test_budgets_are_not_mixed_and_the_longer_one_counts() -> None:
    doubled = [replace(m, budget=2000) for m in GOOD if m.budget]
    assert on("1L", GOOD + doubled).evidence.setting.budget == 2000
    partly = [m for m in doubled if m.row != "half_avg"]
    finding = on("1L", GOOD + partly)
    assert finding.evidence.setting.budget == 1000, "where all rows are"
    assert finding.verdict == "refuted"


def test_widths_are_not_mixed_and_the_full_one_counts() -> None:
    narrow = [replace(m, row=f"{m.row}@0.5") for m in GOOD if m.budget]
    finding = on("1L", sane() + narrow)
    assert (finding.verdict, finding.evidence.setting.width) == ("refuted", 0.5)
    assert on("1L", narrow + GOOD).evidence.setting.width == 1.0
    mixed = [m for m in GOOD if m.row != "half_avg"] + [m for m in narrow if "half_avg" in m.row]
    assert on("1L", mixed).verdict == "not measured"


def test_a_widened_row_is_found_at_half_width() -> None:
    truth = cells("what_skill", {"gap@0.5": 0.8, "global_first@0.785": 0.4})
    gains = cells("what_gain", {"gap@0.5": 0.0, "global_first@0.785": 0.0})
    measured = [*sane(), *draw(truth, rng()), *draw(gains, rng(), sd=0.001)]
    assert on("11 what", measured).verdict == "supported"


def test_games_have_verdicts_of_their_own() -> None:
    pong = play_study(rng(1), {"half_max": 0.4, "half_avg": 0.4}, game="pong")
    found = {(f.part.id, f.game): f for f in decide(play_study(rng(), {}) + pong)}
    assert found["3L", "catch"].verdict == "refuted"
    assert found["3L", "pong"].verdict == "supported"
    assert found["3L", "pong"].replication
    assert ("3L", "breakout") not in found


# --- the other shapes --------------------------------------------------------------------------


def what(means: dict[str, float], sd: float = 0.02) -> list[Measurement]:
    rows = dict.fromkeys(means, 0.0)
    where = cells("where_r2", {"nature": 0.9, "sort": 0.3}, "held")
    return [
        *sane(),
        *draw(cells("what_skill", means), rng(5), sd=sd),
        *draw(cells("what_gain", rows), rng(6), sd=0.001),
        *draw(where, rng(7)),
    ]


def test_equivalence_needs_all_pairs() -> None:
    same = {"half_max": 0.8, "half_avg": 0.8, "half_median": 0.8}
    assert on("15 what", what(same)).verdict == "supported"
    assert on("15 what", what(same, sd=0.2)).verdict == "inconclusive"
    assert on("15 what", what(same | {"half_median": 0.6})).verdict == "refuted"


def test_an_inner_dose_has_to_beat_both_ends() -> None:
    ends = {"nature": 0.6, "gap": 0.6, "avg_4x4": 0.6, "avg_2x2": 0.6}
    assert on("20 avg what", what(ends)).verdict == "refuted"
    assert on("20 avg what", what(ends | {"avg_2x2": 0.8})).verdict == "supported"
    assert on("20 avg what", what(ends | {"avg_2x2": 0.8, "gap": 0.8})).verdict == "refuted"


def test_place_decides_the_reward_in_both_arms() -> None:
    def shares(held: float, moved: float) -> list[Measurement]:
        truth = {("place_share", "ball_tracker", "held"): held}
        truth["place_share", "ball_tracker", "moved"] = moved
        return [*sane(), *draw(truth, rng(), "game", budget=0)]

    assert on("2", shares(0.7, 0.8)).verdict == "supported"
    assert on("2", shares(0.7, 0.3)).verdict == "inconclusive"
    assert on("2", shares(0.02, 0.03)).verdict == "refuted"


def test_equivariance_stops_where_the_stride_itself_fails() -> None:
    def cosines(at_stride: float) -> list[Measurement]:
        truth = cells("equivariance", {"nature": 0.6})
        check = Measurement("equivariance_at_stride", "nature", 0, "untrained", "pong", at_stride)
        return [*sane(), check, *draw(truth, rng(), "untrained", n=50, budget=0)]

    assert on("8 nature", cosines(0.9999)).verdict == "refuted"
    assert fired(cosines(0.99), "8 nature") == ["manipulation"]


def test_the_objects_have_the_keys_promised() -> None:
    for record in claims_table(GOOD):
        assert {
            *("id", "claim", "regime", "verdict", "effect", "interval", "seeds", "needs")
        } <= set(record)
    json.dumps(claims_table(GOOD), allow_nan=False)
