"""The explorer in a real browser: what moves the ball, and whether the numbers are right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import DESKTOP, PHONE, Browser
from explorer_page import Page
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from small_explorers import STEPS, small_maps, small_scene

from analysis.networks import OUTPUTS, build, responses
from envs.games import find
from reporting.explorer import Shown, fragment, page
from reporting.palette import KINDS

ROWS = ("nature@0.25", "half_max@0.25", "gap@0.25")
HOSTILE = "</script><script>hacked = 1</script>\"'<b>🎾</b>" + "long" * 70
STEP_X, STEP_Y = STEPS["pong"]
ACTIONS = find("pong").actions
COLOURS_OF = """(element) => {
  const ink = getComputedStyle(element).color, ground = (e) => getComputedStyle(e).backgroundColor;
  while (ground(element) === "rgba(0, 0, 0, 0)") element = element.parentElement;
  return [ink, ground(element)].map((colour) => colour.match(/\\d+/g).map(Number));
}"""


@pytest.fixture(scope="module")
def tables() -> list[pd.DataFrame]:
    return [small_maps(row) for row in ROWS]


@pytest.fixture(scope="module")
def made(
    browser: Browser, tables: list[pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Page:
    names = ("fast/pong/nature/seed0", HOSTILE, "gap")
    shown = [Shown(n, "random <i>weights", t) for n, t in zip(names, tables, strict=True)]
    file = tmp_path_factory.mktemp("explorer") / "explorer.html"
    file.write_text(page(shown), encoding="utf-8")
    return Page(browser, file)


@pytest.fixture
def opened(made: Page) -> Iterator[Page]:
    """The page, opened anew; nothing may have gone wrong in it, or asked for anything."""
    made.open()
    yield made
    assert made.browser.complaints() == []
    assert made.browser.requests() == []


def line(table: pd.DataFrame, place: tuple[int, int], velocity: int = 0) -> int:
    """Which picture of the scene it is."""
    at = (table["ball_x_screen"] == place[0]) & (table["ball_y_screen"] == place[1])
    (found,) = np.flatnonzero(at & (small_scene("pong").velocity == velocity))
    return int(found)


def agree(opened: Page, tables: list[pd.DataFrame], velocity: int = 0) -> None:
    """Hold every number shown to the maps, within what two bytes can say."""
    place = opened.place()
    for said, table in zip(opened.numbers(), tables, strict=True):
        here = table.iloc[line(table, place, velocity)]
        outputs = table.filter(like="output_")
        step = float(np.ptp(outputs.to_numpy())) / 65535
        mine = here[outputs.columns].to_numpy(np.float64)
        assert said["action"] == mine.argmax()
        assert said["value"] == pytest.approx(mine.max(), abs=step)
        for axis in "xy":
            decoded = here[f"decoded_{axis}_screen"]
            assert said[f"decoded-{axis}"] == pytest.approx(decoded, abs=0.01)
        off = np.hypot(*(here[f"decoded_{a}_screen"] - here[f"ball_{a}_screen"] for a in "xy"))
        assert said["distance"] == pytest.approx(off, abs=0.02)
        assert said["response"] == pytest.approx(100 * here["response"], abs=0.01)


def test_arrow_keys_move_it_by_a_place_and_shift_further(
    opened: Page, tables: list[pd.DataFrame]
) -> None:
    x, y = opened.place()
    agree(opened, tables)
    opened.ball.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_DOWN)
    opened.settle()
    assert opened.place() == (x - 2 * STEP_X, y + STEP_Y)
    agree(opened, tables)
    opened.ball.send_keys(Keys.SHIFT, Keys.ARROW_LEFT)
    opened.settle()
    assert opened.place() == (x - 7 * STEP_X, y + STEP_Y)
    agree(opened, tables)
    opened.ball.send_keys(*[Keys.ARROW_UP] * 20)
    opened.settle()
    assert opened.place()[1] == tables[0]["ball_y_screen"].min(), "it stops at the edge"
    opened.ball.send_keys(Keys.HOME)
    opened.settle()
    agree(opened, tables)
    assert opened.place()[1] != tables[0]["ball_y_screen"].min()


def test_the_keyboard_gets_there_sees_where_it_is_and_hears_it(opened: Page) -> None:
    opened.browser.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert opened.read("document.activeElement.matches('[data-ball]:focus-visible')")
    width = opened.read("getComputedStyle(document.activeElement, '::before').borderTopWidth")
    assert width == "3px", "a ring around the ball"
    opened.ball.send_keys(Keys.ARROW_LEFT)
    opened.settle()
    x, y = opened.place()
    assert opened.ball.get_attribute("aria-valuetext") == f"{x} across, {y} down"
    opened.browser.wait("document.querySelector('[data-live]').textContent")
    said = opened.read("document.querySelector('[data-live]').textContent")
    numbers = opened.numbers()[2]
    assert said.startswith(f"Ball at {x} across, {y} down. A, fast/pong/nature/seed0: value ")
    action = ACTIONS[int(numbers["action"])]
    assert f"prefers {action}, read-out off by {numbers['distance']:.0f} pixels, response " in said
    assert f"response {numbers['response']:.1f} % of at most " in said


def test_the_mouse_drags_it(opened: Page, tables: list[pd.DataFrame]) -> None:
    x, y = opened.place()
    scale = opened.read("document.querySelector('[data-field]').clientWidth") / 160
    box = opened.read("document.querySelector('[data-ball]').getBoundingClientRect().toJSON()")
    grabbed = box["x"] + 30, box["y"] + 15  # not in its middle: it must not jump

    def mouse(kind: str, across: float, down: float, button: str = "left") -> None:
        at = {"x": grabbed[0] + across * scale, "y": grabbed[1] + down * scale}
        held = {"button": button, "buttons": int(button == "left"), "clickCount": 1}
        given = {"type": f"mouse{kind}", **at, **held}
        opened.browser.driver.execute_cdp_cmd("Input.dispatchMouseEvent", given)
        opened.settle()

    mouse("Pressed", 0, 0)
    mouse("Moved", 0.2, 0)
    assert opened.place() == (x, y)
    mouse("Moved", -2 * STEP_X, STEP_Y)
    assert opened.place() == (x - 2 * STEP_X, y + STEP_Y), "it follows while the button is held"
    mouse("Moved", -3 * STEP_X, 2 * STEP_Y)
    mouse("Released", -3 * STEP_X, 2 * STEP_Y)
    assert opened.place() == (x - 3 * STEP_X, y + 2 * STEP_Y)
    agree(opened, tables)
    mouse("Moved", 0, 0, "none")
    assert opened.place() == (x - 3 * STEP_X, y + 2 * STEP_Y), "it stays once it is let go"
    mouse("Pressed", 4 - x, 0)
    mouse("Released", 4 - x, 0)
    assert opened.place()[0] == tables[0]["ball_x_screen"].min(), "it keeps to its places"
    agree(opened, tables)


def test_small_maps_can_be_clicked(opened: Page, tables: list[pd.DataFrame]) -> None:
    heat = opened.browser.driver.find_elements(By.CSS_SELECTOR, "[data-map]")[1]
    width = heat.size["width"]
    ActionChains(opened.browser.driver).move_to_element_with_offset(
        heat, round(0.45 * width), 0
    ).click().perform()
    opened.settle()
    columns = np.unique(tables[0]["ball_x_screen"][small_scene("pong").velocity == 0])
    assert opened.place()[0] == columns[int(0.95 * len(columns))]
    agree(opened, tables)


def test_a_finger_drags_the_ball_and_taps_elsewhere(made: Page, tables: list[pd.DataFrame]) -> None:
    made.open(PHONE)
    send = made.browser.driver.execute_cdp_cmd
    send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        x, y = made.place()
        box = made.read("document.querySelector('[data-ball]').getBoundingClientRect().toJSON()")
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        scale = made.read("document.querySelector('[data-field]').clientWidth") / 160
        to = {"x": at["x"] - 4 * STEP_X * scale, "y": at["y"] + STEP_Y * scale}
        for kind, points in (("Start", [at]), ("Move", [to]), ("End", [])):
            send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        made.settle()
        assert made.place() == (x - 4 * STEP_X, y + STEP_Y)
        for kind, points in (("Start", [at]), ("End", [])):
            send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        made.browser.wait(f"document.querySelector('[data-x]').value == {x}")
        assert made.place() == (x, y), "a tap brings it back"
        agree(made, tables)
        assert made.browser.overflow() == 0
        touch = "getComputedStyle(document.querySelector('[data-%s]')).touchAction"
        assert made.read(touch % "ball") == "none"
        assert made.read(touch % "field") == "pan-y", "the page can be scrolled over the picture"
    finally:
        send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    assert made.browser.complaints() == []


def test_the_network_itself_says_so(opened: Page, tables: list[pd.DataFrame]) -> None:
    """Not by way of the maps: the picture at that place, through the network, alone."""
    opened.ball.send_keys(*[Keys.ARROW_LEFT] * 3, Keys.ARROW_DOWN)
    for row, said in zip(ROWS, opened.numbers(), strict=True):
        i = line(tables[0], opened.place())
        outputs = responses(build(row, 0, 6), small_scene("pong").observations[[i]], (OUTPUTS,))[
            OUTPUTS
        ]
        assert said["action"] == outputs.argmax()
        assert said["value"] == pytest.approx(outputs.max(), abs=1e-5)


def test_another_velocity_is_another_map(opened: Page, tables: list[pd.DataFrame]) -> None:
    place, before = opened.place(), opened.numbers()
    opened.choose("velocities", "3")
    assert opened.place() == place, "the ball stays where it is"
    agree(opened, tables, velocity=3)
    assert opened.numbers() != before


def test_small_maps_show_what_was_chosen(opened: Page, tables: list[pd.DataFrame]) -> None:
    """The least and the greatest have the ends of the scale's colours."""
    table = tables[0]
    part = table[small_scene("pong").velocity == 0]
    columns = part["ball_x_screen"].nunique()
    value = table.filter(like="output_").max(axis=1)
    off = np.hypot(*(table[f"decoded_{a}_screen"] - table[f"ball_{a}_screen"] for a in "xy"))
    for name, shown, low, high in (
        ("value", value, value.min(), value.max()),
        ("response", table["response"], 0.0, table["response"].max()),
        ("distance", off, 0.0, None),
    ):
        opened.choose("quantities", name)
        colours = opened.pixels("map")
        assert colours.shape[1] == columns
        values = shown[part.index].to_numpy().reshape(-1, columns)
        if high is None:  # one scale for all networks
            high = float(opened.read("document.querySelector('[data-high]').value"))
            assert high >= off.max() - 0.01
        # Colours go from dark blue to yellow: red grows with what is shown.
        share = (values - low) / (high - low)
        order = np.argsort(share.ravel())
        assert np.corrcoef(share.ravel(), colours[:, :, 0].ravel())[0, 1] > 0.98
        assert (np.diff(colours[:, :, 0].ravel()[order].astype(int)) >= -2).all()
        assert opened.read("document.querySelector('[data-high]').textContent")


