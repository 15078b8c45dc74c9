"""One run: settings to run directory. The only place where env, agent and tracking meet."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.logger import Logger

import envs
from agents import checkpoints, extractors, ownfile, process
from agents.dqn import BallparkDQN
from agents.resume import CheckpointStore
from agents.settings import EvaluationProtocol
from analysis.networks import of_agent
from analysis.probing.read_out import place_r2, read_out_set
from analysis.scores import play
from envs.games import find
from reporting.tracking import MetricsWriter, read_metrics, rewind
from reporting.video import ENOUGH_STEPS, Recorder
from reporting.wandb_run import forget_logs, start_wandb
from studies.running.conductor import Conductor, Interrupted, Memory, Progress, ReadOut, Report
from studies.running.directory import ERROR, OWN_SOURCE, RunSpec, State, config, state
from studies.running.lock import GaveUpError, locked


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
    deterministic: bool = False,
    patience: float = 0.0,
    report: Report = lambda progress: None,
    stop: Event | None = None,
) -> None:
    """Train one agent from where its directory stands to the end.

    Args:
        spec: The run; must not be finished.
        wandb_mode: `offline`, `online` or `disabled`.
        device: Torch device.
        threads: Torch threads.
        deterministic: On CUDA, use only algorithms that give the same bits each time.
        patience: Seconds to wait for another process that holds the directory.
        report: Told of progress.
        stop: When set, the run writes a checkpoint and ends.

    Raises:
        Interrupted: If `stop` was set before the end.
        BadInput: If the directory holds something else, another process is at work in it, or no
            checkpoint of it can be read.
    """
    process.prepare(threads)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    torch.use_deterministic_algorithms(deterministic)
    spec.directory.mkdir(parents=True, exist_ok=True)
    stop = stop or Event()

    def say(line: str) -> None:
        report(Progress(0, 0.0, None, "", line))

    try:
        with locked(spec.directory, patience=patience, tell=say, stop=stop):
            (spec.directory / ERROR).unlink(missing_ok=True)  # of an attempt before this one
            execution = {"device": device, "threads": threads, "deterministic": deterministic}
            _train(spec, wandb_mode, execution, report, stop)
    except GaveUpError:
        raise Interrupted from None


def _train(
    spec: RunSpec, wandb_mode: str, execution: Mapping[str, Any], report: Report, stop: Event
) -> None:
    folder, found = spec.directory, state(spec)
    if found is State.FINISHED:  # by another process, while this one was starting
        return
    model = build(spec, str(execution["device"]))
    store = CheckpointStore(folder / "checkpoint")
    resumed = store.load(model) if found is State.INTERRUPTED else None
    memory = Memory.parse(resumed.run) if resumed is not None else None
    facts = _facts(spec, execution)
    if resumed is not None:
        notes = [
            *resumed.notes,
            *differences(checkpoints.read_json(folder / "config.json"), facts),
        ]
        facts = {**checkpoints.read_json(folder / "config.json")}
        facts["incidents"] = list(dict.fromkeys([*facts.get("incidents", []), *notes]))
        for note in notes:
            report(Progress(resumed.step, 0.0, None, "", note))
    # First of all files: a folder without it is not known for a run.
    checkpoints.write_json(folder / "config.json", facts)
    kept = rewind(folder / "metrics.jsonl", memory.metrics if memory is not None else None)
    if ownfile.is_own(spec.extractor):
        (folder / OWN_SOURCE).write_bytes(ownfile.load(spec.extractor).path.read_bytes())

    run = start_wandb(
        folder,
        wandb_mode,
        facts,
        **wandb_names(facts, spec.extractor),
    )
    writer = MetricsWriter(folder / "metrics.jsonl", run, kept, hold=wandb_mode == "online")
    model.set_logger(Logger(None, [writer]))
    conductor = Conductor(spec, report, stop, store, writer, _read_out(spec, model, report))
    try:
        if resumed is None or memory is None:
            conductor.begin(model)
        else:
            conductor.go_on(model, resumed, memory)
        # Not resetting SB3's counters also keeps it from resetting the environments again.
        left = spec.settings.steps - model.num_timesteps
        model.learn(left, conductor, log_interval=sys.maxsize, reset_num_timesteps=False)
        if stop.is_set():  # what comes now would not hear it; the next call begins with it
            conductor.save()
            raise Interrupted
        conductor.log()
        conductor.evaluate()
        conductor.read_out()
        writer.release()
        video = _film(spec, model)
        if run is not None:
            writer.attach(wandb_video(video, spec.settings.steps))
    finally:
        writer.close()
        if run is not None:
            run.finish()
            forget_logs(folder)
        assert model.env is not None
        model.env.close()
    _finish(spec, model, facts)


def wandb_names(facts: Mapping[str, Any], extractor: str) -> dict[str, Any]:
    """Return what a run is called in W&B.

    Args:
        facts: The content of its `config.json`.
        extractor: What `agents.extractors` accepts.
    """
    group = f"{facts['game']}/{extractors.directory_name(extractor)}"
    return {
        "group": group,
        "job_type": "train",
        "name": f"{group}/seed{facts['seed']}",
        "tags": [facts["game"], facts["training_fingerprint"], facts["study"]],
    }


def _facts(spec: RunSpec, execution: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of `config.json` for a run that begins now."""
    processor = torch.backends.cpu.get_cpu_capability()
    machine = {**execution, "machine": platform.machine(), "vector_instructions": processor}
    return {**config(spec), "execution": machine}


