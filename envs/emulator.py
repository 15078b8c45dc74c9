"""One emulator that can be saved, written to and looked at, with the vector environment's pictures.

ALE's vector environment cannot be cloned, so ground truth is made on plain emulators. Their
pictures go through the same steps, in the same order, and come out the same bit for bit
(`tests/envs/test_teleport.py` plays both side by side):

    frame       1   2   3   4
    grayscale           ·   ·     the emulator's own luminance table
    max                 └───┘     of the last two raw frames, before any resizing
    resize                ·       210 × 160 → 84 × 84, area interpolation
"""

from __future__ import annotations

import cv2
import numpy as np
from ale_py import ALEInterface, ALEState, LoggerMode, roms
from jaxtyping import UInt8

from envs.games import FRAME_SKIP, INPUT_SIZE, SCREEN_HEIGHT, SCREEN_WIDTH, STACK, Game

FLIGHT_FRAMES = FRAME_SKIP * STACK
"""Raw frames behind one network input."""

VISIBLE = tuple(k for k in range(FLIGHT_FRAMES) if k % FRAME_SKIP >= FRAME_SKIP - 2)
"""Which of them can be seen in it: 2, 3, 6, 7, 10, 11, 14, 15 counted from 0."""

Frames = UInt8[np.ndarray, "8 210 160"]
Stack = UInt8[np.ndarray, "4 84 84"]


def shrink(frame: UInt8[np.ndarray, "210 160"]) -> UInt8[np.ndarray, "84 84"]:
    """Resize one grey picture to the network's input, by area."""
    small: UInt8[np.ndarray, "84 84"] = cv2.resize(
        frame, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_AREA
    )
    return small


def stack(frames: Frames) -> Stack:
    """Turn the eight visible raw frames, oldest first, into one network input."""
    return np.stack([shrink(np.maximum(frames[k], frames[k + 1])) for k in range(0, 8, 2)])


class Emulator:
    """One console with one game in it.

    Args:
        game: A game with a ROM.
        seed: Of the emulator's own generator, which only stickiness uses.
        sticky: Probability of a repeated action, each frame, in [0, 1].
    """

    def __init__(self, game: Game, seed: int, sticky: float = 0.0) -> None:
        if game.rom is None:
            raise ValueError(f"expected a game with a ROM, got {game.name!r}")
        ALEInterface.setLoggerMode(LoggerMode.Error)
        self.game = game
        self.ale = ALEInterface()
        self.ale.setInt("random_seed", seed % 2**31)
        self.ale.setFloat("repeat_action_probability", sticky)
        path = roms.get_rom_path(game.rom)
        if path is None:
            raise ValueError(f"ALE has no cartridge called {game.rom!r}")
        self.ale.loadROM(path)
        self.actions = self.ale.getMinimalActionSet()
        names = tuple(action.name for action in self.actions)
        if names != game.actions:
            raise ValueError(f"{game.name}: expected the actions {game.actions}, got {names}")
        self.ale.reset_game()

    def act(self, action: int) -> float:
        """Play one raw frame; return its raw reward."""
        return float(self.ale.act(self.actions[action]))

    def step(self, action: int) -> float:
        """Play one agent step of four frames, or fewer where the game ends; return the reward."""
        reward = 0.0
        for _ in range(FRAME_SKIP):
            reward += self.act(action)
            if self.over():
                break
        return reward

    def over(self) -> bool:
        """Whether the game has ended."""
        return bool(self.ale.game_over())

    @property
    def lives(self) -> int:
        """Lives left; 0 in games that count none."""
        return int(self.ale.lives())

    def reset(self) -> None:
        """Begin a new game."""
        self.ale.reset_game()

    def ram(self) -> UInt8[np.ndarray, " 128"]:
        """Copy the console's memory."""
        return np.asarray(self.ale.getRAM(), np.uint8)

    def write(self, address: int, value: int) -> None:
        """Write one byte of RAM."""
        self.ale.setRAM(address, value)

    def grey(self) -> UInt8[np.ndarray, "210 160"]:
        """The picture as luminance."""
        return np.asarray(self.ale.getScreenGrayscale()).reshape(SCREEN_HEIGHT, SCREEN_WIDTH)

    def colour(self) -> UInt8[np.ndarray, "210 160 3"]:
        """The picture in red, green and blue."""
        return np.asarray(self.ale.getScreenRGB())

    def save(self) -> ALEState:
        """Copy the whole state but the generator.

        With the generator, rollouts from the copy would repeat the same sticky actions.
        """
        return self.ale.cloneState(include_rng=False)

    def restore(self, state: ALEState) -> None:
        """Go back to a saved state."""
        self.ale.restoreState(state)


def to_bytes(state: ALEState) -> UInt8[np.ndarray, " size"]:
    """Write a state as an array that `from_bytes` reads: no pickle."""
    return np.frombuffer(state.serialize(), np.uint8).copy()


def from_bytes(state: UInt8[np.ndarray, " size"]) -> ALEState:
    """Read what `to_bytes` wrote."""
    return ALEState(state.tobytes())
