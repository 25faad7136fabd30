"""What can be done to a contest, and what not, once people rely on it."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from quilt.contests.changes import list_changes
from quilt.contests.dates import extend_voting, pause_contest, resume_contest, set_phases
from quilt.contests.desk import find_desk_contest, list_desk_contests, list_rules
from quilt.contests.freezing import freeze_contest, freeze_due
from quilt.contests.models import BallotPolicy, Contest, ContestChange
from quilt.contests.policy_text import build_policy_json
from quilt.contests.preflight import list_blocks
from quilt.contests.queries import PhaseFacts, PolicyFacts, find_contest
from quilt.contests.refusals import EditedMeanwhile, Frozen, InvalidContest
from quilt.contests.service import (
    change_policy,
    clone_contest,
    create_contest,
    edit_basics,
    hide_contest,
    publish_contest,
    write_rules,
)
from quilt.database import db
from quilt.ledger.terms import read_terms
from quilt.web.clock import now as host_clock
from tests.conftest import NOW
from tests.factories import make_user

DAY = timedelta(days=1)
BEFORE = NOW - 3 * DAY
TEXTS = {"title": "Spring", "intro": "Hello.", "prize_text": "$10,000", "prize_from": "The fund"}


def phase(start, end, name="Voting", may_submit=False, may_vote=True):
    return PhaseFacts(name, NOW + start * DAY, NOW + end * DAY, may_submit, may_vote, True, True)


PHASES = (phase(-2, 0, "Films", True, False), phase(0, 4), phase(5, 6, "Results", False, False))


def make(actor=None, **values):
    """A contest that enters two days before NOW and votes for four days from NOW on."""
    actor = actor or make_user(role="admin")
    fields = {
        "slug": "spring", "time_zone": "America/New_York", "phases": PHASES, "policy": PolicyFacts(),
        "rules_text": "Be kind.", "actor_id": actor.id, "now": BEFORE, "entropy": bytes, **TEXTS, **values,
    }  # fmt: skip
    return create_contest(**fields), actor.id


def get(contest_id):
    db.session.rollback()
    return find_desk_contest(contest_id)


def test_who_has_no_name_stands_in_the_log_by_their_address(app):
    contest_id, _ = make(make_user(role="admin", name="", email="desk@example.org"))
    assert [line.actor_name for line in list_changes(contest_id)] == ["desk@example.org"]


def test_what_is_changed_before_the_vote_stands_in_the_log_with_its_author(app):
    contest_id, actor = make()
    change_policy(
        contest_id, PolicyFacts(period="day", limit_count=3), edit_count=0, actor_id=actor, now=BEFORE
    )
    assert write_rules(contest_id, "Be kinder.", edit_count=1, actor_id=actor, now=BEFORE) == 2
    assert write_rules(contest_id, "Be kinder.\n", edit_count=2, actor_id=actor, now=BEFORE) == 2  # the same
    texts = {**TEXTS, "title": "Summer"}
    edit_basics(
        contest_id,
        slug="summer",
        time_zone="Europe/Paris",
        texts=texts,
        edit_count=2,
        actor_id=actor,
        now=BEFORE,
    )
    contest = find_contest("summer")
    assert (contest.title, contest.policy.limit_count, contest.rules_version) == ("Summer", 3, 2)
    lines = list_changes(contest_id)
    assert [line.kind for line in lines] == ["edited", "rules", "policy", "created"]
    assert ("limit_count", "None", "3") in lines[2].fields and lines[0].actor_name == "Ana"
    assert [(row.version, row.text) for row in list_rules(contest_id)] == [(2, "Be kinder."), (1, "Be kind.")]
    assert [notice.kind for notice in contest.notices] == ["rules"]


def test_a_form_that_was_overtaken_changes_nothing(app):
    contest_id, actor = make()
    write_rules(contest_id, "First.", edit_count=0, actor_id=actor, now=BEFORE)
    for change in (
        lambda: write_rules(contest_id, "Second.", edit_count=0, actor_id=actor, now=BEFORE),
        lambda: change_policy(contest_id, PolicyFacts(places=2), edit_count=0, actor_id=actor, now=BEFORE),
        lambda: set_phases(contest_id, PHASES[:2], reason="x", edit_count=0, actor_id=actor, now=BEFORE),
    ):
        with pytest.raises(EditedMeanwhile):
            change()
    assert get(contest_id).rules_text == "First."


def test_when_voting_opens_policy_and_rules_are_fixed(app):
    contest_id, _ = make()
    assert freeze_due(NOW - timedelta(microseconds=1)) == 0
    assert (freeze_due(NOW), freeze_due(NOW)) == (1, 0)
    contest = get(contest_id)
    assert contest.frozen_at == NOW and contest.policy_json == freeze_contest(contest_id, NOW + DAY)
    terms = read_terms(contest.policy_json)
    assert (terms.contest, terms.tiers, terms.strong_tiers) == ("spring", ("email", "oauth"), ("oauth",))
    assert list_changes(contest_id)[0].kind == "frozen"


@pytest.mark.parametrize("is_late", [True, False], ids=["after the freeze", "before the worker came"])
def test_what_voters_were_told_cannot_be_changed_any_more(app, is_late):
    contest_id, actor = make()
    if is_late:
        freeze_due(NOW)
    edit_count = get(contest_id).edit_count
    told = {"edit_count": edit_count, "actor_id": actor, "now": NOW}
    for change in (
        lambda: change_policy(contest_id, PolicyFacts(limit_count=9), **told),
        lambda: write_rules(contest_id, "Other rules.", **told),
        lambda: set_phases(contest_id, PHASES[:2], reason="x", **told),
        lambda: edit_basics(contest_id, slug="other", time_zone="America/New_York", texts=TEXTS, **told),
        lambda: edit_basics(contest_id, slug="spring", time_zone="UTC", texts=TEXTS, **told),
        lambda: hide_contest(contest_id, actor_id=actor, now=NOW),
    ):
        with pytest.raises(Frozen):
            change()
    contest = get(contest_id)
    assert (contest.slug, contest.rules_text, contest.policy.limit_count) == ("spring", "Be kind.", None)
    edit_basics(
        contest_id,
        slug="spring",
        time_zone="America/New_York",
        texts={**TEXTS, "intro": "A slip mended."},
        **told,
    )
    assert get(contest_id).intro == "A slip mended."


FROZEN_COLUMNS = {
    "slug": "other", "time_zone": "UTC", "rules_text": "Other.", "rules_version": 9, "policy_json": b"{}", "frozen_at": None,
    "voter_salt": b"another",
}  # fmt: skip


@pytest.mark.parametrize("column", FROZEN_COLUMNS)
def test_the_database_itself_refuses_to_change_a_frozen_contest(app, column):
    contest_id, _ = make()
    change = update(Contest).where(Contest.id == contest_id)
    with db.engine.connect() as connection:
        connection.execute(change.values({column: FROZEN_COLUMNS[column]}))
        connection.rollback()
    with db.engine.begin() as connection:
        connection.execute(change.values(frozen_at=NOW))
    with pytest.raises(DBAPIError), db.engine.begin() as connection:
        connection.execute(change.values({column: FROZEN_COLUMNS[column]}))
    with db.engine.begin() as connection:
        connection.execute(change.values(title="Still free", version=7))


def test_the_database_itself_refuses_to_change_a_frozen_policy_or_the_log(app):
    contest_id, _ = make()
    statements = [
        update(BallotPolicy).values(limit_count=5),
        text("DELETE FROM ballot_policy"),
        text("UPDATE contest_change SET words = 'x'"),
        text("DELETE FROM contest_rules"),
    ]
    with db.engine.begin() as connection:
        connection.execute(statements[0])
    freeze_contest(contest_id, NOW)
    for statement in statements:
        with pytest.raises(DBAPIError), db.engine.begin() as connection:
            connection.execute(statement)
    assert get(contest_id).policy.limit_count == 5


def test_the_bytes_of_the_policy_are_those_of_its_settings(app):
    contest_id, _ = make(policy=PolicyFacts(period="week", limit_count=2, judges_share=30, counts="end"))
    contest, facts = get(contest_id), find_contest("spring")
    assert build_policy_json(contest) == build_policy_json(facts)
    assert b'"judges_share": 30' in build_policy_json(contest) and b'"period": "week"' in build_policy_json(
        contest
    )
    assert [phase.shows_counts for phase in contest.phases] == [False, False, True]


def test_a_pause_is_public_and_begins_when_it_says(app):
    contest_id, actor = make()
    at = pause_contest(contest_id, " A flood. ", actor_id=actor, now=NOW)
    facts = find_contest("spring")
    assert at > NOW and [(n.kind, n.words, n.at) for n in facts.notices] == [("paused", "A flood.", at)]
    assert [phase.paused_at for phase in facts.phases] == [None, at, at]  # what is over is left alone
    with pytest.raises(InvalidContest, match="already"):
        pause_contest(contest_id, "Again.", actor_id=actor, now=NOW)
    on = resume_contest(contest_id, "It is clear.", actor_id=actor, now=NOW + DAY)
    assert [phase.resumed_at for phase in find_contest("spring").phases] == [None, on, on]
    with pytest.raises(InvalidContest, match="not paused"):
        resume_contest(contest_id, "Again.", actor_id=actor, now=NOW + DAY)


@pytest.mark.parametrize("reason", ["", " ", "x" * 281])
def test_a_pause_needs_a_reason_that_people_can_read(app, reason):
    contest_id, actor = make()
    with pytest.raises(InvalidContest) as refusal:
        pause_contest(contest_id, reason, actor_id=actor, now=NOW)
    assert refusal.value.field == "reason" and find_contest("spring").notices == ()


def test_more_time_moves_the_end_of_the_vote_and_what_follows(app):
    contest_id, actor = make()
    extend_voting(contest_id, NOW + 5.5 * DAY, "A storm.", actor_id=actor, now=NOW + DAY)
    phases = find_contest("spring").phases
    assert [(p.starts_at - NOW, p.ends_at - NOW) for p in phases[1:]] == [
        (0 * DAY, 5.5 * DAY),
        (5.5 * DAY, 6 * DAY),
    ]
    line = list_changes(contest_id)[0]
    assert (line.kind, line.words, line.is_public) == ("extended", "A storm.", True)


@pytest.mark.parametrize(
    "days, moment, words",
    [
        (4, 1, "More time only"),  # H11: no change, earlier, in the past
        (3, 1, "More time only"),
        (-1, 1, "More time only"),
        (36, 1, "At most 31 days"),
        (369, 1, "At most 31 days"),
        (6, 1, "no time for “Results”"),
        (5, 4, "Voting is over"),
    ],
)
def test_H11_an_end_of_the_vote_that_cannot_be(app, days, moment, words):
    contest_id, actor = make()
    with pytest.raises(InvalidContest, match=words):
        extend_voting(contest_id, NOW + days * DAY, "A storm.", actor_id=actor, now=NOW + moment * DAY)
    assert find_contest("spring").phases[1].ends_at == NOW + 4 * DAY


def test_nothing_is_extended_in_the_last_seconds_for_not_every_process_would_know(app):
    contest_id, actor = make()
    late = NOW + 4 * DAY - timedelta(seconds=3)
    with pytest.raises(InvalidContest, match="over"):
        extend_voting(contest_id, NOW + 5 * DAY, "A storm.", actor_id=actor, now=late)


@pytest.mark.parametrize(
    "phases, words",
    [
        ((phase(-1, 0, "Films", True, False), phase(0, 4)), "“Films” has begun"),
        ((phase(-2, -1.5, "Films", True, False), phase(0, 4)), "would end in the past"),
        ((phase(-2, 0, "Films", True, False), phase(-1.2, 4)), "overlap"),
        ((phase(-2, 0, "Films", True, False), phase(1, 380)), "more than a year"),
    ],
)
def test_dates_that_people_rely_on_do_not_move_under_them(app, phases, words):
    contest_id, actor = make()
    with pytest.raises(InvalidContest, match=words):
        set_phases(contest_id, phases, reason="x", edit_count=0, actor_id=actor, now=NOW - DAY)
    assert len(find_contest("spring").phases) == 3


def test_dates_may_move_before_the_vote_and_everybody_reads_why(app):
    contest_id, actor = make()
    later = (PHASES[0], phase(1, 4))
    with pytest.raises(InvalidContest) as refusal:
        set_phases(contest_id, later, reason="", edit_count=0, actor_id=actor, now=NOW - DAY)
    assert refusal.value.field == "reason"
    set_phases(contest_id, later, reason="The mail was late.", edit_count=0, actor_id=actor, now=NOW - DAY)
    facts = find_contest("spring")
    assert facts.phases == later and [n.words for n in facts.notices] == ["The mail was late."]


def test_a_pause_goes_on_where_dates_move_until_somebody_ends_it(app):
    contest_id, actor = make()
    at = pause_contest(contest_id, "A flood.", actor_id=actor, now=NOW - DAY)
    later = (PHASES[0], phase(1, 4))
    set_phases(contest_id, later, reason="The flood.", edit_count=1, actor_id=actor, now=NOW - DAY)
    phases = find_contest("spring").phases
    assert [(p.ends_at - NOW, p.paused_at, p.resumed_at, p.pause_reason) for p in phases] == [
        (0 * DAY, at, None, "A flood."),
        (4 * DAY, at, None, "A flood."),
    ]
    on = resume_contest(contest_id, "It is clear.", actor_id=actor, now=NOW - 0.5 * DAY)
    assert [p.resumed_at for p in find_contest("spring").phases] == [on, on]
    later = (PHASES[0], phase(2, 4))
    set_phases(contest_id, later, reason="Mail.", edit_count=3, actor_id=actor, now=NOW - 0.4 * DAY)
    assert find_contest("spring").phases == later, "the pause was over"


def test_only_a_whole_contest_is_published(app):
    contest_id, actor = make(phases=(), is_published=False, rules_text="")
    with pytest.raises(InvalidContest) as refusal:
        publish_contest(contest_id, actor_id=actor, now=NOW)
    assert (
        "No phase lets people vote." in refusal.value.message and "Write the rules" in refusal.value.message
    )
    assert find_contest("spring") is None
    write_rules(contest_id, "Be kind.", edit_count=0, actor_id=actor, now=NOW)
    set_phases(contest_id, (phase(1, 2, "All", True),), reason="", edit_count=1, actor_id=actor, now=NOW)
    assert list_blocks(get(contest_id), NOW) == []
    publish_contest(contest_id, actor_id=actor, now=NOW)
    assert find_contest("spring") is not None
    assert [line.state for line in list_desk_contests(NOW)] == ["upcoming"]
    hide_contest(contest_id, actor_id=actor, now=NOW)
    assert find_contest("spring") is None and list_desk_contests(NOW)[0].state == "draft"


def test_a_clone_keeps_the_settings_and_the_hour_on_the_contest_s_clocks(app):
    contest_id, actor = make(
        phases=(phase(-70, -66, "Late winter"),),
        policy=PolicyFacts(limit_count=2, revocable_until=NOW - 67 * DAY),
    )
    fresh = clone_contest(contest_id, slug="again", title="Again", actor_id=actor, now=NOW, entropy=bytes)
    source, clone = get(contest_id), get(fresh)
    assert (clone.is_published, clone.rules_text, clone.policy.limit_count) == (False, "Be kind.", 2)
    moved = clone.phases[0].starts_at - source.phases[0].starts_at
    assert moved == 77 * DAY - timedelta(hours=1)  # eleven weeks, over a change of clocks
    assert clone.phases[0].starts_at >= NOW + 7 * DAY - timedelta(hours=1)
    with pytest.raises(InvalidContest) as refusal:
        clone_contest(contest_id, slug="again", title="Again", actor_id=actor, now=NOW, entropy=bytes)
    assert refusal.value.field == "slug"
    assert db.session.query(ContestChange).filter_by(contest_id=fresh).count() == 1
    assert host_clock() > NOW
