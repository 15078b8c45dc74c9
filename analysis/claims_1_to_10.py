"""Claims 1 to 10 as registered; `analysis.claims` has them all, docs/claims.md shows them."""

from __future__ import annotations

from analysis.claim import Assay, Check, Claim, Part
from analysis.verdicts.decisions import (
    Above,
    Below,
    Cell,
    Difference,
    Every,
    Mean,
    Median,
    Ratio,
    Some,
)
from analysis.verdicts.targets import GLOBAL, LOCAL, PLAY, WHERE


def insensitive(name: str, rows: tuple[str, ...], what: str, *, capacity: bool) -> Part:
    """Return a part of claim 1."""
    jnd = [Ratio(Cell("jnd_px", r, "held"), Cell("jnd_px", "nature", "held")) for r in rows]
    return Part(
        name,
        "supervised",
        supported=Every(*(Above(q, 2) for q in jnd)),
        refuted=Every(*(Below(q, 1.5) for q in jnd)),
        text=what,
        assay=Assay(
            tuple((Cell("where_r2", "nature", "held"), Cell("where_r2", r, "held")) for r in rows),
            WHERE,
            ceiling=False,
        ),
        gain="where_gain",
        capacity=capacity,
        beside="RMSE of the place in px; the other local pools",
        note="Local pooling is half_max and half_avg, as global pooling is gap and gmp: both rows "
        "have to bear a verdict out. JND is in px, so the floor is read on R² of the place and "
        "there is no ceiling.",
    )


def should_not_pool(name: str, rows: tuple[str, ...], what: str, *, capacity: bool) -> Part:
    """Return a part of claim 3."""
    drops = [Difference(Cell("score", "nature"), Cell("score", r)) for r in rows]
    return Part(
        name,
        "reinforcement",
        supported=Every(*(Above(q, 0.10) for q in drops)),
        refuted=Every(*(Below(q, 0.10) for q in drops)),
        text=what,
        assay=PLAY.assay(*(("nature", r) for r in rows)),
        gain="score_gain",
        capacity=capacity,
        beside="IQM, probability of improvement, every seed",
        note="Rows as in claim 1.",
    )


def equivariant(row: str, regime: str, gain: str) -> Part:
    """Return a part of claim 8."""
    cosine = Mean(Cell("equivariance", row))
    return Part(
        f"8 {row}",
        "supervised" if regime == "supervised" else "untrained",
        supported=Above(cosine, 0.95),
        refuted=Below(cosine, 0.9),
        text=f"{row}, {regime}",
        gain=gain,
        checks=(Check("equivariance_at_stride", row, 0.999, 1.000001),),
        note="One row against a fixed number: there is no better row, so no assay guard. The check "
        "at multiples of the stride is its positive control.",
    )


def invariant(regime: str, gain: str) -> Part:
    """Return a part of claim 9."""
    probes = {
        row: [Mean(Cell(f"{k}_r2", row, "held")) for k in ("coarse", "phase")] for row in GLOBAL
    }
    return Part(
        "9",
        "supervised" if regime == "supervised" else "reinforcement",
        supported=Every(*(Below(q, 0.05) for row in GLOBAL for q in probes[row])),
        refuted=Every(*(Some(*(Above(q, 0.2) for q in probes[row])) for row in GLOBAL)),
        text={"supervised": "trained on WHERE", "reinforcement": "trained by playing"}[regime],
        assay=Assay(
            ((Cell("where_r2", "nature", "held"),),), WHERE, ("supported", "refuted"), False
        ),
        gain=gain,
        only_in=("pong",) if regime == "reinforcement" else (),
        note="Trained may mean either way of training: a verdict for each; the opponent is "
        "held, so in Pong. Refuted only if both "
        "pools let place through. The thresholds are absolute, so there is no ceiling; nature has "
        "to be off the floor, or the probe may be what is blind.",
    )


HALF_DROP = Difference(Cell("score", "nature"), Cell("score", "half_max"))
HALF_SHIFT = Ratio(Cell("q_shift", "half_max"), Cell("q_shift", "nature"))
SHARES = [Mean(Cell("place_share", "ball_tracker", arm)) for arm in ("held", "moved")]
PRESENCE = Mean(Cell("presence_auc", "gmp"))
COUNT = Difference(Cell("count_r2", "gap"), Cell("count_r2", "gmp"))
PLACES = Difference(Cell("count_place_r2", "nature"), Cell("count_place_r2", "gmp"))
MADE_UP = Median(Cell("what_over_flat", "gmp", "channels=256"))
RISE = Ratio(MADE_UP.cell, Cell("what_over_flat", "gmp", "channels=4"))
BITS = Difference(Cell("place_bits", "nature"), Cell("place_bits", "twin_max"))
UPDATES = Ratio(Cell("updates_to_4px", "nature"), Cell("updates_to_4px", "half_max"))

