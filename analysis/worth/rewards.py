"""The potential reward of teleported states: the sign of the next point if a script plays on.

States are split by episode as for WHERE: 10,000 to train on with one rollout each, 1,000 to choose
by with four, 1,000 to be judged on with sixteen. In the claims the opponent arms are called `held`
and `moved`; the sets' word for the latter is `along`.

    python -m analysis.worth.rewards --game pong --arm held      build, say what came out

An interrupted building goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from analysis.cache import CACHE, Arrays, Facts, cached, key_of, say, shaped_by
from analysis.datasets import teleport_set
from analysis.pictures.frames import Frames
from analysis.pictures.splits import Part, chosen
from analysis.worth.explained import Ceiling, ceiling, within_variance
from analysis.worth.returns import RewardSettings, returns, states_of
from analysis.worth.rollouts import POLICIES, can_be_played_on
from commandline import BadInput, at_least, choose, parse, run
from envs.games import GAMES, find

CODE = (
    "analysis/worth/returns.py",
    "analysis/worth/rollouts.py",
    "envs/emulator.py",
    "envs/policies.py",
)
"""What has a say in the rollouts, beside game and states, which are in the key themselves."""

CONDITIONS: Mapping[str, str] = MappingProxyType({"held": "held", "along": "moved"})
"""The claims' names of the opponent arms."""


@dataclass(frozen=True)
class Drawn:
    """Draws of the potential reward for some states.

    Attributes:
        index: Which frames of the set.
        rewards: One column a rollout, −1, 0 or 1.
    """

    index: Int64[np.ndarray, " n"]
    rewards: Float64[np.ndarray, "n k"]


@dataclass(frozen=True)
class Rewards:
    """A teleport set and what its states are worth.

    Attributes:
        frames: The whole teleport set.
        parts: States of each part with their rollouts.
        condition: As the claims call it: `held`, `moved`; empty in games without an opponent.
        facts: Shares of states kept and of rollouts undecided, and their mean length.
    """

    frames: Frames
    parts: Mapping[Part, Drawn]
    condition: str
    facts: Facts

    def ceilings(self) -> dict[Part, Ceiling]:
        """Return what there is to foretell of each part.

        A single rollout leaves the variance within states open; then it is the test states'.
        """
        s2 = within_variance(self.parts["test"].rewards)
        return {
            part: ceiling(drawn.rewards, s2 if drawn.rewards.shape[1] == 1 else None)
            for part, drawn in self.parts.items()
        }


def arms_of(game: str) -> tuple[str, ...]:
    """Return the opponent arms there are: both, or `held` alone where nobody opposes.

    Without an opponent the two are the same pictures and the same rollouts.
    """
    facts = find(game).facts
    return tuple(CONDITIONS) if facts is not None and facts.opponent is not None else ("held",)


def condition_of(game: str, arm: str, policy: str = "tracker") -> str:
    """Return what the claims call an opponent arm; under the random policy it is another name."""
    named = CONDITIONS[arm] if len(arms_of(game)) > 1 else ""
    other = "" if policy == "tracker" else f"policy={policy}"
    return ",".join(part for part in (named, other) if part)


