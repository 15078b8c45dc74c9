"""What interrupts training between two rollouts: rows, evaluations, boundaries, stopping."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from jaxtyping import UInt8
from stable_baselines3.common.callbacks import BaseCallback

from agents.dqn import BallparkDQN, environment_seeds
from agents.resume import CheckpointStore, Resumed, observation_digest
from agents.settings import EvaluationProtocol, Settings
from analysis.scores import play
from commandline import BadInput
from envs.games import find
from reporting.names import READ_OUT_SECONDS, where
from reporting.tracking import Mark, MetricsWriter
from studies.running.directory import RunSpec


@dataclass(frozen=True)
class Progress:
    """What a run says of itself while it goes on.

    Attributes:
        step: Agent steps done.
        rate: Agent steps a second since the last report; 0 if unknown.
        score: Mean raw score of the newest evaluation, if there was one.
        doing: What happens now, in a word or two.
        note: Something its owner should know, in a line of its own; mostly empty.
        pause: Most seconds so far in which a wish to stop would not have been heard, and then to
            write a checkpoint.
    """

    step: int
    rate: float
    score: float | None
    doing: str
    note: str = ""
    pause: float = 0.0


Report = Callable[[Progress], None]

ReadOut = Callable[[BallparkDQN], Mapping[str, float]]
"""Agent → R² of the ball's place by layer; changes nothing in the agent."""


class Interrupted(Exception):  # noqa: N818  (a wish, not an error)
    """The run was asked to stop and has written its checkpoint."""


