"""Reading the figures of a contest's entries."""

from sqlalchemy import func, select

from quilt.arrivals.models import EntrySpread
from quilt.database import db
from quilt.entries.models import Entry
from quilt.standings.rules import Figures
from quilt.votes.casting_models import ShownTally
from quilt.votes.models import EntryTally
from quilt.votes.shown import shown_votes

_shown = ShownTally.__table__
_entry, _tally, _spread = Entry.__table__, EntryTally.__table__, EntrySpread.__table__


def list_figures(contest_id: int) -> list[Figures]:
    """Votes, as everybody may see them, and spread of every published entry of a contest, by id."""
    statement = (
        select(
            _entry.c.id,
            shown_votes(),
            func.coalesce(_spread.c.size, 1) - 1,
            func.coalesce(_spread.c.max_depth, 0),
            _entry.c.is_eligible,
        )
        .select_from(
            _entry.outerjoin(_tally, _tally.c.entry_id == _entry.c.id)
            .outerjoin(_shown, _shown.c.entry_id == _entry.c.id)
            .outerjoin(_spread, _spread.c.entry_id == _entry.c.id)
        )
        .where(_entry.c.contest_id == contest_id, _entry.c.state == "published")
        .order_by(_entry.c.id)
    )
    return [Figures._make(row) for row in db.session.execute(statement)]
