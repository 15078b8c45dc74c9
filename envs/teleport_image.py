"""The command `python -m envs.teleport`: one teleported network input, to look at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import tyro
from jaxtyping import Float64, UInt8

from commandline import BadInput, at_least, choose, parse
from envs.emulator import Emulator, Stack, stack
from envs.facts import Facts
from envs.flights import Flight
from envs.games import FRAME_SKIP, GAMES, Game, find
from envs.moments import moments
from envs.positions import X_84, Y_84, facts_of, screen
from envs.shams import ball_erased
from envs.teleport import ARMS, Arm, Collided, NoRoom, Teleporter, inside

PROGRAM = "python -m envs.teleport"
DESCRIPTION = """Put the ball of an Atari game anywhere and see what the network would see.

A moment of scripted play is played again with the ball's place and velocity written to the
console's memory before each of sixteen frames; the emulator draws it, all else stays as it was.
Writes the four stacked observations side by side as a PNG and says where RAM and pixels see the
ball in the last frame."""

TRIES = 200
"""Moments of play that are tried until none of its paddles stands in the way."""

ZOOM = 4
"""Picture pixels a network pixel in the PNG."""


@dataclass(frozen=True)
class Options:
    """Command line."""

    game: str = "pong"
    """Which game: pong, breakout or bowling."""
    ball: Annotated[tuple[int, int] | None, tyro.conf.arg(metavar="X Y")] = None
    """Where the ball's top-left corner is in the last frame, in pixels of the 160 × 210 screen;
    by default the middle of the clear part of the playfield."""
    velocity: Annotated[tuple[float, float] | None, tyro.conf.arg(metavar="DX DY")] = None
    """How it flies there, in screen pixels a frame (60 a second), right and down; by default as
    it flew in the saved play. Seen in play: up to 2 across and 2 down."""
    opponent: str = "held"
    """What the opponent does: held (as in the saved play), along (keeps its usual distance to the
    ball) or free (chases the ball, which gives the ball's place away)."""
    seed: int = 0
    """Which moment of play it is."""
    out: Path = Path("teleport.png")
    """The picture to write."""
    json: bool = False
    """Print one line of JSON instead of a sentence."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; see `--help`."""
    options = parse(Options, argv, PROGRAM, DESCRIPTION)
    emulated = [name for name, game in GAMES.items() if game.facts is not None]
    game = find(choose("--game", options.game, emulated))
    choose("--opponent", options.opponent, ARMS)
    at_least("--seed", options.seed, 0)
    if options.out.suffix.lower() != ".png" or not options.out.parent.is_dir():
        raise BadInput(f"--out: expected a .png in a folder that exists, got {options.out}")
    facts = facts_of(game)
    ball = options.ball or _middle(facts)
    _check_place(facts, ball)
    arm: Arm = next(arm for arm in ARMS if arm == options.opponent)
    shown, says = _teleport(game, facts, ball, options.velocity, arm, options.seed)
    cv2.imwrite(str(options.out), _picture(shown, says))
    says["out"] = str(options.out)
    print(json.dumps(says) if options.json else _sentence(says))
    return 0


def _middle(facts: Facts) -> tuple[int, int]:
    places, step = facts.places, abs(facts.ball.y.scale)
    down = (places.bottom - places.top) // 2 // step * step
    return (places.left + places.right) // 2, places.top + down


def _check_place(facts: Facts, ball: tuple[int, int]) -> None:
    box, (x, y) = facts.playfield, ball
    if not box.holds(x, y, facts.ball.width, facts.ball.height):
        raise BadInput(
            f"--ball: expected x from {box.left} to {box.right - facts.ball.width} and y from "
            f"{box.top} to {box.bottom - facts.ball.height} (the playfield), got {x} {y}"
        )


def _teleport(
    game: Game,
    facts: Facts,
    ball: tuple[int, int],
    velocity: tuple[float, float] | None,
    arm: Arm,
    seed: int,
) -> tuple[Stack, dict[str, Any]]:
    """Try moments of play until the way is clear; return the input and what can be said of it."""
    emulator = Emulator(game, seed)
    sequence = np.random.SeedSequence(seed)
    why, tried = "no moment with the ball in play", 0
    while tried < TRIES:
        rng = np.random.default_rng(sequence.spawn(1)[0])
        for moment in moments(game, rng):
            tried += 1
            try:
                teleporter = Teleporter(emulator, moment)
                flight = teleporter.flight(velocity).ending_at(facts, *ball)
                if not inside(facts, facts.playfield, flight):
                    raise NoRoom("it would come from outside the playfield")
                ball_erased(teleporter, flight, arm)
                without = emulator.colour()
                shown = teleporter.show(flight, arm)
                says = _say(game, facts, flight, without, emulator, shown.ram[-1:])
                says |= {"opponent": arm, "seed": seed, "moments_tried": tried}
                return stack(shown.frames), says
            except Collided as collision:
                why = str(collision)
                if velocity is not None and isinstance(collision, NoRoom):
                    tried = TRIES  # no other moment will do better
            except ValueError as refused:
                raise BadInput(f"--ball, --velocity: {refused}") from None
            if tried >= TRIES:
                break
    way = "" if velocity is None else f" with velocity {velocity[0]:g} {velocity[1]:g}"
    raise BadInput(
        f"--ball: expected a place to which the ball can fly, got {ball[0]} {ball[1]}{way}: {why}"
    )


def _say(
    game: Game,
    facts: Facts,
    flight: Flight,
    without: UInt8[np.ndarray, "210 160 3"],
    emulator: Emulator,
    ram: UInt8[np.ndarray, "1 128"],
) -> dict[str, Any]:
    """What RAM and pixels say of the last raw frame."""
    colour = emulator.colour()
    lit = (colour == np.array(facts.ball.colour, np.uint8)).all(axis=2)
    rows, columns = np.nonzero(lit & (colour != without).any(axis=2))
    ram_says = screen(facts.ball.x, ram)[0], screen(facts.ball.y, ram)[0]
    pixels_say = (columns.min(), rows.min()) if len(rows) else (None, None)
    return {
        "game": game.name,
        "velocity_screen": list(flight.velocity_screen),
        "ram": _place(*ram_says),
        "pixels": _place(*pixels_say),
        "path_screen": _drawn(flight.visible_screen),
    }


def _place(x: Any, y: Any) -> dict[str, int | None]:
    return {
        "ball_x_screen": None if x is None else int(x),
        "ball_y_screen": None if y is None else int(y),
    }


def _drawn(path: Float64[np.ndarray, "8 2"]) -> list[list[int]]:
    return [[int(x), int(y)] for x, y in path]


def _sentence(says: dict[str, Any]) -> str:
    ram, pixels = says["ram"], says["pixels"]
    return (
        f"{says['game']}: ball at x {ram['ball_x_screen']}, y {ram['ball_y_screen']} by RAM, "
        f"x {pixels['ball_x_screen']}, y {pixels['ball_y_screen']} by pixels; {says['out']}"
    )


def _picture(observations: Stack, says: dict[str, Any]) -> UInt8[np.ndarray, "h w 3"]:
    """Four labelled panels side by side, oldest first, the ball of the last raw frame boxed."""
    margin, head, foot = 16, 40, 48
    side = observations.shape[1] * ZOOM
    width = 4 * side + 5 * margin
    sheet = np.full((head + side + foot, width, 3), 250, np.uint8)
    path, ball = says["path_screen"], facts_of(find(says["game"])).ball
    size = np.array([ball.width * X_84, ball.height * Y_84]) * ZOOM
    for i, observation in enumerate(observations):
        left = margin + i * (side + margin)
        big = cv2.resize(observation, (side, side), interpolation=cv2.INTER_NEAREST)
        panel = cv2.cvtColor(big, cv2.COLOR_GRAY2BGR)
        corners = np.array(path[2 * i : 2 * i + 2]) * (X_84 * ZOOM, Y_84 * ZOOM)
        top_left = (corners.min(axis=0) - 8).round().astype(int).tolist()
        bottom_right = (corners.max(axis=0) + size + 8).round().astype(int).tolist()
        cv2.rectangle(panel, top_left, bottom_right, (40, 140, 245), 1, cv2.LINE_AA)
        sheet[head : head + side, left : left + side] = panel
        last = FRAME_SKIP * (i + 1)
        label = f"observation {i + 1} of 4: max of frames {last - 1} and {last}"
        _write(sheet, label, (left, head - 14))
    vx, vy = says["velocity_screen"]
    x, y = path[-1]
    caption = (
        f"{says['game']}, opponent {says['opponent']}, seed {says['seed']}: ball at x {x}, y {y} "
        f"of the 160 x 210 screen in frame 16, moving {vx:+.3g}, {vy:+.3g} px a frame; "
        "boxes: the two places in each observation"
    )
    _write(sheet, caption, (margin, head + side + 30))
    return sheet


def _write(sheet: UInt8[np.ndarray, "h w 3"], text: str, at: tuple[int, int]) -> None:
    cv2.putText(sheet, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (60, 60, 60), 1, cv2.LINE_AA)
