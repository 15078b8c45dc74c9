"""How fast teleported inputs are made, beside the least that could make any.

    python -m benchmarks.teleport

The bare loop restores a state, writes the ball's two place bytes, plays sixteen raw frames, looks
at eight of them, and resizes four times: what no builder can do without. The builder does all that
is done for a set: finds moments by playing, records flights, writes ball and opponent before every
frame, checks every frame, paints the ball over for the leak test, labels, and hands the arrays to
the parent process. Both on every core, in turns, in one run.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np

from analysis.pictures.building import teleport_episode
from analysis.pictures.frames import TeleportSettings
from commandline import at_least, choose, parse, run
from envs.emulator import FLIGHT_FRAMES, VISIBLE, Emulator, stack
from envs.games import FRAME_SKIP, GAMES, find
from envs.moments import moments, velocities, velocity_fits
from envs.positions import facts_of

NEEDED = 0.6
"""Share of the bare loop's rate that the builder must reach."""


@dataclass(frozen=True)
class Options:
    """Command line."""

    game: str = "pong"
    """Which game: pong, breakout or bowling."""
    episodes: int = 8
    """Games played by the builder in each round; eight moments of 50 places of each."""
    rounds: int = 3
    """Turns of bare loop and builder; the median ratio counts."""


def bare(name: str, number: int, seed: int) -> int:
    """Make so many inputs by restore, set, act and resize; return their number."""
    game = find(name)
    facts, emulator = facts_of(game), Emulator(game, seed=0)
    moment = next(moments(game, np.random.default_rng(seed)))
    writes = ((facts.ball.x.address, 120), (facts.ball.y.address, 110))
    for _ in range(number):
        emulator.restore(moment.state)
        for address, value in writes:
            emulator.write(address, value)
        frames = []
        for k in range(FLIGHT_FRAMES):
            emulator.act(moment.actions[k // FRAME_SKIP])
            if k in VISIBLE:
                frames.append(emulator.grey())
        stack(np.stack(frames))
    return number


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; status 1 if the builder is too slow."""
    options = parse(Options, argv, "python -m benchmarks.teleport", (__doc__ or "").strip())
    choose("--game", options.game, [n for n, g in GAMES.items() if g.facts is not None])
    episodes = at_least("--episodes", options.episodes, 1)
    cores, game = os.cpu_count() or 1, find(options.game)
    settings = TeleportSettings(options.game)  # the real set's; a few of its games are played
    facts = facts_of(game)
    fitting = [v for v in velocities(game, np.random.default_rng(0)) if velocity_fits(facts, v)]
    work = partial(teleport_episode, settings, fitting)
    rates: list[tuple[float, float]] = []
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(bare, options.game, 20), range(cores)))  # started, imported
        for turn in range(at_least("--rounds", options.rounds, 1)):
            begun = time.perf_counter()
            made = sum(pool.map(partial(bare, options.game, 400), range(2 * cores)))
            plain = made / (time.perf_counter() - begun)
            seeds = np.random.SeedSequence(turn).spawn(episodes)
            begun = time.perf_counter()
            parts = list(pool.map(work, enumerate(seeds)))
            built = sum(len(arrays["episode"]) for arrays, _ in parts)
            rates.append((plain, built / (time.perf_counter() - begun)))
    share = float(np.median([built / plain for plain, built in rates]))
    print(
        json.dumps(
            {
                "game": options.game,
                "cores": cores,
                "bare_inputs_per_s": [round(plain) for plain, _ in rates],
                "builder_inputs_per_s": [round(built) for _, built in rates],
                "median_share": round(share, 3),
                "needed": NEEDED,
            }
        )
    )
    return 0 if share >= NEEDED else 1


if __name__ == "__main__":
    run(main)
