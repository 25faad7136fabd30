"""Webhooks against a real receiver: signed, tried again, switched off, and never told what is not theirs."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from quilt.accounts.models import User
from quilt.arrivals.models import EntrySpread
from quilt.config import Settings
from quilt.contests.models import ContestChange, Phase
from quilt.database import db, transaction
from quilt.embeds.models import Membership
from quilt.integrity.models import VoteAlert
from quilt.jobs.queue import Job
from quilt.mail import MailMessage
from quilt.moderation.models import ModerationLog
from quilt.votes.models import EntryTally
from quilt.webhooks import service
from quilt.webhooks import tasks as webhook_tasks
from quilt.webhooks.deliveries import forget_old, make_deliveries
from quilt.webhooks.models import Webhook, WebhookDelivery, WebhookEvent
from quilt.webhooks.noticing import notice_events, notice_votes
from quilt.webhooks.rules import EVENTS, MOST_FAILURES, PAUSES, WebhookRefused, sign
from quilt.webhooks.sending import send_due
from quilt.webhooks.watching import Watch
from tests.conftest import NOW
from tests.embeds.brands import make_organisation, make_placement
from tests.factories import make_contest, make_entry, make_user, save

CountQueries = Callable[[], AbstractContextManager[list[str]]]


class Receiver(HTTPServer):
    """Somebody's program: keeps what it gets, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The test looks at `got`."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def add_webhook(
    user: User, url: str, settings: Settings, events: list[str], organisation_id: int | None = None
) -> str:
    return service.create_webhook(
        user.id, url, events, settings=settings, now=NOW - timedelta(hours=1), entropy=secrets.token_bytes,
        organisation_id=organisation_id,
    )  # fmt: skip


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As a receiver does it, by the words of the specification and none of our code."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


def notice(moment: datetime) -> None:
    """A worker's rounds, those of the votes among them."""
    notice_events(moment)
    notice_votes(moment)
    make_deliveries(moment)


def test_a_signature_as_the_specification_has_it() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_happened_is_told_once_and_signed(app: Flask, settings: Settings, receiver: Receiver) -> None:
    owner, entry = make_user(), make_entry()
    secret = add_webhook(owner, receiver.url, settings, ["entry.published", "vote.counted"])
    save(ModerationLog(subject_kind="entry", subject_id=entry.id, action="approve", decided_at=NOW))
    with transaction() as session:
        session.execute(update(EntryTally).values(standing=12))
    for _ in range(2):
        notice(NOW)
        send_due(settings, lambda: NOW)
    said = {json.loads(body)["type"]: json.loads(body)["data"] for _, body in receiver.got}
    assert len(receiver.got) == 2
    assert said["vote.counted"] == {
        "entry": entry.id,
        "contest": entry.contest_id,
        "votes": 12,
        "votes_before": None,
    }
    assert said["entry.published"] == {"entry": entry.id, "contest": entry.contest_id}
    assert all(verify(secret, headers, body) for headers, body in receiver.got)
    assert not verify(secret, receiver.got[0][0], receiver.got[0][1] + b" ")


def test_what_does_not_fit_into_one_round_comes_with_the_next(
    app: Flask, settings: Settings, receiver: Receiver
) -> None:
    add_webhook(make_user(role="moderator"), receiver.url, settings, list(EVENTS))
    entries = [make_entry() for _ in range(3)]
    for entry in entries:
        save(ModerationLog(subject_kind="entry", subject_id=entry.id, action="approve", decided_at=NOW))
        save(EntrySpread(entry_id=entry.id, size=40, folded_at=NOW))
    with transaction() as session:
        session.execute(update(EntryTally).values(standing=12))
    moments = [NOW + timedelta(seconds=number) for number in range(4)]
    rounds = [notice_events(moment, most=1) + notice_votes(moment, most=1) for moment in moments]
    told = Counter(db.session.scalars(select(WebhookEvent.kind)))
    assert told == dict.fromkeys(
        ["entry.submitted", "entry.published", "milestone.reached", "vote.counted"], 3
    )
    assert rounds == [4, 4, 4, 0]


