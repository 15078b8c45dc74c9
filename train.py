"""Train agents: command line to runs.

    python train.py --game pong breakout --extractor nature gap --seed 0 1 --workers 2

trains every combination of game, extractor and seed. A run that is finished is skipped; one that
was interrupted goes on from its last checkpoint.

    python train.py --study studies/catch.yaml --workers 2

trains a whole study: a W&B sweep grid, which `wandb sweep` takes as it is. Each of its runs that
finishes is scored and adds its row to results/; what has its row there is not trained again.

    python train.py --study studies/catch.yaml --status

says what is done, running, failed and left, and when it will end, and changes nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

import commandline
from agents import extractors
from agents.checkpoints import device_for
from agents.settings import PRESETS, as_dict
from agents.tuned import settings_of
from commandline import BadInput, at_least
from envs import games
from reporting.wandb_run import check_mode
from studies import grid
from studies.agenda import Agenda, rows_folder
from studies.crew import hire, likely_workers, time_is_up
from studies.launch import Outcome
from studies.launching.budget import TIME_IS_UP, Budget, parse_duration
from studies.running.directory import RunSpec, make_root, reached
from studies.running.lock import check_free
from studies.running.worker import Options
from studies.status import standings
from studies.status_table import show_status


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        study: Study files (W&B sweep grids) that say what to train; several may be given.
        game: Games to train on: pong, breakout, catch, bowling.
        extractor: Feature extractors: names from `python -m agents.geometry`, such as nature,
            half_max or half_max@0.5 (half the width), or your own as path/to/file.py:ClassName.
        seed: Whole numbers; every random number of a run is derived from its one seed.
        preset: demo (minutes; learns nothing), fast (Pong in some 0.5M steps) or nature (10M steps,
            RL-Zoo's settings, comparable with published scores).
        steps: Length of each run in agent steps (four emulator frames each); default: the preset's.
        workers: Runs trained at the same time, each in a process of its own; 0: as many as fit into
            memory and cores, on a GPU its memory included. Default: 1, with --ray 0.
        ray: Train on a Ray cluster: auto, local or host:port; --out has to be a folder that all its
            machines share. See docs/clusters.md.
        time_budget: Stop before that time is over, such as 90s, 9m, 2h or 1h30m, with a checkpoint
            of each run; exit status 75 if something is left. The same command goes on.
        threads: PyTorch threads for each run.
        device: cpu, cuda or auto (cuda if there is one).
        deterministic: Use only algorithms that give the same bits each time (they always do on a
            CPU): slower on CUDA, and a row that has none there is refused by PyTorch.
        wandb: offline (no account needed), online (needs WANDB_API_KEY) or disabled.
        out: Folder of all studies; created if missing.
        study_name: Folder below it; default: the preset's name. A run lies in
            OUT/STUDY/GAME/EXTRACTOR/seedK. Settings may be named in braces, as in
            mine-rate{learning_rate}.
        results: Folder of published rows: what has its row there is not trained again, what
            finishes is scored and adds its own. Default: results with --study, nothing without;
            none: nothing.
        status: Train nothing; say what is done, running, failed and left, and when it will end.
        json: With --status: print a JSON object instead of tables.
        replay_size: Transitions remembered by each run, 7,064 bytes each; default: the preset's.
        replay_compression: none, or zlib: 16 to 25 times less memory, slower sampling, the same
            result; default: the preset's.
        learning_rate: Of Adam; default: the row's, where it was tuned for this game and way of
            training, else the preset's.
        update_every: Agent steps for each update; default: the preset's.
        precision: float32, or bfloat16 (faster, weights stay float32; see docs/performance.md);
            default: the preset's.
        checkpoint_every: Agent steps between checkpoints, at which all games restart; default: the
            preset's.
        eval_every: Agent steps between points of the learning curve; default: the preset's.
        eval_games: Whole games for each point; default: the preset's.
        readout_every: Agent steps between two looks at how well each layer tells where the ball is
            (where/…_r2 in metrics.jsonl; changes nothing in the run); 0: never; default: the
            preset's.
        really: Train rows that refuse because of their cost (no_stride).
    """

    study: list[Path] = field(default_factory=list)
    game: list[str] = field(default_factory=lambda: ["pong"])
    extractor: list[str] = field(default_factory=lambda: ["nature"])
    seed: list[int] = field(default_factory=lambda: [0])
    preset: str = "fast"
    steps: int | None = None
    workers: int | None = None
    ray: str | None = None
    time_budget: str | None = None
    threads: int = 1
    device: str = "cpu"
    deterministic: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    wandb: str = "offline"
    out: Path = Path("runs")
    study_name: str | None = None
    results: Path | None = None
    status: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    replay_size: int | None = None
    replay_compression: str | None = None
    learning_rate: float | None = None
    update_every: int | None = None
    precision: str | None = None
    checkpoint_every: int | None = None
    eval_every: int | None = None
    eval_games: int | None = None
    readout_every: int | None = None
    really: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False


WORTH_A_PREFLIGHT = 20_000
"""Agent steps left from which it is worth some seconds to find out how long they will take."""

OVERRIDES = (
    "steps",
    "replay_size",
    "replay_compression",
    "learning_rate",
    "update_every",
    "precision",
    "checkpoint_every",
    "eval_every",
    "eval_games",
    "readout_every",
)
"""Arguments that replace a setting of the preset."""


LISTS = ("game", "extractor", "seed")
"""Arguments that take several values; a point of a study has one."""


