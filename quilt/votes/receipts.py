"""Receipts: found by their number, signed when they are shown, with a proof once their leaf stands below a head."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from quilt.contests.models import Contest
from quilt.database import db
from quilt.entries.models import Entry
from quilt.ledger.canonical import is_receipt_number
from quilt.ledger.commitments import blind_voter
from quilt.ledger.leaves import encode_leaf
from quilt.ledger.receipts import InclusionProof, Receipt, SignedReceipt, encode_receipt, sign_receipt
from quilt.votes.keys import SigningKey
from quilt.votes.leaves import make_salt
from quilt.votes.ledger_models import Ledger, LedgerLeaf
from quilt.votes.ledgers import find_ledger, prove_inclusion
from quilt.votes.models import Vote, Voter
from quilt.votes.public_states import public_state
from quilt.votes.rules import make_contest_key


class ReceiptForgotten(Exception):
    """The contest's salt was deleted a month after its result was final: nobody can open this vote any more."""


@dataclass(frozen=True, slots=True)
class FoundReceipt:
    """A vote as whoever holds its receipt sees it.

    `state` is what the ledger says; `proof` and `head_line` (of the head that it leads to) are None until the
    batch has come to its end.
    """

    number: str
    contest_slug: str
    contest_title: str
    time_zone: str
    entry_id: int
    entry_slug: str
    entry_title: str
    is_entry_shown: bool
    state: str
    signed: SignedReceipt
    proof: InclusionProof | None
    head_line: str | None

    @property
    def leaf_line(self) -> str:
        """The line that the ledger holds, or will hold, for this vote."""
        return encode_leaf(self.signed.receipt.leaf).decode()

    @property
    def file(self) -> bytes:
        """What the voter takes away: one canonical line and a line feed."""
        return encode_receipt(self.signed, self.proof) + b"\n"


def find_receipt(number: str, key: SigningKey, secret: str, promise: timedelta) -> FoundReceipt | None:
    """The receipt with this number, signed by `key`; None where there is none.

    A vote is promised to be in the ledger `promise` after it was cast. Raises ReceiptForgotten.
    """
    row = _find_row(number) if is_receipt_number(number) else None
    if row is None:
        return None
    if not row.voter_salt:
        raise ReceiptForgotten(number)
    receipt = _build(row, key, make_contest_key(secret, row.voter_salt), promise)
    ledger = find_ledger(row.contest_id)
    is_covered = ledger is not None and row.leaf_number is not None and row.leaf_number < ledger.size
    proof = prove_inclusion(row.contest_id, row.leaf_number, ledger.size) if ledger and is_covered else None
    return FoundReceipt(
        number=number,
        contest_slug=row.contest_slug,
        contest_title=row.contest_title,
        time_zone=row.time_zone,
        entry_id=row.entry_id,
        entry_slug=row.entry_slug,
        entry_title=row.entry_title,
        is_entry_shown=row.entry_state == "published",
        state=row.state if proof else "recorded",
        signed=sign_receipt(receipt, key.sign),
        proof=proof,
        head_line=ledger.head_line if ledger and proof else None,
    )


def _find_row(number: str) -> Any:
    return db.session.execute(
        select(
            Vote.contest_id, Vote.entry_id, Vote.period, Vote.receipt, Vote.cast_at, public_state().label("state"),
            Vote.tier, Voter.key.label("voter_key"),
            Contest.slug.label("contest_slug"), Contest.title.label("contest_title"), Contest.time_zone,
            Contest.voter_salt, Ledger.name.label("ledger_name"), LedgerLeaf.number.label("leaf_number"),
            Entry.slug.label("entry_slug"), Entry.title.label("entry_title"), Entry.state.label("entry_state"),
        )
        .join(Voter, Voter.id == Vote.voter_id)
        .join(Contest, Contest.id == Vote.contest_id)
        .join(Entry, Entry.id == Vote.entry_id)
        .outerjoin(Ledger, Ledger.contest_id == Vote.contest_id)
        .outerjoin(LedgerLeaf, LedgerLeaf.vote_id == Vote.id)
        .where(Vote.receipt == number)
    ).first()  # fmt: skip


def _build(row: Any, key: SigningKey, contest_key: bytes, promise: timedelta) -> Receipt:
    salt = make_salt(contest_key, row.receipt)
    return Receipt(
        contest=row.ledger_name or row.contest_slug, number=row.receipt, entry=row.entry_id,
        period=row.period, tier=row.tier, at=row.cast_at, due=row.cast_at + promise, salt=salt,
        voter=blind_voter(salt, row.voter_key), key=key.name,
    )  # fmt: skip