def test_hidden_and_few_votes_stand_in_nobodys_way(
    app: Flask, settings: Settings, receiver: Receiver
) -> None:
    add_webhook(make_user(), receiver.url, settings, ["vote.counted"])
    hidden, few, draft, shown = (
        make_entry(make_contest(is_published=is_published)) for is_published in (True, True, False, True)
    )
    with transaction() as session:
        session.execute(update(Phase).where(Phase.contest_id == hidden.contest_id).values(shows_counts=False))
    for entry, votes in ((hidden, 50), (few, 4), (draft, 50), (shown, 5)):
        with transaction() as session:
            session.execute(update(EntryTally).where(EntryTally.entry_id == entry.id).values(standing=votes))
    for _ in range(2):
        notice_votes(NOW, most=1)
    body = db.session.scalars(select(WebhookEvent.body).where(WebhookEvent.kind == "vote.counted")).one()
    assert json.loads(body)["data"]["entry"] == shown.id


def happen(kind: str) -> dict[str, object]:
    """Let something happen, and return what is told of it."""
    contest = make_contest()
    entry = make_entry(contest, state="submitted" if kind == "entry.submitted" else "published")
    about = {"entry": entry.id, "contest": contest.id}
    with transaction() as session:
        match kind:
            case "entry.published" | "entry.rejected":
                action = "approve" if kind == "entry.published" else "reject"
                log = {"subject_kind": "entry", "subject_id": entry.id, "action": action}
                session.add(ModerationLog(**log, decided_at=NOW))
            case "vote.counted":
                session.execute(update(EntryTally).values(standing=12))
                about |= {"votes": 12, "votes_before": None}
            case "milestone.reached":
                session.add(EntrySpread(entry_id=entry.id, size=101, folded_at=NOW))
                about |= {"people": 100}
            case "phase.changed":
                session.execute(update(Phase).values(ends_at=NOW))
                about = {"contest": contest.id, "phase": "Voting", "turn": "ended"}
            case "results.published":
                change = {"contest_id": contest.id, "kind": "result", "is_public": True, "changed_at": NOW}
                session.add(ContestChange(**change))
                about = {"contest": contest.id}
            case "flag.raised":
                alert = {"contest_id": contest.id, "entry_id": entry.id, "starts_at": NOW, "raised_at": NOW}
                session.add(VoteAlert(**alert, votes_count=900, expected=9.0, chance=1e-9, rules="rules-1"))
                about |= {"votes": 900}
    return about


@pytest.mark.parametrize("kind", EVENTS)
def test_each_kind_is_told_to_the_desk_and_private_ones_to_nobody_else(
    app: Flask, settings: Settings, receiver: Receiver, kind: str
) -> None:
    moderator = make_user(role="moderator")
    add_webhook(moderator, receiver.url, settings, [kind])
    hook_id = service.list_webhooks(moderator.id)[0].id
    about = happen(kind)
    notice(NOW)
    send_due(settings, lambda: NOW)
    (_, body), *others = receiver.got
    assert json.loads(body)["type"] == kind and json.loads(body)["data"] == about and not others
    with transaction() as session:
        session.execute(update(User).where(User.id == moderator.id).values(role="member"))
    service.replay(moderator.id, service.list_log(hook_id)[0].id, NOW)
    send_due(settings, lambda: NOW)
    is_private = EVENTS[kind][1]
    assert len(receiver.got) == (1 if is_private else 2)
    assert service.list_log(hook_id)[0].state == ("failed" if is_private else "delivered")
    if is_private:
        with pytest.raises(WebhookRefused):
            add_webhook(make_user(), receiver.url, settings, [kind])


def run(settings: Settings, moment: datetime, watch: Watch) -> None:
    """The task as a worker runs it, at this moment."""
    webhook_tasks.notice_news(Job(settings, lambda: moment, secrets.token_bytes), watch)
    db.session.rollback()


@pytest.fixture
def watch() -> Watch:
    """A worker that has seen nothing yet."""
    return Watch()


def count_events() -> int:
    return db.session.scalar(select(func.count()).select_from(WebhookEvent)) or 0


@pytest.mark.parametrize("kind", [kind for kind in EVENTS if kind != "vote.counted"])
def test_what_happens_is_noticed_by_the_next_look(
    app: Flask, settings: Settings, receiver: Receiver, watch: Watch, count_queries: CountQueries, kind: str
) -> None:
    add_webhook(make_user(role="moderator"), receiver.url, settings, [kind])
    run(settings, NOW - timedelta(seconds=3), watch)
    with count_queries() as queries:
        run(settings, NOW - timedelta(seconds=1), watch)
    assert len(queries) == 1, "nothing has happened: nothing else is read"
    happen(kind)
    run(settings, NOW + timedelta(seconds=2), watch)
    assert kind in db.session.scalars(select(WebhookEvent.kind)).all()
    assert (db.session.scalar(select(func.count()).select_from(WebhookDelivery)) or 0) >= 1
    before = count_events()
    with count_queries() as queries:
        run(settings, NOW + timedelta(seconds=5), watch)
    assert (len(queries), count_events()) == (1, before)
    with count_queries() as queries:
        run(settings, NOW + timedelta(seconds=65), watch)
    assert len(queries) > 5, "once a minute it looks whatever it believes"


