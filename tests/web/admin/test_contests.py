"""The desk of contests: from nothing to a published contest, and what is refused with what was typed kept."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from quilt.accounts.domains import list_domain_words
from quilt.contests.models import Contest
from quilt.contests.queries import find_contest
from quilt.database import db
from quilt.web.clock import now
from tests.factories import make_contest, make_user
from tests.live import sign_cookie


@pytest.fixture
def desk(app, client):
    """A browser in which an admin is signed in."""
    return sign_in(app, client, "admin")


def sign_in(app, client, role):
    client.set_cookie("quilt_session", sign_cookie(app, make_user(role=role).id).partition("=")[2])
    return client


def send(desk, path, page="", **fields):
    """Fill in the form of a page and send it: what the page has stays, what is given changes."""
    shown = desk.get(page or path).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown)[1]
    count = re.search(r'name="edit_count"[^>]* value="(\d+)"', shown)
    kept = {"edit_count": count[1]} if count else {}
    return desk.post(path, data={"csrf_token": token, **kept, **fields})


def phase(number, name, starts, ends, **switches):
    row = {"name": name, "starts_at": starts, "ends_at": ends, **switches}
    return {f"phases-{number}-{field}": value for field, value in row.items()}


def local(days):
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


BASICS = {"title": "Spring", "slug": "spring", "time_zone": "UTC", "intro": "Hello.", "prize_text": "$10,000"}


def begin(desk):
    made = send(desk, "/admin/contests/new", **BASICS)
    assert made.status_code == 303
    return made.location


def test_a_contest_from_nothing_to_its_page(desk):
    home = begin(desk)
    assert find_contest("spring") is None
    refused = send(desk, f"{home}/publish", home)
    assert refused.status_code == 422 and "No phase lets people vote." in refused.text
    dates = {
        **phase(0, "Films", local(1), local(5), may_submit="y"),
        **phase(1, "Votes", local(5), local(9), may_vote="y", may_comment="y"),
    }
    assert send(desk, f"{home}/dates", **dates).status_code == 303
    assert send(desk, f"{home}/rules", rules_text="Be kind.").status_code == 303
    ballot = {
        "tiers": ["email", "oauth"], "period": "day", "limit_count": "3", "counts": "end", "judges_share": "0",
        "places": "2", "runners_up": "1", "tie_breaks": "draw", "draw_source": "The lottery of the day after.",
    }  # fmt: skip
    assert send(desk, f"{home}/ballot", **ballot).status_code == 303
    assert "up to 3 entries a day" in desk.get(f"{home}/ballot").text
    assert send(desk, f"{home}/publish", home).status_code == 303
    contest = find_contest("spring")
    assert [phase.name for phase in contest.phases] == ["Films", "Votes"]
    assert (contest.policy.limit_count, contest.policy.places) == (3, 2)
    rules = desk.get("/contests/spring/rules").text
    assert "The first 2 places are paid." in rules and "The lottery of the day after." in rules
    listed = desk.get("/admin/contests").text
    assert "Spring" in listed and "Not begun yet" in listed


@pytest.mark.parametrize(
    "field, value, words",
    [
        ("slug", "Spring!", "small letters"),
        ("slug", "x" * 65, "64 at most"),
        ("title", " ", "Give the contest a title."),
        ("title", "x" * 121, "at most 120 characters"),
        ("time_zone", "Mars/Olympus", "no time zone called"),
        ("time_zone", "../../etc/passwd", "no time zone called"),
        ("intro", "x" * 2_001, "these are 2,001"),
    ],
)
def test_basics_that_make_no_contest_are_kept_in_the_form(desk, field, value, words):
    refused = send(desk, "/admin/contests/new", **{**BASICS, field: value})
    assert refused.status_code == 422 and words in refused.text
    assert value in refused.text and "Hello." in refused.text.replace(value, "Hello.")
    assert db.session.query(Contest).count() == 0


def test_everything_that_is_to_mend_is_named_at_once(desk):
    wrong = {"slug": "Spring!", "title": "", "time_zone": "Mars/Olympus"}
    refused = send(desk, "/admin/contests/new", **{**BASICS, **wrong})
    assert refused.status_code == 422
    for words in (
        "small letters, digits and single hyphens",
        "Give the contest a title.",
        "no time zone called",
    ):
        assert words in refused.text
    assert refused.text.count("field-error") == 3


@pytest.mark.parametrize(
    "typed, words",
    [
        ("2027-03-14T02:30", "does not exist in New York on 14 March 2027"),
        ("2027-11-07T01:30", "happens twice in New York on 7 November 2027"),
        ("soon", "Enter a day and a time"),
    ],
)
def test_H11_dates_that_are_no_instant_are_kept_in_the_form(desk, typed, words):
    home = begin(desk)
    assert send(desk, f"{home}/basics", **{**BASICS, "time_zone": "America/New_York"}).status_code == 303
    refused = send(desk, f"{home}/dates", **phase(0, "Votes", typed, "2027-12-01T12:00", may_vote="y"))
    assert refused.status_code == 422 and words in refused.text
    assert f'value="{typed}"' in refused.text and 'value="2027-12-01T12:00"' in refused.text
    assert "may_vote" in refused.text and find_contest("spring") is None


@pytest.mark.parametrize(
    "field, value, words",
    [
        ("limit_count", "many", "whole number"),
        ("limit_count", "0", "between 1 and 1,000"),
        ("judges_share", "101", "between 0 and 100"),
        ("places", "-1", "whole number"),
        ("draw_source", " ", "Name the public value"),
        ("revocable_until", "2027-02-30T12:00", "Enter a day and a time"),
    ],
)
def test_a_policy_that_nobody_could_count_by_is_kept_in_the_form(desk, field, value, words):
    home = begin(desk)
    ballot = {
        "tiers": ["email"], "period": "contest", "limit_count": "", "counts": "live", "judges_share": "0",
        "places": "1", "runners_up": "2", "tie_breaks": "draw", "draw_source": "A lottery.",
    }  # fmt: skip
    refused = send(desk, f"{home}/ballot", **{**ballot, field: value})
    assert refused.status_code == 422 and words in refused.text
    assert value.strip() in refused.text and "Not saved yet" in refused.text


def test_a_form_that_was_overtaken_is_shown_again_and_may_be_sent_once_more(desk):
    home = begin(desk)
    shown = desk.get(f"{home}/rules").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown)[1]
    assert send(desk, f"{home}/rules", rules_text="Theirs.").status_code == 303
    mine = {"csrf_token": token, "edit_count": "0", "rules_text": "Mine."}
    overtaken = desk.post(f"{home}/rules", data=mine)
    assert (
        overtaken.status_code == 409
        and "Somebody else changed" in overtaken.text
        and "Mine." in overtaken.text
    )
    fresh = re.search(r'name="edit_count"[^>]* value="(\d+)"', overtaken.text)[1]
    assert desk.post(f"{home}/rules", data={**mine, "edit_count": fresh}).status_code == 303


def test_a_pause_needs_a_reason_and_what_was_typed_stays(desk):
    contest = make_contest(opens=now() - timedelta(days=1), closes=now() + timedelta(days=1))
    home = f"/admin/contests/{contest.id}"
    assert send(desk, f"{home}/pause", home, reason=" ").status_code == 422
    long = send(desk, f"{home}/pause", home, reason="x" * 281)
    assert long.status_code == 422 and "x" * 281 in long.text
    assert send(desk, f"{home}/pause", home, reason="A flood.").status_code == 303
    assert "A flood." in desk.get(f"/contests/{contest.slug}").text
    assert send(desk, f"{home}/resume", home, reason="It is over.").status_code == 303
    late = send(desk, f"{home}/extend", home, closes_at="2020-01-01T12:00", reason="A storm.")
    assert late.status_code == 422 and "More time only" in late.text and "A storm." in late.text


def test_H02_a_moderator_looks_and_changes_nothing(app, client):
    contest = make_contest(opens=now() - timedelta(days=1), closes=now() + timedelta(days=1))
    desk = sign_in(app, client, "moderator")
    home = f"/admin/contests/{contest.id}"
    page = desk.get(home)
    assert page.status_code == 200 and "Pause it" not in page.text
    token = re.search(r'name="csrf_token" value="([^"]+)"', desk.get("/me").text)[1]
    for act in (
        "publish",
        "hide",
        "pause",
        "resume",
        "extend",
        "clone",
        "basics",
        "dates",
        "ballot",
        "rules",
    ):
        refused = desk.post(f"{home}/{act}", data={"csrf_token": token, "reason": "x"})
        assert refused.status_code == 403 and "You need the admin role" in refused.text
    assert find_contest(contest.slug).notices == ()


def test_words_about_a_mail_domain_with_reason_and_end(desk):
    fields = {"domain": "@Example.ORG", "verdict": "fine", "reason": "A school.", "ends_at": local(3)}
    assert send(desk, "/admin/domains", **fields).status_code == 303
    assert [(name, is_fine) for name, is_fine, _ in list_domain_words(db.session.connection())] == [
        ("example.org", True)
    ]
    page = desk.get("/admin/domains").text
    assert "example.org" in page and "A school." in page
    for wrong in ({"domain": "no domain"}, {"reason": ""}, {"ends_at": "2020-01-01T12:00"}):
        assert send(desk, "/admin/domains", **{**fields, **wrong}).status_code == 422
    word = re.search(r"/admin/domains/(\d+)/end", page)[1]
    assert send(desk, f"/admin/domains/{word}/end", "/admin/domains").status_code == 303
    assert "example.org</b>" not in desk.get("/admin/domains").text