def test_bars_say_their_scale(opened: Page, tables: list[pd.DataFrame]) -> None:
    """Least and greatest of all places stand at the ends, for eyes and ears."""
    for k, table in enumerate(tables):
        value = table.filter(like="output_").max(axis=1)
        ends = {"value-low": value.min(), "value-high": value.max(), "response-low": 0.0,
                "response-high": 100 * table["response"].max()}  # fmt: skip
        for name, known in ends.items():
            at = f"document.querySelectorAll('[data-{name}]')[{k}]"
            assert opened.read(f"Number({at}.value)") == pytest.approx(known, abs=0.01)
            assert opened.read(f"{at}.checkVisibility()")
        said = opened.read(f"document.querySelectorAll('.explorer-network dl')[{k}].textContent")
        assert re.search(r"response\s*[\d.]+ % on a scale from 0\s+to [\d.]+ %", said)
        share = opened.read(
            f"document.querySelectorAll('[data-response-at]')[{k}].style.width.slice(0, -1)"
        )
        shown = opened.numbers()[k]["response"]
        assert float(share) == pytest.approx(100 * shown / ends["response-high"], abs=0.1)
    assert opened.read("document.querySelector('.explorer-actions caption').checkVisibility()")


def test_marks_are_where_the_read_out_says(opened: Page) -> None:
    """In the network's colour, and gone when they are not wanted."""
    colour = [int(KINDS["global"].colour[k : k + 2], 16) for k in (1, 3, 5)]

    def dots() -> np.ndarray:
        image = opened.pixels("picture")
        scale = image.shape[1] / 160
        return np.argwhere((np.abs(image - colour) <= 3).all(axis=2)) / scale

    opened.choose("velocities", "1")
    for k in (0, 1):  # their lines would lie over it
        opened.browser.run(f"document.querySelectorAll('[data-shown]')[{k}].click()")
    said, found = opened.numbers()[2], dots()
    top = small_scene("pong").facts["origin_screen"][1]
    middle = np.array([said["decoded-y"] - top + 2, said["decoded-x"] + 1])
    near = np.abs(found - middle).max(axis=1) < 6
    assert near.sum() > 30
    assert np.abs((found[near].min(axis=0) + found[near].max(axis=0)) / 2 - middle).max() < 1.5
    opened.browser.run("document.querySelectorAll('[data-shown]')[2].click()")
    opened.settle()
    assert len(dots()) == 0


