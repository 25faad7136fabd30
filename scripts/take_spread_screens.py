"""Take the screenshots of a spread's states into docs/screens: from nobody to a forest of 15,763 seeds.

usage: .venv/bin/python scripts/take_spread_screens.py [--only STATE …]

It plants the states (tests/spreads.py) in a site of its own that goes away afterwards.
"""

import argparse
import io
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from set_up import find_chromium

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.chromium import make_agent
from tests.factories import make_contest, make_entry
from tests.live import Site, open_site
from tests.spreads import STATES, plant

TARGET = ROOT / "docs" / "screens"
SIZES = {390: 1900, 1280: 1500}  # pixels, wide and at most high
SCHEMES = ("light", "dark")
QUALITY = 68
TITLES = {
    "empty": "Nobody has come yet",
    "one": "The first person",
    "four": "Four people",
    "five": "Five people",
    "mixed": "The bees of our street",
    "star": "Shown on the evening news",
    "chain": "From neighbour to neighbour",
    "forest": "Clean water for Nyeri",
}


def main() -> None:
    """Take them all, or those that are named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=[])
    wanted = [state for state in STATES if state in (parser.parse_args().only or STATES)]
    TARGET.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="quilt-spreads-") as folder,
        sync_playwright() as playwright,
        open_site(Path(folder), workers=1) as site,
    ):
        entries = _plant(site, wanted)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        try:
            for state, entry_id in entries.items():
                _take(browser, f"{site.url}/entries/{entry_id}/spread", state)
                print(f"  spread of {state}", flush=True)
        finally:
            browser.close()


def _plant(site: Site, states: list[str]) -> dict[str, int]:
    moment = datetime.now(UTC)
    with site.app.app_context():
        contest = make_contest("ten", opens=moment - timedelta(days=10), closes=moment + timedelta(days=1))
        entries = {state: make_entry(contest, title=TITLES[state]).id for state in states}
        for state, entry_id in entries.items():
            plant(entry_id, STATES[state](), moment)
    return entries


def _take(browser: Browser, address: str, state: str) -> None:
    for width, height in SIZES.items():
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                user_agent=make_agent(1),
                reduced_motion="reduce",
            )
            page = context.new_page()
            answer = page.goto(address)
            if answer is None or not answer.ok:
                raise SystemExit(f"{address} answered {answer.status if answer else 'nothing'}.")
            page.wait_for_load_state("networkidle")
            page.evaluate("document.fonts.ready")
            whole = page.evaluate("document.documentElement.scrollHeight")
            clip = {"x": 0, "y": 0, "width": width, "height": min(whole, height)}
            picture = Image.open(io.BytesIO(page.screenshot(clip=clip)))  # type: ignore[arg-type]
            name = f"spread-{state}-{width}-{scheme}.webp"
            picture.convert("RGB").save(TARGET / name, "WEBP", quality=QUALITY, method=6)
            context.close()


if __name__ == "__main__":
    main()
