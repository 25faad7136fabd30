"""Every route is in the table, and is called as everybody: nothing breaks, nobody gets in where they may not."""

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from sqlalchemy import Engine, event
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from quilt.accounts.choices import LETTERS_OFF
from quilt.accounts.domain_models import MailDomain
from quilt.accounts.models import User
from quilt.community.models import Comment
from quilt.config import Settings
from quilt.contests.models import Contest, ContestChange
from quilt.database import db
from quilt.entries.models import Entry
from quilt.judging.models import Judge
from quilt.mail import MailMessage
from quilt.media.storage import results_of
from quilt.moderation.models import ModerationLog
from quilt.signed_ids import make_token
from quilt.votes.models import Vote, Voter
from quilt.web.clock import now
from tests.conftest import Rows, empty_tables, put_rows, take_rows
from tests.embeds.brands import make_brand
from tests.factories import make_contest, make_entry, make_user, make_video, save
from tests.guards.routes import ROUTES, Route, Who
from tests.sessions import start_sessions
from tests.votes.ledgers import start_ledger

ROLES = ("stranger", "member", "entrant", "moderator", "admin")
STAFF = ("moderator", "admin")
MEDIA_KEY = f"ab/ab{'0' * 30}.jpg"
CSRF_REFUSED = 403


@dataclass(frozen=True)
class Cast:
    """Who comes (the session of each role), and the numbers of the things that a route may be about."""

    sessions: dict[str, dict[str, Any]]
    arguments: dict[str, Any]


@dataclass
class Stage:
    """The scene, made once for each state of its entry and put back whenever something was written since."""

    app: Flask
    settings: Settings
    scenes: dict[str, tuple[Cast, Rows]] = field(default_factory=dict)
    stands: str | None = None  # the state whose scene is in the database, untouched

    def set(self, state: str) -> Cast:
        if state not in self.scenes:
            empty_tables()
            self.scenes[state] = make_cast(self.settings, state), take_rows()
        elif self.stands != state:
            put_rows(self.scenes[state][1])
        self.stands = state
        return self.scenes[state][0]

    def note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("SELECT", "BEGIN", "SET ", "PRAGMA")):
            self.stands = None


@pytest.fixture(scope="module")
def stages(built_app: Flask, settings: Settings) -> Iterator[Stage]:
    stage = Stage(built_app, settings)
    event.listen(Engine, "before_cursor_execute", stage.note)
    yield stage
    event.remove(Engine, "before_cursor_execute", stage.note)
    with built_app.app_context():
        empty_tables()
        db.session.remove()


@pytest.fixture
def stage(stages: Stage) -> Iterator[Stage]:
    with stages.app.app_context():
        yield stages
        db.session.remove()


def test_every_route_is_in_the_table(built_app: Flask) -> None:
    made = set(list_calls(built_app))
    assert made - ROUTES.keys() == set(), "routes without a word about who may use them"
    assert ROUTES.keys() - made == set(), "routes that are gone"
    assert len(made) > 40


@pytest.mark.parametrize("call", ROUTES, ids=".".join)
def test_who_may(stage: Stage, monkeypatch: pytest.MonkeyPatch, call: tuple[str, str]) -> None:
    monkeypatch.setitem(stage.app.config, "WTF_CSRF_ENABLED", False)
    endpoint, method = call
    route = ROUTES[call]
    for role in ROLES:
        for path in list_paths(stage.app, endpoint, stage.set(route.state)):
            cast = stage.set(route.state)  # everybody finds things as the first did
            with Writes() as writes:
                answer = send(stage.app, path, method, cast, role, route)
            assert answer.status_code < 500, answer.text
            assert judge(answer, route) == expect(route.who, role), (
                f"{method} {path} as {role}: {answer.status}"
            )
            if method == "GET" or expect(route.who, role) != "answered":
                assert writes.rows == [], f"{method} {path} as {role} changed something"


@pytest.mark.parametrize("call", [call for call in ROUTES if call[1] != "GET"], ids=".".join)
def test_nothing_changes_without_a_token(stage: Stage, call: tuple[str, str]) -> None:
    route = replace(ROUTES[call], form=())
    cast = stage.set(route.state)
    for role, path in itertools.product(("stranger", "admin"), list_paths(stage.app, call[0], cast)):
        with Writes() as writes:
            answer = send(stage.app, path, call[1], cast, role, route)
        assert answer.status_code < 500, answer.text
        assert writes.rows == []
        if not route.is_exempt:
            assert answer.status_code == CSRF_REFUSED


def test_an_open_door_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stage.app.view_functions, "admin.show_queue", lambda: "come in")
    route = ROUTES["admin.show_queue", "GET"]
    answer = send(stage.app, "/admin", "GET", stage.set(route.state), "stranger", route)
    assert (judge(answer, route), expect(route.who, "stranger")) == ("answered", "asked to sign in")


def test_what_was_written_is_put_back(stage: Stage) -> None:
    cast = stage.set("published")
    before = take_rows()
    db.session.get_one(Entry, cast.arguments["entry_id"]).title = "Another"
    db.session.delete(db.session.get_one(Comment, cast.arguments["comment_id"]))
    db.session.commit()
    assert take_rows() != before and stage.stands is None
    assert stage.set("published") is cast and take_rows() == before


def test_unknown_methods_are_refused(stage: Stage) -> None:
    cast = stage.set("published")
    calls = {call[0] for call in list_calls(stage.app)}
    for endpoint in sorted(calls):
        for path in list_paths(stage.app, endpoint, cast):
            assert stage.app.test_client().open(path, method="PATCH").status_code == 405, path


