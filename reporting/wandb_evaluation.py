"""An evaluation as a W&B run of its own, beside the run of the training, from `evaluation/` alone.

One row at the agent's last step: scores and readings as numbers, every table, maps over the
playfield, the video. It can be made again at any time: what has been handed over is remembered by
its content (`LOGGED`), and the run keeps its id, so that nothing is there twice.
"""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from agents.checkpoints import read_json, write_json
from commandline import BadInput
from envs.games import Game, find
from reporting.map_images import agreement_said, position_bins, reward_map_png, value_map_png
from reporting.names import POSITION_BINS, VIDEO, map_of, measure, score, table_of
from reporting.wandb_run import ID_FILE, WandbRun, forget_logs, start_wandb

LOGGED = "wandb-logged.json"
"""In `evaluation/`: what W&B has of it."""

SCORES = ("mean", "median", "iqm", "length_mean", "hung")
"""Numbers of `scores.json` that are logged, each with its interval where it has one."""

VIDEOS = ("annotated.webm", "game.webm")
"""The first that is there is shown."""


NOT_TABLES = ("explorer",)
"""Files that hold maps as bytes, for a page of their own; W&B's tables have no such columns."""


def log_evaluation(run: Path, mode: str, tell: Callable[[str], None]) -> None:
    """Hand over what lies in a run's `evaluation/`, unless W&B has it.

    Args:
        run: The run directory; must have `config.json`, `agent.json` and `evaluation/scores.json`.
        mode: `offline`, `online` or `disabled`.
        tell: Is told if there was nothing to do.

    Raises:
        BadInput: If a file cannot be read.
    """
    if mode == "disabled":
        return
    folder = run / "evaluation"
    content = content_hash(folder)
    logged = read_json(folder / LOGGED) if (folder / LOGGED).exists() else {}
    same = logged.get("content") == content and logged.get("mode") == mode
    there = mode == "online" or any((folder / "wandb").glob("offline-run-*"))
    name = _name(run)
    if same and there and logged.get("done"):
        tell(f"{name}: W&B has this evaluation")
        return
    config, agent = read_json(run / "config.json"), read_json(run / "agent.json")
    row = numbers(folder)
    began = start_wandb(
        folder,
        mode,
        {
            **config,
            "training_run": _training_run(run),
            "agent_sha256": agent["sha256"],
            "steps": agent["steps"],
            "evaluation_protocol": read_json(folder / "scores.json")["protocol"],
        },
        group=name.rpartition("/")[0],
        job_type="evaluate",
        name=f"{name} evaluation",
        tags=[config["game"], config["training_fingerprint"], config["study"]],
    )
    assert began is not None
    sent = same and was_sent(logged, began.step)
    note = {"content": content, "mode": mode, "rows": logged["rows"] if sent else began.step}
    write_json(folder / LOGGED, {**note, "done": False})
    try:
        if not sent:
            with tempfile.TemporaryDirectory() as pictures:
                media = _media(folder, find(str(config["game"])), name, Path(pictures))
                if mode == "offline":
                    _keep_beside(media, began)
                began.log({"global_step": int(agent["steps"]), **row, **media})
    finally:
        began.finish()
        _forget_process()
        forget_logs(folder)
    write_json(folder / LOGGED, {**note, "done": True})


def was_sent(logged: Mapping[str, Any], rows: int) -> bool:
    """Whether an evaluation has arrived although nobody noted it: its sender was killed.

    Args:
        logged: What was noted before sending: how many rows the run had.
        rows: How many it has.
    """
    return "rows" in logged and rows > int(logged["rows"])


def content_hash(folder: Path) -> str:
    """Return the SHA-256 of everything in an evaluation that would be logged."""
    digest = hashlib.sha256()
    if (card := folder / "measures.json").exists():
        kept = {k: v for k, v in read_json(card).items() if k not in NOT_TABLES}
        digest.update(json.dumps(kept, sort_keys=True).encode())
    for path in sorted(
        [*folder.glob("*.parquet"), *(folder / n for n in ("scores.json", *VIDEOS))]
    ):
        if path.exists() and path.stem not in NOT_TABLES:
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def numbers(folder: Path) -> dict[str, float]:
    """Return the scores and readings of an evaluation under the names they are logged by."""
    scores = read_json(folder / "scores.json")
    found: dict[str, float] = {}
    for name in SCORES:
        interval = scores.get(f"{name}_interval") or (None, None)
        for suffix, value in (
            ("", scores.get(name)),
            ("_low", interval[0]),
            ("_high", interval[1]),
        ):
            if value is not None:
                found[score(name + suffix)] = float(value)
    card = folder / "measures.json"
    taken: Mapping[str, Any] = read_json(card) if card.exists() else {}
    for of in taken.values():
        for reading in of["readings"]:
            if math.isfinite(float(reading["value"])):
                name = measure(reading["measure"], reading["condition"], reading["row"])
                found[name] = float(reading["value"])
    return found


def _media(folder: Path, game: Game, name: str, pictures: Path) -> dict[str, Any]:
    """Return tables, maps and the video, as W&B takes them."""
    import wandb

    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.parquet")):
        if path.stem in NOT_TABLES:
            continue
        table = _read(path)
        if path.stem == "ball_rewards":
            title = f"{name}: what followed from where the ball was"
            title = ". ".join(filter(None, (title, agreement_said(table, game))))
            table = position_bins(table)
            found[POSITION_BINS] = _table(table)
            png = reward_map_png(table, game, title)
        else:
            found[table_of(path.stem)] = _table(table)
            if path.stem not in ("values", "own_values"):
                continue
            player = "the scripted player" if path.stem == "values" else "the agent itself"
            png = value_map_png(table, game, f"{name}: the worth of places if {player} plays on")
        (pictures / f"{path.stem}.png").write_bytes(png)
        found[map_of(path.stem)] = wandb.Image(str(pictures / f"{path.stem}.png"))
    videos = [folder / video for video in VIDEOS if (folder / video).exists()]
    if videos:
        found[VIDEO] = wandb.Video(str(videos[0]), format="webm")
    return found


def _keep_beside(media: Mapping[str, Any], run: WandbRun) -> None:
    """Make tables files of the run, as pictures are.

    Otherwise each becomes an artifact too, and the offline file says where on this machine it lies:
    it could not be synced from anywhere else.
    """
    import wandb

    for key, value in media.items():
        if isinstance(value, wandb.Table):
            value.bind_to_run(run, key, 0)  # type: ignore[no-untyped-call]


def _table(data: pd.DataFrame) -> Any:
    """Turn a table into W&B's, which knows Python's types and None."""
    import wandb

    rows = json.loads(data.to_json(orient="values", double_precision=15))
    return wandb.Table(columns=[str(c) for c in data.columns], data=rows)


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: expected a table, got {str(error)[:120]}") from None


def _training_run(run: Path) -> str | None:
    """Return the id of the W&B run of the training; `None` if it had none."""
    path = run / ID_FILE
    return str(read_json(path)["id"]) if path.exists() else None


def _name(run: Path) -> str:
    """Return game, row and seed, as the run directory has them."""
    return "/".join(run.resolve().parts[-3:])


def _forget_process() -> None:
    """End W&B's own process: it has the folder of this run for all that it keeps."""
    import wandb

    wandb.teardown()
