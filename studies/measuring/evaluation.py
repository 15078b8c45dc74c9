"""Finished runs one after the other: scored, measured, filmed, handed to W&B."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from threadpoolctl import threadpool_limits

from agents.settings import EvaluationProtocol
from analysis.shared import Shared
from commandline import BadInput, counted
from envs.games import find
from reporting.tables import scores_tables
from reporting.wandb_evaluation import log_evaluation
from studies.measuring.annotate import annotate
from studies.measuring.measure import FinishedRun, open_run, score, stored_scores
from studies.measuring.measure_agent import measure, with_reference, write_measurements
from studies.running.directory import find_runs


@dataclass(frozen=True)
class Evaluation:
    """What is done with each run.

    Attributes:
        protocol: How it plays.
        games: Whole games for each agent.
        measures: Names of instruments of `analysis.battery`.
        video: Whether a game is filmed with what the network knows drawn in.
        wandb_mode: `offline`, `online` or `disabled`.
        device: Torch device to play on.
        threads: PyTorch threads.
        again: Also what has been done before.
    """

    protocol: EvaluationProtocol
    games: int
    measures: tuple[str, ...]
    video: bool
    wandb_mode: str
    device: str
    threads: int
    again: bool


def gather(paths: Sequence[Path], console: Console) -> list[FinishedRun]:
    """Return the finished runs below the paths; name the unfinished ones.

    Raises:
        BadInput: If there is none, or a path is itself an unfinished run.
    """
    finished: list[FinishedRun] = []
    for folder in find_runs(paths):
        if (folder / "agent.json").exists() or folder in paths:
            finished.append(open_run(folder))
        else:
            console.print(f"{folder}: not finished, left out", markup=False)
    if not finished:
        raise BadInput(f"{', '.join(map(str, paths))}: expected a finished run, got none")
    return finished


def evaluate(runs: Sequence[FinishedRun], asked: Evaluation, console: Console) -> None:
    """Score, measure, film and hand over, as asked; what was done before is not done again."""
    torch.set_num_threads(asked.threads)
    threadpool_limits(asked.threads, "blas")  # numpy's; beside other work many are slower
    tell = functools.partial(console.print, markup=False)  # names may have brackets
    results: list[tuple[FinishedRun, dict[str, Any]]] = []
    for run in track(runs, "playing", console=console, disable=not console.is_terminal):
        known = None if asked.again else stored_scores(run, asked.protocol, asked.games)
        if known is not None:
            tell(f"{run.name}: scored before")
        else:
            tell(f"{run.name}: playing {counted(asked.games, 'game')} …")
        results.append((run, known or score(run, asked.protocol, asked.games, asked.device)))
        write_measurements(run)
    for table in scores_tables(results):
        console.print(table, soft_wrap=False)
    for line in unnormalised(runs):
        tell(line)
    if asked.measures or asked.video:
        _take_measures(runs, asked, console)
    if asked.wandb_mode != "disabled":
        for run in runs:
            log_evaluation(run.directory, asked.wandb_mode, tell)
    console.print("each run's evaluation/ has scores.json, games.parquet and game.webm")
    if asked.measures:
        console.print("and a parquet file for each measure")
    if asked.wandb_mode == "offline":
        console.print("and wandb/, ready for `wandb sync`")


def unnormalised(runs: Sequence[FinishedRun]) -> list[str]:
    """Return a line for each game whose scores cannot be normalised, so that no claim uses them."""
    without = [r for r in runs if with_reference(r).reference_score is None]
    games = dict.fromkeys(find(str(run.config["game"])).title for run in without)
    return [
        f"{title} has no normalised score here: what counts as 1, nature's tuning seeds at the "
        "same budget, is not in results/tuning; verdicts on play get nothing of these agents"
        for title in games
    ]


def _take_measures(runs: Sequence[FinishedRun], asked: Evaluation, console: Console) -> None:
    """Measure and film each agent; agents of one game share their data."""
    tell = functools.partial(console.print, markup=False)
    shared: dict[str, Shared] = {}
    for run in track(runs, "measuring", console=console, disable=not console.is_terminal):
        data = shared.setdefault(run.config["game"], Shared(run.config["game"]))
        if asked.measures:
            measure(run, asked.measures, data, tell, again=asked.again)
        if asked.video:
            annotate(run, data, tell, again=asked.again)
