"""What an embed costs: the server's share of bare Flask, the weight of a page that holds it, and the standings behind it.

usage: python -m benchmarks.widget [--seconds 4] [--connections 64] [--only load,page,standings]

`load` measures the widget's JSON and frames, each right after bare Flask under the same server, workers, threads and
connections (needs wrk). `page` opens a page on another origin in a real Chromium: requests before the frame, bytes over
the wire, layout shift, and what the script costs the main thread. `standings` builds those of 10,000 entries anew.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.aims import Aims
from benchmarks.hot_paths import WRK, describe_machine, load, open_bare
from quilt.collector import rest_collector
from quilt.contests.queries import find_contest
from quilt.database import db
from quilt.standings.queries import list_figures
from quilt.standings.rules import build_standings
from quilt.web.api import standings
from quilt.web.widget import counts
from tests.browser.chromium import open_chromium
from tests.browser.hosts import open_host
from tests.factories import make_contest, make_entry, make_user
from tests.live import Site, open_site

LEAST_SHARE, SLOWEST_P99_MS = 0.6, 100.0
MOST_REQUESTS, MOST_KB, MOST_SCRIPT_MS = 2, 40.0, 10.0
SCRIPT = "the script, which a browser asks for once a day"
ENTRIES, SLOWEST_STANDINGS_MS = 10_000, 20.0
ROUNDS = 5
TEXT = f"<p>{'Text of a blog. ' * 60}</p>"
OBSERVE = """<script>window.moved = 0; new PerformanceObserver(list => { for (const entry of list.getEntries())
if (!entry.hadRecentInput) window.moved += entry.value; }).observe({ type: "layout-shift", buffered: true });</script>"""


@dataclass(frozen=True, slots=True)
class Weight:
    """One visit of a page with an embed; sizes as they came over the wire, headers too."""

    before: int  # requests for the embed before its frame's own
    loader_bytes: int
    frame_bytes: int
    shift: float
    script_ms: float


def main() -> None:
    options, aims = read_options(), Aims()
    print(describe_machine())
    with (
        tempfile.TemporaryDirectory(prefix="quilt-widget-") as folder,
        open_site(Path(folder) / "site", has_worker=False) as site,
    ):
        entry_id = build_scene(site)
        if "load" in options.only:
            measure_load(site, entry_id, options.connections, options.seconds, aims)
        if "page" in options.only:
            measure_page(site, entry_id, aims)
        if "standings" in options.only:
            measure_standings(site, aims)
    sys.exit(aims.sum_up())


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--only", default="load,page,standings")
    return parser.parse_args(arguments)


def build_scene(site: Site) -> int:
    """A contest under way with 24 entries; the number of the first."""
    moment = datetime.now(UTC)
    with site.app.app_context():
        contest = make_contest("spring", opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
        entries = [make_entry(contest, title=f"Story {n}", cause=f"Cause {n % 5}") for n in range(24)]
        found = entries[0].id
        db.session.remove()
    return int(found)


def measure_load(site: Site, entry_id: int, connections: int, seconds: float, aims: Aims) -> None:
    """Print the share of bare Flask of each answer."""
    if WRK is None:
        raise SystemExit("This part needs wrk (Debian: apt-get install wrk).")
    paths = {
        "entry as JSON": f"/widget/entries/{entry_id}.json",
        "entry's frame": f"/embed/{entry_id}",
        "vote button's frame": f"/embed/{entry_id}/vote",
        "contest's counts as JSON": "/widget/contests/spring.json",
        "contest's frame": "/embed/contests/spring",
        SCRIPT: "/widget/v1.js",
    }
    print(
        f"\n| from cache, {connections} connections | requests/s | bare Flask | share | p99 ms | bare p99 ms | errors | |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with open_bare() as bare_port:
        for name, path in paths.items():
            bare = load(f"http://127.0.0.1:{bare_port}/", connections, seconds)
            ours = load(f"{site.url}{path}", connections, seconds)
            share = ours.rate / bare.rate
            is_met = share >= LEAST_SHARE and ours.p99_ms < SLOWEST_P99_MS and not ours.errors
            verdict = "" if name == SCRIPT else aims.judge(name, is_met)
            print(
                f"| {name} | {ours.rate:,.0f} | {bare.rate:,.0f} | **{share:.2f}** | {ours.p99_ms:.1f} "
                f"| {bare.p99_ms:.1f} | {ours.errors} | {verdict} |",
                flush=True,
            )


def measure_page(site: Site, entry_id: int, aims: Aims) -> None:
    """Print what a page with each kind of embed loads and how it moves; the middle of several visits."""
    named = {"entry": f'entry="{entry_id}"', "vote": f'entry="{entry_id}"', "contest": 'contest="spring"',
             "countdown": 'contest="spring"'}  # fmt: skip
    reserved = {"entry": 560, "vote": 220, "contest": 760, "countdown": 260}
    print(f"\n| a page with | requests before the frame (≤ {MOST_REQUESTS}) | script kB | in all kB (≤ {MOST_KB:.0f}) "
          f"| layout shift (0) | script on the main thread ms (< {MOST_SCRIPT_MS:.0f}) | |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    with open_host("127.0.0.2", "127.0.0.2") as host, open_chromium() as browser:
        for kind, attributes in named.items():
            snippet = (
                f'<script async src="{site.url}/widget/v1.js"></script>'
                f'<quilt-{kind} {attributes} style="display:block;min-height:{reserved[kind]}px"></quilt-{kind}>'
            )
            address = host.put(f"/{kind}", f"{OBSERVE}{TEXT}{snippet}{TEXT}")
            visits = [visit(browser, address, site.url) for _ in range(ROUNDS)]
            before, loader, frame = (statistics.median(getattr(each, name) for each in visits)
                                     for name in ("before", "loader_bytes", "frame_bytes"))  # fmt: skip
            shift, script = (
                max(each.shift for each in visits),
                statistics.median(each.script_ms for each in visits),
            )
            whole = (loader + frame) / 1000
            is_met = before <= MOST_REQUESTS and whole <= MOST_KB and not shift and script < MOST_SCRIPT_MS
            print(f"| {kind} | {before:.0f} | {loader / 1000:.1f} | {whole:.1f} | {shift:.3f} | {script:.1f} "
                  f"| {aims.judge(f'a page with {kind}', is_met)} |", flush=True)  # fmt: skip


def visit(browser: Any, address: str, ours: str) -> Weight:
    """One visit with nothing in the browser's cache."""
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    page = context.new_page()
    sizes: dict[str, int] = {}
    order: list[str] = []

    def note(request: Any) -> None:
        if request.url.startswith(ours):
            order.append(request.url)

    def weigh(request: Any) -> None:
        if request.url.startswith(ours):
            told = request.sizes()
            sizes[request.url] = told["responseBodySize"] + told["responseHeadersSize"]

    page.on("request", note)
    page.on("requestfinished", weigh)
    browser.start_tracing(
        page=page, categories=["devtools.timeline", "v8", "disabled-by-default-devtools.timeline"]
    )
    page.goto(address)
    page.wait_for_function(
        "document.querySelector('[style]').shadowRoot?.querySelector('iframe')?.style.height"
    )
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(400)
    trace = json.loads(browser.stop_tracing())
    shift = page.evaluate("window.moved")
    context.close()
    begin = next(number for number, url in enumerate(order) if "/embed/" in url)
    loader = sum(size for url, size in sizes.items() if "/widget/v1" in url)
    return Weight(begin, loader, sum(sizes.values()) - loader, shift, add_script_time(trace["traceEvents"]))


