"""A game as the network knows it: the ball, where its features put it, what actions are worth.

One picture an agent step. Left the screen in whole multiples of its pixels, with two marks that
differ in shape and not in colour alone: a square around the ball (from RAM), a ring where a linear
read-out of the last features puts it. A dotted frame bounds the places that the read-out was
fitted on; outside of it the ring is thin. Right the value over time, and each action's Q beside
their mean, which the difference between actions would be too small to be seen without.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8
from PIL import Image, ImageDraw, ImageFont

from analysis.probing.decoding import Decoder
from analysis.worth.filming import Film
from envs.catch import BALL_SIZE
from envs.catch_teleport import PLACES_84
from envs.facts import Box
from envs.games import Game
from envs.positions import X_84, Y_84
from reporting.video import INK, PAPER

TALLEST = 640
"""Of the picture, pixels: 3 for each of Atari's, 7 for each of Catch's."""

PANEL, MARGIN, HEADER = 320, 16, 40
"""Widths and heights in pixels of the video."""

QUIET, RULE = (150, 150, 155), (70, 70, 76)
BALL, DECODED, VALUE = (86, 180, 233), (240, 228, 66), (0, 158, 115)
"""Sky blue, yellow and bluish green of Okabe and Ito's palette, which colour blindness spares."""

RING = 11
"""Radius of the ring, pixels."""


@dataclass(frozen=True)
class Decoded:
    """What a read-out says of a game.

    Attributes:
        places_screen: x and y of the ball's corner in each picture, screen pixels.
        r2: Of the read-out on unseen teleported scenes, the mean of x and y.
        rmse_px: There, screen pixels: root of the mean of both axes' squared errors.
    """

    places_screen: Float64[np.ndarray, "n 2"]
    r2: float
    rmse_px: float

    @classmethod
    def by(cls, decoder: Decoder, features: Float32[np.ndarray, "n p"]) -> Decoded:
        """Return what a decoder says of a game's features."""
        rmse = float(np.sqrt(np.square(decoder.rmse_px).mean()))
        return cls(decoder.decode(features), float(decoder.r2.mean()), rmse)