CLAIMS_1_TO_10 = (
    Claim(
        1,
        "Pooling makes a network insensitive to where an object is.",
        ("S0", "S4"),
        (
            insensitive("1L", LOCAL, "local pooling", capacity=False),
            insensitive("1G", GLOBAL, "global pooling", capacity=True),
        ),
        primary=True,
    ),
    Claim(
        2,
        "Where the ball is decides what reward can be had.",
        ("S0", "S4"),
        (
            Part(
                "2",
                "game",
                supported=Every(*(Above(q, 0.5) for q in SHARES)),
                refuted=Every(*(Below(q, 0.1) for q in SHARES)),
                oracle=True,
                beside="first-order share; the random policy in the tracker's stead",
                note="A property of the game under the scripted tracker, so no regime of networks; "
                "a seed is an independent draw of scenes, places and rollouts. Both bounds have to "
                "be met in both opponent arms. No rows are compared, so no assay guard.",
            ),
        ),
    ),
    Claim(
        3,
        "A network that plays such games should therefore not pool.",
        ("S0", "S4"),
        (
            should_not_pool("3L", LOCAL, "local pooling", capacity=False),
            should_not_pool("3G", GLOBAL, "global pooling", capacity=True),
        ),
        primary=True,
    ),
    Claim(
        4,
        "If the map has to shrink anyway, one might as well pool, and gets robustness with it.",
        ("S0", "S4"),
        (
            Part(
                "4",
                "reinforcement",
                supported=Every(Below(HALF_DROP, 0.10), Below(HALF_SHIFT, 0.9)),
                refuted=Some(Above(HALF_DROP, 0.10), Above(HALF_SHIFT, 1)),
                assay=PLAY.assay(("nature", "half_max"), on=("supported", "refuted")),
                gain="score_gain",
                note="Support says that nothing is lost, so it needs the assay guard too. The two "
                "rows' seeds of one number make a ratio.",
            ),
        ),
        primary=True,
    ),
    Claim(
        5,
        "Max-pooling keeps whether a feature was there, not where or how often.",
        ("S0", "S4"),
        (
            Part(
                "5",
                "supervised",
                supported=Every(Above(PRESENCE, 0.95), Above(COUNT, 0.2), Above(PLACES, 0.2)),
                refuted=Some(Below(PRESENCE, 0.9), Below(COUNT, 0.05), Below(PLACES, 0.05)),
                assay=Assay(
                    (
                        (Cell("count_r2", "gap"), Cell("count_r2", "gmp")),
                        (Cell("count_place_r2", "nature"), Cell("count_place_r2", "gmp")),
                    ),
                    ("count_place_r2", ""),
                ),
                gain="count_gain",
            ),
        ),
    ),
    Claim(
        6,
        "A battery of filters makes up for what the maximum forgets.",
        ("S0", "S4"),
        (
            Part(
                "6",
                "untrained",
                supported=Every(Above(MADE_UP, 0.8), Above(RISE, 1)),
                refuted=Below(MADE_UP, 0.5),
                assay=Assay((((Cell("what_skill", "nature", "channels=256"),)),), WHERE),
                beside="4 to 256 channels; the same for place",
                note="Skill above chance of gmp with C channels over that of the flat map "
                "projected to C numbers: their ratio by initialisation. Rising: more at "
                "256 channels than at 4. The better row is the flat map's.",
            ),
        ),
    ),
    Claim(
        7,
        "Weights without pooling see every pixel and lose less.",
        ("S4",),
        (
            Part(
                "7",
                "supervised",
                supported=Above(BITS, 0.25),
                refuted=Below(BITS, 0.05),
                assay=Assay(((Cell("where_r2", "nature", "held"),),), WHERE, ceiling=False),
                gain="where_gain",
                trained=("nature",),
                beside="twin_pick, twin_avg",
                note="Nature's weights, trained on WHERE, in both. Bits have no ceiling at .97; "
                "the floor is read on nature's R² of the place.",
            ),
        ),
    ),
    Claim(
        8,
        "Convolution is equivariant: what moves in the input moves alike in the map.",
        ("S1",),
        (
            *(equivariant(r, "untrained", "") for r in ("nature", *LOCAL, "no_stride")),
            *(equivariant(r, "supervised", "where_gain") for r in ("nature", *LOCAL)),
        ),
    ),
    Claim(
        9,
        "A global pool behind the last convolution is enough for invariance.",
        ("S1", "S3"),
        (invariant("supervised", "where_gain"), invariant("reinforcement", "score_gain")),
    ),
    Claim(
        10,
        "Without max-pooling the later layers have to keep readjusting to where a feature is.",
        ("S1",),
        (
            Part(
                "10",
                "supervised",
                supported=Above(UPDATES, 1.25),
                refuted=Below(UPDATES, 1.25),
                assay=Assay(
                    ((Cell("where_r2", "nature", "held"), Cell("where_r2", "half_max", "held")),),
                    WHERE,
                    ceiling=False,
                ),
                gain="where_gain",
                beside="cause: weight swaps between the two aggregators",
                note="Never reached is ∞; a row that is still learning at the end has not shown "
                "that it never will. The threshold is in px, so no ceiling.",
            ),
        ),
    ),
)
