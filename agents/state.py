"""Counters and generators of an agent in training, as a checkpoint keeps them."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.dqn import BallparkDQN
from commandline import BadInput, told


@dataclass(frozen=True)
class State:
    """Everything that is neither a tensor nor the replay.

    Attributes:
        num_timesteps: Agent steps done, over all environments.
        n_calls: Steps of the vector environment; the target network is copied by it.
        n_updates: Updates made.
        updates_since_read: Updates whose losses are in no row yet.
        episode_num: Episodes ended, lost lives included.
        total_timesteps: Where exploration's schedule ends.
        progress_remaining: From 1 down to 0 along that schedule.
        exploration_rate: Epsilon of the next action.
        steps_added: Slots ever written to the replay.
        episodes: SB3's record of the latest games.
        generators: State of each of numpy's generators.
        observation_sha256: Of what the agent sees now.
        run: What the run itself has to remember.
    """

    num_timesteps: int
    n_calls: int
    n_updates: int
    updates_since_read: int
    episode_num: int
    total_timesteps: int
    progress_remaining: float
    exploration_rate: float
    steps_added: int
    episodes: list[dict[str, float]]
    generators: dict[str, Any]
    observation_sha256: str
    run: dict[str, Any]

    @classmethod
    def of(cls, model: BallparkDQN, observation_sha256: str, run: Mapping[str, Any]) -> State:
        """Read a model's counters and generators."""
        return cls(
            num_timesteps=model.num_timesteps,
            n_calls=model._n_calls,
            n_updates=model._n_updates,
            updates_since_read=model.updates_since_read,
            episode_num=model._episode_num,
            total_timesteps=model._total_timesteps,
            progress_remaining=float(model._current_progress_remaining),
            exploration_rate=float(model.exploration_rate),
            steps_added=model.replay_buffer.steps_added,
            episodes=[dict(e) for e in model.ep_info_buffer or ()],
            generators={name: rng.bit_generator.state for name, rng in model.rngs.items()},
            observation_sha256=observation_sha256,
            run=dict(run),
        )

    def as_json(self) -> dict[str, Any]:
        """Return what `parse_state` reads."""
        return dataclasses.asdict(self)

    def restore(self, model: BallparkDQN) -> None:
        """Give a model these counters and generators.

        Raises:
            BadInput: If a generator's state is none.
        """
        if self.generators.keys() != model.rngs.keys():
            raise BadInput(f"state.json: expected the generators {', '.join(model.rngs)}")
        try:
            for name, rng in model.rngs.items():
                rng.bit_generator.state = self.generators[name]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadInput(f"state.json: expected a generator's state, got {told(error)}") from None
        model.num_timesteps = self.num_timesteps
        model._n_calls, model._n_updates = self.n_calls, self.n_updates
        model.updates_since_read = self.updates_since_read
        model._episode_num = self.episode_num
        model._total_timesteps = self.total_timesteps
        model._current_progress_remaining = self.progress_remaining
        model.exploration_rate = self.exploration_rate
        # SB3 would begin both anew if the first were missing; the second stays empty here.
        model.ep_info_buffer = deque(self.episodes, maxlen=model._stats_window_size)
        model.ep_success_buffer = deque(maxlen=model._stats_window_size)


def parse_state(content: Mapping[str, Any], model: BallparkDQN, step: int) -> State:
    """Read the content of `state.json`, written at agent step `step` of an agent like `model`.

    Raises:
        BadInput: If a field is missing, of another type, or does not fit the others.
    """
    given = dict(content)
    kinds = {field.name: str(field.type) for field in dataclasses.fields(State)}
    if given.keys() != kinds.keys():
        odd = sorted(str(key)[:80] for key in given.keys() ^ kinds.keys())
        raise BadInput(f"state.json: expected a training state; see {odd[0]!r}")
    for name, kind in kinds.items():
        value = given[name]
        if not _is(value, kind):
            raise BadInput(f"state.json: {name}: expected {kind}, got {str(value)[:80]}")
    state = State(**given)
    envs = model.replay_buffer.n_envs
    counts = (state.num_timesteps, state.n_calls * envs, state.steps_added * envs)
    if counts != (step, step, step):
        raise BadInput(f"state.json: expected counters of agent step {step}, got {counts}")
    if not re.fullmatch("[0-9a-f]{64}", state.observation_sha256):
        raise BadInput("state.json: observation_sha256: expected a SHA-256")
    return state


def _is(value: object, kind: str) -> bool:
    match kind:
        case "int":
            return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
        case "float":
            return _number(value)
        case "str":
            return isinstance(value, str)
        case "list[dict[str, float]]":
            return isinstance(value, list) and all(_is_row(row) for row in value)
        case _:
            return isinstance(value, dict)


def _number(value: object) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return whole or (isinstance(value, float) and math.isfinite(value))


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and all(_number(value) for value in row.values())
