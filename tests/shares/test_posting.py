"""Posts: confirmed once, sent once whatever the network answers, and looked for where an answer was lost."""

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import select

from quilt.database import db
from quilt.jobs.queue import Job
from quilt.shares.connections import disconnect, list_connections
from quilt.shares.models_posting import Connection, Post
from quilt.shares.posting import (
    GroupMissing,
    NothingWritten,
    SaidAlready,
    TooLong,
    find_account,
    list_due,
    list_posts,
    queue_post,
    retry_post,
    send_post,
    tell_fate,
)
from quilt.shares.tasks import deliver_due
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user
from tests.shares.conftest import NETWORKS, connect

LINK = "https://vote.example.org/s/k3v9w2m4?c="
CAN_LOOK = ("x", "threads", "mastodon")


class Desk:
    """One person, one connected account, one entry."""

    def __init__(self, name, posting, played):
        self.settings, self.played, self.name = posting, played, name
        self.contest = make_contest()
        self.entry = make_entry(self.contest, story="He walked. " * 60)
        self.user, self.connection_id = connect(name, posting, played, contest=self.contest)
        self.account = find_account(self.user.id, self.connection_id, posting)
        self.link = LINK + self.account.connector.channel

    def queue(self, words="Watch it, please", form_key="form-1", now=NOW, group=None):
        group = ("r/volunteer" if self.name == "reddit" else "") if group is None else group
        made = queue_post(
            self.account, user_id=self.user.id, entry_id=self.entry.id, contest_id=self.contest.id, words=words,
            group=group, link=self.link, form_key=form_key, now=now,
        )  # fmt: skip
        db.session.rollback()
        return made

    def send(self, post_id, now=NOW):
        state = send_post(post_id, self.settings, now)
        db.session.rollback()
        return state

    def show(self, post_id):
        return list_posts(self.user.id, self.settings, post_id=post_id)[0]


@pytest.fixture
def sit(app, posting, played):
    return lambda name: Desk(name, posting, played)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_post_from_its_confirmation_to_its_address(sit, name):
    desk = sit(name)
    post_id = desk.queue()
    assert list_due(NOW) == [post_id] and desk.show(post_id).state == "queued"
    assert desk.send(post_id) == "posted"
    (post,) = desk.played.posts
    shown = desk.show(post_id)
    assert shown.state == "posted" and post["id"] in shown.url and shown.is_settled
    assert "Watch it, please" in post["text"] and (desk.link in post["text"] or post["link"] == desk.link)
    assert list_due(NOW + timedelta(days=9)) == [] and desk.send(post_id) == ""
    assert desk.played.complaints == [] and len(desk.played.posts) == 1


def test_the_same_form_is_one_post_and_so_are_the_same_words(sit):
    desk = sit("x")
    post_id = desk.queue()
    assert desk.queue() == post_id
    with pytest.raises(SaidAlready):
        desk.queue(form_key="form-2")
    assert desk.queue("Other words", form_key="form-3") != post_id
    assert len(db.session.scalars(select(Post)).all()) == 2


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_refusal_is_told_with_its_reason_and_can_be_tried_again(sit, name, status):
    desk = sit(name)
    post_id = desk.queue()
    desk.played.faults = [status]
    assert desk.send(post_id) == "failed"
    shown = desk.show(post_id)
    assert "did not accept the post: a made-up refusal" in shown.reason and shown.words == "Watch it, please"
    assert desk.played.posts == [] and list_due(NOW + timedelta(days=9)) == []
    assert retry_post(desk.user.id, post_id, NOW) and not retry_post(desk.user.id, post_id, NOW)
    assert desk.send(post_id) == "posted" and len(desk.played.posts) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_E19_a_token_that_is_refused_is_dropped(sit, name):
    desk = sit(name)
    post_id = desk.queue()
    desk.played.faults = [401]
    assert desk.send(post_id) == "failed"
    assert "Connect again" in desk.show(post_id).reason
    assert db.session.scalars(select(Connection.sealed)).one() == ""
    db.session.rollback()
    assert not list_connections(desk.user.id, desk.settings)[0].is_usable
    assert find_account(desk.user.id, desk.connection_id, desk.settings) is None
    connect(name, desk.settings, desk.played, user=desk.user, contest=desk.contest)
    assert retry_post(desk.user.id, post_id, NOW) and desk.send(post_id) == "posted"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_pause_is_kept_and_six_are_enough(sit, name):
    desk = sit(name)
    post_id, moment = desk.queue(), NOW
    desk.played.faults = [429] * 6
    assert desk.send(post_id) == "queued"
    assert "pause" in desk.show(post_id).reason and list_due(NOW + timedelta(seconds=40)) == []
    for _ in range(5):
        moment += timedelta(minutes=10)
        state = desk.send(post_id, moment)
    assert state == "failed" and "We tried 6 times" in desk.show(post_id).reason and desk.played.posts == []