def test_nothing_is_read_while_nobody_listens(
    app: Flask, settings: Settings, watch: Watch, count_queries: CountQueries
) -> None:
    happen("entry.published")
    with count_queries() as queries:
        run(settings, NOW, watch)
    assert (len(queries), count_events()) == (1, 0)


def test_a_look_that_failed_is_made_again(
    app: Flask, settings: Settings, receiver: Receiver, watch: Watch
) -> None:
    add_webhook(make_user(), receiver.url, settings, ["entry.published"])
    happen("entry.published")
    times = iter([NOW, NOW])  # the third step has none
    with pytest.raises(StopIteration):
        webhook_tasks.notice_news(Job(settings, lambda: next(times), secrets.token_bytes), watch)
    db.session.rollback()
    run(settings, NOW + timedelta(seconds=3), watch)
    assert service.list_log(db.session.scalars(select(Webhook.id)).one())[0].kind == "entry.published"


def test_a_month_later_all_is_forgotten_but_which_milestones_were_told(
    app: Flask, settings: Settings, receiver: Receiver
) -> None:
    add_webhook(make_user(), receiver.url, settings, ["entry.published", "milestone.reached"])
    for kind in ("entry.published", "milestone.reached"):
        happen(kind)
    notice(NOW)
    month = timedelta(days=30)
    assert forget_old(NOW + month - timedelta(days=7)) == 0
    before = count_events()
    assert forget_old(NOW + month + timedelta(minutes=1)) == before - 1
    db.session.rollback()
    assert db.session.scalars(select(WebhookEvent.kind)).all() == ["milestone.reached"]
    assert db.session.scalar(select(func.count()).select_from(WebhookDelivery)) == 1
    with transaction() as session:
        session.execute(update(EntrySpread).values(folded_at=NOW + month))
    notice(NOW + month)
    assert db.session.scalars(select(WebhookEvent.kind)).all().count("milestone.reached") == 1


def test_a_brand_is_told_of_the_contests_where_its_embeds_stand(
    app: Flask, settings: Settings, receiver: Receiver
) -> None:
    owner, editor = make_user(), make_user()
    shown, other = make_entry(), make_entry()
    brand = make_organisation(owner)
    save(Membership(organisation_id=brand.id, user_id=editor.id, role="editor", joined_at=NOW))
    placement = make_placement(brand, shown)
    add_webhook(owner, receiver.url, settings, ["entry.published"], brand.id)
    for user, number in ((editor, brand.id), (owner, brand.id + 1)):
        with pytest.raises(WebhookRefused):
            add_webhook(user, receiver.url, settings, ["entry.published"], number)

    def publish(minutes: int) -> list[int]:
        """The contests of which is told when both entries are approved."""
        then = NOW + timedelta(minutes=minutes)
        for entry in (shown, other):
            save(ModerationLog(subject_kind="entry", subject_id=entry.id, action="approve", decided_at=then))
        receiver.got.clear()
        notice(then)
        send_due(settings, lambda: then)
        return [json.loads(body)["data"]["contest"] for _, body in receiver.got]

    assert publish(0) == [shown.contest_id]
    with transaction() as session:
        session.get_one(Membership, (brand.id, owner.id)).role = "viewer"
    assert publish(1) == []
    with transaction() as session:
        session.get_one(Membership, (brand.id, owner.id)).role = "owner"
        session.get_one(type(placement), placement.id).ended_at = NOW
    assert publish(2) == [], "it was taken down"


def test_both_secrets_are_good_for_a_day(app: Flask, settings: Settings, receiver: Receiver) -> None:
    owner = make_user()
    old = add_webhook(owner, receiver.url, settings, ["vote.counted"])
    hook = service.list_webhooks(owner.id)[0]
    assert old not in hook.sealed
    new = service.renew_secret(owner.id, hook.id, settings=settings, now=NOW, entropy=secrets.token_bytes)
    for hours in (1, 25):
        then = NOW + timedelta(hours=hours)
        service.send_test(owner.id, hook.id, now=then, entropy=secrets.token_bytes)
        send_due(settings, lambda then=then: then)
    checked = [(verify(old, *told), verify(new, *told)) for told in receiver.got]
    assert checked == [(True, True), (False, True)]


