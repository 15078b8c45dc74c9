"""One part of a claim in one game: what the numbers say, which guards fire, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agents.architectures import find
from agents.geometry import ledger
from agents.parts import Conv
from analysis.claim import Claim, Part
from analysis.verdicts.decisions import (
    Arithmetic,
    Cell,
    Fact,
    Quantity,
    Statistics,
    deciding,
    holds,
    p_value,
    quantities,
    with_cells,
)
from analysis.verdicts.guards import Look
from analysis.verdicts.intervals import Counted, Statistic
from analysis.verdicts.rules import (
    LEAST_SEEDS,
    PRIMARY_SEEDS,
    SEEDS,
    Guard,
    Verdict,
    verdict,
)
from analysis.verdicts.selection import Index, Setting, missing, seeds_of, statistic
from analysis.verdicts.targets import ARMS


@dataclass(frozen=True)
class Evidence:
    """What there is on one part in one game, before Holm.

    Attributes:
        part: The part, with the cells of this game.
        setting: Where its numbers come from.
        found: The statistic of each quantity; empty if not measured.
        verdict: After all guards.
        p_value: Of the verdict that the numbers favour; 1 if not measured.
        seeds: Behind the weakest quantity.
        needs: What is missing, a line each.
        fired: Guards that held a verdict back.
    """

    part: Part
    setting: Setting
    found: Statistics
    verdict: Verdict
    p_value: float
    seeds: int
    needs: tuple[str, ...]
    fired: tuple[Guard, ...] = ()

    @property
    def headline(self) -> Quantity | None:
        """The quantity on which the verdict hangs, or support would; `None` if not measured."""
        if not self.found:
            return None
        refuted = self.verdict == "refuted"
        return deciding(self.part.refuted if refuted else self.part.supported, self.found)


def weigh(claim: Claim, part: Part, game: str, index: Index) -> Evidence:
    """Return the evidence on one part in one game."""
    if part.regime == "arithmetic":
        return _counted(part)
    part = in_game(part, game)
    asked = quantities(part.supported, part.refuted)
    setting = _best_setting(asked, part, game, index)
    planned = SEEDS[part.regime]
    needs = missing(part.cells, index, setting, planned)
    seeds = min(seeds_of(q, index, setting) for q in asked)
    if clash := index.two_protocols(part.cells, setting):
        return Evidence(part, setting, {}, "not measured", 1.0, 0, (*clash, *needs))
    if seeds < LEAST_SEEDS:
        return Evidence(part, setting, {}, "not measured", 1.0, seeds, tuple(needs))
    found = {q: statistic(q, index, setting) for q in asked}
    says = verdict(holds(part.supported, found), holds(part.refuted, found))
    look = Look(part, setting, index, found, says, needs, seeds)
    fired = look.guards(primary=claim.primary)
    p = min(p_value(part.supported, found), p_value(part.refuted, found))
    if claim.primary and seeds < PRIMARY_SEEDS:
        p = 1.0
    # What a guard needs and does not find holds the verdict back as the guard itself would.
    stands = not fired and not look.blind
    return Evidence(
        part,
        setting,
        found,
        says if stands else "inconclusive",
        p,
        seeds,
        tuple(dict.fromkeys(needs)),
        tuple(fired),
    )


def in_game(part: Part, game: str) -> Part:
    """Return the part for a game: only Pong has an opponent that can be held or moved along."""
    if game == "pong":
        return part

    def plain(cell: Cell) -> Cell:
        return replace(cell, condition="") if cell.condition in ARMS else cell

    assay = part.assay
    if assay is not None:
        groups = dict.fromkeys(tuple(map(plain, group)) for group in assay.levels)
        measure, condition = assay.control
        control = (measure, "" if condition in ARMS else condition)
        assay = replace(assay, levels=tuple(groups), control=control)
    return replace(
        part,
        supported=with_cells(part.supported, plain),
        refuted=with_cells(part.refuted, plain),
        assay=assay,
    )


def _best_setting(asked: list[Quantity], part: Part, game: str, index: Index) -> Setting:
    """Return the setting with most of the seeds planned; then the widest, then the longest."""
    planned = SEEDS[part.regime]
    settings = index.settings(part.cells, part.regime, game)

    def merit(setting: Setting) -> tuple[int, int, float, int]:
        counts = [min(planned, seeds_of(q, index, setting)) for q in asked]
        return min(counts), sum(counts), setting.width, setting.budget

    return max(settings, key=merit, default=Setting(part.regime, game))


def _counted(part: Part) -> Evidence:
    asked = quantities(part.supported, part.refuted)
    found: dict[Quantity, Statistic] = {
        q: Counted(_ratio(q)) for q in asked if isinstance(q, Arithmetic)
    }
    says = verdict(holds(part.supported, found), holds(part.refuted, found))
    return Evidence(part, Setting("arithmetic", ""), found, says, 0.0, 0, ())


def _ratio(quantity: Arithmetic) -> float:
    return fact(*quantity.over) / fact(*quantity.under)


def fact(name: Fact, row: str) -> int:
    """Return a fact of a row: its parameters, the field of its last map or of its first kernel."""
    architecture = find(row, "row")
    entry = ledger(architecture)
    if name == "parameters":
        return entry.parameters
    if name == "receptive field":
        return entry.steps[-1].sees
    return next(part.kernel for part in architecture.layers if isinstance(part, Conv))
