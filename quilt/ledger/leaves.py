"""The leaves: a vote, a decision about votes, an entry's place in the running, an entry's points from the judges.

A leaf is one canonical line (`quilt.ledger.canonical`); the public file `ledger.ndjson` is these lines in the
order of the tree, so line n (from 0) is leaf n. Nothing in a leaf is about a person: a vote is a commitment,
an hour and the entry; who decided is told by role.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from quilt.ledger.canonical import (
    VERSION,
    Check,
    check_fields,
    decode_fields,
    encode_fields,
    is_contest,
    is_flag,
    is_hash,
    is_hour,
    is_number,
    is_period,
    is_tag,
    is_version,
    one_of,
)
from quilt.ledger.refusals import LeafRefused, LedgerRefused

RECORDED, COUNTED, HELD, REJECTED, WITHDRAWN = "recorded", "counted", "held", "rejected", "withdrawn"
STATES = (RECORDED, COUNTED, HELD, REJECTED, WITHDRAWN)
RULES, VOTER, REVIEWER, APPEAL = "rules", "voter", "reviewer", "appeal"
ACTORS = (RULES, VOTER, REVIEWER, APPEAL)
_NO_COMMITMENT = bytes(32)
MAX_RANGES = 1_000  # keeps the longest decision within the longest line

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class VoteLeaf:
    """One recorded vote. `hour` is written by `spell_hour`; `period` is "", a date or an ISO week."""

    contest: str
    entry: int
    period: str
    tier: str
    hour: str
    commitment: bytes


@dataclass(frozen=True, slots=True)
class DecisionLeaf:
    """Votes come into a state. `votes` are ranges of leaf numbers, both ends in them.

    `rules` is the version of the evidence rules that were in force, `reason` the class of the reason, `actor`
    the kind of who decided.
    """

    contest: str
    votes: tuple[Range, ...]
    state: str
    actor: str
    reason: str
    rules: str


@dataclass(frozen=True, slots=True)
class EntryLeaf:
    """An entry leaves the running, or comes back. Every entry is in it until a leaf says otherwise."""

    contest: str
    entry: int
    is_running: bool
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class JudgesLeaf:
    """An entry's points from the judges, all criteria and weights in them. The last one of an entry counts."""

    contest: str
    entry: int
    points: int


Leaf = VoteLeaf | DecisionLeaf | EntryLeaf | JudgesLeaf


def encode_leaf(leaf: Leaf) -> bytes:
    """Return the line of a leaf, without a line feed. Raises LeafRefused for values that no leaf may have."""
    if isinstance(leaf, VoteLeaf):
        return _encode_vote(leaf)
    return _encode(leaf)


def decode_leaf(line: bytes) -> Leaf:
    """Return the leaf that `encode_leaf` wrote. Raises LeafRefused for any other bytes."""
    try:
        fields = decode_fields(line)
    except LedgerRefused as refusal:
        raise LeafRefused(str(refusal)) from None
    _check(fields)
    return _READERS[fields["kind"]](fields)


def _encode(leaf: Leaf) -> bytes:
    fields = {**_list_fields(leaf), "v": VERSION}
    _check(fields)
    return encode_fields(fields)


def _encode_vote(leaf: VoteLeaf) -> bytes:
    if len(leaf.commitment) != len(_NO_COMMITMENT):
        raise LeafRefused(f"vote: a commitment of {len(leaf.commitment)} bytes")
    before, after = _frame_vote(leaf.contest, leaf.entry, leaf.period, leaf.tier, leaf.hour)
    return before + leaf.commitment.hex().encode() + after


@lru_cache(maxsize=10_000, typed=True)
def _frame_vote(contest: str, entry: int, period: str, tier: str, hour: str) -> tuple[bytes, bytes]:
    """What stands before and behind the commitment, in which alone most votes of an hour differ."""
    line = _encode(VoteLeaf(contest, entry, period, tier, hour, _NO_COMMITMENT))
    before, _, after = line.partition(_NO_COMMITMENT.hex().encode())  # no field before it may hold this
    return before, after


def _check(fields: Mapping[str, object]) -> None:
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in _SHAPES:
        raise LeafRefused("a leaf of an unknown kind")
    try:
        check_fields(fields, _SHAPES[kind])
    except LedgerRefused as refusal:
        raise LeafRefused(f"{kind}: {refusal}") from None


def _is_ranges(value: object) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_RANGES:
        return False
    end = -2
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not all(is_number(number) for number in pair):
            return False
        if not end + 1 < pair[0] <= pair[1]:
            return False
        end = pair[1]
    return True


_COMMON: dict[str, Check] = {"contest": is_contest, "v": is_version}
_ENTRY: dict[str, Check] = {**_COMMON, "entry": is_number}
_SHAPES: dict[str, dict[str, Check]] = {
    "vote": {
        **_ENTRY, "kind": one_of("vote"), "at": is_hour, "commit": is_hash, "period": is_period, "tier": is_tag,
    },
    "decision": {
        **_COMMON, "kind": one_of("decision"), "votes": _is_ranges, "state": one_of(*STATES[1:]),
        "actor": one_of(*ACTORS), "reason": is_tag, "rules": is_tag,
    },
    "entry": {
        **_ENTRY, "kind": one_of("entry"), "running": is_flag, "actor": one_of(*ACTORS), "reason": is_tag,
    },
    "judges": {**_ENTRY, "kind": one_of("judges"), "points": is_number},
}  # fmt: skip


def _list_fields(leaf: Leaf) -> dict[str, object]:
    match leaf:
        case VoteLeaf(contest, entry, period, tier, hour, commitment):
            return {
                "kind": "vote", "contest": contest, "entry": entry, "period": period, "tier": tier, "at": hour,
                "commit": commitment.hex(),
            }  # fmt: skip
        case DecisionLeaf(contest, votes, state, actor, reason, rules):
            return {
                "kind": "decision", "contest": contest, "votes": [list(pair) for pair in votes], "state": state,
                "actor": actor, "reason": reason, "rules": rules,
            }  # fmt: skip
        case EntryLeaf(contest, entry, is_running, actor, reason):
            return {
                "kind": "entry", "contest": contest, "entry": entry, "running": is_running, "actor": actor,
                "reason": reason,
            }  # fmt: skip
        case JudgesLeaf(contest, entry, points):
            return {"kind": "judges", "contest": contest, "entry": entry, "points": points}


def _read_vote(fields: Mapping[str, Any]) -> VoteLeaf:
    commitment = bytes.fromhex(fields["commit"])
    return VoteLeaf(
        fields["contest"], fields["entry"], fields["period"], fields["tier"], fields["at"], commitment
    )


def _read_decision(fields: Mapping[str, Any]) -> DecisionLeaf:
    votes = _read_ranges(fields["votes"])
    return DecisionLeaf(
        fields["contest"], votes, fields["state"], fields["actor"], fields["reason"], fields["rules"]
    )


def _read_ranges(pairs: Sequence[Sequence[int]]) -> tuple[Range, ...]:
    return tuple((first, last) for first, last in pairs)


def _read_entry(fields: Mapping[str, Any]) -> EntryLeaf:
    return EntryLeaf(fields["contest"], fields["entry"], fields["running"], fields["actor"], fields["reason"])


def _read_judges(fields: Mapping[str, Any]) -> JudgesLeaf:
    return JudgesLeaf(fields["contest"], fields["entry"], fields["points"])


_READERS: dict[str, Callable[[Mapping[str, Any]], Leaf]] = {
    "vote": _read_vote,
    "decision": _read_decision,
    "entry": _read_entry,
    "judges": _read_judges,
}
