"""A page with one explorer in a real browser, as a reader drives it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from browser import DESKTOP, Browser
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement


@dataclass
class Page:
    """A page with one explorer, looked at."""

    browser: Browser
    file: Path

    def open(self, size: tuple[int, int] = DESKTOP, *, dark: bool = False) -> None:
        self.browser.open(self.file, size, dark=dark)
        self.browser.wait("document.querySelector('[data-explorer]').dataset.ready !== undefined")
        self.settle()

    def settle(self) -> None:
        """Wait until two frames have been drawn."""
        self.browser.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        )

    @property
    def ball(self) -> WebElement:
        return self.browser.driver.find_element(By.CSS_SELECTOR, "[data-ball]")

    @property
    def field(self) -> WebElement:
        return self.browser.driver.find_element(By.CSS_SELECTOR, "[data-field]")

    def place(self) -> tuple[int, int]:
        x, y = (self.read(f"document.querySelector('[data-{axis}]').value") for axis in "xy")
        return int(x), int(y)

    def read(self, expression: str) -> Any:
        return self.browser.run(f"return {expression}")

    def numbers(self) -> list[dict[str, float]]:
        """What each panel says, to all digits."""
        self.settle()
        found: list[dict[str, float]] = self.read(
            "[...document.querySelectorAll('[data-network]')].map(panel => Object.fromEntries("
            "['distance', 'decoded-x', 'decoded-y', 'value', 'action', 'response'].map(name =>"
            "[name, Number(panel.querySelector(`[data-${name}]`).value)])))"
        )
        return found

    def pixels(self, canvas: str) -> np.ndarray:
        """What is drawn on a canvas, read from a copy: (height, width, 3)."""
        width, dots = self.read(
            "(c => { const copy = Object.assign(document.createElement('canvas'),"
            " {width: c.width, height: c.height});"
            "const context = copy.getContext('2d', {willReadFrequently: true});"
            "context.drawImage(c, 0, 0);"
            "return [c.width, [...context.getImageData(0, 0, c.width, c.height).data]] })"
            f"(document.querySelector('[data-{canvas}]'))"
        )
        return np.array(dots, np.int16).reshape(-1, width, 4)[:, :, :3]

    def choose(self, name: str, value: str) -> None:
        self.browser.run(
            f"document.querySelector('[data-{name}] input[value=\"{value}\"]').click()"
        )
        self.settle()
