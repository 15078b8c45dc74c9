"""Comparisons, and what becomes of levels and p values when they are joined."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.verdicts.decisions import (
    Above,
    Below,
    Cell,
    Difference,
    Every,
    Quantity,
    Ratio,
    Some,
    Within,
    deciding,
    holds,
    p_value,
    quantities,
    terms_of,
    with_cells,
)
from analysis.verdicts.intervals import Statistic, median_ratio, paired

A, B = Cell("score", "nature"), Cell("score", "gap")
DROP = Difference(A, B)
RATIO = Ratio(Cell("q_shift", "half_max"), Cell("q_shift", "nature"))


def found(z: float, ratio: float = 1.0) -> dict[Quantity, Statistic]:
    """A drop of z standard errors over 100 seeds; ten ratios, all the same."""
    noise = np.tile([-1.0, 1.0], 50)
    drop = paired(noise + z * noise.std(ddof=1) / 10, np.zeros(100))
    return {DROP: drop, RATIO: median_ratio(np.full(10, float(ratio)), np.ones(10))}


def test_some_needs_more_of_each() -> None:
    term = Above(DROP, 0)
    assert holds(term, found(2.1))
    assert not holds(Some(term, Above(RATIO, 2)), found(2.1)), "α/2: 2.28 standard errors"
    assert holds(Some(term, Above(RATIO, 2)), found(2.4))
    assert p_value(Some(term, Above(RATIO, 2)), found(2.4)) == pytest.approx(
        2 * p_value(term, found(2.4))
    )


def test_every_needs_all_and_is_as_sure_as_the_least() -> None:
    both = Every(Above(DROP, 0), Above(RATIO, 2))
    assert not holds(both, found(9, ratio=1))
    assert holds(both, found(9, ratio=3))
    assert p_value(both, found(9, ratio=3)) == pytest.approx(2 / 1024)
    assert deciding(both, found(9, ratio=3)) == RATIO
    assert deciding(Some(*both.terms), found(9, ratio=3)) == DROP


def test_equivalence_is_for_differences() -> None:
    assert holds(Within(DROP, 0.5), found(0))
    assert not holds(Within(DROP, 0.1), found(0)), "the 90 % interval is ±.167"
    with pytest.raises(TypeError, match="equivalence needs a difference"):
        p_value(Within(DROP, 0.5), {DROP: found(0)[RATIO]})


def test_terms_and_quantities_are_found_in_order() -> None:
    expression = Every(Some(Above(DROP, 1), Below(RATIO, 2)), Below(DROP, 3))
    assert [str(t) for t in terms_of(expression)] == [
        "score: nature − gap ≥ 1",
        "q_shift: half_max / nature ≤ 2",
        "score: nature − gap ≤ 3",
    ]
    assert quantities(expression) == [DROP, RATIO]


def test_cells_are_changed_everywhere_and_equal_terms_merged() -> None:
    held, moved = (
        Difference(Cell("reward_share", "nature", arm), Cell("reward_share", "gap", arm))
        for arm in ("held", "moved")
    )
    both = Every(Above(held, 1), Above(moved, 1))
    assert str(both) == "reward_share [held; moved]: nature − gap ≥ 1"
    plain = with_cells(both, lambda c: Cell(c.measure, c.row))
    assert len(list(terms_of(plain))) == 1
    assert str(plain) == "reward_share: nature − gap ≥ 1"
