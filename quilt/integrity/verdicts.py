"""The verdict of the evidence rules about the votes of one batch."""

from collections.abc import Sequence

from sqlalchemy import Connection

from quilt.collector import pause_collector
from quilt.integrity.facts import find_short_lived, get_rulebook, list_casts, list_repeated
from quilt.integrity.rules import Finding, Rulebook, find_lockstep, find_signs
from quilt.votes.decisions import Verdict

PLAIN = "plain"  # nothing was found that holds a vote


def judge_batch(connection: Connection, contest_id: int, vote_ids: Sequence[int]) -> dict[int, Verdict]:
    """Counted or held, for each of these votes, by the newest rules. Reads, and writes nothing."""
    book = get_rulebook()
    found = weigh_votes(connection, book, contest_id, vote_ids)
    return {vote_id: _decide(book, finding) for vote_id, finding in found.items()}


def weigh_votes(
    connection: Connection, book: Rulebook, contest_id: int, vote_ids: Sequence[int]
) -> dict[int, Finding]:
    """What the rules find about each of these votes, beside those that were cast before them."""
    with pause_collector():
        casts = list_casts(connection, book, vote_ids)
        in_step = _find_in_step(connection, book, contest_id, vote_ids)
        judged = set(vote_ids)
        short_lived = find_short_lived(
            connection, contest_id, (one for one in casts if one.vote_id in judged)
        )
        return find_signs(book, casts, judged, in_step, short_lived)


def _find_in_step(
    connection: Connection, book: Rulebook, contest_id: int, vote_ids: Sequence[int]
) -> dict[int, str]:
    sittings = int(book.signs["together"].numbers["sittings"])
    votes, asked = list_repeated(connection, contest_id, vote_ids, sittings)
    return find_lockstep(book, votes, asked) if asked else {}


def _decide(book: Rulebook, finding: Finding) -> Verdict:
    reason = finding.find_reason(book)
    if reason is None:
        return Verdict("counted", "rules", PLAIN, book.name)
    words = "; ".join(book.signs[name].words for name in finding.signs)
    return Verdict("held", "rules", reason, book.name, f"{words}.", finding.tell(book))
