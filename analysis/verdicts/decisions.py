"""What a claim can be made of: quantities with a bound, and two ways to join them.

    Every(Below(Difference(nature, half_max), 0.10), Below(Ratio(half_max, nature), 0.9))

says that both intervals lie below their bounds. `Some` of k is sure at 1 − α if one of them is at
1 − α/k (Bonferroni): more chances to be wrong must not make more wrong verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from analysis.verdicts.intervals import Spread, Statistic
from analysis.verdicts.rules import ALPHA


@dataclass(frozen=True)
class Cell:
    """Where the values of one row stand, one for each seed.

    Attributes:
        measure: A key of `analysis.measurements.MEASURES`.
        row: A row of the zoo, or a reference that is no network.
        condition: What else was set, as `held`, `channels=256`; empty if nothing.
    """

    measure: str
    row: str
    condition: str = ""

    def __str__(self) -> str:
        where = f" [{self.condition}]" if self.condition else ""
        return f"{self.measure}{where} of {self.row}"


@dataclass(frozen=True)
class Difference:
    """The mean of `plus` − `minus`: by seed where rows share weights or batches, else by Welch."""

    plus: Cell
    minus: Cell

    def __str__(self) -> str:
        return f"{_name(self.plus)}: {self.plus.row} − {_other(self.plus, self.minus)}"


@dataclass(frozen=True)
class Ratio:
    """The median over seeds of `over` / `under`."""

    over: Cell
    under: Cell

    def __str__(self) -> str:
        return f"{_name(self.over)}: {self.over.row} / {_other(self.over, self.under)}"


@dataclass(frozen=True)
class Mean:
    """The mean over seeds."""

    cell: Cell

    def __str__(self) -> str:
        return f"{_name(self.cell)}: {self.cell.row}"


@dataclass(frozen=True)
class Median:
    """The median over seeds of a value that is itself a ratio."""

    cell: Cell

    def __str__(self) -> str:
        return f"{_name(self.cell)}: {self.cell.row}, median"


Fact = Literal["parameters", "receptive field", "first window"]


@dataclass(frozen=True)
class Arithmetic:
    """A fact of one row over a fact of another, from the ledger of the zoo."""

    over: tuple[Fact, str]
    under: tuple[Fact, str]

    def __str__(self) -> str:
        return f"{self.over[0]} of {self.over[1]} / {self.under[0]} of {self.under[1]}"


AND, OR = " and ", " or "

Quantity = Difference | Ratio | Mean | Median | Arithmetic


def _name(cell: Cell) -> str:
    return f"{cell.measure} [{cell.condition}]" if cell.condition else cell.measure


def _other(first: Cell, second: Cell) -> str:
    alike = first.condition == second.condition
    return second.row if alike else f"{second.row} [{second.condition}]"


@dataclass(frozen=True)
class Above:
    """The interval lies at or above the bound."""

    quantity: Quantity
    bound: float

    def __str__(self) -> str:
        return f"{self.quantity} ≥ {self.bound:g}"


@dataclass(frozen=True)
class Below:
    """The interval lies at or below the bound."""

    quantity: Quantity
    bound: float

    def __str__(self) -> str:
        return f"{self.quantity} ≤ {self.bound:g}"


@dataclass(frozen=True)
class Within:
    """The 90 % interval of a difference lies inside ± the margin: equivalence by TOST."""

    quantity: Difference
    margin: float

    def __str__(self) -> str:
        return f"{self.quantity} within ±{self.margin:g}"


@dataclass(frozen=True, init=False)
class Every:
    """All of the terms hold."""

    terms: tuple[Expression, ...]

    def __init__(self, *terms: Expression) -> None:
        object.__setattr__(self, "terms", terms)

    def __str__(self) -> str:
        return _joined(self.terms, AND)


@dataclass(frozen=True, init=False)
class Some:
    """At least one of the terms holds."""

    terms: tuple[Expression, ...]

    def __init__(self, *terms: Expression) -> None:
        object.__setattr__(self, "terms", terms)

    def __str__(self) -> str:
        return _joined(self.terms, OR)


Expression = Above | Below | Within | Every | Some


def _joined(terms: tuple[Expression, ...], word: str) -> str:
    """Return the terms in words; those that differ in nothing but the condition in one."""
    said: dict[str, list[str]] = {}
    for term in terms:
        text, condition = str(term), ""
        if isinstance(term, Every | Some):
            text = f"({text})" if " and " in text or " or " in text else text
        elif word == AND:
            condition = _condition(term.quantity)
        said.setdefault(text.replace(f" [{condition}]", "{}"), []).append(condition)
    return word.join(text.replace("{}", f" [{'; '.join(c)}]") for text, c in said.items())


def _condition(quantity: Quantity) -> str:
    conditions = {cell.condition for cell in cells_of(quantity)}
    return conditions.pop() if len(conditions) == 1 else ""


def terms_of(expression: Expression) -> Iterator[Above | Below | Within]:
    """Yield every comparison of a quantity with a bound, from left to right."""
    if isinstance(expression, Every | Some):
        for term in expression.terms:
            yield from terms_of(term)
    else:
        yield expression


def quantities(*expressions: Expression) -> list[Quantity]:
    """Return the quantities that the expressions are about, each once, in order."""
    return list(dict.fromkeys(t.quantity for e in expressions for t in terms_of(e)))


def cells_of(quantity: Quantity) -> tuple[Cell, ...]:
    """Return the cells whose values the quantity needs."""
    match quantity:
        case Difference(a, b) | Ratio(a, b):
            return (a, b)
        case Mean(cell) | Median(cell):
            return (cell,)
        case Arithmetic():
            return ()


def with_cells(expression: Expression, change: Callable[[Cell], Cell]) -> Expression:
    """Return the expression with every cell changed, and terms that became equal merged."""
    match expression:
        case Every(terms):
            return Every(*dict.fromkeys(with_cells(t, change) for t in terms))
        case Some(terms):
            return Some(*dict.fromkeys(with_cells(t, change) for t in terms))
        case Within(Difference(a, b), _):
            return replace(expression, quantity=Difference(change(a), change(b)))
        case Above(quantity, _) | Below(quantity, _):
            return replace(expression, quantity=_changed(quantity, change))


def _changed(quantity: Quantity, change: Callable[[Cell], Cell]) -> Quantity:
    match quantity:
        case Difference(a, b):
            return Difference(change(a), change(b))
        case Ratio(a, b):
            return Ratio(change(a), change(b))
        case Mean(cell):
            return Mean(change(cell))
        case Median(cell):
            return Median(change(cell))
        case Arithmetic():
            return quantity


Statistics = Mapping[Quantity, Statistic]
"""What was computed for each quantity."""


def holds(expression: Expression, found: Statistics, alpha: float = ALPHA) -> bool:
    """Whether the intervals at 1 − `alpha` say what the expression says."""
    match expression:
        case Every(terms):
            return all(holds(t, found, alpha) for t in terms)
        case Some(terms):
            return any(holds(t, found, alpha / len(terms)) for t in terms)
        case Above(quantity, bound):
            return found[quantity].lies_above(bound, alpha)
        case Below(quantity, bound):
            return found[quantity].lies_below(bound, alpha)
        case Within(quantity, margin):
            return _spread(found[quantity]).lies_within(margin, alpha)


def p_value(expression: Expression, found: Statistics) -> float:
    """Return the p value: the largest of `Every`, k times the least of `Some` of k."""
    match expression:
        case Every(terms):
            return max(p_value(t, found) for t in terms)
        case Some(terms):
            return min(1.0, len(terms) * min(p_value(t, found) for t in terms))
        case Above(quantity, bound):
            return float(found[quantity].p_above(bound))
        case Below(quantity, bound):
            return float(found[quantity].p_below(bound))
        case Within(quantity, margin):
            return float(_spread(found[quantity]).p_equivalent(margin))


def deciding(expression: Expression, found: Statistics) -> Quantity:
    """Return the quantity on which it hangs: the weakest of `Every`, the strongest of `Some`."""
    if isinstance(expression, Every):
        return deciding(max(expression.terms, key=lambda t: p_value(t, found)), found)
    if isinstance(expression, Some):
        return deciding(min(expression.terms, key=lambda t: p_value(t, found)), found)
    return expression.quantity


def _spread(statistic: Statistic) -> Spread:
    if not isinstance(statistic, Spread):
        raise TypeError(f"equivalence needs a difference, got {type(statistic).__name__}")
    return statistic
