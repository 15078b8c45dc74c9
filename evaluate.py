"""Measure finished runs: each agent plays whole games, and a table says how they went.

    python evaluate.py runs/fast

finds every run below the folder, plays 30 games with each, to their ends and over all lives, and
writes evaluation/scores.json and evaluation/games.parquet (one row a game) into its directory.
Agents that have been scored the same way before are not played again. With --measures all, or some
of them, it also says what each agent knows of where the ball is; --video films a game with that
drawn in. What lies in evaluation/ also goes to a W&B run beside the training run's (--wandb,
offline unless told).

    python evaluate.py --claims

prints what the measurements in results/ (and below the folders named) say of each claim.

    python evaluate.py runs/fast --report

writes what is known of these runs, and what results/ has, to report.html in the current directory,
one file that loads nothing; --report FILE.html names another. Without runs it is about results/.

    python evaluate.py --supervised where --rows nature@0.5 gap@0.5 --tune
    python evaluate.py --supervised where --rows nature@0.5 gap@0.5 --seeds 0 1 2

trains networks end to end without a game: the first chooses each row's learning rate, the second
trains and judges. Every finished one adds its row to results/, and is not done again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

import commandline
from agents.checkpoints import device_for
from agents.settings import EvaluationProtocol
from analysis import battery, beside
from analysis.measurements import collect
from analysis.supervised import SupervisedSettings
from commandline import BadInput, at_least
from reporting import report
from reporting.claims_table import verdicts_table
from reporting.wandb_run import MODES as WANDB_MODES
from reporting.wandb_run import check_mode
from studies.measuring.evaluation import Evaluation, evaluate, gather
from studies.measuring.measure import GAMES
from studies.networks.without_play import (
    Asked,
    Training,
    measure_potential,
    measure_untrained,
    train_supervised,
)
from studies.running.directory import find_runs

RESULTS = Path("results")
"""Where published measurements lie."""

MODES = ("claims", "report", "untrained", "supervised", "potential_reward")
"""What can be done without a run."""

WITHOUT_PLAY = ("untrained", "supervised", "potential_reward")
"""Those of them that measure."""

PAGES = (".html", ".htm")
"""What a report's file may be called: the word behind --report is one, or is a folder of runs."""

NOT_MEASURED = "not measured"
"""The verdict on a claim of which nothing is known."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        runs: Run directories, or folders that hold some at any depth.
        games: Whole games for each agent, each in an environment of its own.
        epsilon: Probability of a random action, between 0 and 1 (.05 as in Mnih et al. 2015).
        sticky: Probability that the emulator repeats the last action, each frame, between 0 and 1.
        device: Where agents play for their score: cpu, cuda or auto (cuda if there is one).
            Measures are taken on the CPU.
        threads: PyTorch threads; more than one pays only on cores that have nothing else to do.
        again: Play again what has been scored before.
        claims: Play nothing; print each claim's verdict, or what it lacks for one.
        report: Play nothing; write the report to this file, report.html unless one is named.
        json: With --claims: print a list of JSON objects instead of a table.
        measures: What to measure of each agent beside its score: all, or some of probes,
            displacement, shams, jnd, equivariance, receptive, shifts, bits, pools, explorer,
            values, own_values, ball_rewards (the last three play on, which takes minutes; shams
            are not of Catch, which has no emulator).
        untrained: Play nothing; measure networks with random weights, named by --rows and --seeds.
        potential_reward: Play nothing but the scripted player: how much of the reward hangs on the
            ball's place, and what a net that reads the RAM foretells of it.
        supervised: Play nothing; train networks on these tasks: where, interpolation,
            extrapolation, reward, what, shapes, count, overfitting, glyphs (docs/measures.md says
            what each asks).
        rows: Rows of the zoo to train or measure without playing, a width allowed (nature@0.5).
        seeds: Their seeds.
        game: Whose pictures they see.
        tune: With --supervised: choose the rows' learning rates, on seeds of its own.
        common: With --supervised: train all rows at one learning rate instead of each at its own.
        updates: With --supervised: of each network's weights.
        video: Film a game with the ball, where the features put it, and the value of each action
            drawn in, evaluation/annotated.webm.
        wandb: Where the evaluation goes behind evaluation/: offline (no account needed), online
            (needs WANDB_API_KEY) or disabled.
        workers: Networks trained at the same time, each in a process of its own.
        ray: With --supervised, --untrained or --potential-reward: work on a Ray cluster, so many
            --workers at a time: auto, local or host:port. See docs/clusters.md.
        out: Folder of all runs; checkpoints lie there.
    """

    runs: tyro.conf.Positional[list[Path]] = field(default_factory=list)
    games: int = GAMES
    epsilon: float = EvaluationProtocol.epsilon
    sticky: float = EvaluationProtocol.sticky
    device: str = "cpu"
    threads: int = 1
    again: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    claims: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    report: Path | None = None
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    measures: list[str] = field(default_factory=list)
    untrained: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    potential_reward: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    supervised: list[str] = field(default_factory=list)
    video: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    wandb: str = "offline"
    rows: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=lambda: [0])
    game: list[str] = field(default_factory=lambda: ["pong"])
    tune: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    common: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    updates: int = SupervisedSettings.updates
    workers: int = 1
    ray: str | None = None
    out: Path = Path("runs")