def test_failures_wait_and_switch_off_at_twenty(app: Flask, settings: Settings, receiver: Receiver) -> None:
    owner = make_user()
    add_webhook(owner, receiver.url, settings, ["vote.counted"])
    hook_id = service.list_webhooks(owner.id)[0].id
    receiver.status = 500
    for _ in range(2):
        service.send_test(owner.id, hook_id, now=NOW, entropy=secrets.token_bytes)
    then = NOW
    for _ in range(MOST_FAILURES):
        send_due(settings, lambda: then)  # noqa: B023
        then += timedelta(hours=6)
    assert len(receiver.got) == MOST_FAILURES
    hook = db.session.get_one(Webhook, hook_id, populate_existing=True)
    assert hook.off_at is not None
    assert db.session.scalars(select(MailMessage.kind)).all() == ["webhook_off"]
    receiver.status = 204
    service.switch_on(owner.id, hook_id)
    service.replay(owner.id, service.list_log(hook_id)[0].id, then)
    send_due(settings, lambda: then)
    assert service.list_log(hook_id)[0].state == "delivered"
    assert db.session.scalar(select(func.count()).select_from(WebhookEvent)) == 2


def test_a_slow_round_and_a_second_worker_send_each_once(
    app: Flask, settings: Settings, receiver: Receiver
) -> None:
    owner = make_user()
    add_webhook(owner, receiver.url, settings, ["vote.counted"])
    hook_id = service.list_webhooks(owner.id)[0].id
    for _ in range(5):
        service.send_test(owner.id, hook_id, now=NOW, entropy=secrets.token_bytes)
    times = [NOW + timedelta(seconds=20 * number) for number in range(20)]
    second = []

    def slow_clock() -> datetime:
        then = times.pop(0)
        if then == NOW + timedelta(seconds=80):  # in the midst of the first worker's round
            second.append(send_due(settings, lambda: then))
        return then

    first = send_due(settings, slow_clock)
    told = [headers["webhook-id"] for headers, _ in receiver.got]
    assert len(told) == 5 == len(set(told)) == first + second[0]


def test_what_cannot_be_signed_is_not_sent(app: Flask, settings: Settings, receiver: Receiver) -> None:
    owner = make_user()
    add_webhook(owner, receiver.url, settings, ["vote.counted"])
    hook_id = service.list_webhooks(owner.id)[0].id
    service.send_test(owner.id, hook_id, now=NOW, entropy=secrets.token_bytes)
    send_due(replace(settings, secret_key="another"), lambda: NOW)
    line = service.list_log(hook_id)[0]
    assert (line.state, line.attempts, receiver.got) == ("failed", 0, [])
    assert "new secret" in line.note


def test_tries_go_on_for_a_day() -> None:
    assert timedelta(hours=24) < sum(PAUSES, timedelta()) < timedelta(hours=30)


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.org/", "ftp://x.example/", "https://u:p@x.example/", "https://x.example:22/", "x"],
)
def test_addresses_that_are_never_asked(app: Flask, settings: Settings, url: str) -> None:
    with pytest.raises(WebhookRefused):
        add_webhook(make_user(), url, settings, ["vote.counted"])


def test_a_demonstration_does_not_ask_its_own_machine(
    app: Flask, settings: Settings, receiver: Receiver
) -> None:
    owner, demo = make_user(), replace(settings, environment="demo")
    with pytest.raises(WebhookRefused):
        add_webhook(owner, receiver.url, demo, ["vote.counted"])
    add_webhook(owner, receiver.url, settings, ["vote.counted"])
    service.send_test(owner.id, service.list_webhooks(owner.id)[0].id, now=NOW, entropy=secrets.token_bytes)
    send_due(demo, lambda: NOW)
    assert receiver.got == []


def test_nobody_touches_what_is_not_theirs(app: Flask, settings: Settings, receiver: Receiver) -> None:
    owner, other = make_user(), make_user()
    add_webhook(owner, receiver.url, settings, ["vote.counted"])
    hook_id = service.list_webhooks(owner.id)[0].id
    service.send_test(owner.id, hook_id, now=NOW, entropy=secrets.token_bytes)
    with pytest.raises(LookupError):
        service.replay(other.id, service.list_log(hook_id)[0].id, NOW)
    with pytest.raises(LookupError):
        service.remove_webhook(other.id, hook_id)
    service.remove_webhook(owner.id, hook_id)
    assert db.session.scalar(select(func.count()).select_from(WebhookDelivery)) == 0
