"""Claims 11 to 15 as registered; `analysis.claims` has them all, docs/claims.md shows them."""

from __future__ import annotations

from itertools import combinations

from analysis.claim import Assay, Claim, Part
from analysis.verdicts.decisions import (
    Above,
    Arithmetic,
    Below,
    Cell,
    Difference,
    Every,
    Ratio,
    Some,
    Within,
)
from analysis.verdicts.targets import PLAY, REWARD, TARGETS, WHAT, WHERE, Target

WIDENED = "global_first@1.57"
"""`global_first` with about gap's parameters: 117,158 against 114,342."""

STRIDED = {"half_max": "nature", "conv_pool": "all_conv", "impala_max": "impala_stride"}
"""Pooled rows, and what stands in their place with a stride."""

HALVES = ("half_max", "half_avg", "half_median")


def overkill(target: Target) -> Part:
    """Return a part of claim 11."""
    return Part(
        f"11 {target.name}",
        target.regime,
        supported=target.always("gap", WIDENED, lambda q: Above(q, 0.10)),
        refuted=target.always("gap", WIDENED, lambda q: Below(q, 0.05)),
        text=f"target {target.name}",
        assay=target.assay(("gap", WIDENED)),
        gain=target.gain,
        oracle=target.oracle,
        note=f"{WIDENED} has 2 % more parameters than gap: the nearest width from above.",
    )


def overfitting(name: str, pooled: str, strided: str) -> Part:
    """Return a part of claim 12."""
    conditions = [f"split={s},states={n}" for s in ("blocks", "colours") for n in (500, 2000, 8000)]
    ratios = [
        Ratio(Cell("test_error", pooled, c), Cell("test_error", strided, c)) for c in conditions
    ]
    return Part(
        name,
        "supervised",
        supported=Every(*(Below(q, 0.9) for q in ratios)),
        refuted=Every(*(Above(q, 1) for q in ratios)),
        text=f"less overfitting: {pooled} against {strided}",
        assay=Assay(
            ((Cell("where_r2", pooled, "held"), Cell("where_r2", strided, "held")),),
            WHERE,
            ceiling=False,
        ),
        note="Every number of states and both kinds of held-out data have to agree, each pair "
        "of rows for itself. Training ends at equal loss: no budget guard. Errors have no ceiling.",
    )


def robust(target: Target, measure: str) -> Part:
    """Return a supervised part of claim 13."""
    ratios = [
        Ratio(Cell(measure, "half_max", c), Cell(measure, "nature", c)) for c in target.conditions
    ]
    return Part(
        f"13 {target.name}",
        target.regime,
        supported=Every(*(Below(q, 0.9) for q in ratios)),
        refuted=Every(*(Above(q, 1) for q in ratios)),
        text=f"target {target.name}",
        assay=target.assay(("nature", "half_max")),
        gain=target.gain,
        oracle=target.oracle,
    )


KAPPA = Difference(Cell("action_kappa", "half_max"), Cell("action_kappa", "nature"))


def replaceable(target: Target) -> Part:
    """Return a part of claim 14."""
    pairs, m = STRIDED.items(), target.margin
    return Part(
        f"14 {target.name}",
        target.regime,
        supported=Every(*(target.always(p, s, lambda q: Below(q, m)) for p, s in pairs)),
        refuted=Some(*(target.always(p, s, lambda q: Above(q, m)) for p, s in pairs)),
        text=f"target {target.name}",
        assay=target.assay(*pairs, on=("supported", "refuted")),
        gain=target.gain,
        oracle=target.oracle,
        note="A verdict for each target, since none is named.",
    )


def alternatives(target: Target) -> Part:
    """Return a part of claim 15."""
    pairs, m = tuple(combinations(HALVES, 2)), target.margin
    return Part(
        f"15 {target.name}",
        target.regime,
        supported=Every(*(target.always(a, b, lambda q: Within(q, m)) for a, b in pairs)),
        refuted=Some(
            *(target.always(a, b, lambda q: Above(q, m)) for a, b in pairs),
            *(target.always(a, b, lambda q: Below(q, -m)) for a, b in pairs),
        ),
        text=f"target {target.name}",
        assay=target.assay(*pairs, on=("supported", "refuted")),
        gain=target.gain,
        oracle=target.oracle,
        note="A verdict for each target, since none is named.",
    )


NO_FEWER = tuple(
    Arithmetic(("parameters", a), ("parameters", b))
    for a, b in (("extra_max", "extra_stride"), ("half_max", "nature"))
)
FEWER = Arithmetic(("parameters", "extra_max"), ("parameters", "nature"))

CLAIMS_11_TO_15 = (
    Claim(
        11,
        "Global pooling at every pooling layer would be overkill.",
        ("S1",),
        (overkill(REWARD), overkill(WHAT)),
    ),
    Claim(
        12,
        "Pooling cuts parameters, and overfitting with them.",
        ("S2", "S3"),
        (
            Part(
                "12a",
                "arithmetic",
                supported=Below(FEWER, 0.9),
                refuted=Above(FEWER, 1),
                text="one more pool, fewer parameters",
                note="Arithmetic takes the bounds of the claim's other parts.",
            ),
            Part(
                "12b",
                "arithmetic",
                supported=Every(*(Below(q, 0.9) for q in NO_FEWER)),
                refuted=Every(*(Above(q, 1) for q in NO_FEWER)),
                text="a pool, fewer parameters than a stride that shrinks as much",
                note="The pool and not the shrinking; bounds as in 12a.",
            ),
            overfitting("12c", "extra_max", "extra_stride"),
            overfitting("12d", "half_max", "nature"),
        ),
    ),
    Claim(
        13,
        "Pooling makes a network robust to small shifts of its input.",
        ("S2", "S3"),
        (
            robust(WHAT, "what_shift"),
            robust(REWARD, "reward_shift"),
            Part(
                "13 play",
                "reinforcement",
                supported=Above(KAPPA, 0.05),
                refuted=Below(KAPPA, 0.01),
                text="actions",
                assay=PLAY.assay(("nature", "half_max")),
                gain="score_gain",
            ),
        ),
    ),
    Claim(14, "Large strides can replace pooling.", ("S2",), tuple(map(replaceable, TARGETS))),
    Claim(
        15,
        "Maximum, mean and median are alternatives to each other.",
        ("S2",),
        tuple(map(alternatives, TARGETS)),
    ),
)