def check(arguments: Arguments) -> None:
    """Raise `BadInput` if the arguments make no sense; nothing has been written then."""
    if arguments.json and not arguments.claims:
        raise BadInput("--json: expected --claims beside it")
    modes = [name for name in MODES if getattr(arguments, name)]
    alone = [name for name in modes if name in WITHOUT_PLAY]
    if arguments.ray is not None and not alone:
        raise BadInput("--ray: expected --supervised, --untrained or --potential-reward beside it")
    if arguments.rows and not {*alone} & {"supervised", "untrained"}:
        raise BadInput("--rows: expected --supervised or --untrained beside it")
    for name in ("tune", "common"):
        if getattr(arguments, name) and "supervised" not in alone:
            raise BadInput(f"--{name}: expected --supervised beside it")
    if arguments.tune and arguments.common:
        raise BadInput("--tune: expected it without --common, which chooses nothing")
    if alone and arguments.runs:
        option = f"--{alone[0].replace('_', '-')}"
        raise BadInput(f"{option}: expected no run directories beside it, got {arguments.runs[0]}")
    for name in ("measures", "video"):
        if alone and getattr(arguments, name):
            raise BadInput(
                f"--{name}: expected run directories, not --{alone[0]}".replace("_", "-")
            )
    if alone and arguments.device == "cuda":
        raise BadInput("--device: expected cpu, on which networks without a game run; got cuda")
    if len(modes) > 1:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in modes)
        raise BadInput(f"expected one of them at a time, got {options}")
    if arguments.report is not None:
        if arguments.report.suffix.lower() not in PAGES:
            raise BadInput(f"--report: expected a file.html, got {str(arguments.report)!r}")
        if not arguments.report.parent.is_dir() or arguments.report.is_dir():
            raise BadInput(
                f"--report: expected a file in a folder that is there, got {arguments.report}"
            )
        if arguments.measures or arguments.video:
            raise BadInput("--report: expected nothing to be measured beside it; that comes first")
    if arguments.measures:
        battery.named(arguments.measures)
    if not (arguments.runs or modes):
        raise BadInput("expected run directories or folders of them, such as runs/fast; got none")
    at_least("--games", arguments.games, 1)
    at_least("--threads", arguments.threads, 1)
    for name in ("epsilon", "sticky"):
        value = getattr(arguments, name)
        if not 0 <= value <= 1:
            raise BadInput(f"--{name}: expected a number in [0, 1], got {value}")
    commandline.choose("--device", arguments.device, ("auto", "cpu", "cuda"))
    commandline.choose("--wandb", arguments.wandb, WANDB_MODES)


