"""What frames tell of themselves."""

from datetime import date

import pytest

from quilt.database import db, transaction
from quilt.embeds.models import Placement, PlacementDay
from quilt.embeds.seen import MOST_PATHS, Sight, record_sights
from tests.conftest import NOW
from tests.embeds.brands import make_organisation, make_placement
from tests.factories import make_entry, make_user

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
}
DAY = date(2026, 5, 10)


@pytest.fixture
def placement(app):
    return make_placement(make_organisation(make_user()), make_entry())


def tell(client, placement, **told):
    return client.post(
        "/widget/seen",
        json={"code": placement.code, "kind": "seen", "path": "/blog", **told},
        headers=BROWSER,
    )


def list_rows():
    db.session.rollback()
    rows = db.session.query(PlacementDay).order_by(PlacementDay.path).all()
    return [(row.path, row.seen_count, row.plays_count, row.opens_count) for row in rows]


def test_numbers_by_page(client, placement):
    for kind in ("seen", "seen", "play", "open"):
        answer = tell(client, placement, kind=kind)
        assert (answer.status_code, answer.data) == (204, b"") and "Set-Cookie" not in answer.headers
    tell(client, placement, path="/other?who=ana#x")
    tell(client, placement, path=["x"])
    assert list_rows() == [("", 1, 0, 0), ("/blog", 2, 1, 1), ("/other", 1, 0, 0)]


@pytest.mark.parametrize("told", [{"kind": "vote"}, {"kind": None}, {"code": 7}])
def test_nothing_else_can_be_told(client, placement, told):
    assert tell(client, placement, **told).status_code == 400 and list_rows() == []


def test_unknown_codes_robots_and_other_sites_are_not_counted(client, placement):
    assert tell(client, placement, code="Unknown0000").status_code == 204
    assert client.post("/widget/seen", json={"code": placement.code, "kind": "seen"}).status_code == 204
    foreign = client.post(
        "/widget/seen",
        json={"code": placement.code, "kind": "seen"},
        headers={**BROWSER, "Origin": "https://evil.example"},
    )
    assert foreign.status_code == 403
    with transaction() as session:
        session.get(Placement, placement.id).ended_at = NOW
    tell(client, placement)
    assert list_rows() == []


def test_a_day_has_so_many_pages_and_no_more(placement):
    record_sights({Sight(placement.id, DAY, f"/{number}", "seen"): 1 for number in range(MOST_PATHS + 30)})
    record_sights({Sight(placement.id, DAY, "/0", "seen"): 5, Sight(999_999, DAY, "/", "seen"): 1})
    rows = {path: seen for path, seen, _, _ in list_rows()}
    assert len(rows) <= MOST_PATHS + 1 and rows["/0"] == 6 and sum(rows.values()) == MOST_PATHS + 35
