"""`make demo`: the main job on real Atari, in minutes.

Three agents that differ only in how they shrink the picture learn Pong for a short while, log to
W&B without an account, and play whole games. The budget shows every part at work; it is far too
short to learn Pong, and the last lines say so.
"""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

import commandline
import evaluate
import train
from agents.settings import resolve
from studies import grid

STUDY = Path(__file__).with_name("demo.yaml")
"""Three agents: no pooling; local max-pooling of the same size; global mean."""

GAMES = 10
"""Whole games a score."""

OUT = Path("runs")


def main() -> int:
    """Train, score, say where everything lies; return the exit status."""
    console, began = Console(highlight=False, soft_wrap=True), time.monotonic()
    steps = resolve("demo", "pong").steps
    rows = ", ".join(str(point["extractor"]) for point in grid.read(STUDY).points)
    console.print(f"Pong, {rows}, one seed, {steps:,} agent steps each, two at a time")
    words = ["--study", str(STUDY), "--workers", "2", "--out", str(OUT), "--results", "none"]
    status = train.main(words)
    if status:
        return status
    status = evaluate.main([str(OUT / "demo"), "--games", str(GAMES)])
    if status:
        return status
    minutes = (time.monotonic() - began) / 60
    example = OUT / "demo" / "pong" / "nature" / "seed0"
    console.print(
        f"""
Done in {minutes:.1f} minutes. {steps:,} steps are too few to learn Pong: a random player scores
about −20.7, and differences between these agents mean nothing yet.

Where things lie, for example in {example}:
  metrics.jsonl      everything that was logged        video.webm         the agent at play
  agent.safetensors  its weights                       evaluation/        its scores, game by game
  wandb/             the same metrics, as an offline W&B run

What to type next:
  .venv/bin/wandb leet {example}/wandb
  .venv/bin/python train.py --game catch --extractor nature gap --seed 0 1 --workers 2
  .venv/bin/python train.py --game pong --extractor nature half_max gap --preset fast --workers 2
  .venv/bin/python train.py --help"""
    )
    return 0


if __name__ == "__main__":
    commandline.run(main)
