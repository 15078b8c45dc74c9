"""Claims 16 to 20 as registered; `analysis.claims` has them all, docs/claims.md shows them."""

from __future__ import annotations

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
)
from analysis.verdicts.rules import Regime
from analysis.verdicts.targets import REWARD, TARGETS, WHERE, Target

DOSES = {
    "avg": ("nature", "avg_4x4", "avg_2x2", "gap"),
    "max": ("nature", "max_4x4", "max_2x2", "gmp"),
}
"""P4: 7, 4, 2 and 1 cells a side."""


def jumbled(regime: Regime) -> Part:
    """Return a part of claim 18a."""
    after = [f"after={pool}" for pool in ("pool1", "pool2")]
    ratios = [
        Ratio(Cell("place_rmse_px", "half_max", c), Cell("place_rmse_px", "half_pick", c))
        for c in after
    ]
    return Part(
        "18a",
        regime,
        supported=Every(*(Above(q, 1.25) for q in ratios)),
        refuted=Every(*(Below(q, 1.05) for q in ratios)),
        text=f"place behind each pool, {regime}",
        assay=Assay(
            ((Cell("where_r2", "half_max", "held"),),),
            WHERE,
            ceiling=False,
        ),
        gain="where_gain" if regime == "supervised" else "",
        trained=("half_max",),
        note="half_max against half_pick with the same weights (supervised: trained under the "
        "maximum), behind both pools.",
    )


CAPSULES = Part(
    "18b",
    "supervised",
    supported=REWARD.always("capsule", "nature", lambda q: Below(q, 0.05)),
    refuted=REWARD.always("capsule", "nature", lambda q: Above(q, 0.05)),
    text="capsules have not helped",
    assay=REWARD.assay(("capsule", "nature"), on=("supported", "refuted")),
    gain=REWARD.gain,
    oracle=True,
    note="G is the potential reward, in both opponent arms.",
)


def unclear(name: str, row: str) -> Part:
    """Return a part of claim 19."""

    def drops(sizes: list[tuple[int, int]]) -> list[Difference]:
        conditions = [f"glyph={glyph},cell={cell}" for glyph, cell in sizes]
        return [
            Difference(Cell("what_skill", "twin_pick", c), Cell("what_skill", row, c))
            for c in conditions
        ]

    exceeding = drops([(g, c) for g in (8, 16, 32) for c in (2, 4, 8) if g > c])
    return Part(
        f"19 {name}",
        "supervised",
        supported=Every(*(Above(q, 0.05) for q in drops([(g, 2) for g in (8, 16, 32)]))),
        refuted=Every(*(Below(q, 0.05) for q in exceeding)),
        text=f"{row} against twin_pick",
        assay=Assay(tuple((q.plus, q.minus) for q in exceeding), WHERE),
        gain="what_gain",
        note="A verdict for the maximum and one for the mean. Cell is the side of the first pool "
        "of the twins. Support needs all three glyphs at cell 2.",
    )


def dose(target: Target, kind: str) -> Part:
    """Return a part of claim 20."""
    most, *inner, least = DOSES[kind]
    m = target.margin
    return Part(
        f"20 {kind} {target.name}",
        target.regime,
        supported=Some(
            *(
                Every(*(target.always(d, end, lambda q: Above(q, m)) for end in (most, least)))
                for d in inner
            )
        ),
        refuted=Every(
            *(
                Some(*(target.always(d, end, lambda q: Below(q, m)) for end in (most, least)))
                for d in inner
            )
        ),
        text=f"{kind}, target {target.name}",
        assay=target.assay(DOSES[kind]),
        gain=target.gain,
        oracle=target.oracle,
        note="A verdict for each target, since none is named. Refuted: for each inner dose there "
        "is an end that it does not beat by more than the margin.",
    )


WINDOW = Arithmetic(("receptive field", "no_stride"), ("first window", "no_stride"))
GROWTH = Arithmetic(("receptive field", "nature"), ("receptive field", "no_stride"))
EXPLOSION = Arithmetic(("parameters", "no_stride"), ("parameters", "nature"))
NEED = Arithmetic(("parameters", "nature"), ("parameters", "twin_max"))


CLAIMS_16_TO_20 = (
    Claim(
        16,
        "Without pooling a network cannot look beyond its first window.",
        ("S2",),
        (
            Part(
                "16a",
                "arithmetic",
                supported=Below(WINDOW, 1),
                refuted=Above(WINDOW, 1),
                text="as said",
                beside="field by gradient mass",
            ),
            Part(
                "16b",
                "arithmetic",
                supported=Above(GROWTH, 1),
                refuted=Below(GROWTH, 1),
                text="weaker: subsampling of some kind makes the field grow",
                beside="field by gradient mass",
            ),
        ),
    ),
    Claim(
        17,
        "Without pooling the number of weights explodes.",
        ("S2",),
        (
            Part(
                "17a",
                "arithmetic",
                supported=Above(EXPLOSION, 10),
                refuted=Below(EXPLOSION, 1),
                text="without any subsampling",
                note="No refuting bound is given: as many or fewer parameters than nature.",
            ),
            Part(
                "17b",
                "arithmetic",
                supported=Above(NEED, 10),
                refuted=Below(NEED, 1),
                text="it takes pooling, a stride would not do",
                note="Bounds as in 17a.",
            ),
        ),
    ),
    Claim(
        18,
        "Repeated pooling jumbles where things were; capsules, the cure, have not helped.",
        ("S2",),
        (jumbled("untrained"), jumbled("supervised"), CAPSULES),
    ),
    Claim(
        19,
        "Pooled maps are too unclear for a network to identify things.",
        ("S3",),
        (unclear("max", "twin_max"), unclear("avg", "twin_avg")),
    ),
    Claim(
        20,
        "Pooling helps in the right amount and hurts in excess.",
        ("S3",),
        tuple(dose(target, kind) for kind in DOSES for target in TARGETS),
    ),
)
