"""Posts on their authors' behalf: confirmed once, sent once, and looked for where an answer was lost.

A post is `unknown` from the moment before it is sent: a worker that ends in the middle leaves a row that is looked
for, never one that is sent blindly.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update

from quilt.config import Settings
from quilt.database import db, insert_if_new, transaction
from quilt.entries.models import Entry
from quilt.media.models import Video
from quilt.media.storage import BadKey, results_of
from quilt.shares.connections import drop_tokens, keep_tokens, open_errand
from quilt.shares.connectors.base import (
    Busy,
    Connector,
    Draft,
    Errand,
    KeyRefused,
    NotPosted,
    Published,
    Unsure,
)
from quilt.shares.connectors.table import find_connector
from quilt.shares.counting import Counting, compose, count
from quilt.shares.models_posting import Connection, Post
from quilt.spread.attribution import CHANNELS

LEASE = timedelta(minutes=2)
MOST_TRIES = 6
LOOKS = (timedelta(seconds=40), timedelta(minutes=3), timedelta(minutes=15))  # after each look, the next
MOST_DESCRIPTION = 200
NEVER, A_DAY = timedelta(days=36_500), timedelta(days=1)


class PostRefused(Exception):
    """Nothing was queued; the message says why and what to do."""


class TooLong(PostRefused):
    """More than the network takes."""


class NothingWritten(PostRefused):
    """A network whose post is a title needs one."""


class GroupMissing(PostRefused):
    """A network whose posts go to a community needs its name."""


class SaidAlready(PostRefused):
    """The same words about this entry were posted from this account."""


@dataclass(frozen=True, slots=True)
class Account:
    """A connected account that somebody is about to post from."""

    connection_id: int
    connector: Connector
    handle: str
    counting: Counting


@dataclass(frozen=True, slots=True)
class ShownPost:
    """A post as its author sees it."""

    id: int
    label: str
    entry_id: int
    entry_title: str
    entry_slug: str
    words: str
    state: str
    reason: str
    url: str
    queued_at: datetime
    is_settled: bool  # nothing will change by itself
    may_say: bool  # it is for its author to look, and to say what became of it


def find_account(user_id: int, connection_id: int, settings: Settings) -> Account | None:
    """One of this person's accounts that can post now; None for any other."""
    row = db.session.scalars(
        select(Connection).where(
            Connection.id == connection_id, Connection.user_id == user_id, Connection.sealed != ""
        )
    ).first()
    connector = find_connector(row.connector, settings) if row else None
    if row is None or connector is None:
        return None
    rule = connector.counting
    if row.most_characters:
        rule = Counting(rule.unit, row.most_characters, rule.has_link, rule.link_length)
    return Account(row.id, connector, row.handle, rule)


def check_words(account: Account, words: str, link: str, group: str) -> str:
    """The whole text as it will stand there. Raises TooLong, NothingWritten or GroupMissing."""
    text = compose(words, link, account.counting)
    length = count(text, account.counting)
    if length > account.counting.most:
        over = length - account.counting.most
        raise TooLong(f"{over:,} too many for {account.connector.provider.label}: shorten it a little.")
    if not text:
        raise NothingWritten("Write a few words: they are the post’s title.")
    if account.connector.group_label and not group.strip():
        raise GroupMissing("Name the community that it goes to, like r/volunteer.")
    return text


def queue_post(
    account: Account, *, user_id: int, entry_id: int, contest_id: int, words: str, group: str, link: str, form_key: str,
    now: datetime,
) -> int:  # fmt: skip
    """Keep a confirmed post and return its id; the same form again is the same post. Raises PostRefused.

    `link` is the person's own with the network as its channel. The connection now belongs to this contest: it goes
    when this one ends.
    """
    words, group = words.strip(), group.strip()[:100]
    check_words(account, words, link, group)
    with transaction() as session:
        row = session.get_one(Connection, account.connection_id, with_for_update=True, populate_existing=True)
        row.contest_id = contest_id
        values = {
            "user_id": user_id, "entry_id": entry_id, "connection_id": row.id, "connector": row.connector,
            "account": f"{row.connector} {row.host} {row.subject}"[:300], "form_key": form_key,
            "words_hash": _hash(f"{group}\n{words}"), "words": words, "link": link, "group": group,
            "title": session.scalar(select(Entry.title).where(Entry.id == entry_id)) or "",
            "state": "queued", "reason": "", "remote_key": "", "remote_url": "", "attempts_count": 0,
            "due_at": now, "queued_at": now,
        }  # fmt: skip
        made = session.execute(insert_if_new(Post.__table__, session.get_bind().dialect.name, "id"), values)
        post_id = made.scalar()
        if post_id is None:
            mine = select(Post.id).where(Post.user_id == user_id, Post.form_key == form_key)
            post_id = session.scalar(mine)
    if post_id is None:
        raise SaidAlready("You have posted these very words about this film already. Change them a little.")
    return int(post_id)