@dataclass(frozen=True)
class Memory:
    """What a run has to remember beside its agent, to go on exactly.

    Attributes:
        boundary: Index of the last boundary, from which the environments' seeds are derived.
        games: Games that ended since the last row of `metrics.jsonl`.
        score: Mean raw score of the newest evaluation, if there was one.
        metrics: Where `metrics.jsonl` ended.
        pauses: Seconds that the newest evaluation, read-out and checkpoint took, by name.
    """

    boundary: int
    games: list[dict[str, float]]
    score: float | None
    metrics: Mark
    pauses: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what `parse` reads."""
        return {**vars(self), "metrics": vars(self.metrics), "pauses": dict(self.pauses)}

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Memory:
        """Read it from a checkpoint.

        Raises:
            BadInput: If it is nothing of the kind.
        """
        try:
            boundary, games, score = content["boundary"], content["games"], content["score"]
            good = isinstance(boundary, int) and boundary >= 0
            good &= score is None or isinstance(score, float)
            wanted = ("r", "clipped", "l")
            good &= all(isinstance(g[key], float | int) for g in games for key in wanted)
            pauses = dict(content.get("pauses", {}))  # the oldest checkpoints have none
            good &= all(0 <= seconds < math.inf for seconds in pauses.values())
            if good:
                return cls(boundary, list(games), score, Mark.parse(content["metrics"]), pauses)
        except (KeyError, TypeError, ValueError):
            pass
        raise BadInput("state.json: run: expected what a run remembers")


class Conductor(BaseCallback):
    """Does between rollouts what has to be done: log, evaluate, cross boundaries, stop.

    Between rollouts every transition is stored and every update made, so that nothing is lost
    whatever happens here.

    Args:
        spec: The run.
        report: Told of progress.
        stop: Set from outside when the run should end early.
        store: The run's checkpoints.
        writer: The run's rows.
        read_out: Says how well each layer tells the ball's place; `None` if nobody asks.
    """

    model: BallparkDQN

    def __init__(
        self,
        spec: RunSpec,
        report: Report,
        stop: Event,
        store: CheckpointStore,
        writer: MetricsWriter,
        read_out: ReadOut | None = None,
    ) -> None:
        super().__init__()
        self.spec, self.report, self.stop = spec, report, stop
        self.store, self.writer, self._read_out = store, writer, read_out
        self.settings: Settings = spec.settings
        self.boundary = 0
        self.games: list[dict[str, float]] = []
        self.score: float | None = None
        self._actions: list[UInt8[np.ndarray, " n"]] = []
        self._rate = 0.0
        self._clock, self._clock_step = time.monotonic(), 0
        self._paused = 0.0
        self._newest: dict[str, float] = {}
        self._longest: dict[str, float] = {}

    def begin(self, model: BallparkDQN) -> None:
        """Set out from the start of a run."""
        self._aim(0)
        self._next_eval = self._next_read_out = 0
        model.restart_environments(self._seeds())

    def go_on(self, model: BallparkDQN, resumed: Resumed, memory: Memory) -> None:
        """Set out from a checkpoint.

        Raises:
            BadInput: If the games, played again, do not lead to where they had led.
        """
        self.boundary, self.games, self.score = memory.boundary, memory.games, memory.score
        self._actions = list(resumed.actions)
        # The newest and not the longest ever: one that hung once would shorten every later call.
        self._newest, self._longest = dict(memory.pauses), dict(memory.pauses)
        self._aim(resumed.step)
        model.return_to(self._seeds(), resumed.actions)
        if observation_digest(model) != resumed.observation_sha256:
            raise BadInput(
                f"{self.spec.directory}: expected games that replay as they were played; another "
                "version of the emulator or of the game? config.json has the versions it began with"
            )

    def _aim(self, step: int) -> None:
        # Each is the first multiple beyond the step, so none has to be saved.
        self._clock_step = step
        self._next_log = _after(step, self.settings.log_every)
        self._next_boundary = _after(step, self.settings.checkpoint_every)
        self._next_eval = _after(step, self.settings.eval_every)
        self._next_read_out = _after(step, self.settings.readout_every)

    def _seeds(self) -> list[int]:
        return environment_seeds(self.spec.seed, self.boundary, self.settings.num_envs)

    def _on_step(self) -> bool:
        self.games += [info["episode"] for info in self.locals["infos"] if "episode" in info]
        self._actions.append(np.asarray(self.locals["actions"], np.uint8))
        return True

    def _on_rollout_start(self) -> None:
        step = self.num_timesteps
        if not step and self.stop.is_set():
            raise Interrupted  # there is nothing to lose, and an evaluation may take long
        if step >= self._next_log:
            self.log()
            self._next_log = _after(step, self.settings.log_every)
        if step >= self._next_eval:
            self.evaluate()
            self._next_eval = _after(step, self.settings.eval_every)
        if step >= self._next_read_out:
            self.read_out()
            self._next_read_out = _after(step, self.settings.readout_every)
        if step >= self._next_boundary:
            self.cross_boundary()
            self._next_boundary = _after(step, self.settings.checkpoint_every)
        if self.stop.is_set():
            if step:
                self.save()
            raise Interrupted

    def log(self) -> None:
        """Write a row: losses, returns of finished games, epsilon, speed.

        `time/steps_per_second` leaves evaluations and checkpoints out, `time/seconds` since the row
        before has them in.
        """
        now, step = time.monotonic(), self.model.num_timesteps
        seconds = max(now - self._clock - self._paused, 1e-9)
        self._rate = (step - self._clock_step) / seconds
        values: dict[str, Any] = {
            **self.model.read_losses(),
            "train/updates": self.model._n_updates,
            "train/epsilon": self.model.exploration_rate,
            "time/steps_per_second": self._rate,
            "time/seconds": seconds + self._paused,
        }
        if self.games:
            values["rollout/games"] = len(self.games)
            values["rollout/return_raw"] = float(np.mean([g["r"] for g in self.games]))
            values["rollout/return_clipped"] = float(np.mean([g["clipped"] for g in self.games]))
            values["rollout/length"] = float(np.mean([g["l"] for g in self.games]))
            self.games = []
        self._clock, self._clock_step, self._paused = now, step, 0.0
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
        self._took("evaluation", started)
        self._tell("training")

    def read_out(self) -> None:
        """Add a row that says how well each layer tells where the ball is."""
        if self._read_out is None:
            return
        started = time.monotonic()
        found = self._read_out(self.model)
        seconds = time.monotonic() - started
        self._write({**{where(k): r2 for k, r2 in found.items()}, READ_OUT_SECONDS: seconds})
        self._paused += seconds
        self._took("read-out", started)

    def cross_boundary(self) -> None:
        """Reset every environment with seeds of this boundary, and write a checkpoint."""
        started = time.monotonic()
        self.boundary = self.num_timesteps // self.settings.checkpoint_every
        self._actions = []
        self.model.restart_environments(self._seeds())
        self.save()
        self._paused += time.monotonic() - started

    def save(self) -> None:
        """Write the checkpoint, and after it let the rows go that it stands behind."""
        mark = self.writer.mark()
        memory = Memory(self.boundary, self.games, self.score, mark, self._newest)
        shape = (len(self._actions), self.settings.num_envs)
        actions = np.asarray(self._actions, np.uint8).reshape(shape)
        started = time.monotonic()
        self.store.save(self.model, actions, memory.as_json())
        self.writer.release()
        self._took("checkpoint", started)

    def _took(self, what: str, started: float) -> None:
        self._newest[what] = time.monotonic() - started
        self._longest[what] = max(self._longest.get(what, 0.0), self._newest[what])

    def _write(self, values: dict[str, Any]) -> None:
        self.logger.name_to_value.clear()  # SB3 records a few things of its own at every step
        for key, value in values.items():
            self.logger.record(key, value)
        self.logger.dump(self.model.num_timesteps)

    def _tell(self, doing: str) -> None:
        pause = sum(self._longest.values())
        step = self.model.num_timesteps
        self.report(Progress(step, self._rate, self.score, doing, pause=pause))


def _after(step: int, every: int) -> int:
    """Return the first multiple of `every` beyond `step`; none is near if `every` is 0."""
    return (step // every + 1) * every if every else sys.maxsize
