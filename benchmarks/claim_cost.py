"""What the verdict on each claim costs: networks to train, core-hours, and what of it is left.

    python -m benchmarks.claim_cost

prints a line for each part of a claim that needs networks or agents trained, with what its learning
rates take, and behind it what is still missing in `results/`. The rates are CPU seconds of one
thread: of agents in `results/rates.json`, of networks trained without a game in
`results/supervised_rates.json`, which `--measure` writes on the machine at hand. `--write` puts the
table, without what is missing, into docs/scaling.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.progress import track
from torch.nn.functional import mse_loss

import commandline
from agents.checkpoints import read_json, write_json
from agents.shapes import CHANNELS, SIDE
from analysis.claim import Part
from analysis.claims import CLAIMS
from analysis.descent import adam_of, descend
from analysis.networks import build
from analysis.supervised import SupervisedSettings
from analysis.tasks import catalogue
from analysis.verdicts.rules import SEEDS
from analysis.verdicts.selection import Setting
from benchmarks.cost import PAGE, ROOT, fill, long_duration, rounded
from benchmarks.cost_model import Rates, plan
from commandline import BadInput
from reporting.commands import (
    STUDIES,
    needed_rows,
    rows_by_task,
    studies,
    tuned_by_task,
    usual_width,
)
from studies.networks.supervised import tuning_runs
from studies.networks.supervised_run import SupervisedRun
from studies.publish import place
from studies.running.directory import RunSpec, commit, versions

RATES = ROOT / "results" / "supervised_rates.json"

TIMED, ROUNDS = 15, 4
"""Updates in a round, and rounds; the quickest counts, since neighbours on a machine only slow."""

Run = RunSpec | SupervisedRun


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        results: What has its row there is not missing.
        measure: Measure the seconds of an update here, some minutes.
        write: Put the table into docs/scaling.md.
    """

    results: Path = ROOT / "results"
    measure: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    write: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False


def parts() -> list[Part]:
    """Return the parts of claims whose verdict needs something trained."""
    trained = ("supervised", "reinforcement")
    return [part for claim in CLAIMS for part in claim.parts if part.regime in trained]


def runs(part: Part, results: Path) -> list[Run]:
    """Return the runs that a part's verdict needs and that have no row, those of tuning first.

    Args:
        part: Of a claim, in the game that decides it.
        results: The folder of published rows; one that is not there makes it all runs.
    """
    game = part.games[0]
    setting = Setting(part.regime, game, usual_width(part.regime, game))
    if part.regime == "reinforcement":
        rows = needed_rows(part, setting)
        found = [
            spec
            for published in studies(rows, game)
            for name in (published.tuning, published.study)
            for spec in _plan(name)
            if spec.extractor in rows
        ]
        return [spec for spec in found if not _is_done(spec, results)]
    by_task = rows_by_task(part, setting)
    tuning: list[Run] = [
        run
        for task, rows in tuned_by_task(by_task).items()
        for run in tuning_runs(_conditions(task, game), rows, results, results)
    ]
    judged = [
        SupervisedRun("tuned", *question, row, seed, settings, results, results)
        for task, rows in by_task.items()
        for question in _conditions(task, game)
        for settings in [catalogue.TASKS[task].settings]
        for row in rows
        for seed in range(SEEDS["supervised"])
    ]
    return [*tuning, *(run for run in judged if not run.published.exists())]


def _is_done(spec: RunSpec, results: Path) -> bool:
    """Whether a finished and scored run of these rows lies there, at whatever rate was chosen."""
    path = place(spec, results)
    row = read_json(path) if path.exists() else {}
    return bool(row.get("finished")) and row.get("scores") is not None


@cache
def _plan(study: str) -> list[RunSpec]:
    return plan(STUDIES / f"{study}.yaml")


def _conditions(task: str, game: str) -> list[tuple[str, str, str]]:
    return [(task, game, condition) for condition in catalogue.TASKS[task].games[game]]


