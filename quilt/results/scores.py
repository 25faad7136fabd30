"""What the places of a result were made of: votes, the judges' points, and the score of both."""

import json
from dataclasses import dataclass
from fractions import Fraction

from quilt.ledger.tally import Tally, score_entries
from quilt.ledger.terms import read_terms
from quilt.results.models import Result
from quilt.votes.ledgers import find_ledger


@dataclass(frozen=True, slots=True)
class Score:
    """Of one entry: counted votes, the judges' points (thousandths; None: no points), and the score out of 100."""

    votes: int
    points: int | None
    score: Fraction


def read_scores(result: Result) -> dict[int, Score]:
    """The scores behind a result by entry; empty where judges had no share, and the votes say it all."""
    ledger = find_ledger(result.contest_id)
    if ledger is None or not (terms := read_terms(ledger.policy)).judges_share:
        return {}
    fields = json.loads(result.body)
    votes = {line["entry"]: {key: line[key] for key in line if key != "entry"} for line in fields["tally"]}
    points = {line["entry"]: line["points"] for line in fields["points"]}
    tally = Tally(fields["size"], votes, {}, points, frozenset(fields["out"]))
    return {
        entry: Score(votes[entry]["counted"] if entry in votes else 0, points.get(entry), score)
        for entry, score in score_entries(tally, terms).items()
    }