def plan(arguments: Arguments) -> list[RunSpec]:
    """Return the runs asked for: seeds in rounds, every game and extractor in each.

    Raises:
        BadInput: If anything in the arguments or study files cannot be done; nothing has been
            written then.
    """
    if not arguments.study:
        return plan_grid(arguments)
    usual = Arguments()
    for name in grid.PARAMETERS:
        if getattr(arguments, name) != getattr(usual, name):
            option = "--" + name.replace("_", "-")
            raise BadInput(f"{option}: expected nothing beside --study, whose file says it")
    rounds: dict[int, list[RunSpec]] = {}
    for path in arguments.study:
        points = grid.read(path).points
        seeds = list(dict.fromkeys(point.get("seed", usual.seed[0]) for point in points))
        for point in points:
            given: dict[str, Any] = {k: [v] if k in LISTS else v for k, v in point.items()}
            runs = plan_grid(dataclasses.replace(arguments, study=[], **given))
            rounds.setdefault(seeds.index(runs[0].seed), []).extend(runs)
    found = {run.title: run for number in sorted(rounds) for run in rounds[number]}
    if len(found) < sum(map(len, rounds.values())):
        raise BadInput("--study: expected each run in one study only; two name the same study_name")
    return list(found.values())


def plan_grid(arguments: Arguments) -> list[RunSpec]:
    """Return every combination of game, extractor and seed.

    Raises:
        BadInput: If anything in the arguments cannot be done; nothing has been written then.
    """
    for what in LISTS:
        if not getattr(arguments, what):
            raise BadInput(f"--{what}: expected at least one, got none")
    commandline.choose("--preset", arguments.preset, PRESETS)
    for name in arguments.game:
        games.find(name)
    for spec in arguments.extractor:
        extractors.check(spec, allow_costly=arguments.really)
    for seed in arguments.seed:
        at_least("--seed", seed, 0)
    if arguments.workers is not None:
        at_least("--workers", arguments.workers, 0)
    at_least("--threads", arguments.threads, 1)
    commandline.choose("--device", arguments.device, ("auto", "cpu", "cuda"))
    # A cluster's machines may have what this one has not, and whoever looks on needs nothing.
    if arguments.ray is None and not arguments.status:
        device_for(arguments.device)
    if arguments.time_budget is not None:
        parse_duration("--time-budget", arguments.time_budget)
    if arguments.json and not arguments.status:
        raise BadInput("--json: expected --status beside it")
    # The same thing named twice is one run.
    cross = itertools.product(
        dict.fromkeys(arguments.seed),
        dict.fromkeys(arguments.game),
        dict.fromkeys(arguments.extractor),
    )
    return [_spec(arguments, game, extractor, seed) for seed, game, extractor in cross]


def _spec(arguments: Arguments, game: str, extractor: str, seed: int) -> RunSpec:
    preset = arguments.preset
    overrides = {name: getattr(arguments, name) for name in OVERRIDES}
    settings, rate_from = settings_of(preset, game, extractor, overrides)
    named = {"preset": preset, **as_dict(settings)}
    study = grid.folder_name(arguments.study_name or preset, named)
    return RunSpec(study, game, extractor, seed, settings, arguments.out, rate_from)


def main(argv: Sequence[str] | None = None) -> int:
    """Train what the command line asks for; return the exit status."""
    arguments = commandline.parse(Arguments, argv, "train.py", __doc__ or "")
    specs = plan(arguments)
    results = rows_folder(arguments.results, study=bool(arguments.study))
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if arguments.status:
        found = standings(specs, results)
        left = [standing.spec for standing in found if standing.how != "done"]
        workers = likely_workers(left, arguments.workers, arguments.threads)
        show_status(found, workers, console, as_json=arguments.json)
        return 0
    budget = None
    if arguments.time_budget is not None:
        budget = Budget(parse_duration("--time-budget", arguments.time_budget))
    agenda = Agenda.of(specs, results)
    todo, to_train = agenda.todo, agenda.to_train
    for spec in todo:
        check_free(spec.directory)
    crew = None
    if todo:
        check_mode(arguments.wandb)
        crew = hire(todo, arguments.workers, arguments.ray, arguments.device, arguments.threads)
        make_root(arguments.out)
    if todo and results is not None:
        make_root(results, "--results")
    agenda.tell(console)
    if crew is None:
        outcome = Outcome((), (), ())
    else:
        # Not out of a budget, which would pay for it at every call.
        steps = sum(spec.length - reached(spec) for spec in to_train)
        worth_it = budget is None and steps >= WORTH_A_PREFLIGHT
        told = crew.told(to_train or todo, arguments.out, measure=worth_it)
        for line in told:
            console.print(line)
        options = Options(
            workers=crew.workers,
            wandb_mode=arguments.wandb,
            device=crew.device,
            threads=arguments.threads,
            deterministic=arguments.deterministic,
        )
        outcome = agenda.do(options, console, backend=crew.backend, budget=budget)
    if outcome.timed_out and outcome.interrupted:
        for line in time_is_up(todo, outcome):
            console.print(line)
    elif outcome.interrupted:
        console.print(f"interrupted: {len(outcome.interrupted)}; the same command goes on")
    for name, why in outcome.failed:
        console.print(f"failed: {name}: {why}")
    if not outcome.failed and not outcome.interrupted:
        console.print(agenda.ending)
    return exit_status(outcome)


def exit_status(outcome: Outcome) -> int:
    """Return the status that tells a shell how it ended, and whether to call again."""
    if outcome.interrupted and outcome.timed_out:  # whoever failed does not hold up the others
        return TIME_IS_UP
    if outcome.failed:
        return 1
    return 130 if outcome.interrupted else 0


if __name__ == "__main__":
    commandline.run(main)