def test_outside_its_places_a_read_out_guesses(opened: Page) -> None:
    guessing = "document.querySelectorAll('.explorer-guesses').length"
    assert opened.read(guessing) == 0
    opened.ball.send_keys(*[Keys.ARROW_UP] * 9)
    opened.settle()
    assert opened.read(guessing) == 3


def test_hostile_names_stay_text(opened: Page) -> None:
    assert opened.read("typeof hacked") == "undefined"
    assert opened.read("document.querySelectorAll('h3')[1].textContent") == HOSTILE
    assert (
        opened.read("document.querySelector('.explorer-head p').textContent") == "random <i>weights"
    )
    assert opened.read(
        "document.querySelectorAll('.explorer :is(h3, p) :is(b, i, script)').length"
    ) == (opened.read("document.querySelectorAll('.explorer-hint b').length"))
    assert opened.browser.overflow() == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_can_be_read(made: Page, size: tuple[int, int], dark: bool) -> None:
    """Nothing sticks out, and text stands out by 4.5 to 1 (WCAG 2.2, level AA)."""
    made.open(size, dark=dark)
    assert made.browser.overflow() == 0
    beyond = made.read(
        "[...document.querySelectorAll('.explorer-network')].filter(panel => "
        "[...panel.querySelectorAll('data, .explorer-range')].some(e => "
        "e.getBoundingClientRect().right > panel.getBoundingClientRect().right)).length"
    )
    assert beyond == 0
    for of in (".explorer-network", ".explorer-trust", ".explorer-hint", ".explorer-scale", "dt"):
        ink, ground = made.read(f"({COLOURS_OF})(document.querySelector('{of}'))")
        light, dim = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dim + 0.05) >= 4.5, of
        assert (luminance(ground) < 0.1) is dark
    small = made.read("document.querySelector('[data-field]').clientWidth")
    assert small > (340 if size == PHONE else 450)
    if size == PHONE:  # the picture stays while the networks scroll by
        made.browser.run("scrollTo(0, document.querySelectorAll('[data-network]')[1].offsetTop)")
        assert (
            abs(made.read("document.querySelector('[data-field]').getBoundingClientRect().top")) < 3
        )
        assert made.read("document.querySelector('[data-off]').checkVisibility()")
    assert made.browser.complaints() == []