def add_script_time(events: list[dict[str, Any]]) -> float:
    """Milliseconds of processor time that the page's main thread spent in the loader: compiled, run, called back."""
    ours = [event for event in events if event.get("ph") == "X" and "/widget/v1" in find_script(event)]
    main = {(event["pid"], event["tid"]) for event in ours if event["name"] == "EvaluateScript"}
    spans: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
    for event in ours:
        if (event["pid"], event["tid"]) in main:  # parsing has a thread of its own
            taken = event.get("tdur", event["dur"])  # while others have the processor the clock runs on
            spans.setdefault((event["pid"], event["tid"]), []).append(
                (event["ts"], event["ts"] + event["dur"], taken)
            )
    total = 0.0
    for thread in spans.values():
        end = 0.0
        for first, last, taken in sorted(thread, key=lambda span: (span[0], -span[1])):
            if first >= end:  # what lies within another is counted with it
                total, end = total + taken, last
    assert total, "no event names the script: the trace is of another kind"
    return total / 1000


def find_script(event: dict[str, Any]) -> str:
    """The address of the script that an event of a trace is about, "" for none."""
    arguments = event.get("args", {})
    data = arguments.get("data") or {}
    return str(data.get("url") or data.get("fileName") or arguments.get("fileName") or "")


def measure_standings(site: Site, aims: Aims) -> None:
    """Print how long the standings of many entries take when nothing is kept."""
    site.app.extensions["quilt_settings"] = replace(site.app.extensions["quilt_settings"], page_freshness=0.0)
    with site.app.app_context():
        plant_entries(ENTRIES)
        contest = find_contest("many")
        assert contest is not None
        builders = {
            "the API's first hundred": lambda: standings.build_block(contest, 0, True, False),
            "the API's last hundred": lambda: standings.build_block(
                contest, ENTRIES // standings.BLOCK - 1, True, False
            ),
            "every place, as the site's own page needs it": lambda: build_standings(
                list_figures(contest.id), False
            ),
            "the widget's JSON, with the first 24": lambda: counts.build_counts(contest),
        }
        print(f"\n| standings of {ENTRIES:,} entries, nothing kept | ms, the best of {ROUNDS} (≤ {SLOWEST_STANDINGS_MS:.0f}) "
              "| the middle | ten million additions, s | |")  # fmt: skip
        print("|---|---|---|---|---|")
        rest_collector()
        with site.app.test_request_context():
            for name, build in builders.items():
                build()
                times = [time_it(build) for _ in range(ROUNDS)]
                print(f"| {name} | {min(times):.1f} | {statistics.median(times):.1f} | {add_up():.2f} "
                      f"| {aims.judge(name, min(times) <= SLOWEST_STANDINGS_MS)} |", flush=True)  # fmt: skip
        db.session.remove()


