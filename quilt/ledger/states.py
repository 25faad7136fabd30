"""The states of votes, as the leaves tell them one after the other."""

from array import array
from collections import Counter

from quilt.ledger.leaves import (
    ACTORS,
    APPEAL,
    COUNTED,
    HELD,
    RECORDED,
    REJECTED,
    REVIEWER,
    RULES,
    STATES,
    VOTER,
    WITHDRAWN,
    DecisionLeaf,
    EntryLeaf,
    JudgesLeaf,
    Leaf,
    Range,
    VoteLeaf,
)
from quilt.ledger.refusals import StateRefused

# From which state into which, and who may decide so. Whoever is not named here may not.
TRANSITIONS: dict[tuple[str, str], tuple[str, ...]] = {
    (RECORDED, COUNTED): (RULES, REVIEWER),
    (RECORDED, HELD): (RULES, REVIEWER),
    (COUNTED, HELD): (RULES, REVIEWER),
    (HELD, COUNTED): ACTORS,  # the voter by confirming it
    (HELD, REJECTED): (REVIEWER, APPEAL),
    (REJECTED, HELD): (REVIEWER, APPEAL),  # an undo: looked at once more
    (REJECTED, COUNTED): (APPEAL,),
    (RECORDED, WITHDRAWN): (VOTER,),
    (COUNTED, WITHDRAWN): (VOTER,),
    (HELD, WITHDRAWN): (VOTER,),
}
_NO_VOTE = len(STATES)


class Ballots:
    """Everything that the leaves of one contest say, fed in order with `add`.

    Per leaf it keeps a byte of state, an entry and a tier; and the commitments, none of which may come twice.
    """

    def __init__(self, contest: str) -> None:
        self.contest = contest
        self.points: dict[int, int] = {}
        self.out: set[int] = set()
        self._states = bytearray()
        self._entries = array("q")
        self._tiers = array("q")
        self._tier_names: list[str] = []
        self._commitments: set[bytes] = set()

    @property
    def size(self) -> int:
        """How many leaves have been added."""
        return len(self._states)

    def add(self, leaf: Leaf) -> None:
        """Take in the next leaf. Raises StateRefused, and changes nothing, when it cannot stand here."""
        if leaf.contest != self.contest:
            raise StateRefused(f"leaf {self.size} is of another contest")
        if isinstance(leaf, VoteLeaf):
            self._add_vote(leaf)
            return
        if isinstance(leaf, DecisionLeaf):
            self._decide(leaf)
        elif isinstance(leaf, EntryLeaf):
            self._move(leaf)
        elif isinstance(leaf, JudgesLeaf):
            self.points[leaf.entry] = leaf.points
        self._append(_NO_VOTE, 0, 0)

    def state(self, index: int) -> str | None:
        """Return the state of the vote in leaf `index`, None when that leaf is no vote."""
        code = self._states[index]
        return None if code == _NO_VOTE else STATES[code]

    def count(self) -> Counter[tuple[int, str, str]]:
        """Return how many votes there are of each entry, state and tier."""
        codes: Counter[tuple[int, int, int]] = Counter(
            zip(self._entries, self._states, self._tiers, strict=True)
        )
        return Counter(
            {
                (entry, STATES[code], self._tier_names[tier]): votes
                for (entry, code, tier), votes in codes.items()
                if code != _NO_VOTE
            }
        )

    def _add_vote(self, leaf: VoteLeaf) -> None:
        if leaf.commitment in self._commitments:
            raise StateRefused(f"leaf {self.size} repeats the commitment of another")
        self._commitments.add(leaf.commitment)
        if leaf.tier not in self._tier_names:
            self._tier_names.append(leaf.tier)
        self._append(STATES.index(RECORDED), leaf.entry, self._tier_names.index(leaf.tier))

    def _append(self, code: int, entry: int, tier: int) -> None:
        self._states.append(code)
        self._entries.append(entry)
        self._tiers.append(tier)

    def _decide(self, leaf: DecisionLeaf) -> None:
        for span in leaf.votes:
            self._check_span(span, leaf)
        code = STATES.index(leaf.state)
        for first, last in leaf.votes:
            self._states[first : last + 1] = bytes([code]) * (last + 1 - first)

    def _check_span(self, span: Range, leaf: DecisionLeaf) -> None:
        first, last = span
        if last >= self.size:
            raise StateRefused(f"leaf {self.size} decides about leaf {last}, which is not before it")
        for code in set(self._states[first : last + 1]):
            before = "no vote" if code == _NO_VOTE else STATES[code]
            if leaf.actor not in TRANSITIONS.get((before, leaf.state), ()):
                raise StateRefused(
                    f"leaf {self.size}: {leaf.actor} may not bring a vote from {before} to {leaf.state}"
                )

    def _move(self, leaf: EntryLeaf) -> None:
        if leaf.is_running == (leaf.entry not in self.out):
            raise StateRefused(f"leaf {self.size} says what is so already of entry {leaf.entry}")
        if leaf.is_running:
            self.out.discard(leaf.entry)
        else:
            self.out.add(leaf.entry)