@pytest.mark.parametrize("fault", ["lost", "garbage", 500, 503, "nothing"])
@pytest.mark.parametrize("name", NETWORKS)
def test_E20_a_lost_answer_never_posts_twice(sit, name, fault):
    desk = sit(name)
    post_id, moment = desk.queue(), NOW
    desk.played.faults = [fault]
    is_there = fault in ("lost", "garbage")
    if name == "linkedin" and fault == "garbage":
        pytest.skip("its answer is a header, which garbage does not touch")
    assert desk.send(post_id) == "unknown"
    assert not retry_post(desk.user.id, post_id, NOW), "what may be there is not sent again"
    assert len(desk.played.posts) == is_there
    if name == "linkedin":
        shown = desk.show(post_id)
        assert shown.may_say and shown.is_settled and "look there yourself" in shown.reason
        assert list_due(NOW + timedelta(days=99)) == []
        assert tell_fate(desk.user.id, post_id, is_there, NOW)
        assert desk.show(post_id).state == ("posted" if is_there else "failed")
        return
    assert not tell_fate(desk.user.id, post_id, True, NOW), "we look ourselves"
    states = []
    for _ in range(4):
        moment += timedelta(minutes=20)
        states.append(desk.send(post_id, moment))
    expected = "posted" if is_there or name == "reddit" else "failed"  # Reddit takes the same address once
    assert [state for state in states if state][-1] == expected, states
    assert len(desk.played.posts) == (is_there or name == "reddit")
    if expected == "failed":
        assert "did not arrive" in desk.show(post_id).reason
        assert retry_post(desk.user.id, post_id, moment) and desk.send(post_id, moment) == "posted"
        assert len(desk.played.posts) == 1


def test_a_worker_that_ends_in_the_middle_leaves_a_post_that_is_looked_for(sit):
    """The row says `unknown` before anything is sent: so a kill at any moment is a lost answer."""
    desk = sit("x")
    post_id = desk.queue()
    from quilt.shares.posting import _claim

    assert _claim(post_id, NOW) == "queued"  # and here the worker is killed
    assert desk.send(post_id) == "", "the lease is another's"
    moment = NOW + timedelta(minutes=3)
    assert desk.send(post_id, moment) == "unknown" and desk.played.posts == []


def test_a_mastodon_server_s_own_limit_counts(sit):
    desk = sit("mastodon")
    assert desk.account.counting.most == 640
    desk.queue("x" * (640 - 25))
    with pytest.raises(TooLong, match="1 too many for Mastodon"):
        desk.queue("x" * (640 - 24), form_key="form-2")


def test_what_a_network_needs_is_asked_for(sit):
    desk = sit("reddit")
    with pytest.raises(NothingWritten):
        desk.queue("  ")
    with pytest.raises(GroupMissing):
        desk.queue(group=" ")
    post_id = desk.queue(group="closed")
    assert desk.send(post_id) == "failed" and "aren't allowed" in desk.show(post_id).reason
    odd = desk.queue(group="../x", form_key="form-2")
    assert desk.send(odd) == "failed" and "Name the community" in desk.show(odd).reason


def test_linkedin_s_own_signs_are_escaped(sit):
    desk = sit("linkedin")
    desk.send(desk.queue("(a) {b} #c @d 50_000"))
    assert desk.played.posts[0]["text"] == r"\(a\) \{b\} \#c \@d 50\_000"


def test_what_waits_is_not_sent_once_the_account_is_disconnected(sit):
    desk = sit("x")
    post_id = desk.queue()
    disconnect(desk.user.id, desk.connection_id, desk.settings, NOW)
    db.session.rollback()
    assert desk.show(post_id).state == "failed" and desk.send(post_id) == ""
    assert disconnect(desk.user.id, desk.connection_id, desk.settings, NOW) is None


def test_nobody_posts_from_another_s_account_or_sees_its_posts(sit):
    desk = sit("x")
    post_id, other = desk.queue(), make_user()
    assert find_account(other.id, desk.connection_id, desk.settings) is None
    assert list_posts(other.id, desk.settings) == [] and not retry_post(other.id, post_id, NOW)
    assert disconnect(other.id, desk.connection_id, desk.settings, NOW) is None


def test_the_worker_sends_what_is_due(sit):
    desk = sit("x")
    post_id = desk.queue()
    deliver_due(Job(desk.settings, lambda: NOW, bytes))
    db.session.rollback()
    assert desk.show(post_id).state == "posted"


def test_a_network_that_is_off_sends_nothing(sit):
    desk = sit("x")
    post_id = desk.queue()
    desk.settings = dataclasses.replace(desk.settings, post_to=())
    assert desk.send(post_id) == "failed" and desk.played.posts == []