def _read_out(spec: RunSpec, model: BallparkDQN, report: Report) -> ReadOut | None:
    """Return what says where each layer sees the ball, and note it where nothing can."""
    if not spec.settings.readout_every:
        return None

    def tell(note: str) -> None:
        report(Progress(model.num_timesteps, 0.0, None, "", note))

    report(Progress(model.num_timesteps, 0.0, None, "drawing the read-out's pictures"))
    try:
        frames = read_out_set(spec.game, spec.root / "datasets", tell)
    except ValueError as why:  # no place for the ball, or a place that other things tell
        tell(f"no read-out of the ball's place: {why}")
        return None
    return lambda agent: place_r2(of_agent(agent, spec.extractor), frames)


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a line for each thing that keeps a resumed run from giving the same bits."""
    found = []
    began_with, goes_on_with = before.get("commit"), now.get("commit")
    # Without git nobody knows; with `+` behind it the code was changed after that commit.
    if began_with and goes_on_with and began_with != goes_on_with:
        found.append(f"goes on with commit {goes_on_with}, began with {began_with}")
    for what in ("execution", "versions"):
        there = before.get(what)
        there = there if isinstance(there, dict) else {}
        for key in sorted(there.keys() | now[what].keys()):
            if there.get(key) != now[what].get(key):
                found.append(
                    f"goes on with {key} {now[what].get(key)}, began with {there.get(key)}"
                )
    return found


def _film(spec: RunSpec, model: BallparkDQN) -> Path:
    """Record the agent at play, several games if they are short; return the video's path."""
    recorder = Recorder(f"{spec.name.replace('/', ' ')}  step {spec.settings.steps:,}")
    seed = np.random.SeedSequence(entropy=spec.seed, spawn_key=(4,))
    protocol = EvaluationProtocol(spec.settings.eval_epsilon, spec.settings.sticky)
    while len(recorder.frames) < ENOUGH_STEPS:
        played = play(model.act, find(spec.game), 1, protocol, seed.spawn(1)[0], recorder.watch)
        recorder.earlier += played[0].score
    path = spec.directory / "video.webm"
    recorder.save(path)
    return path


def wandb_video(path: Path, step: int) -> dict[str, Any]:
    """Return the row with which W&B gets the video."""
    import wandb

    return {"global_step": step, "video": wandb.Video(str(path), format="webm")}


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