def send_post(post_id: int, settings: Settings, now: datetime) -> str:
    """Send a post that waits, or look for one that may have arrived; returns its state afterwards.

    Whoever else has it at this moment keeps it: then nothing is done.
    """
    was = _claim(post_id, now)
    if was is None:
        return ""
    post = db.session.get_one(Post, post_id, populate_existing=True)
    draft = _write_draft(post, settings)
    connection_id = post.connection_id or 0
    db.session.rollback()  # no transaction stays open while a network is asked
    try:
        errand = open_errand(connection_id, settings, now)
        nonce = errand.tokens.get("nonce")
        done = _look_or_send(errand, draft, is_sent=was == "unknown")
        if errand.tokens.get("nonce") != nonce:
            keep_tokens(connection_id, errand.tokens, settings)
    except KeyRefused as refusal:
        drop_tokens(connection_id)
        return _settle(post_id, "failed" if was == "queued" else "unknown", str(refusal), now + NEVER)
    except Busy as busy:
        return _put_off(post_id, was, busy, now)
    except NotPosted as refusal:
        return _settle(post_id, "failed", str(refusal), now + NEVER)
    except Unsure:
        return _leave_unknown(post_id, settings, now)
    if done is None:
        return _note_look(post_id, now)
    return _note_posted(post_id, done, now)


def list_due(now: datetime) -> list[int]:
    """The posts that should be sent or looked for now, the oldest first."""
    due = select(Post.id).where(Post.state.in_(("queued", "unknown")), Post.due_at <= now)
    return list(db.session.scalars(due.order_by(Post.due_at).limit(200)))


def retry_post(user_id: int, post_id: int, now: datetime) -> bool:
    """Queue a post of this person's again that certainly did not arrive; False for any other."""
    return _change_own(user_id, post_id, "failed", {"state": "queued", "reason": "", "due_at": now})


def tell_fate(user_id: int, post_id: int, has_arrived: bool, now: datetime) -> bool:
    """The author has looked at a network that we cannot search: it is there, or it is not.

    False for a post that we still send or look for ourselves.
    """
    facts: dict[str, object]
    if has_arrived:
        facts = {"state": "posted", "reason": "", "posted_at": now}
        return _change_own(user_id, post_id, "unknown", facts, Post.due_at > now + A_DAY)
    reason = "You looked, and it is not there. It can be sent again."
    facts = {"state": "failed", "reason": reason}
    return _change_own(user_id, post_id, "unknown", facts, Post.due_at > now + A_DAY)


def list_posts(user_id: int, settings: Settings, *, post_id: int | None = None) -> list[ShownPost]:
    """A person's posts, the newest first, or the one of this id."""
    rows = select(Post, Entry.title, Entry.slug).join(Entry, Entry.id == Post.entry_id)
    rows = rows.where(Post.user_id == user_id).order_by(Post.id.desc()).limit(100)
    if post_id is not None:
        rows = rows.where(Post.id == post_id)
    return [_show(post, title, slug, settings) for post, title, slug in db.session.execute(rows).all()]


def build_draft(post: Post, text: str, description: str, card: bytes) -> Draft:
    """What the network is given for a post."""
    key = _hash(f"quilt post {post.id} {post.form_key}")[:40]
    return Draft(post.words, text, post.link, post.title, description, post.group, key, post.queued_at, card)


def _look_or_send(errand: Errand, draft: Draft, *, is_sent: bool) -> Published | None:
    """Posted, or None where it was looked for and is not there. Raises NotPosted, Busy or Unsure."""
    if not is_sent:
        return errand.connector.publish(errand, draft)
    if errand.connector.find is None:
        raise Unsure("cannot be looked for")
    return errand.connector.find(errand, draft)