class Seconds:
    """Seconds of one core in a run, from measured rates."""

    def __init__(self, agents: Path, networks: Path) -> None:
        """Read both files of rates.

        Raises:
            BadInput: If one of them is none.
        """
        self._agents = Rates.read(agents)
        try:
            rates = read_json(networks)["seconds_an_update"]
            self._networks = {str(row): float(seconds) for row, seconds in rates.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{networks}: expected measured rates, got {error!r}") from None

    def of(self, run: Run) -> float | None:
        """Return a run's seconds; `None` if its row was not measured."""
        if isinstance(run, RunSpec):
            each = self._agents.seconds_a_step(run)
        else:
            each = self._networks.get(run.network)
        return None if each is None else each * run.length

    def sum(self, found: Iterable[Run]) -> float | None:
        """Return the seconds of all; `None` if one is not known."""
        each = [self.of(run) for run in found]
        known = [seconds for seconds in each if seconds is not None]
        return sum(known) if len(known) == len(each) else None


def networks() -> list[str]:
    """Return every network that a verdict of the supervised regime trains."""
    nowhere = ROOT / "results" / "nothing"
    wanted = [run for part in parts() for run in runs(part, nowhere)]
    return sorted({run.network for run in wanted if isinstance(run, SupervisedRun)})


def measure(rows: Sequence[str], path: Path) -> None:
    """Measure an update of each network in CPU seconds of one thread, and write the file."""
    torch.set_num_threads(1)
    settings = SupervisedSettings()
    generator = torch.Generator().manual_seed(0)
    shape = (settings.batch_size, CHANNELS, SIDE, SIDE)
    pictures = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    targets = torch.randn(settings.batch_size, 2, generator=generator)
    found = {}
    for row in track(rows, "measuring"):
        network = build(row, 0, 2).train()
        adam = adam_of(network, settings.learning_rate)
        rounds = []
        for _ in range(ROUNDS):
            began = time.process_time()
            for _ in range(TIMED):
                loss = mse_loss(network(pictures), targets)
                descend(loss, network, adam, settings.max_grad_norm)
            rounds.append((time.process_time() - began) / TIMED)
        found[row] = round(min(rounds), 5)
    made = {"batch_size": settings.batch_size, "threads": 1, "versions": versions()}
    write_json(path, {**made, "commit": commit(), "seconds_an_update": found})


def table(seconds: Seconds, results: Path | None) -> list[str]:
    """Return a Markdown table of what verdicts cost.

    Args:
        seconds: Of a run.
        results: Where to look for what is done; `None` leaves out what is missing.
    """
    nowhere = ROOT / "results" / "nothing"
    lines = ["| claim | decided in | tuning runs | judged runs | core-hours | 2 cores |"]
    lines.append("|---|---|---:|---:|---:|---:|")
    if results is not None:
        lines = [lines[0] + " core-hours left |", lines[1] + "---:|"]
    needed: dict[str, Run] = {}
    lacking: dict[str, Run] = {}
    for part in parts():
        wanted = {_title(run): run for run in runs(part, nowhere)}
        left = {_title(run): run for run in runs(part, results)} if results is not None else {}
        name = f"{part.id} | {part.regime}, {part.games[0]}"
        lines.append(_line(name, wanted, left if results is not None else None, seconds))
        needed |= wanted
        lacking |= left
    rest = lacking if results is not None else None
    return [*lines, _line("all, each run once | ", needed, rest, seconds)]


def _title(run: Run) -> str:
    return f"{type(run).__name__} {run.title}"


def _line(name: str, wanted: dict[str, Run], left: dict[str, Run] | None, seconds: Seconds) -> str:
    tuning = sum(_tunes(run) for run in wanted.values())
    whole = seconds.sum(wanted.values())
    cells = [name, f"{tuning:,}", f"{len(wanted) - tuning:,}", _hours(whole)]
    cells.append("–" if whole is None else long_duration(whole / 2))
    if left is not None:
        cells.append(_hours(seconds.sum(left.values())))
    return f"| {' | '.join(cells)} |"


def _tunes(run: Run) -> bool:
    return run.stage == "tuning" if isinstance(run, SupervisedRun) else run.seed >= 100


def _hours(seconds: float | None) -> str:
    return "not measured" if seconds is None else rounded(seconds / 3600) if seconds else "0"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print or write; return the exit status."""
    program = "python -m benchmarks.claim_cost"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    if arguments.measure:
        measure(networks(), RATES)
    seconds = Seconds(ROOT / "results" / "rates.json", RATES)
    if arguments.write:
        made = {"claim_costs": "\n".join(table(seconds, None))}
        PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), made), "utf-8")
    print("\n".join(table(seconds, arguments.results)))
    return 0


if __name__ == "__main__":
    commandline.run(main)
