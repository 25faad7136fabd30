"""Where the store of the rate limits is away, votes are taken as before, and the log says what is missing."""

import http.client
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, build_opener

from sqlalchemy import text

from quilt.database import db
from tests.factories import make_contest, make_entry, make_user
from tests.faults.test_writer_kills import vote_until_acknowledged
from tests.live import find_free_port, open_site, sign_cookie


def test_D36_votes_are_taken_while_the_store_of_the_limits_is_away(tmp_path):
    extra = {"QUILT_LIMITS": "on", "QUILT_LIMITS_URL": f"redis://127.0.0.1:{find_free_port()}/0"}
    with open_site(tmp_path / "site", workers=1, extra=extra) as site:
        moment = datetime.now(UTC)
        with site.app.app_context():
            contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
            entry_id, voters = make_entry(contest).id, [make_user().id for _ in range(3)]
            db.session.remove()
        for voter in [*voters, voters[0]]:
            vote_until_acknowledged(site, entry_id, voter, sign_cookie(site.app, voter))
        assert ask_the_api(site) == 200
        assert ask_for_a_code(site) == "/sign-in/code"
        with site.app.app_context():
            assert db.session.execute(text("SELECT count(*) FROM vote")).scalar() == len(voters)
            db.session.remove()
        log = (site.settings.data / "server.log").read_text()
    assert "rate limit" in log.lower(), "the pages' limits say so"
    assert "limits_away" in log, "and the API's"
    assert "Connection refused" in log and "redis" in log


def ask_the_api(site):
    """What an address is answered whose limit is counted in the store."""
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
        connection.request("GET", "/api/v1/contests")
        with connection.getresponse() as response:
            response.read()
            return response.status


def ask_for_a_code(site):
    """Where the form for a sign-in code leads, whose limit is counted in the store as well."""
    kept = HTTPCookieProcessor()
    opener = build_opener(kept)
    with opener.open(f"{site.url}/sign-in", timeout=60) as page:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.read().decode())[1]
    form = urlencode({"csrf_token": token, "email": "ana@example.org"}).encode()
    with opener.open(f"{site.url}/sign-in", form, timeout=60) as answer:
        return urlsplit(answer.url).path
