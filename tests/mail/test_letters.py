"""Every letter says what it must, in text and in HTML, whatever people put into it."""

import re
from html.parser import HTMLParser

import jinja2
import pytest

from quilt.config import ROOT
from quilt.letters import NAMES, letter, one_line

FACTS = {
    "site_name": "Quilt",
    "base_url": "https://quilt.example",
    "code": "01234567",
    "minutes": 10,
    "link_key": "one-key-of-a-link",
    "entry_id": 8,
    "email": "ana@new.example",
    "days": 3,
    "day": "17 May 2026",
    "name": "Ana",
    "title": "The library bus",
    "contest_title": "Ten thousand for a cause",
    "entry_url": "https://quilt.example/entries/7",
    "reason": "The sound is missing.",
    "words": "Dear Ana,\n\nwe hear nothing after 0:12.",
    "people": 1204,
    "check_url": "https://quilt.example/votes/check/x",
    "direct": 12,
    "is_upheld": False,
    "is_about_entry": False,
    "page_url": "https://quilt.example/appeal?receipt=x",
    "judge_url": "https://quilt.example/judge/7",
    "missing": 3,
    "url": "https://hooks.example/quilt",
    "failures": 20,
    "branch_url": "https://quilt.example/me#branches",
    "off_url": "https://quilt.example/letters/off/x",
    "head_line": '{"at":"2026-05-10T12:40:00Z","contest":"courage"}',
    "organisation": "The River Trust",
    "role": "editor",
    "join_url": "https://quilt.example/brand/invitations/x",
    "week": "4 May 2026",
    "seen": 5301,
    "opens": 812,
    "votes": "no votes yet",
    "lines": [{"label": "Home page", "seen": 5301, "opens": 812, "people": "12 people", "votes": "5 votes"}],
    "report_url": "https://quilt.example/brand/1/report",
    "desk_url": "https://quilt.example/brand/1",
    "entries": [{"title": "The library bus", "place": 2, "is_paid": False}],
    "result_url": "https://quilt.example/contests/courage/results",
    "appeals_until": "12 May 2026, 10:00 (New York)",
    "ledger_url": "https://quilt.example/contests/courage/ledger",
}
NASTY = '<script>alert(1)</script>\r\nBcc: all@x.example "quoted"'


class Tags(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def test_every_template_is_a_letter_and_every_letter_has_two() -> None:
    files = {path.name for path in (ROOT / "templates" / "emails").iterdir() if path.name[0] != "_"}
    assert files == {f"{name}.{kind}" for name in NAMES for kind in ("txt", "html")}


@pytest.mark.parametrize("name", NAMES)
def test_a_letter_says_the_same_twice(name: str) -> None:
    written = letter(name, **FACTS)
    html = Tags(written.html)
    assert written.name == name and written.subject and "\n" not in written.subject
    facts = set(FACTS) - {
        "site_name",
        "base_url",
        "people",
        "direct",
        "missing",
        "entry_id",
    }  # short figures are everywhere
    used = [str(FACTS[fact]) for fact in facts if str(FACTS[fact]) in written.text]
    for fact in used:
        assert fact in html.words or re.search(rf'href="[^"]*{re.escape(fact)}"', written.html)
    assert used or name in ("password_changed", "email_change_taken")
    assert "script" not in html.tags and "img" not in html.tags, "a letter loads nothing"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fact", ["name", "title", "contest_title", "reason", "words"])
def test_what_people_wrote_stays_text(name: str, fact: str) -> None:
    written = letter(name, **{**FACTS, fact: NASTY})
    assert "script" not in Tags(written.html).tags
    assert "\n" not in written.subject and "\r" not in written.subject
    if fact != "words":
        assert "\nBcc:" not in written.text


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_fact_is_an_error_not_a_gap(name: str) -> None:
    with pytest.raises(jinja2.UndefinedError):
        letter(name, site_name="Quilt")


def test_there_is_no_letter_of_another_name() -> None:
    with pytest.raises(ValueError):
        letter("../auth/sign_in")


def test_a_letter_to_somebody_without_a_name() -> None:
    assert letter("entry_received", **{**FACTS, "name": ""}).text.startswith("Hello,\n\n")


@pytest.mark.parametrize("name", ["entry_needs_changes", "entry_rejected", "entry_taken_out"])
@pytest.mark.parametrize("gap", ["reason", "words"])
def test_a_decision_with_a_reason_or_words_alone(name: str, gap: str) -> None:
    written = letter(name, **{**FACTS, gap: ""})
    assert "\n\n\n\n" not in written.text
    kept = "words" if gap == "reason" else "reason"
    assert FACTS[kept] in written.text


def test_one_line() -> None:
    assert one_line(" a\r\n\tb\u2028c ") == "a b c"
    assert one_line("x" * 200, 10) == "xxxxxxxxx…"