def luminance(colour: list[int]) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.2)."""
    parts = [c / 255 for c in colour[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_several_on_one_page(browser: Browser, tmp_path: Path, tables: list[pd.DataFrame]) -> None:
    """Two fragments, as a report may have them: each keeps its ball and its choices."""
    first = fragment([Shown("one", "", tables[0])])
    second = fragment(
        [Shown("two", "", tables[1]), Shown("catch", "", small_maps(ROWS[0], "catch"))]
    )
    both = tmp_path / "both.html"
    both.write_text(
        f"<!doctype html><meta charset=utf-8><link rel=icon href='data:,'>{first}{second}", "utf-8"
    )
    browser.open(both)
    browser.wait("document.querySelectorAll('[data-explorer][data-ready]').length === 3")
    shown = Page(browser, both)
    places = "return [...document.querySelectorAll('[data-x]')].map(e => e.value)"
    before = browser.run(places)
    browser.run("document.querySelectorAll('[data-velocities] input')[6].click()")
    browser.driver.find_elements(By.CSS_SELECTOR, "[data-ball]")[1].send_keys(Keys.ARROW_LEFT)
    shown.settle()
    after = browser.run(places)
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
    assert browser.run("return document.querySelectorAll('input[type=radio]:checked').length") == 6
    assert browser.complaints() == []
    assert browser.requests() == []
