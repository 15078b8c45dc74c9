"""Optimisation or information: two trained networks' weights, each under both aggregators.

    python -m studies.networks.swaps --rows nature@0.5 gap@0.5 --seeds 0 1 2

takes networks trained on WHERE that differ in nothing but an aggregator and whose weights are still
in their run directories, puts the weights of each into the other, fits the heads anew, and writes
`results/swaps/<game>/<first>-<second>/seed<k>.json`. An aggregator that is good with the
other's weights could have been learnt: what failed was optimisation. One that is bad with weights
that are good elsewhere loses the information.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

import commandline
from agents import extractors
from agents.checkpoints import read_json, write_json
from agents.transplant import transplant
from analysis import battery
from analysis.networks import Network, build
from analysis.probing.swaps import swap
from analysis.shared import Shared
from analysis.supervised import SupervisedSettings
from analysis.tasks import catalogue
from commandline import BadInput, choose
from studies.networks.remeasure import Arguments as Kept
from studies.networks.remeasure import kept, trained
from studies.running.directory import commit, versions

TASK = "where"
"""What the networks were trained on."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        rows: Two rows of the zoo with the same weights, a width allowed.
        seeds: Of the networks.
        game: Whose pictures they see.
        out: Folder of all runs, with the weights.
        results: Folder of published rows; what lies there is not done again.
    """

    rows: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=lambda: [0])
    game: str = "pong"
    out: Path = Path("runs")
    results: Path = Path("results")

    def file(self, seed: int) -> Path:
        """Return where the table of a seed lies."""
        pair = "-".join(extractors.directory_name(row) for row in self.rows)
        return self.results / "swaps" / self.game / pair / f"seed{seed}.json"


def networks(arguments: Arguments, seed: int) -> list[Network]:
    """Return the two networks of a seed.

    Raises:
        BadInput: If one of them has no row or no weights.
    """
    asked = Kept(TASK, arguments.rows, [seed], [], arguments.game, arguments.out, arguments.results)
    usual = SupervisedSettings.updates
    runs = {run.row: run for run in kept(asked)[0] if run.length == usual}
    if lacking := [row for row in arguments.rows if row not in runs]:
        raise BadInput(
            f"--rows: expected a trained {lacking[0]} of seed {seed} ({usual:,} updates) with its "
            f"weights in {arguments.out}, got none"
        )
    task = catalogue.task(TASK, arguments.game, runs[arguments.rows[0]].condition)
    return [trained(run, read_json(run.published), task).network for run in runs.values()]


def same_weights(first: str, second: str) -> None:
    """Raise `BadInput` if not every weight of one row's extractor has its place in the other's."""
    one, other = (build(row, 0, 1).extractor for row in (first, second))
    try:
        left = transplant(one, other)
    except ValueError as error:
        raise BadInput(f"--rows: expected rows of the same weights; {error}") from None
    if left:
        raise BadInput(f"--rows: expected rows of the same weights; {first} has no {left[0]}")


def measure(arguments: Arguments, seed: int, shared: Shared) -> None:
    """Swap the weights of one seed's networks and write the table."""
    first, second = networks(arguments, seed)
    found = swap(first, second, shared.held, battery.generator(seed, "swap"))
    table = found.table.round(6).to_dict("split")
    file = arguments.file(seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    facts = {"rows": arguments.rows, "seed": seed, "task": TASK, "game": arguments.game}
    made = {"data": shared.held_hash, "versions": versions(), "commit": commit()}
    write_json(file, {**facts, **made, "columns": table["columns"], "table": table["data"]})


def tables(files: Sequence[Path]) -> pd.DataFrame:
    """Return R² of the place by weights, aggregator and head: median, least, most, over seeds."""
    frames = []
    for file in files:
        content = read_json(file)
        frames.append(pd.DataFrame(content["table"], columns=content["columns"]))
    whole = pd.concat(frames)
    whole = whole[(whole["metric"] == "r2") & (whole["axis"] == "mean")]
    grouped = whole.groupby(["weights", "aggregator", "head"], sort=False)["value"]
    return grouped.agg(["median", "min", "max", "count"]).reset_index()


def show(found: pd.DataFrame, console: Console) -> None:
    """Print the table."""
    table = Table(title="R² of the ball's place on unseen games, weights frozen, head fitted anew")
    for name in ("weights of", "aggregator of", "head", "median", "least", "most", "seeds"):
        table.add_column(name, justify="left" if name[-2:] in ("of", "ad") else "right")
    for weights, aggregator, head, *numbers, seeds in found.itertuples(index=False):
        table.add_row(weights, aggregator, head, *(f"{n:.3f}" for n in numbers), f"{seeds}")
    console.print(table)


def main(argv: Sequence[str] | None = None) -> int:
    """Swap what the command line names; return the exit status."""
    program = "python -m studies.networks.swaps"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    if len(set(arguments.rows)) != 2:
        given = " ".join(arguments.rows) or "none"
        raise BadInput(f"--rows: expected two rows, such as nature@0.5 gap@0.5; got {given}")
    choose("--game", arguments.game, catalogue.TASKS[TASK].games)
    same_weights(*arguments.rows)
    torch.set_num_threads(1)
    shared = Shared(arguments.game)
    seeds = list(dict.fromkeys(arguments.seeds))
    for seed in track([s for s in seeds if not arguments.file(s).exists()], "swapping"):
        measure(arguments, seed, shared)
    show(tables([arguments.file(seed) for seed in seeds]), Console())
    return 0


if __name__ == "__main__":
    commandline.run(main)
