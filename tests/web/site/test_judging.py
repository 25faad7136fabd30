"""A judge's own pages: points that are kept, and points that are none."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.config import Settings
from quilt.database import db
from quilt.judging.models import Conflict, Criterion, Score
from quilt.judging.service import WantedCriterion, invite_judge, seal_panel, set_criteria
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user
from tests.web.site.browsing import post, sign_in


class Panel:
    """One judge, who is signed in, with two entries and two criteria."""

    def __init__(self, client, settings: Settings):
        self.client, self.admin, self.judge = client, make_user(role="admin"), make_user("ada@example.org")
        self.contest = make_contest()
        self.entries = [make_entry(self.contest, title=title).id for title in ("Bus", "River")]
        wanted = [
            WantedCriterion("Story", 60, "Does it hold you?"),
            WantedCriterion("Film", 40, "Sound and light"),
        ]
        set_criteria(self.contest.id, wanted, actor_id=self.admin.id, now=NOW)
        invite_judge(
            self.contest.id, self.judge.id, actor_id=self.admin.id, settings=settings, now=NOW
        )  # fmt: skip
        db.session.rollback()
        self.criteria = list(db.session.scalars(select(Criterion.id).order_by(Criterion.position)))
        sign_in(client, self.judge)

    def path(self, entry=0):
        return f"/judge/{self.contest.id}/entries/{self.entries[entry]}"

    def give(self, *points, entry=0):
        fields = {f"points-{number}": text for number, text in zip(self.criteria, points, strict=True)}
        return post(self.client, self.path(entry), **fields)

    def kept(self):
        db.session.rollback()
        return {
            (row.entry_id, row.criterion_id): row.points for row in db.session.scalars(select(Score)).all()
        }


@pytest.fixture
def panel(client, settings):
    return Panel(client, settings)


def test_points_are_kept_and_the_next_entry_comes(panel):
    answer = panel.give("7", " 10 ")
    assert (answer.status_code, answer.location) == (303, panel.path(1))
    assert panel.kept() == {
        (panel.entries[0], panel.criteria[0]): 7,
        (panel.entries[0], panel.criteria[1]): 10,
    }
    page = panel.client.get(panel.path()).text
    assert 'value="7"' in page and 'value="10"' in page
    assert "Does it hold you? 0 to 10;" in page and "Sound and light. 0 to 10;" in page
    assert panel.give("0", "1", entry=1).location == f"/judge/{panel.contest.id}"
    assert len(panel.kept()) == 4


def test_what_is_left_empty_stays_open(panel):
    panel.give("7", "")
    assert list(panel.kept().values()) == [7]
    panel.give("", "4")
    assert list(panel.kept().values()) == [7, 4], "what was given before stays"


@pytest.mark.parametrize("text", ["11", "-1", "7.5", "seven", "٧", "1000", "<b>"])
def test_points_that_are_none_keep_what_was_typed_and_nothing_else(panel, text):
    answer = panel.give("9", text)
    assert answer.status_code == 422 and "Nothing was saved." in answer.text
    assert 'value="9"' in answer.text
    assert f'value="{text.replace("<b>", "&lt;b&gt;")}"' in answer.text
    assert panel.kept() == {}


def test_an_entry_that_stands_too_near_takes_no_points(panel):
    assert post(panel.client, f"{panel.path()}/conflict", words="").status_code == 422
    assert post(panel.client, f"{panel.path()}/conflict", words="My sister made it.").status_code == 303
    assert panel.give("1", "1").status_code == 422 and panel.kept() == {}
    post(panel.client, f"{panel.path()}/conflict", action="back")
    assert db.session.scalars(select(Conflict)).all() == []
    assert panel.give("1", "1").status_code == 303


def test_nothing_changes_once_the_panel_is_closed(panel):
    panel.give("7", "8")
    panel.give("5", "6", entry=1)
    seal_panel(panel.contest.id, actor_id=panel.admin.id, now=NOW + timedelta(days=5))
    db.session.rollback()
    answer = panel.give("1", "1")
    assert answer.status_code == 422 and sorted(panel.kept().values()) == [5, 6, 7, 8]


def test_only_its_judges_see_a_contest(panel, app):
    stranger = app.test_client()
    sign_in(stranger, make_user())
    assert [stranger.get(path).status_code for path in (f"/judge/{panel.contest.id}", panel.path())] == [
        404,
        404,
    ]
    assert post(stranger, panel.path(), **{f"points-{panel.criteria[0]}": "1"}).status_code == 404
    elsewhere = make_entry(make_contest()).id
    assert panel.client.get(f"/judge/{panel.contest.id}/entries/{elsewhere}").status_code == 404
