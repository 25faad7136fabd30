"""The Chromium of the browser tests: the system's where there is one, else playwright's own."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    sync_playwright,
)

NAMES = (  # the first is Chromium without its windows: the same pages for half the work
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
)  # fmt: skip
SOON = 20_000  # milliseconds that anything on a page may take
# Without its windows it would name no language, as no person's browser does.
QUIET = (
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run",
    "--accept-lang=en-US,en",
)  # fmt: skip
_running: list[Playwright] = []  # the one of this process, while it runs


def find_chromium() -> str | None:
    """The system's own Chromium; None where playwright shall use the one it has downloaded."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def open_chromium(*flags: str) -> Iterator[Browser]:
    """A real Chromium, closed at the end of the block."""
    with open_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*QUIET, *flags])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_playwright() -> Iterator[Playwright]:
    """What drives the browsers of a process: there can be one, so whoever comes while it runs has the same."""
    if _running:
        yield _running[0]
        return
    with sync_playwright() as playwright:
        _running.append(playwright)
        try:
            yield playwright
        finally:
            _running.clear()


@contextmanager
def lend(browser: Browser) -> Iterator[Browser]:
    """The same browser; at the end of the block all devices are closed that were made in it."""
    try:
        yield browser
    finally:
        for context in browser.contexts:
            context.close()


def make_agent(number: int) -> str:
    """The user agent of one more person: the same address with another agent is somebody else."""
    return f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.{number}.0 Safari/537.36"


def open_page(browser: Browser, home: str, *, ours: str | None = "", **options: Any) -> Page:
    """A page on a device of its own, at the site `home`; its `errors` tell what went wrong on it.

    `ours` is how the addresses begin whose errors on the console are told too, None for none of them; `options` are
    those of a browser context.
    """
    page: Any = browser.new_context(base_url=home, **options).new_page()
    page.set_default_timeout(SOON)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    if ours is not None:
        page.on("console", lambda told: _is_error_of(told, ours) and page.errors.append(told.text))
    return page


def wait_until(page: Page, is_so: Callable[[], bool], patience: float = SOON / 1000) -> None:
    """Let the page live on until it is so. Raises AssertionError after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < deadline, "it has not come to be so"
        page.wait_for_timeout(50)


def hurry_until_seen(page: Page, sought: Locator, most: int) -> int:
    """Let the page's own clock, which a test has installed, run until `sought` is seen.

    Returns the milliseconds that passed on it. Raises AssertionError after `most`.
    """
    passed = 0
    while not sought.is_visible():
        assert passed < most, "it has not come"
        page.clock.run_for(500)
        passed += 500
    return passed


def add_cookie(context: BrowserContext, home: str, cookie: str) -> None:
    """Let a browser have the cookie "name=value" of the site `home`."""
    name, _, value = cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": home}])


def _is_error_of(told: ConsoleMessage, beginning: str) -> bool:
    return told.type == "error" and str(told.location.get("url", "")).startswith(beginning)
