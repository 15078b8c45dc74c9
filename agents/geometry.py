"""The ledger of the zoo, by arithmetic on the data alone: `python -m agents.geometry` prints it.

For each row the maps, the total stride, the receptive field, the features, and what it costs in
parameters and multiply-adds; `agents.shapes` says how they are counted.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from agents.architectures import PAIRS, ROWS, Architecture, find, pairs_of
from agents.shapes import SIDE, Step, trace
from commandline import parse, run

ACTIONS = 6
"""Actions of Pong, the game for which the ledger counts."""


@dataclass(frozen=True)
class Entry:
    """One row's line in the ledger.

    Attributes:
        architecture: The row.
        steps: What stands behind each layer.
        parameters: Learned numbers, for `actions` actions.
        macs: Multiply-adds for one picture, the same.
    """

    architecture: Architecture
    steps: tuple[Step, ...]
    parameters: int
    macs: int

    @property
    def features(self) -> int:
        """Numbers that the hidden layer reads."""
        return self.steps[-1].features

    @property
    def maps(self) -> list[int]:
        """Sides of the maps on the way up, wherever the side changes."""
        sides = [SIDE, *(step.shape[1] for step in self.steps if len(step.shape) == 3)]
        return [b for a, b in pairwise(sides) if a != b]

    @property
    def receptive_field(self) -> int | str:
        """The field of the last map; `36→all` if a collapse of maps that see 36 stands behind."""
        last = self.steps[-1]
        return f"{last.sees}→all" if last.collapsed else last.sees

    def facts(self) -> dict[str, Any]:
        """Return the entry as JSON has it."""
        return {
            "name": self.architecture.name,
            "maps": self.maps,
            "stride": self.steps[-1].jump,
            "receptive_field": self.receptive_field,
            "features": self.features,
            "parameters": self.parameters,
            "mmac": self.macs / 1e6,
            "pair": list(pairs_of(self.architecture)),
        }


def ledger(row: Architecture, actions: int = ACTIONS) -> Entry:
    """Return the ledger's entry for `row`, its hidden layer and `actions` actions included."""
    steps = trace(row)
    features, hidden = steps[-1].features, row.hidden
    head = features * hidden + hidden * actions
    return Entry(
        row,
        steps,
        parameters=sum(step.parameters for step in steps) + head + hidden + actions,
        macs=sum(step.macs for step in steps) + head,
    )


@dataclass(frozen=True)
class Options:
    """What can be asked of the ledger.

    Attributes:
        names: Rows to show, also at a width, as in half_max@0.5; all of them if none is named.
        json: Print a list of objects instead of the tables.
    """

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False


def show(entries: list[Entry], console: Console) -> None:
    """Print the ledger as a table, then the matched pairs and what differs within each."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("name")
    table.add_column("maps")
    for heading in ("stride", "field", "features", "parameters", "MMAC"):
        table.add_column(heading, justify="right")
    table.add_column("pairs")
    for entry in entries:
        row, facts = entry.architecture, entry.facts()
        table.add_row(
            row.name,
            "-".join(map(str, entry.maps)),
            str(facts["stride"]),
            str(facts["receptive_field"]),
            f"{entry.features:,}",
            f"{entry.parameters:,}",
            f"{facts['mmac']:.1f}",
            "control" if row.control else " ".join(facts["pair"]),
        )
    console.print(table)
    console.print(
        f"\nInput 4 × {SIDE} × {SIDE}. Stride and field in network pixels; parameters and million "
        f"multiply-adds\nof a forward pass with {ACTIONS} actions. Controls are never ranked."
    )
    shown = [entry.architecture for entry in entries]
    for pair, differs in PAIRS.items():
        members = [row for row in shown if row.pair == pair]
        if not members:
            continue
        console.print(Padding(f"[bold]{pair}[/bold]  {differs}", (1, 0, 0, 0), expand=False))
        for reference in dict.fromkeys(row.against for row in members):
            names = ", ".join(row.name for row in members if row.against == reference)
            console.print(Padding(f"{reference} ↔ {names}", (0, 0, 0, 4), expand=False))


def main(argv: list[str] | None = None) -> int:
    """Print what the command line asks for."""
    options = parse(
        Options,
        argv,
        "python -m agents.geometry",
        "Print the ledger of the zoo: what each network's maps are, what one of its cells sees, "
        "and what it costs; then the matched pairs. Nothing is built and nothing is trained.",
    )
    rows = [find(name, "names") for name in options.names] or list(ROWS)
    entries = [ledger(row) for row in rows]
    if options.json:
        objects = [json.dumps(entry.facts(), ensure_ascii=False) for entry in entries]
        print("[\n  " + ",\n  ".join(objects) + "\n]")
        return 0
    # A pipe has no width, and names cut short would be of no use to whoever reads it.
    show(entries, Console(highlight=False, width=None if sys.stdout.isatty() else 120))
    return 0


if __name__ == "__main__":
    run(main)
