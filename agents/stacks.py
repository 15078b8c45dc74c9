"""A row of the zoo, and the ways to make one from another."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agents.parts import Gain, Part, Pool, scale


@dataclass(frozen=True)
class Architecture:
    """One row of the zoo.

    Attributes:
        name: What users type.
        layers: The stack, from the picture upwards.
        note: What the row is, against the row that it varies.
        against: The row that it is to be compared with; empty for one that stands alone.
        pair: The matched pair in which that comparison is made, a key of `PAIRS`; may be empty.
        control: Whether it checks the machinery, and so stays out of every ranking.
        source: Where the network comes from.
        hidden: ReLU units between the features and the actions (Mnih et al. 2015).
    """

    name: str
    layers: tuple[Part, ...]
    note: str
    against: str = ""
    pair: str = ""
    control: bool = False
    source: str = ""
    hidden: int = 512

    def variant(
        self,
        name: str,
        layers: tuple[Part, ...],
        note: str,
        *,
        pair: str = "",
        source: str = "",
        control: bool = False,
    ) -> Architecture:
        """Return a row that differs from this one in its stack, to be compared with this one."""
        return replace(
            self,
            name=name,
            layers=layers,
            note=note,
            against=self.name,
            pair=pair,
            source=source,
            control=control,
        )


def pool_by(row: Architecture, aggregator: type[Pool]) -> tuple[Part, ...]:
    """Return the stack of `row` with every local pool replaced by `aggregator`, same cells."""
    return tuple(aggregator(part.size) if isinstance(part, Pool) else part for part in row.layers)


def gain_behind_pools(row: Architecture, *gains: float) -> tuple[Part, ...]:
    """Return the stack of `row` with a fixed gain behind each local pool, from the first on."""
    left = iter(gains)
    return tuple(
        part
        for before in row.layers
        for part in ((before, Gain(next(left))) if isinstance(before, Pool) else (before,))
    )


def at_width(row: Architecture, width: float) -> Architecture:
    """Return `row` with its channels and hidden units multiplied by `width`, rounded by `scale`.

    It is called `half_max@0.5`, and is to be compared at its own width.
    """
    if width == 1:
        return row
    return replace(
        row,
        name=f"{row.name}@{width:.15g}",
        against=f"{row.against}@{width:.15g}" if row.against else "",
        layers=tuple(part.scaled(width) for part in row.layers),
        hidden=scale(row.hidden, width),
    )