@dataclass(frozen=True)
class Field:
    """Where things are in the pixels of a game's pictures.

    Attributes:
        scale: Pixels of the video for each.
        across: Picture pixels for a screen pixel, horizontally; 1 but in Catch.
        down: Likewise, vertically.
        ball: Width and height of the ball, picture pixels.
        fitted: Left, top, right and bottom of the places that read-outs are fitted on.
    """

    scale: int
    across: float
    down: float
    ball: tuple[int, int]
    fitted: tuple[int, int, int, int]

    @classmethod
    def of(cls, game: Game, height: int) -> Field:
        """Return that of a game whose pictures are so high."""
        scale = TALLEST // height
        if game.facts is None:
            box = PLACES_84
            return cls(scale, X_84, Y_84, (BALL_SIZE, BALL_SIZE), _corners(box))
        ball, box = game.facts.ball, game.facts.places
        return cls(scale, 1.0, 1.0, (ball.width, ball.height), _corners(box))

    def places(self, screen: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
        """Turn places on the screen into picture pixels."""
        found: Float64[np.ndarray, "n 2"] = screen * np.array([self.across, self.down])
        return found

    def inside(self, screen: Float64[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
        """Say which places read-outs are fitted on."""
        left, top, right, bottom = self.fitted
        x, y = self.places(screen).T
        found: Bool[np.ndarray, " n"] = (left <= x) & (x < right) & (top <= y) & (y < bottom)
        return found


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.right, box.bottom


def errors_px(film: Film, decoded: Decoded, game: Game) -> tuple[float, float]:
    """Return the read-out's error in this very game, inside and outside the fitted places.

    Root of the mean of both axes' squared errors, screen pixels; NaN where the ball never was.
    """
    ball = np.stack([film.ball_x_screen, film.ball_y_screen], axis=1)
    inside = Field.of(game, film.pictures.shape[1]).inside(ball)
    there = np.isfinite(ball).all(axis=1)
    missed = np.square(decoded.places_screen - ball)
    parts = [missed[there & inside], missed[there & ~inside]]
    first, second = (float(np.sqrt(part.mean())) if len(part) else float("nan") for part in parts)
    return first, second


def frames(
    film: Film, decoded: Decoded, game: Game, title: str
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Draw every step of a film.

    Args:
        film: What was played.
        decoded: What was read out of its features.
        game: What was played.
        title: Stands above, left; the score stands right.
    """
    field = Field.of(game, film.pictures.shape[1])
    ball = np.stack([film.ball_x_screen, film.ball_y_screen], axis=1)
    inside = field.inside(ball)
    base = _base(film, decoded, game, field, title)
    beside = film.q - film.q.mean(axis=1, keepdims=True)
    reach = _reach(beside)
    for i in range(len(film)):
        image = base.copy()
        draw = ImageDraw.Draw(image)
        _right(draw, image.width - MARGIN, 11, f"score {film.scores[i]:g}", 18)
        height, width = film.pictures[i].shape[:2]
        size = (width * field.scale, height * field.scale)
        screen = Image.fromarray(film.pictures[i]).resize(size, Image.Resampling.NEAREST)
        marks = ImageDraw.Draw(screen)
        _dotted(marks, [k * field.scale for k in field.fitted])
        if np.isfinite(ball[i]).all():
            _square(marks, field.places(ball[i : i + 1])[0], field)
            _ring(marks, field.places(decoded.places_screen[i : i + 1])[0], field, bool(inside[i]))
        image.paste(screen, (MARGIN, HEADER))
        left = 2 * MARGIN + size[0]
        _values(draw, film, i, left)
        _actions(draw, film, beside[i], reach, i, left, game)
        yield np.asarray(image)


def _reach(beside: Float32[np.ndarray, "n a"]) -> float:
    """Return what half the width of the bars stands for: a few steps differ far more than most."""
    return max(float(np.quantile(np.abs(beside).max(axis=1), COMMON)), 1e-6)


COMMON = 0.8
"""Share of the steps whose bars are not cut."""

CURVE_TOP, CURVE_HEIGHT = HEADER + 24, 110
BARS_TOP, BAR = HEADER + 190, 28
KEY_TOP = BARS_TOP + 220


def _base(film: Film, decoded: Decoded, game: Game, field: Field, title: str) -> Image.Image:
    """Draw what is the same in every picture."""
    height, width = film.pictures.shape[1:3]
    left = 2 * MARGIN + width * field.scale
    size = (left + PANEL, HEADER + max(height * field.scale, KEY_TOP + 180 - HEADER) + MARGIN)
    # VP8 in 4:2:0 has a colour for two pixels by two.
    image = Image.new("RGB", (size[0] + size[0] % 2, size[1] + size[1] % 2), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN, 10), title, INK, _font(18))
    draw.text((left, HEADER), "value of the state, max Q", QUIET, _font(15))
    reach = _reach(film.q - film.q.mean(axis=1, keepdims=True))
    told = f"Q of each action; bars: from their mean, ±{reach:.2f}"
    draw.text((left, BARS_TOP - 26), told, QUIET, _font(15))
    y = KEY_TOP + 8
    draw.rectangle((left + 4, y + 1, left + 18, y + 15), outline=BALL, width=3)
    draw.text((left + 32, y - 1), "the ball (from the game's memory)", INK, _font(15))
    draw.ellipse((left + 1, y + 27, left + 21, y + 47), outline=DECODED, width=3)
    draw.text((left + 32, y + 27), "decoded from the last features", INK, _font(15))
    # Pillow's font has no ².
    draw.text((left, y + 62), "R", QUIET, _font(14))
    draw.text((left + 10, y + 60), "2", QUIET, _font(10))
    r2 = f"{decoded.r2:.2f}, error {decoded.rmse_px:.0f} px on teleported scenes"
    draw.text((left + 20, y + 62), r2, QUIET, _font(14))
    lines = ["that it was not fitted on, inside the dotted frame;"]
    named = zip(errors_px(film, decoded, game), ("inside", "outside"), strict=True)
    here = [f"{error:.0f} px {where}" for error, where in named if np.isfinite(error)]
    lines.append(f"in this game {', '.join(here)}" if here else "there was no ball in this game")
    for k, line in enumerate(lines):
        draw.text((left, y + 83 + 21 * k), line, QUIET, _font(14))
    return image


def _values(draw: ImageDraw.ImageDraw, film: Film, i: int, left: int) -> None:
    """Draw max Q so far, on the scale of the whole film."""
    value = film.q.max(axis=1)
    low, high = float(value.min()), max(float(value.max()), float(value.min()) + 1e-6)
    width = PANEL - MARGIN - 56
    x = left + np.arange(len(film)) * width / max(len(film) - 1, 1)
    y = CURVE_TOP + (high - value) / (high - low) * CURVE_HEIGHT
    for level in (low, high):
        at = CURVE_TOP + (high - level) / (high - low) * CURVE_HEIGHT
        draw.line((left, at, left + width, at), RULE, 1)
        draw.text((left + width + 8, at - 8), f"{level:.3g}", QUIET, _font(13))
    if i:
        draw.line(list(zip(x[: i + 1], y[: i + 1], strict=True)), VALUE, 2)
    draw.ellipse((x[i] - 4, y[i] - 4, x[i] + 4, y[i] + 4), fill=VALUE)


def _actions(
    draw: ImageDraw.ImageDraw,
    film: Film,
    beside: np.ndarray,
    reach: float,
    i: int,
    left: int,
    game: Game,
) -> None:
    """Draw a bar for each action; the one that is taken is filled."""
    middle, half = left + 168, 72
    bottom = BARS_TOP + BAR * len(game.actions)
    draw.line((middle, BARS_TOP - 2, middle, bottom - 4), RULE, 1)
    for a, name in enumerate(game.actions):
        top = BARS_TOP + BAR * a
        taken = bool(a == film.actions[i])
        draw.text((left, top + 2), name, INK if taken else QUIET, _font(14))
        end = middle + float(np.clip(beside[a] / reach, -1, 1)) * half
        box = (min(middle, end), top + 3, max(middle, end), top + BAR - 8)
        draw.rectangle(box, VALUE if taken else PAPER, VALUE, 2)
        _right(draw, left + PANEL - MARGIN, top + 2, f"{film.q[i, a]:.2f}", 14, taken)


def _square(draw: ImageDraw.ImageDraw, place: np.ndarray, field: Field) -> None:
    x, y = place * field.scale
    width, height = (side * field.scale for side in field.ball)
    for gap, colour, line in ((7, (0, 0, 0), 5), (6, BALL, 3)):
        draw.rectangle((x - gap, y - gap, x + width + gap, y + height + gap), None, colour, line)


def _ring(draw: ImageDraw.ImageDraw, place: np.ndarray, field: Field, fitted: bool) -> None:
    middle = (place + np.array(field.ball) / 2) * field.scale
    x, y = (float(np.clip(c, 0, end)) for c, end in zip(middle, draw.im.size, strict=True))
    for radius, colour, line in ((RING + 1, (0, 0, 0), 5 if fitted else 4),
                                 (RING, DECODED, 3 if fitted else 2)):  # fmt: skip
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), None, colour, line)


def _dotted(draw: ImageDraw.ImageDraw, box: list[int]) -> None:
    left, top, right, bottom = box
    for x in range(left, right, 10):
        for y in (top, bottom):
            draw.line((x, y, x + 3, y), (210, 210, 210), 2)
    for y in range(top, bottom, 10):
        for x in (left, right):
            draw.line((x, y, x, y + 3), (210, 210, 210), 2)


def _right(
    draw: ImageDraw.ImageDraw, x: int, y: int, text: str, size: int, strong: bool = True
) -> None:
    """Write text that ends at x."""
    draw.text(
        (x - draw.textlength(text, _font(size)), y), text, INK if strong else QUIET, _font(size)
    )


_FONTS: dict[int, ImageFont.ImageFont | ImageFont.FreeTypeFont] = {}


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Return Pillow's own font, so that a video looks alike everywhere."""
    if size not in _FONTS:
        _FONTS[size] = ImageFont.load_default(size)
    return _FONTS[size]
