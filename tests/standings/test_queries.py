"""The figures of a contest's entries."""

from sqlalchemy import update

from quilt.arrivals.models import EntrySpread
from quilt.database import db
from quilt.standings.queries import list_figures
from quilt.standings.rules import Figures
from quilt.votes.models import EntryTally
from tests.factories import make_contest, make_entry


def test_figures_are_of_published_entries_only(app):
    contest = make_contest()
    known, fresh = make_entry(contest), make_entry(contest)
    make_entry(contest, state="removed")
    make_entry()
    db.session.execute(update(EntryTally).where(EntryTally.entry_id == known.id).values(standing=12))
    spread = db.session.get(EntrySpread, known.id) or EntrySpread(entry_id=known.id)
    spread.size, spread.max_depth = 31, 4
    db.session.add(spread)
    db.session.commit()
    assert list_figures(contest.id) == [Figures(known.id, 12, 30, 4), Figures(fresh.id, 0, 0, 0)]


def test_one_query_however_many_entries(app, count_queries):
    counts = []
    for size in (1, 3):
        contest = make_contest()
        for _ in range(size):
            make_entry(contest)
        contest_id = contest.id
        with count_queries() as queries:
            list_figures(contest_id)
        counts.append(len(queries))
    assert counts == [1, 1]
