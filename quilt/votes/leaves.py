"""Writing leaves: from a vote's row to its line, and behind the last line of its contest's ledger."""

import hmac
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from quilt.database import insert_or_change
from quilt.ledger.canonical import spell_hour
from quilt.ledger.commitments import blind_voter, commit_to_vote
from quilt.ledger.leaves import EntryLeaf, JudgesLeaf, Leaf, VoteLeaf, encode_leaf
from quilt.ledger.tree import hash_leaf
from quilt.votes.bulk import add_leaves
from quilt.votes.ledger_models import Ledger, LedgerEntry, LedgerTally
from quilt.votes.tiles import Tiles

_ledger, _entry = Ledger.__table__, LedgerEntry.__table__
_NOT_IN_TAGS = re.compile("[^a-z0-9_.-]")


class LedgerNotOpen(LookupError):
    """Voting has not begun in this contest, so it has no ledger yet."""


class VoteFacts(NamedTuple):
    """What a vote's leaf is made of, and whose arrival brought the vote; `voter_key` is the keyed pseudonym of
    whoever cast it."""

    id: int
    entry_id: int
    period: str
    state: str
    receipt: str
    cast_at: datetime
    tier: str
    voter_key: bytes
    arrival_id: int | None = None


def make_salt(contest_key: bytes, receipt: str) -> bytes:
    """The 32 bytes that blind a vote: HMAC-SHA-256 by the contest's key, so that none need be stored."""
    return hmac.digest(contest_key, b"leaf" + receipt.encode(), "sha256")


def build_vote_leaf(name: str, vote: VoteFacts, contest_key: bytes) -> VoteLeaf:
    """The leaf of a vote in the ledger called `name`; only the holder of its receipt, and we, can open it."""
    salt = make_salt(contest_key, vote.receipt)
    voter = blind_voter(salt, vote.voter_key)
    commitment = commit_to_vote(salt, voter, name, vote.entry_id, vote.period)
    return VoteLeaf(name, vote.entry_id, vote.period, vote.tier, _hour_of(vote.cast_at), commitment)


@lru_cache(maxsize=1_000)
def spell_tag(text: str) -> str:
    """A reason, or a version of the rules, as a leaf takes it: small letters, digits, `_.-`, 32 at most."""
    return _NOT_IN_TAGS.sub("-", text.lower()).lstrip("_.-")[:32] or "other"


class Book:
    """A contest's ledger in the hands of the one who appends: locked until the transaction ends.

    `add` takes leaves, `count` what they change in the tally; `store` writes the tree, the tally and the size.
    Raises LedgerNotOpen.
    """

    def __init__(self, connection: Connection, contest_id: int) -> None:
        statement = select(_ledger.c.name, _ledger.c.size).where(_ledger.c.contest_id == contest_id)
        row = connection.execute(statement.with_for_update()).first()
        if row is None:
            raise LedgerNotOpen(contest_id)
        self.contest_id = contest_id
        self.name: str = row.name
        self.size: int = row.size
        self._connection = connection
        self._tiles = Tiles(connection, contest_id)
        self._tally: Counter[tuple[int, str, str]] = Counter()
        self._entries: dict[int, dict[str, object]] = {}

    def add(self, leaves: Sequence[Leaf], vote_ids: Sequence[int | None] = ()) -> range:
        """Append leaves and return their numbers; `vote_ids` are theirs where they are votes."""
        numbers = range(self.size, self.size + len(leaves))
        if not leaves:
            return numbers
        lines = [encode_leaf(leaf) for leaf in leaves]
        self.size = self._tiles.append(self.size, map(hash_leaf, lines))
        add_leaves(self._connection, self.contest_id, numbers.start, lines, vote_ids or [None] * len(lines))
        for leaf in leaves:
            self._note(leaf)
        return numbers

    def count(self, entry_id: int, state: str, reason: str, change: int) -> None:
        """So many votes more (or fewer) of this entry are in this state for this reason."""
        self._tally[entry_id, state, reason] += change

    def store(self) -> None:
        """Write the tree, the tally and the size."""
        self._tiles.store()
        dialect, of_contest = self._connection.dialect.name, {"contest_id": self.contest_id}
        rows = [
            {**of_contest, "entry_id": entry_id, "state": state, "reason": reason, "votes": change}
            for (entry_id, state, reason), change in sorted(self._tally.items())
            if change
        ]
        if rows:
            self._connection.execute(insert_or_change(LedgerTally.__table__, dialect, add=("votes",)), rows)
        for entry_id, facts in sorted(self._entries.items()):
            row = {**of_contest, "entry_id": entry_id, "is_running": True, "points": None, **facts}
            self._connection.execute(insert_or_change(_entry, dialect, put=tuple(facts)), row)
        self._tally.clear()
        self._entries.clear()
        mine = _ledger.c.contest_id == self.contest_id
        self._connection.execute(update(Ledger).where(mine).values(size=self.size))

    def _note(self, leaf: Leaf) -> None:
        if isinstance(leaf, VoteLeaf):
            self.count(leaf.entry, "recorded", "", 1)
        elif isinstance(leaf, EntryLeaf):
            self._entries.setdefault(leaf.entry, {})["is_running"] = leaf.is_running
        elif isinstance(leaf, JudgesLeaf):
            self._entries.setdefault(leaf.entry, {})["points"] = leaf.points


def append_leaves(connection: Connection, contest_id: int, leaves: Sequence[EntryLeaf | JudgesLeaf]) -> int:
    """Append leaves about entries in the caller's transaction and return the ledger's size.

    They are public with the next head. Raises LedgerNotOpen.
    """
    book = Book(connection, contest_id)
    book.add(leaves)
    book.store()
    return book.size


def list_by_state(tally: Mapping[tuple[int, str, str], int]) -> dict[int, Counter[str]]:
    """Votes by entry and state, from votes by entry, state and reason."""
    states: dict[int, Counter[str]] = {}
    for (entry_id, state, _), votes in tally.items():
        states.setdefault(entry_id, Counter())[state] += votes
    return states


@lru_cache(maxsize=64)
def _hour_of(at: datetime) -> str:
    return spell_hour(at)
