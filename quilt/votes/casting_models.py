"""What stands beside the votes while they are cast: keys of requests, identities that voted, used challenges, counts."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from quilt.database import BigId, Model, UtcDateTime


class VoteKey(Model):
    """An Idempotency-Key of one person, and the request that it stood for; forgotten after a day."""

    __tablename__ = "vote_key"
    __table_args__ = (Index("ix_vote_key_used_at", "used_at"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)  # SHA-256 of the key
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"))
    receipt: Mapped[str] = mapped_column(String(32))
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VoterIdentity(Model):
    """A provider's identity that stood behind a voter's vote: a keyed hash, so that it stands behind no other one.

    It stays when the identity is disconnected, or the account goes.
    """

    __tablename__ = "voter_identity"

    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), primary_key=True)
    key: Mapped[bytes] = mapped_column(
        LargeBinary(32), primary_key=True
    )  # quilt.votes.rules.make_identity_key
    voter_id: Mapped[int] = mapped_column(ForeignKey("voter.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class UsedChallenge(Model):
    """A challenge that was solved: each counts once. Forgotten when it would be too old anyway."""

    __tablename__ = "used_challenge"
    __table_args__ = (Index("ix_used_challenge_used_at", "used_at"),)

    nonce: Mapped[bytes] = mapped_column(LargeBinary(12), primary_key=True)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ShownTally(Model):
    """An entry's votes as they are shown where the policy shows them by the hour or the day."""

    __tablename__ = "shown_tally"

    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id"), index=True)
    votes: Mapped[int] = mapped_column(BigId)
    counted_at: Mapped[datetime] = mapped_column(UtcDateTime)
