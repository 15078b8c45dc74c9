"""The browser of the other tests sees what it is there to see."""

from __future__ import annotations

from pathlib import Path

import browser as module
import pytest
from browser import DESKTOP, PHONE, Browser


def page(tmp_path: Path, body: str) -> Path:
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta charset='utf-8'><title>t</title>{body}", "utf-8")
    return file


def test_a_quiet_page_is_quiet(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(tmp_path, "<p>hello"))
    assert browser.run("return document.body.innerText") == "hello"
    assert (browser.complaints(), browser.requests(), browser.overflow()) == ([], [], 0)


def test_errors_and_requests_are_seen(browser: Browser, tmp_path: Path) -> None:
    body = "<img src='https://example.org/a.png'><script>console.error('oh'); nowhere()</script>"
    browser.open(page(tmp_path, body))
    browser.wait("document.images[0].complete")
    said = " ".join(browser.complaints())
    assert "oh" in said
    assert "nowhere is not defined" in said
    assert browser.requests() == ["https://example.org/a.png"]
    browser.open(page(tmp_path, "<p>hello"))
    assert (browser.complaints(), browser.requests()) == ([], [])


def test_size_and_colour_scheme_are_those_asked_for(browser: Browser, tmp_path: Path) -> None:
    file = page(tmp_path, "<div style='width: 500px'>wide</div>")
    dark = "return matchMedia('(prefers-color-scheme: dark)').matches"
    for size, is_dark in ((DESKTOP, True), (PHONE, False)):
        browser.open(file, size, dark=is_dark)
        assert browser.run("return innerWidth") in (size[0], 980)
        assert browser.run(dark) is is_dark
    wide = page(
        tmp_path, "<meta name=viewport content='width=device-width'><pre style='width:500px'>wide"
    )
    browser.open(wide, PHONE)
    assert browser.overflow() > 100


def test_without_a_browser_tests_skip_or_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BROWSERS", ("no-such-browser",))
    monkeypatch.delenv(module.REQUIRED, raising=False)
    with (
        pytest.raises(pytest.skip.Exception, match="no no-such-browser on the path"),
        module.opened(),
    ):
        pass
    monkeypatch.setenv(module.REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"), module.opened():
        pass
