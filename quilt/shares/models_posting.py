"""Connected accounts, posts on their owners' behalf, and the entrant's share kit."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class Connection(Model):
    """A person's account on a network, for posting what they confirm each time; gone when they disconnect.

    `sealed` holds the tokens, encrypted; it is '' once the network no longer takes them. `host` is the server of
    a network that has many. `contest_id` is the contest for which it was last used: it goes when that one ends.
    """

    __tablename__ = "connection"
    __table_args__ = (
        UniqueConstraint("connector", "host", "subject"),
        Index("ix_connection_user_id", "user_id"),
        Index("ix_connection_contest_id", "contest_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    connector: Mapped[str] = mapped_column(String(16))
    host: Mapped[str] = mapped_column(String(253))
    subject: Mapped[str] = mapped_column(String(255))
    handle: Mapped[str] = mapped_column(String(255))
    scopes: Mapped[str] = mapped_column(String(300))
    most_characters: Mapped[int] = mapped_column(default=0)  # the server's own limit; 0: the network's
    sealed: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    connected_at: Mapped[datetime] = mapped_column(UtcDateTime)


class KeyReturn(Model):
    """A key whose connection is gone here, until its network has it back. It leads to nobody.

    `due_at` is the next try, None before the first; a worker moves it on as its lease.
    """

    __tablename__ = "key_return"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    connector: Mapped[str] = mapped_column(String(16))
    host: Mapped[str] = mapped_column(String(253))
    sealed: Mapped[str] = mapped_column(Text)
    attempts_count: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ConnectFlow(Model):
    """One trip to a network and back: good once, for ten minutes, for the person who began it.

    Whoever uses it deletes it. `sealed` holds what the answer is checked with, encrypted.
    """

    __tablename__ = "connect_flow"
    __table_args__ = (
        Index("ix_connect_flow_created_at", "created_at"),
        Index("ix_connect_flow_user_id", "user_id"),
    )

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    connector: Mapped[str] = mapped_column(String(16))
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"))
    next_path: Mapped[str] = mapped_column(String(500))
    sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Post(Model):
    """A text that somebody confirmed for one of their accounts.

    queued → posted | failed | unknown; `unknown` means that the network may have it, and is looked for there
    before anything is sent again. `form_key` is the confirmed form's own: twice the same form is one post, and so
    is twice the same text (`words_hash`) about one entry on one account.
    """

    __tablename__ = "post"
    __table_args__ = (
        UniqueConstraint("user_id", "form_key"),
        UniqueConstraint("user_id", "entry_id", "account", "words_hash"),
        Index("ix_post_state_due_at", "state", "due_at"),
        Index("ix_post_connection_id", "connection_id"),
        CheckConstraint("state in ('queued','posted','failed','unknown')", name="state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), index=True)
    connection_id: Mapped[int | None] = mapped_column(ForeignKey("connection.id", ondelete="SET NULL"))
    connector: Mapped[str] = mapped_column(String(16))
    account: Mapped[str] = mapped_column(String(300))  # connector, host and subject: outlives the connection
    form_key: Mapped[str] = mapped_column(String(32))
    words_hash: Mapped[str] = mapped_column(String(64))
    words: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(String(300))  # the person's own, with the network as its channel
    title: Mapped[str] = mapped_column(String(300))  # of the card, and the post's own where a network has one
    group: Mapped[str] = mapped_column(String(100), default="")  # the community it goes to (Reddit)
    state: Mapped[str] = mapped_column(String(8), default="queued")
    reason: Mapped[str] = mapped_column(String(300), default="")
    remote_key: Mapped[str] = mapped_column(String(300), default="")
    remote_url: Mapped[str] = mapped_column(String(500), default="")
    attempts_count: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(
        UtcDateTime
    )  # next try or look; a worker moves it on as its lease
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    posted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ShareKit(Model):
    """What the entrant has ready for others: the text that is proposed to those who pass the entry on."""

    __tablename__ = "share_kit"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    words: Mapped[str] = mapped_column(String(500), default="")
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)  # since then its pictures are drawn


class KitPicture(Model):
    """A picture of the kit; another content has another key."""

    __tablename__ = "kit_picture"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)  # square, story, a4, letter
    key: Mapped[str] = mapped_column(String(120))
    drawn_of: Mapped[str] = mapped_column(String(64))  # digest of what it shows
