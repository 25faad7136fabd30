"""What may happen to a link on its way from hand to hand: each case through the pages, as people's browsers play it."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.models import Arrival, ArrivalInbox, EntrySpread, NamedLink, UsedNonce, VisitorSalt
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import forget_old, get_salt, record_arrival
from quilt.database import db
from quilt.entries.models import Entry
from quilt.shares.models import ShareAct
from quilt.spread.counting import DAILY_VISITOR, MIN_DWELL_MS
from quilt.web.clock import now
from quilt.web.tickets import issue_ticket
from quilt.web.visitors import COOKIE_AGE
from tests.factories import make_entry
from tests.web.site.test_arrivals import FIREFOX, ROBOTS, open_page, reasons, send_beacon

CROWD, TWICE = 10_000, 300  # people, and those of them in two tabs at once


class Person:
    """Somebody with a browser of their own; `cookies=False`: one that refuses them."""

    def __init__(self, app, entry, name="", cookies=True):
        self.client = app.test_client(use_cookies=cookies)
        self.entry, self.agent = entry, f"{FIREFOX} {name}".strip()

    def open(self, path=""):
        return open_page(self.client, self.entry, path, self.agent)

    def tell(self, page, **changes):
        return send_beacon(self.client, self.entry, page, self.agent, **changes)

    def arrive(self, path="", **changes):
        """Open the page and stay; returns the path of the own link."""
        answer = self.tell(self.open(path), **changes)
        assert answer.json["counted"] is True
        return answer.json["path"]


def list_chain():
    """(generation, parent's position or None, channel) of each arrival, the oldest first."""
    rows = db.session.execute(
        select(Arrival.id, Arrival.depth, Arrival.parent_id, Arrival.channel).order_by(Arrival.id)
    ).all()
    order = {row.id: number for number, row in enumerate(rows)}
    return [(row.depth, order.get(row.parent_id), row.channel) for row in rows]


def cut(path):
    return path[:-1]


@pytest.mark.parametrize(
    "path", ["/s/unknown0000", "/s/own0000", "/s/" + "x" * 10_000, "/s/%00", "/s/a%2F..%2Fb", "/s/é"]
)
def test_E09_an_unknown_or_cut_link_says_where_to_go(client, path):
    make_entry()
    answer = client.get(path, headers={"User-Agent": FIREFOX})
    assert answer.status_code == 404 and "cannot find" in answer.text
    assert len(answer.data) < 64 * 1024 and list_chain() == [] == list(reasons())


def test_a_cut_code_in_the_beacon_credits_nobody(app):
    entry = make_entry()
    own = Person(app, entry, "A").arrive()
    friend = Person(app, entry, "B")
    friend.tell({**friend.open(own), "via": cut(own).removeprefix("/s/")})
    assert list_chain() == [(1, None, ""), (1, None, "")]


def test_a_link_of_another_entry_leads_there_and_credits_nobody_here(app):
    entry, other = make_entry(), make_entry()
    there = Person(app, other, "A").arrive()
    friend = Person(app, entry, "B")
    assert friend.tell({**friend.open(), "via": there.removeprefix("/s/")}).json["counted"] is True
    assert f'data-entry="{other.id}"' in friend.client.get(there).text
    assert list_chain() == [(1, None, ""), (1, None, "")]


def test_a_link_whose_owner_is_excluded_still_opens_and_credits_nobody(app):
    entry = make_entry()
    own = Person(app, entry, "A").arrive()
    below = Person(app, entry, "B").arrive(own)
    first = db.session.scalars(select(Arrival.id).order_by(Arrival.id)).first()
    db.session.execute(update(Arrival).where(Arrival.id == first).values(state="excluded"))
    db.session.commit()
    Person(app, entry, "C").arrive(own)
    Person(app, entry, "D").arrive(below)  # who stands above an arrival is not asked
    assert list_chain() == [(1, None, ""), (2, 0, ""), (1, None, ""), (3, 1, "")]


@pytest.mark.parametrize("cookies", [True, False])
def test_one_s_own_link_a_reload_a_second_tab_and_the_back_button_are_one_person(app, cookies):
    entry = make_entry()
    person = Person(app, entry, cookies=cookies)
    first_page, second_tab = person.open(), person.open()
    own = person.tell(first_page).json["path"]
    assert person.tell(second_tab).json["path"] == own
    assert person.arrive(own) == own
    assert person.arrive(own) == own
    assert person.tell(first_page).json["path"] == own
    returns = db.session.scalars(select(ArrivalInbox.returns).order_by(ArrivalInbox.id)).all()
    assert list_chain() == [(1, None, "")] and returns == [0, 1, 1, 1]


@pytest.mark.parametrize("cookies", [True, False])
def test_E15_a_loop_adds_nobody_and_moves_nobody(app, cookies):
    entry = make_entry()
    ana, ben = Person(app, entry, "A", cookies), Person(app, entry, "B", cookies)
    own = ana.arrive()
    back = ben.arrive(f"{own}?c=wa")
    assert ana.arrive(f"{back}?c=fb") == own
    assert ben.arrive(f"{own}?c=x") == back
    assert list_chain() == [(1, None, ""), (2, 0, "wa")]


def test_who_refuses_cookies_is_counted_once_and_can_pass_it_on(app):
    entry = make_entry()
    person = Person(app, entry, "A", cookies=False)
    own = person.arrive()
    assert person.arrive() == own
    Person(app, entry, "B", cookies=False).arrive(own)
    assert list_chain() == [(1, None, ""), (2, 0, "")]


def test_a_shared_computer_after_48_hours_has_somebody_new_at_it(app):
    entry = make_entry()
    before, keeper = Person(app, entry, "school", cookies=False), Person(app, entry, "at home")
    before.arrive()
    kept = keeper.arrive()
    let_salts_pass(days=3)
    Person(app, entry, "school", cookies=False).arrive()
    assert keeper.arrive() == kept  # the cookie of seven days still knows who this is
    assert list_chain() == [(1, None, "")] * 3


def let_salts_pass(days):
    """What the days do to pseudonyms: the old keys are deleted, and nobody remembers them."""
    later = now() + timedelta(days=days)
    forget_old(later)
    get_salt(later, secrets.token_bytes)
    db.session.rollback()
    assert db.session.scalars(select(VisitorSalt.day)).all() == [later.date()]


def test_E14_a_preview_fetcher_before_the_person_takes_nothing_from_them(app):
    entry = make_entry()
    own = Person(app, entry, "A").arrive()
    fetcher, agent = app.test_client(), ROBOTS["Facebook's preview"]
    assert fetcher.head(own, headers={"User-Agent": FIREFOX}).status_code == 200  # as X does
    send_beacon(fetcher, entry, open_page(fetcher, entry, f"{own}?c=fb", agent), agent)
    assert list_chain() == [(1, None, "")] and reasons() == {"preview": 1}
    Person(app, entry, "B").arrive(f"{own}?c=fb")
    assert list_chain() == [(1, None, ""), (2, 0, "fb")]


def test_a_prerendered_page_counts_once_it_is_shown(app):
    entry = make_entry()
    person = Person(app, entry)
    headers = {"User-Agent": person.agent, "Sec-Purpose": "prefetch;prerender"}
    assert person.client.get(f"/entries/{entry.id}-{entry.slug}", headers=headers).status_code == 200
    page = person.open()
    assert person.tell(page, prerendering=True).json["reason"] == "prerendered"
    assert person.tell(page, visible=False).json["reason"] == "hidden"
    assert list_chain() == []
    assert person.tell(page).json["counted"] is True
    assert list_chain() == [(1, None, "")]


@pytest.mark.slow
def test_a_crowd_of_ten_thousand_in_one_second_through_one_code(app):
    entry = make_entry()
    own = Person(app, entry, "A").arrive().removeprefix("/s/")
    moment = now()

    def come(number):
        with app.app_context():
            visit = Visit(entry.id, f"person {number % CROWD}".encode(), via=own, channel="wa")
            return record_arrival(visit, secrets.token_bytes(12), now=moment, entropy=secrets.token_bytes)

    entry.id  # noqa: B018 loaded here: threads share no session
    with ThreadPoolExecutor(16) as pool:
        nodes = list(pool.map(come, [*range(TWICE), *range(TWICE), *range(TWICE, CROWD)]))
    db.session.rollback()
    assert len({node.code for node in nodes}) == CROWD == sum(node.is_new for node in nodes)
    assert list_chain() == [(1, None, ""), *[(2, 0, "wa")] * CROWD]
    fold_waiting(moment)
    db.session.rollback()
    spread = db.session.get(EntrySpread, entry.id)
    assert (spread.size, spread.max_depth, spread.max_breadth) == (CROWD + 2, 2, CROWD)


def test_an_entry_that_is_withdrawn_while_its_page_is_open_counts_nobody(app):
    entry = make_entry()
    person = Person(app, entry)
    page = person.open()
    db.session.execute(update(Entry).where(Entry.id == entry.id).values(state="removed"))
    db.session.commit()
    answer = person.tell(page)
    assert answer.status_code == 404 and "withdrawn" in answer.text
    assert person.client.get(f"/s/own{entry.id:08}").status_code == 404
    assert list_chain() == [] == list(reasons())


@pytest.mark.parametrize("minutes, counted", [(9, True), (11, False), (-3, False)])
def test_a_late_beacon_is_a_number_only(app, minutes, counted):
    entry = make_entry()
    person = Person(app, entry)
    moment = now() - timedelta(minutes=minutes)
    secret = app.extensions["quilt_settings"].secret_key
    ticket = issue_ticket(entry.id, "", secret, moment, secrets.token_bytes)
    answer = person.tell({"ticket": ticket, "via": "", "channel": ""})
    assert answer.json["counted"] is counted
    assert reasons() == ({} if counted else {"nonce_expired": 1}) and len(list_chain()) == counted


@pytest.mark.parametrize("number", [0, -1, 999_999_999, 2**63])
def test_a_beacon_for_an_entry_that_is_not_there(app, number):
    entry = make_entry()
    person = Person(app, entry)
    assert person.tell({**person.open(), "entry": number}).status_code == 404
    assert list_chain() == [] == list(reasons())


@pytest.mark.parametrize("aim", ["/s/{other}", "//evil.example", "https://evil.example/s/{own}"])
def test_E11_a_link_leads_to_its_own_entry_and_never_on(app, aim):
    entry, elsewhere = make_entry(), make_entry()
    own, other = f"own{entry.id:08}", f"own{elsewhere.id:08}"
    person, aim = Person(app, entry), aim.format(own=own, other=other)
    for tag in ("next", "url", "to", "c"):
        page = person.client.get(f"/s/{own}", query_string={tag: aim}, headers={"User-Agent": FIREFOX})
        assert page.status_code == 200 and f'data-entry="{entry.id}"' in page.text
        assert aim not in page.text and "Refresh" not in page.headers
    assert person.client.get(f"/s/{own}/{aim}").status_code in (308, 404)  # 308 where slashes are put right
    Person(app, entry, "B").arrive(f"/s/{own}", url=aim, target=aim, via=own)
    assert list_chain() == [(1, None, "")]
    columns = {column.name for table in (Arrival, NamedLink) for column in table.__table__.columns}
    assert not {name for name in columns if re.search("url|target|address|path", name)}


def test_E12_what_rides_along_in_an_address_is_cut_and_shown_as_text(app):
    entry = make_entry()
    person, own = Person(app, entry), f"/s/own{entry.id:08}"
    for query in (
        "c=%3Cscript%3Ealert(1)%3C/script%3E&utm_source=%3Cscript%3E",
        "c=%FF%FE",
        f"c={'a' * 5000}",
    ):
        page = person.client.get(f"{own}?{query}", headers={"User-Agent": person.agent})
        assert page.status_code == 200 and "alert(1)" not in page.text
        assert len(re.search(r'data-channel="([^"]*)"', page.text)[1]) <= 16
    person.arrive(own, channel="<script>" * 400, referrer="h" * 5000)
    assert list_chain() == [(1, None, "script-script-sc")]


def test_E13_a_link_that_is_clicked_without_end_counts_one_person(app):
    entry = make_entry()
    own = Person(app, entry, "A").arrive()
    clicker = Person(app, entry, "B")
    assert len({clicker.arrive(own) for _ in range(60)}) == 1
    assert list_chain() == [(1, None, ""), (2, 0, "")]
    fold_waiting(now())
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(ArrivalInbox)) == 0
    forget_old(now() + timedelta(hours=14))
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(UsedNonce)) == 0