def plant_entries(count: int) -> None:
    """One contest with very many published entries and figures, put into the tables directly."""
    from sqlalchemy import insert

    from quilt.arrivals.models import EntrySpread
    from quilt.entries.models import Entry
    from quilt.votes.models import EntryTally

    moment = datetime.now(UTC)
    contest = make_contest("many", opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
    first, entrant = 1_000_000, make_user()
    rows = [
        {"id": first + n, "contest_id": contest.id, "entrant_id": entrant.id, "state": "published", "slug": f"story-{n}",
         "title": f"Story {n}", "cause": f"Cause {n % 40}", "story": "", "search_text": "", "created_at": moment,
         "submitted_at": moment, "published_at": moment}
        for n in range(count)
    ]  # fmt: skip
    with db.engine.begin() as connection:
        connection.execute(insert(Entry), rows)
        connection.execute(
            insert(EntryTally),
            [
                {"entry_id": first + n, "contest_id": contest.id, "standing": n * 7_919 % 4_001}
                for n in range(count)
            ],
        )
        connection.execute(
            insert(EntrySpread),
            [{"entry_id": first + n, "size": 1 + n * 104_729 % 900} for n in range(count)],
        )
    db.session.rollback()


def time_it(work: Any) -> float:
    """Milliseconds of one run."""
    db.session.rollback()
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def add_up() -> float:
    """Seconds that ten million additions take: how fast the machine is at this moment."""
    began, total = time.perf_counter(), 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
