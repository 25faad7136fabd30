"""The ledger of a contest as it is stored: its leaves, the tree over them, the signed heads, the tally so far."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class Ledger(Model):
    """A contest's ledger, from the moment at which voting opened: the terms are frozen, the list only grows.

    Whoever appends holds this row's lock.
    """

    __tablename__ = "ledger"
    __table_args__ = (CheckConstraint("size >= 0", name="size"),)

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))  # how leaves, heads and receipts call the contest, for ever
    policy: Mapped[bytes] = mapped_column(LargeBinary)  # policy.json, as it was frozen
    size: Mapped[int] = mapped_column(BigId, default=0)  # leaves, those behind the last head among them
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    batch_at: Mapped[datetime] = mapped_column(UtcDateTime)  # when the last batch came to its end


class Settlement(Model):
    """A published result's time for appeals, and since when it is final: then no vote is decided about any more."""

    __tablename__ = "settlement"
    __table_args__ = (CheckConstraint("settled_at is null or settled_at >= appeals_until", name="in_order"),)

    contest_id: Mapped[int] = mapped_column(ForeignKey("ledger.contest_id"), primary_key=True)
    appeals_until: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LedgerLeaf(Model):
    """One line of the ledger. `vote_id` is the vote that it commits to; None for a leaf that is no vote.

    `contest_id` is a ledger's, whose row is locked by whoever appends: a foreign key would look for it once a line.
    """

    __tablename__ = "ledger_leaf"

    contest_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)  # from 0
    line: Mapped[str] = mapped_column(Text)
    vote_id: Mapped[int | None] = mapped_column(ForeignKey("vote.id"), unique=True)


class LedgerTile(Model):
    """Up to 256 hashes of 32 bytes, side by side, on every eighth level of the tree (0: the leaves' own).

    Tile `number` of level 8·`level` begins with node 256·`number`; the nodes between two such levels follow from
    it. Only the last tile of a level grows.
    """

    __tablename__ = "ledger_tile"

    contest_id: Mapped[int] = mapped_column(ForeignKey("ledger.contest_id"), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(LargeBinary(8192))


class LedgerHead(Model):
    """A signed tree head: `line` is its line of heads.ndjson."""

    __tablename__ = "ledger_head"

    contest_id: Mapped[int] = mapped_column(ForeignKey("ledger.contest_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 0
    size: Mapped[int] = mapped_column(BigId)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    line: Mapped[str] = mapped_column(Text)


class LedgerKey(Model):
    """A public key that has signed a head: listed for ever, so that old heads and receipts can be checked."""

    __tablename__ = "ledger_key"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerTally(Model):
    """How many votes of an entry the leaves bring into a state, by the reason of the last decision ('': none)."""

    __tablename__ = "ledger_tally"

    contest_id: Mapped[int] = mapped_column(ForeignKey("ledger.contest_id"), primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32), primary_key=True)
    votes: Mapped[int] = mapped_column(BigId)


class LedgerEntry(Model):
    """What the last leaf about an entry says: whether it is in the running, and the judges' points."""

    __tablename__ = "ledger_entry"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("ledger.contest_id"), index=True)
    is_running: Mapped[bool] = mapped_column(default=True)
    points: Mapped[int | None] = mapped_column(BigId)


class LedgerResults(Model):
    """`results.json` at the head of so many leaves. The last few are kept."""

    __tablename__ = "ledger_results"

    contest_id: Mapped[int] = mapped_column(ForeignKey("ledger.contest_id"), primary_key=True)
    size: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class HeadLetter(Model):
    """A day's tree head was mailed to an entrant: once a day and contest, as a witness."""

    __tablename__ = "head_letter"

    contest_id: Mapped[int] = mapped_column(ForeignKey("ledger.contest_id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)  # in the contest's zone
    head_number: Mapped[int]
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)


class HeadLetterOff(Model):
    """Somebody who does not want to be mailed tree heads."""

    __tablename__ = "head_letter_off"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
