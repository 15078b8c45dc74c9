"""Small copies of trained agents, kept in `results/`, so that they can be tried without training.

    python -m studies.publish_agents runs/catch --rows nature@0.5 half_max@0.5 gap@0.5

takes, of every study, game and row below the folder, the run with the median score and writes its
settings, learning curve and weights in float16 to
`results/agents/<study>-float16/<game>/<row>/seed<k>/`. That is a run directory like any other:
`python evaluate.py results/agents` plays with it. A copy is not quite the agent: it goes by a study
of its own, and claims get nothing of it.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import tyro

import commandline
from agents.checkpoints import read_json, save_tensors, write_bytes, write_json
from analysis.tasks.tuning import TUNING_SEEDS
from commandline import BadInput, told
from reporting.tracking import read_metrics
from studies.measuring.measure import FinishedRun, load_agent, open_run
from studies.running.directory import OWN_SOURCE, find_runs, make_root

ROWS = ("nature", "half_max", "gap")
"""Rows whose agents are kept unless others are asked for: no pooling, a pool, nothing but one."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        runs: Directories of finished runs that have been scored, or folders of them.
        rows: Whose agents to keep, a width allowed (nature@0.5).
        results: Folder of what is published.
    """

    runs: tyro.conf.Positional[list[Path]] = field(default_factory=lambda: [Path("runs")])
    rows: list[str] = field(default_factory=lambda: [*ROWS])
    results: Path = Path("results")


def medians(runs: Iterable[FinishedRun], rows: Sequence[str]) -> list[FinishedRun]:
    """Return, of each study, game and row, the run whose mean score is the median.

    Of an even number of seeds the lower of the two in the middle; seeds that only chose a learning
    rate have no say. A run of which every game stood still has no mean; none is worse.

    Args:
        runs: Finished; those without scores have no say either.
        rows: What is wanted.

    Raises:
        BadInput: If scores cannot be read, or those of a group were made in different ways.
    """
    groups: dict[tuple[str, str], list[tuple[float, int, FinishedRun]]] = {}
    protocols: dict[tuple[str, str], str] = {}
    for run in runs:
        scores, seed = run.directory / "evaluation" / "scores.json", int(run.config["seed"])
        if run.config["extractor"] in rows and seed not in TUNING_SEEDS and scores.exists():
            group = (str(run.config["study"]), run.name.rpartition("/")[0])
            mean, protocol = _score(scores)
            if protocol != protocols.setdefault(group, protocol):
                raise BadInput(
                    f"{scores}: expected scores made as those of {'/'.join(group)}'s other seeds "
                    f"({protocols[group]}), got {protocol}; evaluate.py scores all of them alike"
                )
            groups.setdefault(group, []).append((mean, seed, run))
    ordered = [sorted(group, key=lambda g: g[:2]) for _, group in sorted(groups.items())]
    return [group[(len(group) - 1) // 2][2] for group in ordered]


def _score(path: Path) -> tuple[float, str]:
    """Return the mean score in a `scores.json`, and the fingerprint of how it was made."""
    scores = read_json(path)
    try:
        mean = -math.inf if scores["mean"] is None else float(scores["mean"])
        return mean, str(scores["fingerprint"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: expected the scores of an agent, got {told(error)}") from None


def publish(run: FinishedRun, results: Path) -> Path:
    """Write the copy of a run's agent; return its directory.

    A copy of another seed that was the median before is removed once this one is there.

    Raises:
        BadInput: If the agent's files are damaged.
    """
    model = load_agent(run)
    rows = read_metrics(run.directory / "metrics.jsonl")
    study = f"{run.config['study']}-float16"
    to = results / "agents" / study / run.name
    to.mkdir(parents=True, exist_ok=True)
    curve = [json.dumps(row) + "\n" for row in rows if "eval/score_mean" in row]
    write_bytes(to / "metrics.jsonl", "".join(curve).encode())
    if (run.directory / OWN_SOURCE).exists():
        shutil.copyfile(run.directory / OWN_SOURCE, to / OWN_SOURCE)
    weights = {name: tensor.to(torch.float16) for name, tensor in model.q_net.state_dict().items()}
    digest = save_tensors(weights, to / "agent.safetensors")
    write_json(to / "config.json", {**run.config, "study": study})
    copied = {"weights": "float16", "copy_of_sha256": run.agent["sha256"]}
    write_json(to / "agent.json", {**run.agent, "sha256": digest, **copied})
    for other in to.parent.glob("seed*/agent.json"):
        if other.parent != to and read_json(other).get("weights") == "float16":
            shutil.rmtree(other.parent)
    return to


def main(argv: Sequence[str] | None = None) -> int:
    """Write the copies; return the exit status."""
    program = "python -m studies.publish_agents"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    folders = [f for f in find_runs(arguments.runs) if (f / "agent.json").exists()]
    chosen = medians(map(open_run, folders), arguments.rows)
    if not chosen:
        raise BadInput(
            f"--rows: expected a row of which a finished run was scored, got "
            f"{', '.join(arguments.rows)}; evaluate.py scores runs"
        )
    make_root(arguments.results, "--results")
    for run in chosen:
        to = publish(run, arguments.results)
        size = (to / "agent.safetensors").stat().st_size / 1e6
        print(f"{to}: {size:.1f} MB of weights; python evaluate.py {to} plays with it")
    return 0


if __name__ == "__main__":
    commandline.run(main)