def reward_set(
    settings: RewardSettings,
    *,
    workers: int | None = None,
    folder: Path = CACHE,
    tell: Callable[[str], None] = say,
) -> Rewards:
    """Load or build the potential rewards of a teleport set.

    Args:
        settings: What shapes them.
        workers: Processes; as many as there are cores unless told.
        folder: Where sets are kept, and the parts of an unfinished one.
        tell: Is told how long it will take, and when a damaged set is built again.

    Raises:
        BadInput: If no script can play the game on from a saved state.
        Leak: As for the teleport set.
        ValueError: If there are fewer states than wanted.
    """
    if not can_be_played_on(find(settings.game)):
        raise BadInput(f"--game: expected pong or breakout, got {settings.game!r}")
    frames = teleport_set(settings.scenes, workers=workers, folder=folder, tell=tell)
    index = states_of(settings, chosen(frames, "scenes"))
    times = np.zeros(len(frames), np.int64)
    for part, states in index.items():
        times[states] = settings.wanted(part)[1]
    digest = hashlib.sha256(frames.ram.tobytes() + frames.episode.tobytes() + times.tobytes())
    shape = {
        **shaped_by(settings, CODE),
        "game": repr(find(settings.game)),
        "states": digest.hexdigest(),
    }
    name = f"reward-{settings.game}-{settings.arm}-{settings.policy}"
    unfinished = folder / f"{name}-{key_of(shape)}.parts"

    def build() -> tuple[Arrays, Facts]:
        tell(f"{name}: {times.sum():,} rollouts, about a core-minute for every 3,000")
        arrays, counts = returns(settings, frames, times, workers, shape, unfinished)
        facts = {
            "counts": dict(sorted(counts.items())),
            "undecided_share": counts["undecided"] / counts["rollouts"],
            "mean_agent_steps": counts["agent_steps"] / counts["rollouts"],
            "kept_share": frames.facts["kept_share"],
        }
        return {name: arrays[name] for name in ("state", "reward", "steps", "decided")}, facts

    arrays, facts = cached(name, shape, build, folder, tell)
    shutil.rmtree(unfinished, ignore_errors=True)
    parts = {part: _drawn(arrays, states) for part, states in index.items()}
    condition = condition_of(settings.game, settings.arm, settings.policy)
    return Rewards(frames, MappingProxyType(parts), condition, facts)


def _drawn(arrays: Arrays, states: Int64[np.ndarray, " n"]) -> Drawn:
    """Return the rollouts of some states, which all have the same number of them."""
    rewards = arrays["reward"][np.isin(arrays["state"], states)].astype(np.float64)
    return Drawn(states, rewards.reshape(len(states), -1))


def summary(rewards: Rewards) -> dict[str, Any]:
    """Return what is worth printing about a set."""
    means = {f"mean_{part}": round(float(d.rewards.mean()), 4) for part, d in rewards.parts.items()}
    states = {part: list(drawn.rewards.shape) for part, drawn in rewards.parts.items()}
    return {"game": rewards.frames.game, "states": states, **means, **rewards.facts}


PROGRAM = "python -m analysis.worth.rewards"
DESCRIPTION = """Build the potential rewards of teleported states, or load them.

From every state a script that follows the ball plays on until the next point. Prints one line of
JSON: how many states and rollouts, which share stayed undecided, how long rollouts are. Go on with
the same command after an interruption."""


@dataclass(frozen=True)
class Options:
    """Command line."""

    game: str = "pong"
    """Which game: pong or breakout."""
    arm: str = "held"
    """What the opponent does until the ball is in place: held or along (Pong)."""
    policy: str = "tracker"
    """Who plays on: tracker, or random as a second reference."""
    seed: int = 0
    """Of all that is drawn by chance."""
    workers: int = 0
    """Processes; 0 takes as many as there are cores. The set does not depend on it."""
    folder: Path = CACHE
    """Where sets are kept."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; see `--help`."""
    options = parse(Options, argv, PROGRAM, DESCRIPTION)
    game = GAMES[choose("--game", options.game, [g.name for g in GAMES.values() if _fits(g.name)])]
    opponent = game.facts is not None and game.facts.opponent is not None
    choose("--arm", options.arm, CONDITIONS if opponent else ["held"])
    choose("--policy", options.policy, POLICIES)
    at_least("--seed", options.seed, 0)
    at_least("--workers", options.workers, 0)
    settings = RewardSettings(options.game, options.arm, options.policy, seed=options.seed)
    rewards = reward_set(settings, workers=options.workers or None, folder=options.folder)
    print(json.dumps({"arm": options.arm, "policy": options.policy, **summary(rewards)}))
    return 0


def _fits(game: str) -> bool:
    return can_be_played_on(GAMES[game])


if __name__ == "__main__":
    run(main)
