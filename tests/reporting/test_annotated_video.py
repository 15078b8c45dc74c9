"""The film is the game that was played, and its marks lie where ball and read-out are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import av
import numpy as np
import pytest
from jaxtyping import Bool, UInt8

from agents.settings import EvaluationProtocol
from analysis.networks import FEATURES, Network, build, responses
from analysis.pictures.frames import Frames
from analysis.probing.decoding import place_decoder
from analysis.probing.read_out import read_out_set
from analysis.worth.filming import Film, film
from envs.games import find
from reporting.annotated_video import (
    BALL,
    DECODED,
    HEADER,
    MARGIN,
    VALUE,
    Decoded,
    errors_px,
    frames,
)
from reporting.video import write_webm

GAMES = ("pong", "catch")
PROTOCOL = EvaluationProtocol()


def network_for(game: str) -> Network:
    return build("gap@0.25", 0, len(find(game).actions))


@pytest.fixture(scope="module", params=GAMES)
def filmed(request: pytest.FixtureRequest) -> Film:
    game = str(request.param)
    rng = np.random.default_rng(0)
    return film(network_for(game), find(game), rng, protocol=PROTOCOL, steps=90, least=60)


def planted(filmed: Film) -> Decoded:
    """A read-out that is off by 12 px to the right, everywhere."""
    ball = np.stack([filmed.ball_x_screen, filmed.ball_y_screen], axis=1)
    return Decoded(np.nan_to_num(ball) + np.array([12.0, 0.0]), 0.5, 7.0)


def coloured(
    picture: UInt8[np.ndarray, "h w 3"], colour: tuple[int, ...]
) -> Bool[np.ndarray, "a b"]:
    found: Bool[np.ndarray, "a b"] = (picture == np.array(colour)).all(axis=2)
    return found


def middle(where: Bool[np.ndarray, "h w"]) -> tuple[float, float]:
    y, x = np.nonzero(where)
    return (x.min() + x.max()) / 2, (y.min() + y.max()) / 2


def test_the_film_is_one_game_with_its_ball(filmed: Film) -> None:
    assert 60 <= len(filmed) <= 90
    assert filmed.q.shape == (len(filmed), len(find(filmed.game).actions))
    if filmed.game == "catch":  # ends with a game, whose point is the last step's
        assert abs(filmed.final_score - filmed.scores[-1]) == 1
    greedy = (filmed.actions == filmed.q.argmax(axis=1)).mean()
    assert greedy > 0.85, "5 % of the actions are random"
    size = (84, 84) if filmed.game == "catch" else (210, 160)
    assert filmed.pictures.shape[1:3] == size
    there = np.flatnonzero(np.isfinite(filmed.ball_x_screen))
    assert len(there) > 10
    across, down = size[1] / 160, size[0] / 210
    for i in there[:: len(there) // 8]:
        x, y = round(filmed.ball_x_screen[i] * across), round(filmed.ball_y_screen[i] * down)
        spot = filmed.pictures[i, y + 1, x]
        assert spot.min() >= 230, "the ball is white where memory has it"


def test_the_same_seed_films_the_same_and_another_another(filmed: Film) -> None:
    network = network_for(filmed.game)
    again, other = (
        film(network, find(filmed.game), np.random.default_rng(seed), protocol=PROTOCOL,
             steps=30, least=30)
        for seed in (0, 1)
    )  # fmt: skip
    assert np.array_equal(again.pictures[:25], filmed.pictures[:25])
    assert not np.array_equal(other.pictures[:25], filmed.pictures[:25])


def test_marks_lie_where_ball_and_read_out_are(filmed: Film) -> None:
    game, decoded = find(filmed.game), planted(filmed)
    drawn = list(frames(filmed, decoded, game, "a title"))
    height = filmed.pictures.shape[1]
    scale = 640 // height
    across, down = filmed.pictures.shape[2] / 160, height / 210
    width, tall = (2, 4) if game.facts is not None else (3, 3)
    screen = slice(HEADER, HEADER + height * scale), slice(MARGIN, MARGIN + 10_000)
    seen = 0
    for i in range(0, len(filmed), 7):
        picture = drawn[i][screen][:, : filmed.pictures.shape[2] * scale]
        if np.isnan(filmed.ball_x_screen[i]):
            assert not coloured(picture, BALL).any()
            assert not coloured(picture, DECODED).any()
            continue
        x = (filmed.ball_x_screen[i] * across + width / 2) * scale
        y = (filmed.ball_y_screen[i] * down + tall / 2) * scale
        if not (40 < x < picture.shape[1] - 80 and 40 < y < picture.shape[0] - 40):
            continue
        seen += 1
        assert middle(coloured(picture, BALL)) == pytest.approx((x, y), abs=2.5)
        ring = middle(coloured(picture, DECODED))
        assert ring == pytest.approx((x + 12 * across * scale, y), abs=2.5)
    assert seen >= 3
    inside, outside = errors_px(filmed, decoded, game)
    for error in (inside, outside):
        assert np.isnan(error) or error == pytest.approx(12 / np.sqrt(2))


def test_the_action_that_is_taken_has_the_filled_bar(filmed: Film) -> None:
    game = find(filmed.game)
    apart = np.zeros_like(filmed.q)
    apart[np.arange(len(filmed)), filmed.actions] = 1.0
    drawn = list(frames(dataclasses.replace(filmed, q=apart), planted(filmed), game, "a title"))
    left = 2 * MARGIN + filmed.pictures.shape[2] * (640 // filmed.pictures.shape[1])
    for i in range(0, len(filmed), 11):
        bars = coloured(drawn[i][HEADER + 190 :, left + 160 : left + 250], VALUE)
        rows = [bars[28 * a : 28 * (a + 1)].sum() for a in range(len(game.actions))]
        assert int(np.argmax(rows)) == filmed.actions[i]


def test_the_file_has_every_step(filmed: Film, tmp_path: Path) -> None:
    few = dataclasses.replace(
        filmed,
        **{f.name: getattr(filmed, f.name)[:12] for f in dataclasses.fields(Film)[1:-1]},
    )
    path = tmp_path / "annotated.webm"
    drawn = list(frames(few, planted(few), find(few.game), "a title"))
    write_webm(drawn, path, 1_500_000)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "vp8"
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == 12
    for a, b in zip(drawn, shown, strict=True):
        assert np.abs(a.astype(int) - b).mean() < 4


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return read_out_set("catch", tmp_path_factory.mktemp("sets"))


def test_what_a_read_out_says_of_new_pictures(held: Frames) -> None:
    """Asked about pictures that it was judged on, it says what it was judged by."""
    network = build("nature@0.5", 0, 3)
    judged = np.flatnonzero(held.episode_fold() == 0)
    features = responses(network, held.observations[judged])[FEATURES].reshape(len(judged), -1)
    decoder = place_decoder(network, held)
    found = Decoded.by(decoder, features)
    places = np.stack([held.ball_x_screen, held.ball_y_screen], axis=1)[judged]
    rmse = float(np.sqrt(np.square(found.places_screen - places).mean()))
    assert found.r2 > 0.5
    assert rmse == pytest.approx(found.rmse_px, rel=1e-3)
    blind = Decoded.by(decoder, np.zeros_like(features))
    assert float(np.sqrt(np.square(blind.places_screen - places).mean())) > 2 * rmse
