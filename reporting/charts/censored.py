"""Distances that may never be enough: the axis of a JND, its words, and its medians over seeds.

∞ ("never reached") is a value like another, and the one of interest: it stands at the margin, and
medians and order-statistic intervals take it as it is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import altair as alt
import numpy as np
import pandas as pd

from analysis.verdicts.intervals import median_ratio, order_coverage, order_rank
from analysis.verdicts.rules import LEAST_COVERAGE
from reporting.charts.panel import DIGITS

LEAST_PX, MARGIN_PX = 0.5, 256.0
"""Ends of the axis, screen px: the floor of the measure, and where "never" is drawn."""

NEVER = "∞ (never)"


def coverage(seeds: int) -> float:
    """Return what the order-statistic interval of a median covers that is to cover 95 %."""
    return order_coverage(order_rank(seeds), seeds)


FEWEST = next(n for n in itertools.count(1) if coverage(n) >= LEAST_COVERAGE)
"""Seeds from which on that interval covers what a verdict asks of it, and is drawn."""


def drawn(px: float) -> float:
    """Return where a distance stands on the axis, screen px; NaN stays what it is."""
    return px if math.isnan(px) else min(max(px, LEAST_PX), MARGIN_PX)


def said(px: float) -> str:
    """Return a distance for people: `2.834`, `∞ (never)`; empty for NaN."""
    if math.isnan(px):
        return ""
    return NEVER if math.isinf(px) else f"{px:.{DIGITS}g}"


def axis(column: str, title: str) -> alt.X:
    """Return the axis of a column whose values are `drawn`."""
    never = f"datum.value >= {MARGIN_PX} ? '∞' : datum.value"
    ticks = alt.Axis(values=[0.5, 1, 2, 4, 8, 16, 32, 64, MARGIN_PX], labelExpr=never, grid=False)
    scale = alt.Scale(type="log", base=2, domain=[LEAST_PX, MARGIN_PX], nice=False)
    return alt.X(f"{column}:Q", title=title, scale=scale, axis=ticks)


def medians(table: pd.DataFrame, by: Sequence[str], value: str = "value") -> pd.DataFrame:
    """Return the median over seeds of each group, and its order-statistic interval.

    Args:
        table: One line a seed, `value` in screen px, ∞ allowed.
        by: Columns that make a group.
        value: The column.

    Returns:
        A line for each group: `median`, `low` and `high` as they are `drawn` (the ends NaN under
        `FEWEST` seeds), the same as text in `median_said`, `low_said` and `high_said`, `seeds`.
    """
    records = []
    for key, group in table.groupby([*by], sort=False, observed=True):
        values = group[value].to_numpy(np.float64)
        low = high = math.nan
        if len(values) >= FEWEST:
            low, high = map(float, median_ratio(values, np.ones_like(values)).interval())
        record = dict(zip(by, key, strict=True)) | {"seeds": len(values)}
        for name, px in (("median", float(np.median(values))), ("low", low), ("high", high)):
            record |= {name: drawn(px), f"{name}_said": said(px)}
        records.append(record)
    return pd.DataFrame(records)


def interval_said(seeds: Iterable[int]) -> str:
    """Say what intervals medians have: `and its order-statistic interval, which covers 97.9 %`.

    Args:
        seeds: How many there are of each median.
    """
    covered = {coverage(n) for n in seeds if n >= FEWEST}
    if not covered:
        return f"without an interval, which takes {FEWEST} seeds"
    more = " or more" if len(covered) > 1 else ""
    return (
        f"and its order-statistic interval, which covers {100 * min(covered):.3g} %{more} "
        f"(from {FEWEST} seeds on)"
    )
