"""Every hyperparameter, by preset and game: one table of data, with units and sources.

All step counts are *agent steps* (one decision, four emulator frames on Atari), over all parallel
environments together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from commandline import BadInput, at_least, choose

PRECISIONS = ("float32", "bfloat16")
"""Arithmetic in which networks can be run."""


COMPRESSIONS = ("none", "zlib")
"""How the replay can keep its frames."""


@dataclass(frozen=True)
class Settings:
    """How one agent is trained. The defaults are RL-Zoo's for Atari (`dqn.yml`), unless said.

    Attributes:
        steps: Length of the run, in agent steps.
        num_envs: Copies of the game stepped together, so that acting is batched (RL-Zoo: 1; the
            update ratio does not depend on it).
        learning_rate: Of Adam.
        batch_size: Transitions an update.
        discount: γ, an agent step.
        n_steps: Steps of the return (Sutton 1988); 1 in the Nature paper.
        double: Whether the online network chooses the action that the target network values
            (van Hasselt et al. 2016).
        replay_size: Transitions remembered.
        replay_compression: How their frames are kept, `none` or `zlib`: 16 to 25 times smaller
            and slower to sample, the same to learn from.
        learning_starts: Agent steps before the first update.
        update_every: Agent steps an update; 4 in the Nature paper.
        target_update_every: Agent steps between copies of the online into the target network.
        exploration_steps: Agent steps in which epsilon falls from 1 to `final_epsilon`.
        final_epsilon: Probability of a random action after that.
        max_grad_norm: Gradients are scaled down to this norm.
        clip_rewards: Whether the agent sees only the sign of a reward (Mnih et al. 2015).
        life_loss_ends: Whether a lost life ends an episode for the learner (Mnih et al. 2015).
        sticky: Probability that the emulator repeats an action, each frame (Machado et al. 2018).
        checkpoint_every: Agent steps between boundaries, at which every environment is reset and
            a checkpoint written. Part of the protocol: a boundary cuts running games.
        eval_every: Agent steps between points of the learning curve.
        eval_games: Whole games a point.
        eval_epsilon: Probability of a random action in them (Mnih et al. 2015).
        log_every: Agent steps between rows of `metrics.jsonl`.
        readout_every: Agent steps between two looks at where each layer says the ball is; 0 never.
            A look costs what some ten updates cost.
        precision: Of the networks' arithmetic, `float32` or `bfloat16`; weights and Adam's state
            are float32 in both.
    """

    steps: int = 10_000_000
    num_envs: int = 4
    learning_rate: float = 1e-4
    batch_size: int = 32
    discount: float = 0.99
    n_steps: int = 1
    double: bool = False
    replay_size: int = 100_000
    replay_compression: str = "none"
    learning_starts: int = 100_000
    update_every: int = 4
    target_update_every: int = 1_000
    exploration_steps: int = 1_000_000
    final_epsilon: float = 0.01
    max_grad_norm: float = 10.0
    clip_rewards: bool = True
    life_loss_ends: bool = True
    sticky: float = 0.0
    checkpoint_every: int = 100_000
    eval_every: int = 500_000
    eval_games: int = 10
    eval_epsilon: float = 0.05
    log_every: int = 1_000
    readout_every: int = 25_000
    precision: str = "float32"


NATURE = Settings()

FAST = dataclasses.replace(
    NATURE,
    # Three-step returns, one update a step and a short exploration reach 18 points of Pong in
    # 0.3–0.5M agent steps in published quick recipes.
    steps=500_000,
    n_steps=3,
    update_every=1,
    learning_starts=10_000,
    exploration_steps=100_000,
    final_epsilon=0.02,
    checkpoint_every=25_000,
    eval_every=25_000,
    readout_every=5_000,
)

DEMO = dataclasses.replace(
    NATURE,
    # Long enough to see every part work, far too short to learn Pong.
    steps=6_000,
    n_steps=3,
    replay_size=6_000,
    learning_starts=1_000,
    exploration_steps=4_000,
    final_epsilon=0.05,
    checkpoint_every=3_000,
    eval_every=3_000,
    eval_games=2,
    log_every=500,
    readout_every=6_000,
)

# Catch has games of 27 steps, so everything happens sooner.
_CATCH: Mapping[str, Any] = MappingProxyType(
    {
        "n_steps": 3,
        "update_every": 4,
        "steps": 40_000,
        "replay_size": 20_000,
        "learning_starts": 1_000,
        "target_update_every": 500,
        "exploration_steps": 10_000,
        "final_epsilon": 0.05,
        "checkpoint_every": 5_000,
        "eval_every": 5_000,
        "eval_games": 50,
        "log_every": 500,
        "readout_every": 5_000,
    }
)

PRESETS: Mapping[str, Settings] = MappingProxyType({"demo": DEMO, "fast": FAST, "nature": NATURE})
"""The presets, shortest first; as they stand they are for Pong."""

BY_GAME: Mapping[tuple[str, str], Mapping[str, Any]] = MappingProxyType(
    {
        ("demo", "catch"): {**_CATCH, "steps": 5_000, "exploration_steps": 2_000},
        ("fast", "catch"): _CATCH,
        ("nature", "catch"): _CATCH,
        ("fast", "breakout"): {"steps": 2_000_000},
    }
)
"""What a game changes in a preset."""


def resolve(preset: str, game: str, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of a run.

    Args:
        preset: A name in `PRESETS`.
        game: A name in `envs.games.GAMES`; games without an entry in `BY_GAME` train like Pong.
        overrides: What the user asked for instead; `None` values are left alone.

    Raises:
        BadInput: If the preset is unknown or the settings do not fit together.
    """
    base = PRESETS[choose("--preset", preset, PRESETS)]
    given = {k: v for k, v in (overrides or {}).items() if v is not None}
    settings = dataclasses.replace(base, **{**BY_GAME.get((preset, game), {}), **given})
    check(settings)
    return settings


