"""A panel from the first letter to its close."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from quilt.contests.models import ContestChange
from quilt.database import db
from quilt.entries.models import Entry
from quilt.judging.models import Criterion, Judge, Score
from quilt.judging.queries import are_judges_done, list_judged_entries, list_judges, list_named_points
from quilt.judging.rules import JudgingRefused, NotAJudge, NotComplete, PanelSealed
from quilt.judging.service import (
    WantedCriterion,
    declare_conflict,
    end_judge,
    invite_judge,
    remind_judges,
    save_scores,
    seal_panel,
    set_criteria,
    take_conflict_back,
)
from quilt.mail import MailMessage
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user

CLOSED = NOW + timedelta(days=5)  # from this instant on nothing can be entered


class Panel:
    """Two judges, two entries, two criteria."""

    def __init__(self, settings):
        self.contest, self.admin, self.settings = make_contest(), make_user(role="admin"), settings
        self.entries = [make_entry(self.contest, title=title).id for title in ("Bus", "River")]
        self.judges = [make_user("ada@example.org", "Ada"), make_user("ben@example.org", "Ben")]
        wanted = [WantedCriterion("Story", 60), WantedCriterion("Film", 40, "Sound and light")]
        set_criteria(self.contest.id, wanted, actor_id=self.admin.id, now=NOW)
        for judge in self.judges:
            self.invite(judge)
        db.session.rollback()
        self.criteria = list(db.session.scalars(select(Criterion.id).order_by(Criterion.position)))

    def invite(self, judge):
        invite_judge(self.contest.id, judge.id, actor_id=self.admin.id, settings=self.settings, now=NOW)

    def score(self, judge, entry, *points):
        given = dict(zip(self.criteria, points, strict=False))
        save_scores(self.judges[judge].id, self.entries[entry], given, now=NOW)
        db.session.rollback()

    def score_all(self):
        for judge in (0, 1):
            for entry in (0, 1):
                self.score(judge, entry, 5 + judge, 7 + entry)

    def seal(self, at=CLOSED):
        points = seal_panel(self.contest.id, actor_id=self.admin.id, now=at)
        db.session.rollback()
        return points


@pytest.fixture
def panel(app, settings):
    return Panel(settings)


def letters(kind):
    db.session.rollback()
    return list(db.session.scalars(select(MailMessage.recipient).where(MailMessage.kind == kind)))


def test_who_is_asked_gets_one_letter(panel):
    assert sorted(letters("judge_invited")) == ["ada@example.org", "ben@example.org"]
    with pytest.raises(JudgingRefused, match="already"):
        panel.invite(panel.judges[0])
    assert len(letters("judge_invited")) == 2


def test_a_judge_sees_only_their_own_scores(panel):
    panel.score(0, 0, 9, 8)
    mine, others = (list_judged_entries(panel.contest.id, judge.id)[0] for judge in panel.judges)
    assert mine.scores == dict(zip(panel.criteria, (9, 8), strict=True)) and mine.is_done
    assert others.scores == {} and not others.is_done
    assert [(line.name, line.missing) for line in list_judges(panel.contest.id)] == [("Ada", 1), ("Ben", 2)]


def test_the_panel_closes_when_all_are_in_and_then_stands(panel):
    panel.score(0, 0, 9, 8)
    with pytest.raises(NotComplete):
        panel.seal()
    panel.score_all()
    # (0.6 · 5.5 + 0.4 · 7) and (0.6 · 5.5 + 0.4 · 8) of 10
    assert panel.seal() == dict(zip(panel.entries, (6_100, 6_500), strict=True))
    assert list_points(panel) == [("River", 6_500), ("Bus", 6_100)]
    with pytest.raises(PanelSealed):
        panel.score(0, 0, 10, 10)
    with pytest.raises(PanelSealed):
        panel.seal()
    public = db.session.scalars(select(ContestChange.kind).where(ContestChange.is_public)).all()
    assert "panel closed" in public
    words = db.session.scalar(select(ContestChange.words).where(ContestChange.kind == "panel closed"))
    assert words == "Scores of 2 judges for 2 entries."


def test_the_panel_stays_open_while_anything_can_still_be_entered_or_waits(panel):
    panel.score_all()
    with pytest.raises(NotComplete, match=r"taken until 15 May 2026, 08:00 \(New York\)"):
        panel.seal(CLOSED - timedelta(milliseconds=1))
    waiting = make_entry(panel.contest, title="Sent in", state="submitted").id
    with pytest.raises(NotComplete, match="1 entry waits for a moderator"):
        panel.seal()
    set_state(waiting, "withdrawn")
    assert panel.seal().keys() == set(panel.entries)


def test_an_entry_that_is_restored_after_the_close_is_judged_by_itself(panel):
    away = make_entry(panel.contest, title="Book", state="removed").id
    panel.score_all()
    points = panel.seal()
    assert are_judges_done(panel.contest.id)
    set_state(away, "published")
    assert not are_judges_done(panel.contest.id), "it has no points"
    with pytest.raises(NotComplete, match="2 entries of one judge or another"):
        panel.seal()
    panel.entries.append(away)
    for judge in (0, 1):
        panel.score(judge, 2, 3, 3)
    with pytest.raises(PanelSealed):
        panel.score(0, 0, 10, 10)
    assert panel.seal() == {away: 3_000}
    assert list_points(panel) == [("River", 6_500), ("Bus", 6_100), ("Book", 3_000)]
    set_state(away, "removed")
    assert list_points(panel) == [("River", 6_500), ("Bus", 6_100)], (
        "what is out of the contest is named nowhere"
    )
    assert are_judges_done(panel.contest.id) and points.keys() == set(panel.entries[:2])
    with pytest.raises(PanelSealed):
        panel.seal()


def list_points(panel):
    return [(title, points) for _, title, _, points in list_named_points(panel.contest.id)]


def set_state(entry_id, state):
    db.session.execute(update(Entry).where(Entry.id == entry_id).values(state=state))
    db.session.commit()


def test_a_conflict_takes_the_scores_away_and_can_be_taken_back(panel):
    panel.score_all()
    declare_conflict(panel.judges[0].id, panel.entries[0], "My sister made it.", now=NOW)
    db.session.rollback()
    with pytest.raises(JudgingRefused, match="too near"):
        panel.score(0, 0, 1, 1)
    assert db.session.scalar(select(func.count()).select_from(Score)) == 6
    take_conflict_back(panel.judges[0].id, panel.entries[0])
    with pytest.raises(NotComplete):
        panel.seal()


def test_without_a_conflicted_judge_the_others_decide(panel):
    panel.score_all()
    declare_conflict(panel.judges[0].id, panel.entries[0], "My sister made it.", now=NOW)
    assert panel.seal()[panel.entries[0]] == 6_400  # 0.6 · 6 + 0.4 · 7


def test_the_scores_of_a_judge_who_left_count_no_more(panel):
    panel.score_all()
    end_judge(panel.contest.id, panel.judges[1].id, actor_id=panel.admin.id, now=NOW)
    db.session.rollback()
    with pytest.raises(NotAJudge):
        panel.score(1, 0, 1, 1)
    assert panel.seal()[panel.entries[0]] == 5_800
    assert db.session.scalar(select(func.count()).select_from(Judge)) == 2


def test_criteria_stay_once_there_are_scores(panel):
    panel.score(0, 0, 9)
    with pytest.raises(JudgingRefused, match="scores already"):
        set_criteria(panel.contest.id, [WantedCriterion("Other", 1)], actor_id=panel.admin.id, now=NOW)


@pytest.mark.parametrize(
    "wanted",
    [[], [("", 1)], [("Story", 0)], [("Story", 101)], [("Story", 1), (" story ", 1)], [("x" * 61, 1)]],
)
def test_such_criteria_are_refused(panel, wanted):
    with pytest.raises(JudgingRefused):
        set_criteria(
            panel.contest.id, [WantedCriterion(*one) for one in wanted], actor_id=panel.admin.id, now=NOW
        )


@pytest.mark.parametrize("points", [{0: 5}, {1: 11}, {1: -1}])
def test_such_points_are_refused(panel, points):
    given = {panel.criteria[0] if which else 999_999: value for which, value in points.items()}
    with pytest.raises(JudgingRefused):
        save_scores(panel.judges[0].id, panel.entries[0], given, now=NOW)


def test_nobody_else_judges(panel):
    with pytest.raises(NotAJudge):
        save_scores(make_user().id, panel.entries[0], {panel.criteria[0]: 5}, now=NOW)
    with pytest.raises(JudgingRefused):
        save_scores(panel.judges[0].id, make_entry().id, {panel.criteria[0]: 5}, now=NOW)


def test_whoever_owes_scores_is_reminded_once_a_day(panel):
    for entry in (0, 1):
        panel.score(0, entry, 5, 5)
    assert remind_judges(panel.contest.id, panel.settings, NOW) == 1
    assert remind_judges(panel.contest.id, panel.settings, NOW + timedelta(hours=19)) == 0
    assert remind_judges(panel.contest.id, panel.settings, NOW + timedelta(hours=21)) == 1
    assert letters("judge_reminded") == ["ben@example.org"] * 2


def test_what_is_out_of_the_running_is_not_judged(panel):
    away = make_entry(panel.contest, title="Gone", state="withdrawn")
    shown = make_entry(panel.contest, title="Shown", is_eligible=False)
    ids = [entry.id for entry in list_judged_entries(panel.contest.id, panel.judges[0].id)]
    assert away.id not in ids and shown.id not in ids


def test_H13_who_has_an_entry_is_asked_to_judge_nothing_of_that_contest(panel):
    entrant = make_user("cleo@gmail.com")
    make_entry(panel.contest, entrant, state="draft")
    panel.invite(entrant)  # nothing is sent in yet
    end_judge(panel.contest.id, entrant.id, actor_id=panel.admin.id, now=NOW)
    make_entry(panel.contest, make_user("c.leo@googlemail.com"))
    with pytest.raises(JudgingRefused, match="has an entry"):
        panel.invite(entrant)


def test_H13_a_judge_who_enters_later_does_not_judge_their_own_entry(panel):
    own = make_entry(panel.contest, panel.judges[0], title="Own").id
    with pytest.raises(JudgingRefused, match="your own"):
        save_scores(panel.judges[0].id, own, {panel.criteria[0]: 10}, now=NOW)
    db.session.rollback()
    shown = {entry.id: entry for entry in list_judged_entries(panel.contest.id, panel.judges[0].id)}
    assert (shown[own].is_own, shown[own].is_done, shown[panel.entries[0]].is_own) == (True, True, False)
    panel.entries.append(own)
    panel.score_all()
    panel.score(1, 2, 4, 4)
    assert panel.seal()[own] == 4_000, "by the other judge alone"
