"""The Chromium of the browser tests: the system's where there is one, else playwright's own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
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
