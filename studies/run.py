"""One run: settings to run directory. The only place where env, agent and tracking meet."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

import envs
from agents import checkpoints, extractors, ownfile
from agents.dqn import BallparkDQN, environment_seeds
from agents.settings import EvaluationProtocol, Settings
from analysis.scores import play
from envs.games import find
from reporting.tracking import MetricsWriter, WandbRun, read_metrics, start_wandb
from reporting.video import Recorder
from studies.directory import OWN_SOURCE, RunSpec, State, config, state


@dataclass(frozen=True)
class Progress:
    """What a run says of itself while it goes on.

    Attributes:
        step: Agent steps done.
        rate: Agent steps a second since the last report; 0 if unknown.
        score: Mean raw score of the newest evaluation, if there was one.
        doing: What happens now, in a word or two.
    """

    step: int
    rate: float
    score: float | None
    doing: str


Report = Callable[[Progress], None]


class Interrupted(Exception):  # noqa: N818  (a wish, not an error)
    """The run was asked to stop and has written its checkpoint."""


class Conductor(BaseCallback):
    """Does between rollouts what has to be done: log, evaluate, cross boundaries, stop.

    Between rollouts every transition is stored and every update made, so that nothing is lost
    whatever happens here.

    Args:
        spec: The run.
        report: Told of progress.
        stop: Set from outside when the run should end early.
    """

    model: BallparkDQN

    def __init__(self, spec: RunSpec, report: Report, stop: Event) -> None:
        super().__init__()
        self.spec, self.report, self.stop = spec, report, stop
        self.settings: Settings = spec.settings
        self.games: list[dict[str, float]] = []
        self.score: float | None = None
        self._rate = 0.0
        self._clock, self._clock_step = time.monotonic(), 0
        self._paused = 0.0

    def begin(self, step: int) -> None:
        """Set out from agent step `step`; 0 for a new run."""
        self._clock_step = step
        self._next_log = _after(step, self.settings.log_every)
        self._next_boundary = _after(step, self.settings.checkpoint_every)
        self._next_eval = step if step == 0 else _after(step, self.settings.eval_every)

    def _on_step(self) -> bool:
        self.games += [info["episode"] for info in self.locals["infos"] if "episode" in info]
        return True

    def _on_rollout_start(self) -> None:
        step = self.num_timesteps
        if step >= self._next_log:
            self.log()
            self._next_log = _after(step, self.settings.log_every)
        if step >= self._next_eval:
            self.evaluate()
            self._next_eval = _after(step, self.settings.eval_every)
        if step >= self._next_boundary:
            self.cross_boundary()
            self._next_boundary = _after(step, self.settings.checkpoint_every)
        if self.stop.is_set():
            self.save()
            raise Interrupted

    def log(self) -> None:
        """Write a row: losses, returns of finished games, epsilon, speed."""
        now, step = time.monotonic(), self.model.num_timesteps
        seconds = max(now - self._clock - self._paused, 1e-9)
        self._rate = (step - self._clock_step) / seconds
        self._clock, self._clock_step, self._paused = now, step, 0.0
        values: dict[str, Any] = {
            **self.model.read_losses(),
            "train/updates": self.model._n_updates,
            "train/epsilon": self.model.exploration_rate,
            "time/steps_per_second": self._rate,
        }
        if self.games:
            values["rollout/games"] = len(self.games)
            values["rollout/return_raw"] = float(np.mean([g["r"] for g in self.games]))
            values["rollout/return_clipped"] = float(np.mean([g["clipped"] for g in self.games]))
            values["rollout/length"] = float(np.mean([g["l"] for g in self.games]))
            self.games = []
        self._write(values)
        self._tell("training")

    def evaluate(self) -> None:
        """Add a point to the learning curve: whole games, a fixed number, few random actions."""
        started = time.monotonic()
        self._tell("scoring")
        protocol = EvaluationProtocol(self.settings.eval_epsilon, self.settings.sticky)
        seed = np.random.SeedSequence(entropy=self.spec.seed, spawn_key=(3, self.num_timesteps))
        games = play(self.model.act, find(self.spec.game), self.settings.eval_games, protocol, seed)
        scores = [g.score for g in games if not g.hung]
        self.score = float(np.mean(scores)) if scores else None
        self._write(
            {
                "eval/score_mean": self.score,
                "eval/score_median": float(np.median(scores)) if scores else None,
                "eval/length_mean": float(np.mean([g.length for g in games])),
                "eval/games": len(scores),
                "eval/hung": len(games) - len(scores),
            }
        )
        self._paused += time.monotonic() - started
        self._tell("training")

    def cross_boundary(self) -> None:
        """Reset every environment with seeds of this boundary, and write a checkpoint."""
        started = time.monotonic()
        boundary = self.num_timesteps // self.settings.checkpoint_every
        self.model.restart_environments(
            environment_seeds(self.spec.seed, boundary, self.settings.num_envs)
        )
        self.save()
        self._paused += time.monotonic() - started

    def save(self) -> None:
        """Write the checkpoint."""
        checkpoints.save(self.model, self.spec.directory / "checkpoint")

    def _write(self, values: dict[str, Any]) -> None:
        self.logger.name_to_value.clear()  # SB3 records a few things of its own at every step
        for key, value in values.items():
            self.logger.record(key, value)
        self.logger.dump(self.model.num_timesteps)

    def _tell(self, doing: str) -> None:
        self.report(Progress(self.model.num_timesteps, self._rate, self.score, doing))


def _after(step: int, every: int) -> int:
    """Return the first multiple of `every` beyond `step`."""
    return (step // every + 1) * every


def build(spec: RunSpec, device: str) -> BallparkDQN:
    """Return the untrained agent of a run, with its environments."""
    settings = spec.settings
    env = envs.make(
        find(spec.game),
        settings.num_envs,
        seed=0,  # never drawn from: every reset is given its seeds
        sticky=settings.sticky,
        clip_rewards=settings.clip_rewards,
        life_loss_ends=settings.life_loss_ends,
    )
    return BallparkDQN(env, settings, extractors.policy_kwargs(spec.extractor), spec.seed, device)


def train(
    spec: RunSpec,
    *,
    wandb_mode: str = "offline",
    device: str = "cpu",
    threads: int = 1,
    report: Report = lambda progress: None,
    stop: Event | None = None,
) -> None:
    """Train one agent from where its directory stands to the end.

    Args:
        spec: The run; must not be finished.
        wandb_mode: `offline`, `online` or `disabled`.
        device: Torch device.
        threads: Torch threads.
        report: Told of progress.
        stop: When set, the run writes a checkpoint and ends.

    Raises:
        Interrupted: If `stop` was set before the end.
        BadInput: If the directory holds something else, or its checkpoint cannot be read.
    """
    torch.set_num_threads(threads)
    folder, found = spec.directory, state(spec)
    folder.mkdir(parents=True, exist_ok=True)
    model = build(spec, device)
    resumed = found is State.INTERRUPTED
    step = checkpoints.load(model, folder / "checkpoint") if resumed else 0
    facts = _note_resume(folder, step) if resumed else config(spec)
    if ownfile.is_own(spec.extractor):
        (folder / OWN_SOURCE).write_bytes(ownfile.load(spec.extractor).path.read_bytes())
    checkpoints.write_json(folder / "config.json", facts)

    kept = _rewind(folder / "metrics.jsonl", step)
    shutil.rmtree(folder / "wandb", ignore_errors=True)  # rebuilt from the rows that were kept
    run = start_wandb(
        folder,
        wandb_mode,
        facts,
        group=f"{spec.game}/{extractors.directory_name(spec.extractor)}",
        job_type="train",
        name=spec.name,
        tags=[spec.game, facts["training_fingerprint"], spec.study],
    )
    if run is not None:
        for row in kept:
            run.log(row)
    writer = MetricsWriter(folder / "metrics.jsonl", run)
    model.set_logger(Logger(None, [writer]))
    conductor = Conductor(spec, report, stop or Event())
    conductor.begin(step)
    boundary = step // spec.settings.checkpoint_every
    model.restart_environments(environment_seeds(spec.seed, boundary, spec.settings.num_envs))
    if resumed:
        # Without its replay the agent first plays until there is something to learn from.
        model.learning_starts = step + spec.settings.learning_starts
    try:
        # Not resetting SB3's counters also keeps it from resetting the environments again.
        left = spec.settings.steps - step
        model.learn(left, conductor, log_interval=sys.maxsize, reset_num_timesteps=False)
        conductor.log()
        conductor.evaluate()
        video = _film(spec, model)
        if run is not None:
            _log_video(run, video, spec.settings.steps)
        _finish(spec, model, facts)
    finally:
        writer.close()
        if run is not None:
            run.finish()
        assert model.env is not None
        model.env.close()


def _rewind(path: Path, step: int) -> list[dict[str, Any]]:
    """Cut `metrics.jsonl` back to the checkpoint at `step`; return the rows that stay."""
    rows = [r for r in read_metrics(path) if r["global_step"] <= step] if path.exists() else []
    rows = rows if step else []
    beside = path.with_name(path.name + ".tmp")
    beside.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    beside.replace(path)
    return rows


def _note_resume(folder: Path, step: int) -> dict[str, Any]:
    """Return the config with the resume written down: it changes the result."""
    facts = checkpoints.read_json(folder / "config.json")
    return {
        **facts,
        "resumed_without_replay_at": [*facts.get("resumed_without_replay_at", []), step],
    }


def _film(spec: RunSpec, model: BallparkDQN) -> Path:
    """Record the agent at play; return the video's path."""
    recorder = Recorder(f"{spec.name.replace('/', ' ')}  step {spec.settings.steps:,}")
    seed = np.random.SeedSequence(entropy=spec.seed, spawn_key=(4,))
    protocol = EvaluationProtocol(spec.settings.eval_epsilon, spec.settings.sticky)
    play(model.act, find(spec.game), 1, protocol, seed, recorder.watch)
    path = spec.directory / "video.webm"
    recorder.save(path)
    return path


def _log_video(run: WandbRun, path: Path, step: int) -> None:
    import wandb

    run.log({"global_step": step, "video": wandb.Video(str(path), format="webm")})


def _finish(spec: RunSpec, model: BallparkDQN, facts: dict[str, Any]) -> None:
    """Write the final weights and, last of all, `agent.json`, which says that the run is done."""
    folder = spec.directory
    digest = checkpoints.save_weights(model.q_net, folder / "agent.safetensors")
    last = [r for r in read_metrics(folder / "metrics.jsonl") if "eval/score_mean" in r][-1]
    checkpoints.write_json(
        folder / "agent.json",
        {
            "format": 1,
            "game": spec.game,
            "extractor": spec.label,
            "seed": spec.seed,
            "steps": model.num_timesteps,
            "updates": model._n_updates,
            "sha256": digest,
            "training_fingerprint": facts["training_fingerprint"],
            "last_eval_score_mean": last["eval/score_mean"],
            "commit": facts["commit"],
        },
    )
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
