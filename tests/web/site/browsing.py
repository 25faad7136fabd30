"""What the tests of the browsing pages share: an open contest of today, figures, a person's browser."""

import re
from datetime import timedelta

from sqlalchemy import update

from quilt.arrivals.models import EntrySpread
from quilt.contests.models import Phase
from quilt.database import db
from quilt.votes.models import EntryTally
from quilt.web.clock import now
from tests.factories import make_contest
from tests.sessions import start_sessions

PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def make_open_contest(slug="open", days=(-5, 5), **values):
    """A contest in which one may vote today, or from and to these days."""
    moment = now()
    return make_contest(
        slug, opens=moment + timedelta(days=days[0]), closes=moment + timedelta(days=days[1]), **values
    )


def hide_counts(contest):
    db.session.execute(update(Phase).where(Phase.contest_id == contest.id).values(shows_counts=False))
    db.session.commit()


def set_figures(entry, votes=0, reach=0, chain=0):
    """Votes and spread as the counters would hold them."""
    db.session.execute(update(EntryTally).where(EntryTally.entry_id == entry.id).values(standing=votes))
    spread = db.session.get(EntrySpread, entry.id) or EntrySpread(entry_id=entry.id)
    spread.size, spread.max_depth = reach + 1, chain
    db.session.add(spread)
    db.session.commit()


def open_page(client, path, **headers):
    return client.get(path, headers={**PERSON, **headers})


def titles_of(page):
    """The titles of the cards of a gallery page, in order."""
    return re.findall(r'class="patch-title"><a href="[^"]+">([^<]+)</a>', page.text)


def next_path(page):
    """Where the link to the next page leads, or None."""
    found = re.search(r'href="([^"]+)" rel="next"', page.text)
    return found[1].replace("&amp;", "&") if found else None


def sign_in(client, user):
    with client.session_transaction() as session:
        session.update(start_sessions([user.id])[user.id])


def post(client, path, **fields):
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)[1]
    return client.post(path, data={"csrf_token": token, **fields})
