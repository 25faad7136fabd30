"""A whole journey through a real server; then every column and every log line is searched for who came."""

import http.client
import re
import time
import urllib.parse
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from sqlalchemy import select

from quilt.arrivals.models import Arrival, NotCounted
from quilt.community.models import Comment
from quilt.database import db
from quilt.mail import MailMessage
from quilt.shares.models import ShareAct
from quilt.votes.models import Vote
from tests.conftest import empty_tables
from tests.factories import make_contest, make_entry, make_user, save
from tests.live import open_site

ADDRESSES = ("127.83.61.7", "127.83.61.8", "127.83.61.9")
FORWARDED = "203.0.113.77"
EMAIL = "marguerite.quillfeather@example.net"
DEVICES = ("Oilskin 7781", "Tarpaulin 7782", "Gunnysack 7783")
ROBOT = "facebookexternalhit/1.1 (Canvasback 7784)"
HOMES = {  # where an e-mail address belongs
    "user_account.email", "user_account.email_key", "email_code.email", "email_code.email_key",
    "email_code.mailbox", "mail_message.recipient",
}  # fmt: skip


class Visitor:
    """A browser with an address and a user agent that nobody else has."""

    def __init__(self, site, number, cookies=True, agent=""):
        self.port, self.address, self.keeps = site.port, ADDRESSES[number], cookies
        self.agent = agent or (
            f"Mozilla/5.0 (Linux; Android 14; {DEVICES[number]}) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/134.0.0.0 Mobile Safari/537.36"
        )
        self.cookies = {}

    def ask(self, method, path, body=None, **headers):
        """One request; returns (status, text, where it leads)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, 30, (self.address, 0))
        told = {"User-Agent": self.agent, "X-Forwarded-For": FORWARDED, **headers}
        if self.cookies:
            told["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, told)
        answer = connection.getresponse()
        text, leads = answer.read().decode(errors="replace"), answer.getheader("Location") or ""
        for line in answer.headers.get_all("Set-Cookie") or []:
            if self.keeps:
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        connection.close()
        return answer.status, text, leads

    def post(self, path, **fields):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urllib.parse.urlencode(fields), **form)

    def open(self, path):
        """Open an entry's page; what its script would know."""
        _, text, _ = self.ask("GET", path)
        return {name: re.search(rf'data-{name}="([^"]*)"', text)[1] for name in ("ticket", "via", "channel")}

    def arrive(self, entry_id, path):
        """As the page's script counts a person; returns their own path."""
        page = self.open(path)
        time.sleep(1.1)
        told = {"entry": entry_id, "visible": True, "prerendering": False, "dwell": 1050, **page}
        body = str(told).replace("'", '"').replace("True", "true").replace("False", "false")
        _, text, _ = self.ask("POST", "/arrivals", body, **{"Content-Type": "application/json"})
        found = re.search(r'"path":"([^"]+)"', text)
        return found[1] if found else text


@pytest.fixture
def private_url(database):
    """The database under test; a fresh one for SQLite, the emptied one for PostgreSQL."""
    return "" if database.startswith("sqlite") else database


def test_nothing_in_tables_or_logs_tells_who_came(private_url, tmp_path):
    folder = tmp_path / "site"
    with open_site(folder, private_url, workers=1, has_worker=True) as site, site.app.app_context():
        empty_tables()
        moment = datetime.now(UTC)
        contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
        entry = make_entry(contest, make_user("entrant@example.org"))
        entry_id, start = entry.id, f"/entries/{entry.id}-{entry.slug}"
        db.session.rollback()
        play(site, entry_id, start)
        time.sleep(1.5)  # the log is written a few times a second, the inbox folded every second
        expect_the_whole_journey()
        log = (folder / "server.log").read_text()
        assert log.count('"event":"request"') > 20
        private = {*ADDRESSES, FORWARDED, *DEVICES, "Canvasback"}
        found, looked_at = search_tables([*private, EMAIL.partition("@")[0]])
        print(f"{looked_at} values and {log.count(chr(10))} lines of the log were searched")
        assert looked_at > 200
        assert {where for where, needle in found if needle in private} == set()
        assert {where for where, needle in found} == HOMES
        assert [line for line in log.splitlines() if has_any(line, [*private, EMAIL.partition("@")[0]])] == []
        assert [path for path in list_files(folder) if has_any(read_bytes(path), private)] == []
        find_what_is_planted(entry_id)
        empty_tables()


