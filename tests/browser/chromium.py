"""The Chromium of the browser tests: the system's where there is one, else playwright's own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SOON = 20_000  # milliseconds that anything on a page may take
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run")


def find_chromium() -> str | None:
    """The system's own Chromium; None where playwright shall use the one it has downloaded."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def open_chromium(*flags: str) -> Iterator[Browser]:
    """A real Chromium, closed at the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*QUIET, *flags])
        try:
            yield browser
        finally:
            browser.close()


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


def add_cookie(context: BrowserContext, home: str, cookie: str) -> None:
    """Let a browser have the cookie "name=value" of the site `home`."""
    name, _, value = cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": home}])


def _is_error_of(told: ConsoleMessage, beginning: str) -> bool:
    return told.type == "error" and str(told.location.get("url", "")).startswith(beginning)