def test_E17_a_double_click_on_share_in_two_tabs_is_one_act(app):
    entry = make_entry()
    person = Person(app, entry)
    for ticket in (person.open()["ticket"], person.open()["ticket"]):
        for _ in range(2):
            answer = person.client.post(
                f"/entries/{entry.id}/share",
                data={"ticket": ticket, "share_channel": "wa"},
                headers={"User-Agent": person.agent},
            )
            assert answer.status_code == 204
    acts = db.session.execute(select(ShareAct.channel, ShareAct.shared_at)).all()
    minutes = {act.shared_at.replace(second=0, microsecond=0) for act in acts}
    assert 1 <= len(acts) == len(minutes) <= 2  # two where the clock passed a full minute meanwhile
    assert list_chain() == [(1, None, "")]


def test_E18_a_title_of_html_is_text_in_what_previews_read(client):
    entry = make_entry(title='"><script>alert(1)</script>')
    page = client.get(f"/s/own{entry.id:08}", headers={"Accept": "text/html", "User-Agent": FIREFOX}).text
    assert "<script>alert(1)" not in page and '"><script' not in page
    assert re.search(r'<meta property="og:title" content="&#34;&gt;&lt;script&gt;alert\(1\)', page)


def test_the_spread_page_says_what_a_person_is_and_what_was_not_counted(app):
    entry = make_entry()
    for name in "ABCDE":
        Person(app, entry, name).arrive()
    stranger = Person(app, entry, "F")
    stranger.tell({**stranger.open(), "ticket": ""})
    fold_waiting(now())
    page = stranger.client.get(f"/entries/{entry.id}/spread", headers={"User-Agent": stranger.agent})
    assert DAILY_VISITOR in page.text and MIN_DWELL_MS == 1000
    assert "seven days" in page.text and timedelta(seconds=COOKIE_AGE) == timedelta(days=7)
    assert "Sent without having opened the page" in page.text
