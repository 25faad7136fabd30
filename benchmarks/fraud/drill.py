"""A real attack on loopback: 400 people in one office vote while 5,000 bot votes come from 2,000 addresses.

usage: python -m benchmarks.fraud.drill [--bots 5000] [--people 400] [--seconds 60]

The server is the production one, with its limits on. Bots come from addresses of 127.0.0.0/8, each vote on a
connection of its own; the office has one address. First a quiet part measures an honest vote alone. At the end the
rules judge everything as one batch. Ends within five minutes, with 1 when an honest vote was refused or held too
often, or became slower than three times the quiet one.
"""

import argparse
import http.client
import multiprocessing
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import select

from benchmarks.aims import Aims
from quilt.accounts.models import User
from quilt.database import db, transaction
from quilt.integrity.verdicts import judge_batch
from quilt.votes.models import Vote, Voter
from quilt.web.tickets import issue_ticket
from tests.factories import make_contest, make_entry
from tests.live import Site, open_site, sign_cookies

OFFICE = "127.10.0.1"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0"
ADDRESSES = 2_000
LONGEST = 300  # seconds, all in all
MOST_HELD, MOST_SLOWER = 0.01, 3.0


@dataclass(frozen=True)
class Wish:
    """One vote that will be sent: from where, as whom, how, and after how many seconds."""

    user_id: int
    address: str
    path: str
    headers: dict[str, str]
    body: str
    after: float


def main() -> None:
    """Run the drill and print what came of it."""
    options, aims = read_options(), Aims()
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(LONGEST)
    with (
        tempfile.TemporaryDirectory(prefix="quilt-drill-") as folder,
        open_site(Path(folder), extra={"QUILT_LIMITS": "on"}) as site,
        site.app.app_context(),
    ):
        run(site, options.people, options.bots, options.seconds, aims)
    sys.exit(aims.sum_up())


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bots", type=int, default=5_000)
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=60.0)
    return parser.parse_args(arguments)


def run(site: Site, people: int, bots: int, seconds: float, aims: Aims) -> None:
    """The quiet part, the attack, the judgement."""
    chance = random.Random(7)
    now = datetime.now(UTC)
    contest = make_contest(opens=now - timedelta(days=1), closes=now + timedelta(days=1))
    entries = [make_entry(contest) for _ in range(3)]
    staff, crowd = list_people("staff", people), list_people("bot", bots)
    cookies = sign_cookies(site.app, staff + crowd)
    honest = [make_wish(site, entries[1].id, person, cookies, OFFICE, chance, seconds) for person in staff]
    quiet = [
        make_wish(site, entries[0].id, wish.user_id, cookies, OFFICE, chance, seconds / 2) for wish in honest
    ]
    attack = [
        make_wish(site, entries[1].id, person, cookies, f"127.{20 + n % ADDRESSES // 250}.{n % ADDRESSES % 250}.9", chance, seconds, is_bot=True)
        for n, person in enumerate(crowd)
    ]  # fmt: skip
    warm = [
        make_wish(site, entries[2].id, wish.user_id, cookies, OFFICE, chance, min(5.0, seconds))
        for wish in honest[:100]
    ]
    send_all(site.port, warm)  # the first requests of a process pay for what it loads
    quiet_times, quiet_answers = send_all(site.port, quiet)
    bot_queue: multiprocessing.Queue[Counter[int]] = multiprocessing.Queue()
    crew = [
        multiprocessing.Process(target=attack_with, args=(site.port, attack[n::2], bot_queue))
        for n in range(2)
    ]
    for member in crew:
        member.start()
    times, answers = send_all(site.port, honest)
    bot_answers = bot_queue.get() + bot_queue.get()
    for member in crew:
        member.join()
    tell(contest.id, set(staff), quiet_times, times, quiet_answers + answers, bot_answers, aims)


