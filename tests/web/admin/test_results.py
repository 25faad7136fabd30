"""The way to a result at the desk, and what everybody reads then: the panel's close, the gate, places with scores."""

import pytest
from sqlalchemy import select

from quilt.database import db
from quilt.judging.models import Criterion, SealedPanel
from quilt.judging.service import WantedCriterion, invite_judge, save_scores, set_criteria
from quilt.results.asking import answer_gate
from quilt.results.service import propose_result, take_in_points
from tests.factories import make_user
from tests.results.test_service import CLOSED, Contest
from tests.votes.ledgers import get_key
from tests.web.site.browsing import open_page, post, sign_in


@pytest.fixture
def admin(client):
    admin = make_user("ada@example.org", "Ada", "admin")
    sign_in(client, admin)
    return admin


@pytest.fixture
def contest(app, settings):
    """Two stories with as many votes; the judges make up 40 percent."""
    made = Contest(settings, judges_share=40)
    made.vote(2, 2, 0)
    made.close()
    return made


def ask_judge(contest, settings):
    judge = make_user("judge@example.org")
    set_criteria(contest.id, [WantedCriterion("All", 1)], actor_id=contest.first.id, now=CLOSED)
    invite_judge(contest.id, judge.id, actor_id=contest.first.id, settings=settings, now=CLOSED)
    db.session.rollback()
    return judge


def judge_all(contest, judge):
    criterion = db.session.scalar(select(Criterion.id))
    for entry, points in zip(contest.entries, (1, 10, 5), strict=True):
        save_scores(judge.id, entry, {criterion: points}, now=CLOSED)
    db.session.rollback()


def test_the_panel_is_closed_when_all_is_in_and_by_whoever_is_sure(client, admin, contest, settings):
    path = f"/admin/contests/{contest.id}/panel"
    assert "There are no criteria yet" in client.get(path).text
    judge = ask_judge(contest, settings)
    page = client.get(path).text
    assert "3 entries of one judge or another are still open." in page and f"{path}/close" not in page
    judge_all(contest, judge)
    assert f"{path}/close" in client.get(path).text
    unsure = post(client, f"{path}/close")
    assert unsure.status_code == 422 and "open as before" in unsure.text
    assert db.session.get(SealedPanel, contest.id) is None
    assert post(client, f"{path}/close", sure="1").status_code == 303
    assert db.session.get(SealedPanel, contest.id) is not None


def test_the_result_shows_the_scores_behind_its_places(client, admin, contest, settings):
    path = f"/admin/contests/{contest.id}"
    judge_all(contest, ask_judge(contest, settings))
    slug = contest.contest.slug
    standings = f"/contests/{slug}?view=standings"
    for page in (open_page(client, "/").text, open_page(client, standings).text):
        assert "The public’s votes are in" in page and "judges make up 40 % of the result" in page.replace(
            "J", "j"
        )
        assert "place-1" not in page, "no gold before there is a result"
    post(client, f"{path}/panel/close", sure="1")
    notice = f'href="/contests/{slug}/results#points"'
    assert notice in open_page(client, standings).text
    points = open_page(client, f"/contests/{slug}/results").text.split('id="points"')[1]
    assert [points.index(title) for title in ("River", "Book", "Bus")] == sorted(
        points.index(title) for title in ("River", "Book", "Bus")
    )
    asked = post(client, f"{path}/result/gate", action="try")
    assert answer_gate(contest.id, contest.settings, lambda: CLOSED)
    tried = client.get(asked.headers["Location"]).text
    assert "Nothing is needed for it yet" in tried and "give the public value" not in tried
    take_in_points(contest.id, get_key(settings), CLOSED)
    db.session.rollback()
    contest.propose()
    contest.approve()
    home = open_page(client, "/").text
    winners = home[home.index("The result is published") : home.index("See the result")]
    assert (
        winners.index("River")
        < winners.index("100.00 of 100")
        < winners.index("Bus")
        < winners.index("64.00")
    )
    assert winners.count("place-1") == 1 and "runner-up" in winners and "Appeals are open until" in winners
    page = client.get(f"/contests/{slug}/results").text
    # 60 · 2/2 + 40 · 10/10 and 60 · 2/2 + 40 · 1/10
    assert "<b>100.00</b>" in page and "<b>64.00</b>" in page and "10.000" in page
    standings = client.get(f"/contests/{slug}?view=standings").text
    assert "The result is published" in standings and "judges make up 40 %" in standings


def test_who_proposed_a_result_reads_who_may_approve_it(client, admin, contest, settings):
    judge_all(contest, ask_judge(contest, settings))
    post(client, f"/admin/contests/{contest.id}/panel/close", sure="1")
    take_in_points(contest.id, get_key(settings), CLOSED)
    db.session.rollback()
    propose_result(contest.id, "", settings=contest.settings, actor_id=admin.id, now=CLOSED)
    page = client.get(f"/admin/contests/{contest.id}/result").text
    assert "Another admin has to look at it" in page and "on this page: Ana, Ana." in page
