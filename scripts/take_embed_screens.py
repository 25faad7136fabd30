"""Take the pictures of docs/screens/embeds: every kind of embed by day and by lamplight, and the brand's desk.

usage: python scripts/take_embed_screens.py [FOLDER]

Starts a site and a foreign host page of its own; needs Chromium and the tests' packages.
"""

import io
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image

from quilt.database import transaction
from quilt.embeds.models import PlacementDay, Sponsor
from quilt.votes.models import EntryTally
from tests.browser.chromium import open_chromium
from tests.browser.hosts import HostSite, open_host
from tests.embeds.brands import make_organisation, make_placement, make_site
from tests.factories import make_contest, make_entry, make_user, save
from tests.live import Site, open_site, sign_cookie

WIDTHS = (390, 768, 1280)
STORIES = (
    ("The library bus that comes on Fridays", "Reading aloud", 812),
    ("Mateo’s first steps", "Pompe research", 640),
    ("Soup for forty", "Neighbours", 311),
    ("A well for the school", "Clean water", 87),
)
KINDS = ("entry", "vote", "contest", "countdown")


def main(arguments: list[str]) -> int:
    """Write the pictures; return the exit status."""
    folder = Path(arguments[0]) if arguments else ROOT / "docs" / "screens" / "embeds"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        open_site(Path(data), workers=1) as site,
        open_host() as host,
        open_chromium() as chromium,
    ):
        entry_id, paths, cookie = _fill(site)
        count = 0
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                context = chromium.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
                )
                count += _take_kinds(context, site, host, entry_id, folder, f"{width}-{scheme}")
                name, _, value = cookie.partition("=")
                context.add_cookies([{"name": name, "value": value, "url": site.url}])
                for label, path in paths.items():
                    count += _take(context, site.url + path, folder / f"{label}-{width}-{scheme}.webp")
                context.close()
    print(f"{count} pictures in {folder}")
    return 0


def _fill(site: Site) -> tuple[int, dict[str, str], str]:
    """A contest with stories, and a brand with figures; the desk's paths and its owner's cookie."""
    with site.app.app_context():
        today = datetime.now(UTC)
        contest = make_contest("spring", opens=today - timedelta(days=4), closes=today + timedelta(days=9))
        entries = [make_entry(contest, title=title, cause=cause) for title, cause, _ in STORIES]
        with transaction() as session:
            for entry, (_, _, votes) in zip(entries, STORIES, strict=True):
                session.get_one(EntryTally, entry.id).standing = votes
        owner = make_user("olga@example.org", name="Olga")
        brand = make_organisation(owner, "Thread & Daughters")
        make_site(brand, "https://www.thread.example")
        make_site(brand, "https://blog.thread.example", verified_at=None)
        save(
            Sponsor(
                organisation_id=brand.id,
                name="Thread & Daughters",
                url="https://www.thread.example/",
                disclosure="Supported by",
            )
        )
        placements = [
            make_placement(brand, entries[0], label="Home page"),
            make_placement(brand, entries[0], kind="contest", label="Blog, below every post"),
        ]
        for placement in placements:
            for number in range(20):
                save(PlacementDay(
                    placement_id=placement.id, day=today.date() - timedelta(days=number), path=f"/page-{number % 3}",
                    seen_count=40 + 37 * (number % 7) + number, plays_count=number, opens_count=5 + number,
                ))  # fmt: skip
        desk = f"/brand/{brand.id}"
        paths = {
            "generator": f"/brand/embeds/new?entry={entries[0].id}",
            "desk": desk,
            "placement": f"{desk}/embeds/{placements[0].id}",
            "report": f"{desk}/report",
        }
        return entries[0].id, paths, sign_cookie(site.app, owner.id)


def _take_kinds(context: Any, site: Site, host: HostSite, entry_id: int, folder: Path, suffix: str) -> int:
    for kind in KINDS:
        named = f'entry="{entry_id}"' if kind in ("entry", "vote") else 'contest="spring" order="votes"'
        page = f'<script async src="{site.url}/widget/v1.js"></script><quilt-{kind} {named}></quilt-{kind}>'
        head = '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        _take(context, host.put(f"/{kind}", head + page), folder / f"{kind}-{suffix}.webp")
    return len(KINDS)


def _take(context: Any, address: str, target: Path) -> int:
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(1_500)
    shot = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    shot.convert("RGB").save(target, "WEBP", quality=80)
    page.close()
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