def check(settings: Settings) -> None:
    """Raise `BadInput` if the settings do not fit together; the line names the option."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.type == "int":
            least = 0 if field.name == "readout_every" else 1
            at_least("--" + field.name.replace("_", "-"), value, least)
    choose("--precision", settings.precision, PRECISIONS)
    choose("--replay-compression", settings.replay_compression, COMPRESSIONS)
    if not 0 < settings.learning_rate < math.inf:
        raise BadInput(f"--learning-rate: expected a number above 0, got {settings.learning_rate}")
    for name in ("final_epsilon", "eval_epsilon", "sticky"):
        value = getattr(settings, name)
        if not 0 <= value <= 1:
            raise BadInput(f"--{name.replace('_', '-')}: expected a number in [0, 1], got {value}")
    larger, smaller = sorted((settings.num_envs, settings.update_every), reverse=True)
    if larger % smaller:
        raise BadInput(
            f"--num-envs {settings.num_envs} and --update-every {settings.update_every}: "
            "expected one to divide the other"
        )
    least = max(settings.batch_size, settings.num_envs * 2)
    if settings.replay_size < least:
        raise BadInput(f"--replay-size: expected at least {least:,}, got {settings.replay_size:,}")


def as_dict(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON keeps them."""
    return dataclasses.asdict(settings)


_KINDS: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}
)


def parse_settings(content: object) -> Settings:
    """Return the settings that `as_dict` wrote; one that is younger than the file has its default.

    Raises:
        BadInput: If a setting is unknown, of another type or impossible.
    """
    fields = {field.name: str(field.type) for field in dataclasses.fields(Settings)}
    if not isinstance(content, Mapping):
        raise BadInput(f"settings: expected a JSON object, got {str(content)[:80]!r}")
    for name, value in content.items():
        kind = fields.get(name)
        if kind is None:
            raise BadInput(f"settings: expected one of {', '.join(fields)}; got {name[:80]!r}")
        wrong_kind = not isinstance(value, _KINDS[kind]) or isinstance(value, bool) != (
            kind == "bool"
        )
        if wrong_kind or (kind == "float" and not math.isfinite(value)):
            raise BadInput(f"settings: {name}: expected {kind}, got {str(value)[:80]!r}")
    settings = Settings(**content)
    check(settings)
    return settings


_NOT_PROTOCOL = (
    "steps",
    "learning_rate",
    "replay_compression",
    "eval_every",
    "eval_games",
    "eval_epsilon",
    "log_every",
    "readout_every",
)
"""Settings that may differ between runs in one comparison: rates are tuned by row, the budget is
a column of its own, compression loses nothing, and how often one looks changes nothing."""


def training_protocol(settings: Settings) -> dict[str, Any]:
    """Return what has to be equal for two runs to be compared."""
    return {k: v for k, v in as_dict(settings).items() if k not in _NOT_PROTOCOL}


@dataclass(frozen=True)
class EvaluationProtocol:
    """How finished agents are scored; scores under different protocols are never mixed.

    Attributes:
        epsilon: Probability of a random action, in [0, 1] (.05 in Mnih et al. 2015).
        sticky: Probability that the emulator repeats an action, each frame.
        frame_skip: Emulator frames an agent step.
        noop_max: Most idle frames at the start of a game.
        whole_games: Whether a game lasts all its lives; always so.
        max_frames: Emulator frames after which a game is cut off.
    """

    epsilon: float = 0.05
    sticky: float = 0.0
    frame_skip: int = 4
    noop_max: int = 30
    whole_games: bool = True
    max_frames: int = 108_000


def fingerprint(protocol: Mapping[str, Any]) -> str:
    """Return eight hexadecimal digits that are equal exactly when the protocols are."""
    canonical = json.dumps(dict(protocol), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]