def list_calls(app: Flask) -> list[tuple[str, str]]:
    """(endpoint, method) of every rule; HEAD and OPTIONS follow from the others."""
    return [
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def list_paths(app: Flask, endpoint: str, cast: Cast) -> list[str]:
    """The addresses of an endpoint, one for each of its rules."""
    return [fill_in(app, rule, cast) for rule in app.url_map.iter_rules(endpoint)]


def fill_in(app: Flask, rule: Rule, cast: Cast) -> str:
    values = {name: cast.arguments[name] for name in rule.arguments if name != "slug"}
    if "slug" in rule.arguments:
        values["slug"] = cast.arguments["entry_slug" if "entry_id" in rule.arguments else "contest_slug"]
    with app.test_request_context():
        return url_for(rule.endpoint, **values)


def make_cast(settings: Settings, state: str) -> Cast:
    """A contest of today, one entry, a comment, a parked video, a mail, and one person of each kind."""
    moment = now()
    people = {role: make_user(name=role.title(), role="member") for role in ("member", "entrant")}
    people |= {role: make_user(name=role.title(), role=role) for role in STAFF}
    contest = make_contest(opens=moment - timedelta(days=1), closes=moment + timedelta(days=1))
    entry: Entry = make_entry(contest, people["entrant"], state=state)
    video = make_video(people["entrant"], kind="file", state="parked")
    save(Judge(contest_id=contest.id, user_id=people["member"].id, invited_at=moment))
    comment = save(
        Comment(entry_id=entry.id, author_id=people["member"].id, text="Lovely.", written_at=moment)
    )
    mail = save(
        MailMessage(kind="x", recipient="x@example.org", subject="x", text="x", html="x", state="kept",
                    due_at=moment, created_at=moment)
    )  # fmt: skip
    picture = results_of(settings).path(MEDIA_KEY)
    picture.parent.mkdir(parents=True, exist_ok=True)
    Path(picture).write_bytes(b"\xff\xd8\xff\xd9")
    start_ledger(settings, contest, moment)
    voter = save(Voter(contest_id=contest.id, key=b"v" * 32, created_at=moment))
    vote = save(
        Vote(
            contest_id=contest.id,
            voter_id=voter.id,
            entry_id=entry.id,
            period="",
            receipt=secrets.token_hex(12),
            cast_at=moment,
        )
    )
    arguments = {
        "file_name": "policy.json", "number": vote.receipt, "vote_id": vote.id, "review_id": 1, "appeal_id": 1,
        "entry_id": entry.id, "entry_slug": entry.slug, "contest_slug": contest.slug, "code": f"own{entry.id:08}",
        "kind": "svg", "key": MEDIA_KEY, "video_id": video.id, "comment_id": comment.id, "mail_id": mail.id,
        "contest_id": contest.id, "user_id": people["member"].id, "place": 1, "picture": "tree", "token": make_token(people["member"].id, settings.secret_key, LETTERS_OFF),
        "file_format": "csv", **make_brand(people["member"], entry), "name": "google", "network": "x", "connection_id": 1, "token_id": 1, "webhook_id": 1, "delivery_id": 1, "act": "test", "post_id": 1, "identity_id": 1, "word_id": 1, "receipt": "f" * 24, "release": "v1.0", "link_key": "of-no-letter", "session_id": 1, "passkey_id": 1, "export_id": 1, "contest_table": "entries", "site_table": "log", "size": 1, "part": "css",
    }  # fmt: skip
    sessions = start_sessions(person.id for person in people.values())
    return Cast({role: sessions[person.id] for role, person in people.items()}, arguments)


def send(app: Flask, path: str, method: str, cast: Cast, role: str, route: Route) -> TestResponse:
    client: FlaskClient = app.test_client()
    if role != "stranger":
        with client.session_transaction() as session:
            session.update(cast.sessions[role])
    form = {name: text.format(**cast.arguments) for name, text in route.form}
    return client.open(path, method=method, data=form if method != "GET" else None, buffered=True)


def judge(answer: TestResponse, route: Route) -> str:
    """What an answer means for the one who asked."""
    if answer.status_code in (302, 303) and answer.location.startswith("/sign-in?"):
        return "asked to sign in"
    if answer.status_code == route.refusal:
        return "answered"
    return {401: "denied", 403: "denied", 404: "not there", 405: "denied"}.get(answer.status_code, "answered")


def expect(who: Who, role: str) -> str:
    is_allowed = {
        Who.EVERYBODY: True,
        Who.SIGNED_IN: role != "stranger",
        Who.ENTRANT: role == "entrant",
        Who.AUTHOR: role == "member",
        Who.JUDGE: role == "member",
        Who.STAFF: role in STAFF,
        Who.ADMIN: role == "admin",
        Who.NOBODY: False,
    }[who]
    if is_allowed:
        return "answered"
    if who is Who.ADMIN and role in STAFF:
        return "denied"
    return "asked to sign in" if role == "stranger" and who is not Who.NOBODY else "not there"


class Writes:
    """Collects the rows that a request adds or changes in what people made: not counters, not mail."""

    TABLES = (User, Comment, Entry, ModerationLog, Contest, ContestChange, MailDomain)

    def __init__(self) -> None:
        self.rows: list[str] = []

    def __enter__(self) -> Self:
        for table, kind in itertools.product(self.TABLES, ("after_insert", "after_update", "after_delete")):
            event.listen(table, kind, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for table, kind in itertools.product(self.TABLES, ("after_insert", "after_update", "after_delete")):
            event.remove(table, kind, self._note)

    def _note(self, _mapper: object, _connection: object, row: object) -> None:
        self.rows.append(type(row).__name__)