def play(site, entry_id, start):
    """Marguerite comes and votes by code; Ben comes by her link without a script or cookies; robots come too."""
    marguerite = Visitor(site, 0)
    own = marguerite.arrive(entry_id, f"{start}?c=mail")
    assert set(marguerite.cookies) == {"quilt_codes"}
    assert re.fullmatch(rf"{entry_id}\.[\w-]{{11}}\.[\w-]{{11}}", marguerite.cookies["quilt_codes"])
    vote_by_code(marguerite, entry_id, start)
    _, text, _ = marguerite.ask("GET", start)
    token = re.search(r'name="csrf_token" value="([^"]+)"', text)[1]
    marguerite.post(f"/entries/{entry_id}/comments", csrf_token=token, text="Go on!")
    ticket = re.search(r'data-ticket="([^"]*)"', text)[1]
    assert marguerite.post(f"/entries/{entry_id}/share", ticket=ticket, share_channel="wa")[0] == 204

    ben = Visitor(site, 1, cookies=False)
    page = ben.open(f"{own}?c=wa")
    ben.post(f"/entries/{entry_id}/share", ticket=page["ticket"], via=page["via"], c=page["channel"])
    make_trouble(Visitor(site, 2), entry_id, own)
    robot = Visitor(site, 2, agent=ROBOT)
    assert "preview" in robot.arrive(entry_id, own)


def vote_by_code(person, entry_id, start):
    page = person.open(start)
    status, _, leads = person.post(f"/entries/{entry_id}/vote", ticket=page["ticket"], email=EMAIL)
    assert status == 303
    token = re.search(r'name="csrf_token" value="([^"]+)"', person.ask("GET", leads)[1])[1]
    person.post(leads, csrf_token=token, code="00000000")
    mail = db.session.scalars(select(MailMessage).order_by(MailMessage.id.desc())).first()
    code = "".join(re.search(r"\b(\d{4}) ?(\d{4})\b", mail.text).groups())
    db.session.rollback()
    assert person.post(leads, csrf_token=token, code=code)[0] == 303


def make_trouble(stranger, entry_id, own):
    """What ends in refusals: pages that are not there, other sites, wrong passwords."""
    assert stranger.ask("GET", f"/nowhere/{EMAIL}?email={EMAIL}&ip={FORWARDED}")[0] == 404
    assert stranger.ask("GET", f"/s/{stranger.address}")[0] == 404
    assert stranger.ask("HEAD", own, Referer=f"https://{FORWARDED}/{EMAIL}")[0] == 200
    assert stranger.ask("POST", "/arrivals", "{}", Origin=f"https://{FORWARDED}")[0] == 403
    assert stranger.ask("POST", "/arrivals", "{", **{"Content-Type": "application/json"})[0] == 400
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', stranger.ask("GET", "/sign-in")[1])[1]
    wrong = stranger.post("/sign-in/password", csrf_token=token, email=EMAIL, password="a wrong one entirely")
    assert wrong[0] == 401


def expect_the_whole_journey():
    """Two people in a chain, a vote, a comment, shares, a number for the robot."""
    db.session.rollback()
    arrivals = db.session.scalars(select(Arrival).order_by(Arrival.id)).all()
    assert [(row.depth, row.channel) for row in arrivals] == [(1, "mail"), (2, "wa")]
    assert db.session.scalars(select(Vote.arrival_id)).all() == [arrivals[0].id]
    assert db.session.scalars(select(Comment.text)).all() == ["Go on!"]
    assert sorted(db.session.scalars(select(ShareAct.channel))) == ["link", "wa"]
    assert db.session.scalars(select(NotCounted.reason)).all() == ["preview"]
    db.session.rollback()


def search_tables(needles):
    """({(table.column, needle)}, number of values): every column of every table, bytes and text alike."""
    found, looked_at = set(), 0
    with db.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                for name, value in row.items():
                    looked_at += 1
                    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    found |= {
                        (f"{table.name}.{name}", needle) for needle in needles if has_any(text, [needle])
                    }
    return found, looked_at


def has_any(text, needles):
    return any(needle.lower() in text.lower() for needle in needles)


def list_files(folder: Path):
    """Everything the site has written: databases with their journals, the queue, the log."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"queue.db", "server.log"} <= {path.name for path in files}
    return files


def read_bytes(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


def find_what_is_planted(entry_id):
    """The search itself: what somebody hides in any column is found."""
    author = make_user("planted@example.org")
    moment = datetime.now(UTC)
    save(Comment(entry_id=entry_id, author_id=author.id, text=f"{ADDRESSES[0]} {EMAIL}", written_at=moment))
    save(Arrival(entry_id=entry_id, depth=1, code="planted0000", visitor_key=DEVICES[1].encode(),
                 channel="", state="live", arrived_at=moment))  # fmt: skip
    found, _ = search_tables([ADDRESSES[0], EMAIL, DEVICES[1]])
    assert {
        ("comment.text", ADDRESSES[0]),
        ("comment.text", EMAIL),
        ("arrival.visitor_key", DEVICES[1]),
    } <= found
