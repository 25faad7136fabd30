"""Take the screenshots of docs/screens: the main pages, as a phone and a desk see them, in light and in dark.

usage: .venv/bin/python scripts/take_screens.py [--url ADDRESS] [--only NAME …]

Without --url it fills and opens a demo of its own in a folder that goes away afterwards. With it, the demo that
runs there is used: a few visits are added to it.
"""

import argparse
import io
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from set_up import find_chromium

from quilt.config import ROOT
from quilt.demo import list_sign_ins
from quilt.demo.stories import read_book

if TYPE_CHECKING:
    from playwright.sync_api import StorageState

TARGET = ROOT / "docs" / "screens"
SIZES = {390: 844, 1280: 900}
SCHEMES = ("light", "dark")
TALLEST = 2600  # pixels of one picture; what is below is cut off
QUALITY = 82
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
STORY = "Where the creek went"


@dataclass(frozen=True)
class Screen:
    """A page to be taken: by whom (a role or an address, '' for nobody), and how to get there."""

    name: str
    who: str
    go: Callable[[Page, str], None]


def main() -> None:
    """Take them all, or those that are named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="")
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    wanted = [screen for screen in SCREENS if not arguments.only or screen.name in arguments.only]
    TARGET.mkdir(parents=True, exist_ok=True)
    with _opened(arguments.url) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        try:
            take(browser, address, wanted)
        finally:
            browser.close()
    total = sum(path.stat().st_size for path in TARGET.glob("*.webp"))
    print(f"{len(list(TARGET.glob('*.webp')))} pictures, {total / 1e6:.1f} MB, in {TARGET.relative_to(ROOT)}")


def take(browser: Browser, address: str, screens: list[Screen]) -> None:
    """Every screen at every size in both schemes."""
    states = {who: _sign_in(browser, address, who) for who in dict.fromkeys(screen.who for screen in screens)}
    for screen in screens:
        for width, height in SIZES.items():
            for scheme in SCHEMES:
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,  # type: ignore[arg-type]
                    user_agent=AGENT,
                    reduced_motion="reduce",
                    storage_state=states[screen.who],
                )
                page = context.new_page()
                screen.go(page, address)
                _save(page, TARGET / f"{screen.name}-{width}-{scheme}.webp")
                states[screen.who] = context.storage_state()  # the same person on the next device
                context.close()
        print(f"  {screen.name}", flush=True)


def _show_home(page: Page, address: str) -> None:
    _open(page, f"{address}/")


def _show_contest(page: Page, address: str) -> None:
    _open(page, f"{address}/contests/{read_book().contest['slug']}?view=grid")


def _show_standings(page: Page, address: str) -> None:
    _open(page, f"{address}/contests/{read_book().contest['slug']}?view=standings")


def _show_entry(page: Page, address: str) -> None:
    _open(page, _find_entry(page, address))
    page.wait_for_timeout(1800)  # the beacon counts who stays for a second


def _show_spread(page: Page, address: str) -> None:
    _open(page, f"{address}/entries/{_number(_find_entry(page, address))}/spread")


def _show_share(page: Page, address: str) -> None:
    """What a voter sees after the vote: the entry is one that this person has voted for."""
    _open(page, f"{address}/me")
    voted = page.locator(".vote-item a").first.get_attribute("href") or ""
    _open(page, f"{address}{voted}")
    page.wait_for_timeout(1800)
    _open(page, f"{address}/entries/{_number(voted)}/share?voted=1")


def _show_submit(page: Page, address: str) -> None:
    _open(page, f"{address}/me")
    _open(page, f"{address}{_read_link(page, '/submit/')}?step=video")


def _show_me(page: Page, address: str) -> None:
    _open(page, f"{address}/me")


def _show_queue(page: Page, address: str) -> None:
    _open(page, f"{address}/admin")


def _show_review(page: Page, address: str) -> None:
    _open(page, f"{address}/admin")
    _open(page, f"{address}{_read_link(page, '/admin/entries/')}")


def _show_embed(page: Page, address: str) -> None:
    _open(page, f"{address}/embed/{_number(_find_entry(page, address))}")


def _find_entry(page: Page, address: str) -> str:
    _open(page, f"{address}/contests/{read_book().contest['slug']}?view=grid")
    link = page.locator("a[href^='/entries/']", has_text=STORY).first
    return f"{address}{link.get_attribute('href')}"


def _open(page: Page, url: str) -> None:
    answer = page.goto(url)
    if answer is None or not answer.ok:
        raise SystemExit(
            f"{url} answered {answer.status if answer else 'nothing'}: no picture was taken of it."
        )


def _read_link(page: Page, start: str) -> str:
    """The address of the page's last link that starts so."""
    link = page.locator(f"a[href^='{start}']").last.get_attribute("href") or ""
    return link.partition("?")[0]


def _number(path: str) -> str:
    found = re.search(r"/entries/(\d+)", path)
    if found is None:
        raise SystemExit(f"{path} is not an entry's address.")
    return found[1]


def _sign_in(browser: Browser, address: str, who: str) -> "StorageState | None":
    if not who:
        return None
    person = next(person for person in list_sign_ins() if who in (person.role, person.email))
    context = browser.new_context(user_agent=AGENT)
    page = context.new_page()
    _open(page, f"{address}/sign-in")
    page.locator("summary").click()
    form = page.locator("form[action='/sign-in/password']")
    form.locator("input[name='email']").fill(person.email)
    form.locator("input[name='password']").fill(person.password)
    form.locator("button[type='submit']").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    state = context.storage_state()
    context.close()
    return state


def _save(page: Page, target: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
    width = page.viewport_size["width"] if page.viewport_size else 1280
    page.set_viewport_size(
        {"width": width, "height": max(height, SIZES[width])}
    )  # loads what waits for sight
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(250)
    picture = Image.open(io.BytesIO(page.screenshot(clip=_clip(width, height))))
    picture.convert("RGB").save(target, "WEBP", quality=QUALITY, method=6)


def _clip(width: int, height: int) -> dict[str, float]:
    return {"x": 0, "y": 0, "width": width, "height": max(height, SIZES[width])}


@contextmanager
def _opened(url: str) -> Iterator[str]:
    """The address of the demo that runs, or of one that is opened for the time of the block."""
    if url:
        yield url.rstrip("/")
        return
    with tempfile.TemporaryDirectory(prefix="quilt-screens-") as folder:
        command = [
            sys.executable,
            "-m",
            "quilt.cli",
            "demo",
            "--data",
            folder,
            "--port",
            str(_find_free_port()),
        ]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            yield _wait_until_open(demo)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=90)


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_open(demo: "subprocess.Popen[str]") -> str:
    if demo.stdout is not None:
        for line in demo.stdout:
            print(line, end="", flush=True)
            if line.startswith("Quilt is open:"):
                return line.partition(":")[2].strip()
    raise SystemExit("The demo did not open; the lines above say why.")


SCREENS = (
    Screen("home", "", _show_home),
    Screen("contest", "", _show_contest),
    Screen("standings", "", _show_standings),
    Screen("entry", "", _show_entry),
    Screen("spread", "", _show_spread),
    Screen("share", read_book().published[0].email, _show_share),
    Screen("submit", read_book().draft.email, _show_submit),
    Screen("me", read_book().published[0].email, _show_me),
    Screen("queue", "moderator", _show_queue),
    Screen("review", "moderator", _show_review),
    Screen("embed", "", _show_embed),
)

if __name__ == "__main__":
    main()