def _claim(post_id: int, now: datetime) -> str | None:
    """Take the post for the time of the lease: `unknown` from now on. What it was, None where it is not due."""
    with transaction() as session:
        was = session.scalar(
            select(Post.state).where(
                Post.id == post_id, Post.state.in_(("queued", "unknown")), Post.due_at <= now
            )
        )
        if was is None:
            return None
        taken = session.execute(
            update(Post)
            .where(Post.id == post_id, Post.state == was, Post.due_at <= now)
            .values(state="unknown", due_at=now + LEASE, attempts_count=Post.attempts_count + 1)
        )
        return was if int(taken.rowcount) == 1 else None  # type: ignore[attr-defined]


def _write_draft(post: Post, settings: Settings) -> Draft:
    connector = find_connector(post.connector, settings)
    text = compose(post.words, post.link, connector.counting) if connector else post.words
    entry = db.session.get_one(Entry, post.entry_id)
    story = " ".join(entry.story.split())
    description = story if len(story) <= MOST_DESCRIPTION else f"{story[: MOST_DESCRIPTION - 1].rstrip()}…"
    return build_draft(post, text, description, _read_card(entry, settings))


def _read_card(entry: Entry, settings: Settings) -> bytes:
    key = db.session.scalar(select(Video.card_key).where(Video.id == entry.video_id))
    try:
        return results_of(settings).path(key).read_bytes() if key else b""
    except (BadKey, FileNotFoundError):  # drawn anew in this moment: the post goes without a picture
        return b""


def _settle(post_id: int, state: str, reason: str, due_at: datetime) -> str:
    _change(post_id, {"state": state, "reason": reason[:300], "due_at": due_at})
    return state


def _put_off(post_id: int, was: str, busy: Busy, now: datetime) -> str:
    """What was not sent is tried again later, a few times; what may have arrived is looked for again later."""
    tries = db.session.scalar(select(Post.attempts_count).where(Post.id == post_id)) or 0
    if was == "queued" and tries >= MOST_TRIES:
        return _settle(post_id, "failed", f"{busy} We tried {tries} times.", now + NEVER)
    return _settle(post_id, was, str(busy), now + timedelta(seconds=busy.seconds * min(tries, 8)))


def _leave_unknown(post_id: int, settings: Settings, now: datetime) -> str:
    name = db.session.scalar(select(Post.connector).where(Post.id == post_id)) or ""
    connector = find_connector(name, settings)
    if connector is not None and connector.find is not None:
        reason = f"{connector.provider.label} gave no clear answer. We are looking whether it arrived."
        return _settle(post_id, "unknown", reason, now + LOOKS[0])
    label = connector.provider.label if connector else name
    reason = f"{label} gave no clear answer and lets nobody look. Please look there yourself, then tell us."
    return _settle(post_id, "unknown", reason, now + NEVER)


def _note_look(post_id: int, now: datetime) -> str:
    """It was not found: looked for again, and after the last look it certainly did not arrive."""
    tries = db.session.scalar(select(Post.attempts_count).where(Post.id == post_id)) or 0
    if tries > len(LOOKS):
        return _settle(post_id, "failed", "It did not arrive. You can send it again.", now + NEVER)
    return _settle(post_id, "unknown", "It is not there yet. We look again.", now + LOOKS[max(0, tries - 1)])


def _note_posted(post_id: int, done: Published, now: datetime) -> str:
    facts = {
        "state": "posted", "reason": "", "remote_key": done.key[:300], "remote_url": done.url[:500],
        "posted_at": now,
    }  # fmt: skip
    _change(post_id, facts)
    return "posted"


def _change(post_id: int, facts: dict[str, object]) -> None:
    with transaction() as session:
        session.execute(update(Post).where(Post.id == post_id).values(**facts))


def _change_own(
    user_id: int, post_id: int, state: str, facts: dict[str, object], *conditions: ColumnElement[bool]
) -> bool:
    """Change a post of this person's that is in this state; False where there is none."""
    with transaction() as session:
        done = session.execute(
            update(Post)
            .where(Post.id == post_id, Post.user_id == user_id, Post.state == state, *conditions)
            .values(**facts, attempts_count=0)
        )
        return int(done.rowcount) == 1  # type: ignore[attr-defined]


def _show(post: Post, title: str, slug: str, settings: Settings) -> ShownPost:
    connector = find_connector(post.connector, settings)
    label = connector.provider.label if connector else CHANNELS.get(post.connector, post.connector.title())
    may_say = post.state == "unknown" and (connector is None or connector.find is None)
    return ShownPost(
        post.id, label, post.entry_id, title, slug, post.words, post.state, post.reason, post.remote_url, post.queued_at,
        post.state in ("posted", "failed") or may_say, may_say,
    )  # fmt: skip


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
