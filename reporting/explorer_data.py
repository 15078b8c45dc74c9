"""From the maps of networks to what the explorer's page carries: numbers in two bytes, as base64.

Two bytes split the range of each map into 65,535 steps, far below what is shown.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commandline import BadInput
from envs.facts import Paddle
from envs.games import find

STEPS = 65_535
"""Steps into which the range of a map is split."""

MAP_EVERY = (3, 2)
"""Of the pictures of the last map every so many columns and rows are kept: none is further than a
place away, which moves the ball by less than a cell of any last map with a stride."""

SPREAD = 0.95
"""Quantile over places of best less worst action: what a full bar of an action is."""

NEEDED = ("game", "scene", "picture", "pixel", "ball", "trail_screen", "readout", "row", "regime")


def read(file: Path) -> pd.DataFrame:
    """Read the maps that the measure `explorer` has written.

    Raises:
        BadInput: If there are none, or the file is damaged.
    """
    try:
        table = pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise BadInput(f"{file}: expected maps of the measure explorer, got {error}") from None
    if missing := [name for name in NEEDED if name not in table.attrs]:
        raise BadInput(f"{file}: expected maps of the measure explorer, got none of {missing}")
    return table


def scene_of(table: pd.DataFrame) -> dict[str, Any]:
    """Return what is the same for all networks of a scene: the picture, the grids, the actions."""
    facts = table.attrs
    game = find(facts["game"])
    velocities, first = [], 0
    for trail, (_, part) in zip(facts["trail_screen"], _by_velocity(table), strict=True):
        x, y = (np.unique(part[f"ball_{axis}_screen"]) for axis in "xy")
        if len(x) * len(y) != len(part):
            raise ValueError(f"expected {len(x)} × {len(y)} places, got {len(part)}")
        velocities.append(
            {
                "x": float(part["velocity_x_screen"].iloc[0]),
                "y": float(part["velocity_y_screen"].iloc[0]),
                "left": float(x[0]),
                "top": float(y[0]),
                "columns": len(x),
                "rows": len(y),
                "first": first,
                "trail": trail,
            }
        )
        first += len(part)
    x, y = (np.unique(table[f"ball_{axis}_screen"].round(6)) for axis in "xy")
    return {
        "game": game.title,
        "picture": facts["picture"],
        "picture_size": facts["picture_size"],
        "origin": facts["origin_screen"],
        "pixel": facts["pixel"],
        "ball": facts["ball"],
        "step": [float(np.diff(axis).min()) if len(axis) > 1 else 1.0 for axis in (x, y)],
        "fitted": facts["readout"]["places_screen"],
        "velocities": velocities,
        "actions": [{"name": name, "does": does(name, game.facts)} for name in game.actions],
        "map_every": list(MAP_EVERY),
    }


def does(action: str, facts: Any) -> str:
    """Say what an action does to the paddle while the ball is under way; empty if not known."""
    if facts is None or not isinstance(paddle := facts.player, Paddle) or paddle.less is None:
        return ""
    less, more = ("up", "down") if paddle.moves_vertically else ("left", "right")
    plain = action.removesuffix("FIRE")
    if plain == paddle.less:
        return f"paddle {less}"
    return f"paddle {more}" if plain == paddle.more else "paddle stays"


def network_of(table: pd.DataFrame) -> dict[str, Any]:
    """Return the maps of one network."""
    facts = table.attrs
    game = find(facts["game"])
    names = [name for name in table.columns if name.startswith("output_")]
    found: dict[str, Any] = {
        "response": packed(table["response"].to_numpy()),
        "decoded": [packed(table[f"decoded_{axis}_screen"].to_numpy()) for axis in "xy"],
        "readout": facts["readout"],
    }
    # What was trained on another task has outputs that are no values of actions.
    if facts["regime"] != "supervised" and len(names) == len(game.actions):
        outputs = table[names].to_numpy(np.float64)
        best = outputs.max(axis=1)
        found |= {
            "outputs": packed(outputs),
            "action": _base64(outputs.argmax(axis=1).astype(np.uint8)),
            "value_range": [float(best.min()), float(best.max())],
            "spread": float(np.quantile(best - outputs.min(axis=1), SPREAD)),
        }
    if "map" in table.columns:
        found["map"] = {"side": facts["map"]["side"], "data": _base64(_thinned_maps(table))}
    return found


def packed(values: np.ndarray) -> dict[str, Any]:
    """Return numbers as whole steps between the least and the greatest, row by row.

    Raises:
        ValueError: If one of them is not finite.
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"expected finite numbers, got some between {low} and {high}")
    share = (values.astype(np.float64) - low) / (high - low if high > low else 1.0)
    return {"low": low, "high": high, "data": _base64(np.round(share * STEPS).astype("<u2"))}


def _by_velocity(table: pd.DataFrame) -> list[tuple[Any, pd.DataFrame]]:
    return list(table.groupby(["velocity_x_screen", "velocity_y_screen"], sort=False))


def _thinned_maps(table: pd.DataFrame) -> np.ndarray:
    across, down = MAP_EVERY
    kept = []
    for _, part in _by_velocity(table):
        columns = part["ball_x_screen"].nunique()
        maps = np.stack([np.frombuffer(cells, np.uint8) for cells in part["map"]])
        grid = maps.reshape(-1, columns, maps.shape[1])
        down_from, across_from = min(down // 2, len(grid) - 1), min(across // 2, columns - 1)
        thin = grid[down_from::down, across_from::across]
        kept.append(thin.reshape(-1, maps.shape[1]))
    return np.concatenate(kept)


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def trained_for(agent: Mapping[str, Any]) -> str:
    """Say for how long an agent was trained, from its `agent.json`."""
    return f"trained for {int(agent['steps']):,} agent steps"
