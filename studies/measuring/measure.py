"""One finished run directory to its `evaluation/`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import envs
from agents import checkpoints, extractors
from agents.dqn import BallparkDQN
from agents.settings import EvaluationProtocol, Settings, fingerprint, parse_settings
from analysis.scores import play, summarise
from commandline import BadInput, told
from envs.games import find
from reporting.video import Recorder
from studies.running.directory import spec_of

GAMES = 30
"""Whole games of a final score, unless other numbers are asked for."""


@dataclass(frozen=True)
class FinishedRun:
    """A run directory with an agent in it.

    Attributes:
        directory: Where it lies.
        config: The content of `config.json`.
        agent: The content of `agent.json`.
    """

    directory: Path
    config: dict[str, Any]
    agent: dict[str, Any]

    @property
    def name(self) -> str:
        """What people call the run: `pong/half_max/seed3`."""
        row = extractors.directory_name(self.extractor)
        return f"{self.config['game']}/{row}/seed{self.config['seed']}"

    @property
    def extractor(self) -> str:
        """Its extractor's spec."""
        return spec_of(self.directory, self.config)

    @property
    def rounded(self) -> bool:
        """Whether this is a copy in float16 (`studies.publish_agents`), not quite the agent."""
        return self.agent.get("weights") == "float16"

    @property
    def settings(self) -> Settings:
        """The settings it was trained with."""
        return parse_settings(self.config["settings"])


def open_run(directory: Path) -> FinishedRun:
    """Read what a run directory says of itself.

    Raises:
        BadInput: If it has no agent yet, or its files cannot be read.
    """
    config = checkpoints.read_json(directory / "config.json")
    if not (directory / "agent.json").exists():
        raise BadInput(
            f"{directory}: expected a finished run with agent.json and agent.safetensors, "
            "got one without an agent; train.py with the same arguments finishes it"
        )
    run = FinishedRun(directory, config, checkpoints.read_json(directory / "agent.json"))
    try:
        find(str(config["game"]))
        extractors.check(run.extractor, allow_costly=True)
        _ = run.settings, int(config["seed"]), run.agent["sha256"], config["training_fingerprint"]
    except BadInput:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{directory}: expected the files of a run, got {told(error)}") from None
    return run


def load_agent(run: FinishedRun, device: str = "cpu") -> BallparkDQN:
    """Return the trained agent of a run, able to act and not to learn.

    Raises:
        BadInput: If its weights are damaged or are not the ones that `agent.json` names.
    """
    path = run.directory / "agent.safetensors"
    if not path.exists() or checkpoints.sha256(path) != run.agent["sha256"]:
        raise BadInput(f"{path}: expected the weights that agent.json names (sha256 differs)")
    # A replay of the least size: nothing will be stored in it. All agents are scored in float32.
    settings = dataclasses.replace(
        run.settings, replay_size=64, num_envs=1, update_every=1, precision="float32"
    )
    env = envs.make(find(run.config["game"]), 1, seed=0)
    kwargs = extractors.policy_kwargs(run.extractor)
    model = BallparkDQN(env, settings, kwargs, int(run.config["seed"]), device)
    env.close()
    checkpoints.load_weights(model.q_net, path, torch.float16 if run.rounded else None)
    return model


def stored_scores(run: FinishedRun, protocol: EvaluationProtocol, games: int) -> Any:
    """Return the scores that lie there if they are of this agent, protocol and number of games."""
    path = run.directory / "evaluation" / "scores.json"
    if not path.exists():
        return None
    scores = checkpoints.read_json(path)
    wanted = (run.agent["sha256"], fingerprint(vars(protocol)), games)
    there = (scores.get("agent_sha256"), scores.get("fingerprint"), scores.get("games"))
    return scores if there == wanted and readable(path.with_name("games.parquet")) else None


def readable(table: Path) -> bool:
    """Whether a table is there and whole enough to be read; else it is made again."""
    try:
        pd.read_parquet(table)
    except (OSError, ValueError):
        return False
    return True


def score(
    run: FinishedRun, protocol: EvaluationProtocol, games: int, device: str = "cpu"
) -> dict[str, Any]:
    """Play whole games with a finished agent and write down how they went.

    Writes `evaluation/games.parquet`, one row a game, `evaluation/game.webm`, the first of them,
    and, last, `evaluation/scores.json`.

    Args:
        run: The run.
        protocol: How to play.
        games: How many games, each in an environment of its own.
        device: Torch device.

    Returns:
        The content of `scores.json`.
    """
    model = load_agent(run, device)
    folder = run.directory / "evaluation"
    folder.mkdir(exist_ok=True)
    recorder = Recorder(run.name.replace("/", " "))
    seeds = np.random.SeedSequence(entropy=int(run.config["seed"]), spawn_key=(5,)).spawn(2)
    played = play(model.act, find(run.config["game"]), games, protocol, seeds[0], recorder.watch)
    pd.DataFrame([vars(g) for g in played]).to_parquet(folder / "games.parquet", index=False)
    recorder.save(folder / "game.webm")
    summary = {
        "run": run.name,
        "agent_sha256": run.agent["sha256"],
        "training_fingerprint": run.config["training_fingerprint"],
        "steps": run.agent["steps"],
        **summarise(played, protocol, np.random.default_rng(seeds[1])),
    }
    checkpoints.write_json(folder / "scores.json", summary)
    return summary
