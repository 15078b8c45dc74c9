"""A real browser for tests of what people look at: headless Chromium, driven by Selenium.

It gets no network: whatever a page asks for is noted and fails. Where there is no browser the tests
skip and say why; with BALLPARK_REQUIRE_BROWSER=1 in the environment, as in `.ci/run`, they fail.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.support.ui import WebDriverWait

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVERS = ("chromedriver",)
REQUIRED = "BALLPARK_REQUIRE_BROWSER"

DESKTOP, PHONE = (1280, 900), (390, 844)
"""Widths and heights of the window, CSS pixels; the phone is a usual one of 2020 to 2026."""


class Browser:
    """One window.

    Attributes:
        driver: Selenium's, for whatever is not here.
    """

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self._width = DESKTOP[0]

    def open(
        self,
        page: Path,
        size: tuple[int, int] = DESKTOP,
        *,
        dark: bool = False,
        print_: bool = False,
    ) -> None:
        """Load a file, at a size, as somebody with that colour scheme, or a printer, sees it."""
        self._width, height = size
        self._cdp(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": self._width,
                "height": height,
                "deviceScaleFactor": 1,
                "mobile": size == PHONE,
            },
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        media = "print" if print_ else "screen"
        self._cdp("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
        self.driver.get("about:blank")
        for kind in ("browser", "performance"):  # forget what earlier pages did
            self.driver.get_log(kind)
        self.driver.get(page.resolve().as_uri())

    def run(self, script: str, *given: Any) -> Any:
        """Return what JavaScript returns: `return document.title`."""
        return self.driver.execute_script(script, *given)

    def wait(self, condition: str, seconds: float = 20) -> None:
        """Wait until a JavaScript expression is true."""
        WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(
            lambda driver: driver.execute_script(f"return Boolean({condition})"), condition
        )

    def complaints(self) -> list[str]:
        """Return what the page put on the console as warning or error since the last call."""
        log = self.driver.get_log("browser")
        return [entry["message"] for entry in log if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """Return the addresses asked for since the last call, beside its own and `data:`."""
        urls = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(str(message["params"]["request"]["url"]))
        own = self.driver.current_url.partition("#")[0]
        inside = (own, "data:", "blob:", "about:")
        return [url for url in urls if not url.startswith(inside)]

    def overflow(self) -> int:
        """Return by how many CSS pixels the page is wider than the window."""
        # A phone zooms out until a wide page fits, so its own idea of the width is no measure.
        wide = int(self.run("return document.documentElement.scrollWidth"))
        return max(0, wide - self._width)

    def _cdp(self, command: str, given: dict[str, Any]) -> None:
        self.driver.execute_cdp_cmd(command, given)


@contextlib.contextmanager
def opened() -> Iterator[Browser]:
    """Start a browser and end it; skip, or fail where it is required, if there is none."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = next(filter(None, map(shutil.which, DRIVERS)), None)
    if program is None or driver is None:
        _give_up(
            f"no {' or '.join(BROWSERS) if program is None else 'chromedriver'} on the path; "
            "on Debian: apt-get install chromium chromium-driver"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = str(program)
    for argument in (
        "--headless=new",
        "--no-sandbox",  # the sandbox refuses to run as root, as containers do
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--disable-background-networking",
        "--disable-component-update",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(prefix="browser-") as home:
        # What it remembers goes where it is forgotten, not into the home of whoever tests.
        service = webdriver.ChromeService(
            executable_path=str(driver),
            log_output=os.devnull,
            env={**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home},
        )
        try:
            chrome = webdriver.Chrome(options=options, service=service)
        except WebDriverException as error:
            _give_up(f"{program} does not start: {str(error).splitlines()[0]}")
        try:
            yield Browser(chrome)
        finally:
            chrome.quit()


def _give_up(why: str) -> None:
    if os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, and {why}")
    pytest.skip(why)