def tell(
    contest_id: int,
    staff: set[int],
    quiet: list[float],
    times: list[float],
    answers: Counter[int],
    bots: Counter[int],
    aims: Aims,
) -> None:
    """Judge every vote, print the figures and say whether they are as promised."""
    db.session.rollback()
    own_votes = select(Vote.id, Voter.user_id).join(Voter, Voter.id == Vote.voter_id)
    rows = db.session.execute(own_votes.where(Vote.contest_id == contest_id)).all()
    owners = {row.id: row.user_id for row in rows}
    began = time.perf_counter()
    with db.engine.connect() as connection:
        verdicts = judge_batch(connection, contest_id, sorted(owners))
    judged = time.perf_counter() - began
    held = Counter(
        owners[vote_id] in staff for vote_id, verdict in verdicts.items() if verdict.after == "held"
    )
    own = sum(user_id in staff for user_id in owners.values())
    refused = sum(count for status, count in answers.items() if status != 201)
    before, during = find_p99(quiet), find_p99(times)
    is_fair = refused == 0 and held[True] <= MOST_HELD * own
    print(
        f"honest votes   {answers.total()} sent, {refused} refused, {held[True]} of {own} held "
        f"({100 * held[True] / own:.2f} %): {aims.judge('honest votes', is_fair)}"
    )
    print(f"bot votes      {bots.total()} sent, {bots[201]} recorded, {held[False]} held")
    print(
        f"honest p99     {1000 * before:.0f} ms quiet, {1000 * during:.0f} ms under attack ({during / before:.1f} times): "
        + aims.judge("p99 under attack", during <= MOST_SLOWER * before)
    )
    print(f"judging        {len(owners)} votes in {judged:.1f} s")


def list_people(name: str, count: int) -> list[int]:
    """The ids of so many new accounts."""
    moment = datetime.now(UTC)
    domain = "clinic.example" if name == "staff" else "outlook.com"
    people = [
        User(email=f"{name}{n}x{n * 7919 % 1000}@{domain}", email_key=f"{name}{n}x{n * 7919 % 1000}@{domain}", name="",
             role="member", created_at=moment)
        for n in range(count)
    ]  # fmt: skip
    with transaction() as session:
        session.add_all(people)
    return [person.id for person in people]


def make_wish(
    site: Site,
    entry_id: int,
    user_id: int,
    cookies: Mapping[int, str],
    address: str,
    chance: random.Random,
    seconds: float,
    is_bot: bool = False,
) -> Wish:
    """A vote by the form of the entry's page; bots press at once, people after a while."""
    after = chance.random() * seconds
    stay = chance.uniform(0.2, 1.0) if is_bot else 5 + chance.lognormvariate(3.0, 0.8)
    made_at = datetime.now(UTC) + timedelta(seconds=min(0.0, after - stay - 5))
    ticket = issue_ticket(entry_id, str(user_id), site.settings.secret_key, made_at, chance.randbytes)
    form = {"ticket": ticket, "via": "" if is_bot else f"own{entry_id:08}", "c": ""}
    form |= (
        {"played": "0", "dwell": "300"}
        if is_bot
        else {"played": str(int(chance.random() < 0.4)), "dwell": str(int(stay * 1000))}
    )
    headers = {
        "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", "User-Agent": BROWSER,
        "Origin": site.url, "Cookie": cookies[user_id], "Host": f"127.0.0.1:{site.port}",
        **({} if is_bot else {"Accept-Language": "en"}),
    }  # fmt: skip
    return Wish(user_id, address, f"/entries/{entry_id}/vote", headers, urlencode(form), after)


def attack_with(port: int, wishes: Sequence[Wish], results: "multiprocessing.Queue[Counter[int]]") -> None:
    """Send a share of the bots' votes and tell how they were answered."""
    results.put(send_all(port, wishes, threads=16)[1])


def send_all(port: int, wishes: Sequence[Wish], threads: int = 8) -> tuple[list[float], Counter[int]]:
    """Send each vote at its time; the seconds each took, and how many answers there were of each status."""
    ordered = sorted(wishes, key=lambda wish: wish.after)
    began, lock = time.monotonic(), threading.Lock()
    times: list[float] = []
    answers: Counter[int] = Counter()

    def work(share: Sequence[Wish]) -> None:
        for wish in share:
            time.sleep(max(0.0, began + wish.after - time.monotonic()))
            took, status = send(port, wish)
            with lock:
                times.append(took)
                answers[status] += 1

    crew = [threading.Thread(target=work, args=(ordered[n::threads],)) for n in range(threads)]
    for member in crew:
        member.start()
    for member in crew:
        member.join()
    return times, answers


def send(port: int, wish: Wish) -> tuple[float, int]:
    """One vote on a connection of its own, from the wish's own address."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(wish.address, 0))
    try:
        connection.request("POST", wish.path, wish.body, wish.headers)
        with connection.getresponse() as answer:
            answer.read()
            return time.perf_counter() - began, answer.status
    finally:
        connection.close()


def _give_up(*_: object) -> None:
    sys.exit("The drill took longer than five minutes.")


def find_p99(times: list[float]) -> float:
    """The 99th percentile."""
    return statistics.quantiles(times, n=100)[98]


if __name__ == "__main__":
    main()