def name_report(words: Sequence[str]) -> list[str]:
    """Return the command line with --report and its file, which may be left out, at its end.

    Options of tyro take a value, and paths have to stand together: what is around --report does.
    """
    at = next((i for i, word in enumerate(words) if word == "--report"), None)
    if at is None:
        return [*words]
    before, after = words[:at], words[at + 1 :]
    named = bool(after) and after[0].lower().endswith(PAGES)
    file = after[0] if named else str(report.FILE)
    return [*before, *after[named:], "--report", file]


def write_report(runs: Sequence[Path], file: Path, console: Console) -> None:
    """Write the report on runs, finished or not, and on what is published."""
    found = report.write(find_runs(runs) if runs else (), RESULTS, file)
    agents = "1 agent" if len(found.runs) == 1 else f"{len(found.runs)} agents"
    size = file.stat().st_size / 1e6
    told = f"{file}: {agents}, {len(found.measurements):,} measurements, {size:.1f} MB"
    console.print(told, markup=False)


def show_claims(arguments: Arguments, console: Console) -> None:
    """Print the verdicts that the measurements lying there allow."""
    published = [RESULTS] if RESULTS.exists() else []
    records = beside.verdicts(collect([*published, *arguments.runs]))
    if arguments.json:
        print(json.dumps(records, indent=2))
    else:
        begun = [r for r in records if r["verdict"] != NOT_MEASURED]
        console.print(verdicts_table(begun), soft_wrap=False)
        rest = dict.fromkeys(r["id"] for r in records if r["verdict"] == NOT_MEASURED)
        if rest:
            console.print(f"{NOT_MEASURED}: {', '.join(rest)}; --json says what each needs")


def without_play(arguments: Arguments, console: Console) -> int | None:
    """Do what was asked for without an agent; return the exit status, `None` if that is nothing."""
    asked = Asked(
        rows=tuple(dict.fromkeys(arguments.rows)),
        seeds=tuple(dict.fromkeys(arguments.seeds)),
        games=tuple(dict.fromkeys(arguments.game)),
        workers=arguments.workers,
        threads=arguments.threads,
        root=arguments.out,
        results=RESULTS,
        ray=arguments.ray,
    )
    if arguments.potential_reward:
        return measure_potential(asked, console)
    if arguments.untrained:
        return measure_untrained(asked, console)
    if arguments.supervised:
        training = Training(
            tuple(dict.fromkeys(arguments.supervised)),
            tune=arguments.tune,
            common=arguments.common,
            updates=arguments.updates,
        )
        return train_supervised(asked, training, console)
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Score what the command line names; return the exit status."""
    words = name_report(sys.argv[1:] if argv is None else argv)
    arguments = commandline.parse(Arguments, words, "evaluate.py", __doc__ or "")
    check(arguments)
    device = device_for(arguments.device)
    console = Console(highlight=False, soft_wrap=True)
    if arguments.claims:
        show_claims(arguments, console)
        return 0
    if arguments.report is not None:
        write_report(arguments.runs, arguments.report, console)
        return 0
    status = without_play(arguments, console)
    if status is not None:
        return status
    check_mode(arguments.wandb)
    runs = gather(arguments.runs, console)
    asked = Evaluation(
        protocol=EvaluationProtocol(epsilon=arguments.epsilon, sticky=arguments.sticky),
        games=arguments.games,
        measures=tuple(battery.named(arguments.measures)) if arguments.measures else (),
        video=arguments.video,
        wandb_mode=arguments.wandb,
        device=device,
        threads=arguments.threads,
        again=arguments.again,
    )
    evaluate(runs, asked, console)
    return 0


if __name__ == "__main__":
    commandline.run(main)
