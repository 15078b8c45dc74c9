"""What and where, asked of the same pictures: more than one network's weakness.

Two rows are dissociated if one is better at WHAT and the other at WHERE, and the interaction, the
difference of those two differences, says so too (Shallice 1988, "From neuropsychology to mental
structure", chapter 10). A network that is merely worse at everything shows neither. The tasks are
in `analysis.tasks.what`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.verdicts.intervals import paired
from analysis.verdicts.rules import LEAST_SEEDS

BySeed = Mapping[int, float]


def dissociation(
    what_skill: Mapping[str, BySeed], where_r2: Mapping[str, BySeed], reference: str = "nature"
) -> pd.DataFrame:
    """Compare every row with the reference on both tasks, seed by seed.

    Args:
        what_skill: By row and seed, of `what`.
        where_r2: By row and seed, of `where_across_shapes`.
        reference: The row that the others are compared with.

    Returns:
        A line for each other row with three seeds or more: `row`, `seeds`; `what`, `where` (row −
        reference) and `interaction` (what − where), each with the ends `_low` and `_high` of its
        paired 95 % t interval; and `dissociated`: whether the two simple effects lie on opposite
        sides of 0 and the interaction lies off it, all by their intervals.
    """
    lines = []
    for row in what_skill:
        tables = [what_skill[row], where_r2.get(row, {})]
        if row == reference or reference not in what_skill or reference not in where_r2:
            continue
        tables += [what_skill[reference], where_r2[reference]]
        seeds = sorted(set.intersection(*map(set, tables)))
        if len(seeds) < LEAST_SEEDS:
            continue
        a, b, c, d = (np.array([t[s] for s in seeds]) for t in tables)
        effects = {"what": paired(a, c), "where": paired(b, d), "interaction": paired(a - c, b - d)}
        ends = {name: [float(x) for x in e.interval()] for name, e in effects.items()}
        line: dict[str, object] = {"row": row, "seeds": len(seeds)}
        for name, effect in effects.items():
            low, high = ends[name]
            line |= {name: float(effect.effect), f"{name}_low": low, f"{name}_high": high}
        sides = [np.sign(low) if low * high > 0 else 0 for low, high in ends.values()]
        line["dissociated"] = bool(sides[0] * sides[1] == -1 and sides[2] != 0)
        lines.append(line)
    return pd.DataFrame(lines, columns=COLUMNS)


COLUMNS = (
    "row",
    "seeds",
    *(f"{n}{end}" for n in ("what", "where", "interaction") for end in ("", "_low", "_high")),
    "dissociated",
)
"""Of the table of `dissociation`."""
