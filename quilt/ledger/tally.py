"""From leaves to places: how many votes count for whom, and who comes in which place."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from quilt.ledger.canonical import VERSION
from quilt.ledger.draw import build_key, draw_order, is_public_value
from quilt.ledger.leaves import COUNTED, RECORDED, STATES, Leaf
from quilt.ledger.refusals import DrawNeeded, StateRefused
from quilt.ledger.states import Ballots
from quilt.ledger.terms import STRONGER, Terms

Standing = tuple[Fraction, int]


@dataclass(frozen=True, slots=True)
class Tally:
    """What a whole ledger comes to.

    `votes` has for each entry how many of its votes are in each state; `strong` how many counted ones are of
    the stronger tiers; `points` what the judges gave; `out` who is out of the running.
    """

    size: int
    votes: dict[int, dict[str, int]]
    strong: dict[int, int]
    points: dict[int, int]
    out: frozenset[int]


def tally_leaves(leaves: Iterable[Leaf], terms: Terms) -> Tally:
    """Return the tally of all leaves, in order. Raises StateRefused where they contradict themselves."""
    ballots = Ballots(terms.contest)
    for leaf in leaves:
        ballots.add(leaf)
    return tally_ballots(ballots, terms)


def tally_ballots(ballots: Ballots, terms: Terms) -> Tally:
    """Return the tally of what has been fed in. Raises StateRefused when a counted vote is of a tier that the
    policy does not count."""
    votes: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(STATES, 0))
    strong: Counter[int] = Counter()
    for (entry, state, tier), count in ballots.count().items():
        votes[entry][state] += count
        if state == COUNTED and tier not in terms.tiers:
            raise StateRefused(f"a vote of the tier {tier} is counted, which the policy does not allow")
        if state == COUNTED and tier in terms.strong_tiers:
            strong[entry] += count
    return Tally(ballots.size, dict(votes), dict(strong), dict(ballots.points), frozenset(ballots.out))


def score_entries(tally: Tally, terms: Terms) -> dict[int, Fraction]:
    """Return the exact score of every entry in the running that has any.

    Without judges it is the counted votes. With a judges' share of J percent it is J of the entry's points out
    of the most points of any, and 100 − J of its votes out of the most votes of any.
    """
    counted = {entry: states[COUNTED] for entry, states in tally.votes.items() if entry not in tally.out}
    points = {entry: given for entry, given in tally.points.items() if entry not in tally.out}
    if not terms.judges_share:
        return {entry: Fraction(votes) for entry, votes in counted.items() if votes}
    most_votes, most_points = (max([1, *values.values()]) for values in (counted, points))
    scores = {
        entry: (100 - terms.judges_share) * Fraction(counted.get(entry, 0), most_votes)
        + terms.judges_share * Fraction(points.get(entry, 0), most_points)
        for entry in counted.keys() | points.keys()
    }
    return {entry: score for entry, score in scores.items() if score}


def decide_places(tally: Tally, terms: Terms, head_hash: bytes, value: str | None) -> list[int]:
    """Return the entries of the paid places and the runners-up, the first first.

    `head_hash` is that of the last tree head; `value` the public value of the draw, or None while it is not
    known. Raises DrawNeeded when entries are level at one of these places and there is no value, ValueError
    when the value has another form.
    """
    if value is not None and not is_public_value(value):
        raise ValueError("the public value is letters, digits and dots, at most 256")
    order: list[int] = []
    wanted = terms.places + terms.runners_up
    for level in _group_level(tally, terms):
        if len(order) >= wanted:
            break
        if len(level) > 1:
            if value is None:
                raise DrawNeeded(level)
            # The place is in the key, so that two draws of one contest do not repeat one another.
            level = draw_order(level, build_key(head_hash.hex(), value, str(len(order) + 1)))
        order += level
    return order[:wanted]


def needs_draw(tally: Tally, terms: Terms) -> bool:
    """Tell whether entries are level at a place that counts, after every other tie-break."""
    try:
        decide_places(tally, terms, b"", None)
    except DrawNeeded:
        return True
    return False


def encode_results(
    tally: Tally, terms: Terms, head_hash: bytes, is_final: bool, value: str | None = None
) -> bytes:
    """Return `results.json` for the tally at the head `head_hash`.

    Places are named when `is_final` only; then this raises StateRefused while a vote has no decision, and
    DrawNeeded where the draw has not been made. A value that was not needed is left out.
    """
    if is_final and any(states[RECORDED] for states in tally.votes.values()):
        raise StateRefused("a vote is recorded and not yet decided about")
    is_drawn = is_final and needs_draw(tally, terms)
    places = decide_places(tally, terms, head_hash, value) if is_final else []
    fields = {
        "v": VERSION,
        "contest": terms.contest,
        "size": tally.size,
        "head": head_hash.hex(),
        "final": is_final,
        "draw": {"source": terms.draw_source, "value": value} if is_drawn else None,
        "tally": [{"entry": entry, **states} for entry, states in sorted(tally.votes.items())],
        "points": [{"entry": entry, "points": given} for entry, given in sorted(tally.points.items())],
        "out": sorted(tally.out),
        "places": places,
    }
    return _write(fields)


def withdraw_places(body: bytes) -> bytes:
    """Return a final `results.json` as it was before it was final: the same tally, with no draw and no places."""
    return _write({**json.loads(body), "final": False, "draw": None, "places": []})


def _write(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, indent=1, sort_keys=True).encode() + b"\n"


def _group_level(tally: Tally, terms: Terms) -> list[list[int]]:
    """Entries that only the draw could tell apart, in ascending order, the best group first."""
    groups: dict[Standing, list[int]] = defaultdict(list)
    for entry, score in score_entries(tally, terms).items():
        stronger = tally.strong.get(entry, 0) if STRONGER in terms.tie_breaks else 0
        groups[score, stronger].append(entry)
    return [sorted(groups[standing]) for standing in sorted(groups, reverse=True)]
