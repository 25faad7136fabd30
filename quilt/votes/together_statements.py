"""What is asked and inserted for many votes at a time."""

from typing import Any

from sqlalchemy import FromClause, Integer, and_, column, select

from quilt.accounts.models import User
from quilt.database import insert_if_new
from quilt.entries.models import Entry
from quilt.prepared import PreparedRows, insert_asked
from quilt.votes.casting import VOTE_COLUMNS, VOTER_COLUMNS, ask_clock
from quilt.votes.models import Vote, Voter

_entry, _vote, _voter, _user = Entry.__table__, Vote.__table__, Voter.__table__, User.__table__


def _build_facts(dialect: str, asked: FromClause) -> Any:
    """The facts of `quilt.votes.casting` for many, and the vote that the person has cast for the entry already."""
    entrant = _user.alias("entrant")
    return (
        select(
            asked.c.place, _entry.c.state, _entry.c.contest_id, _entry.c.entrant_id,
            entrant.c.email.label("entrant_email"), _user.c.email, _user.c.session_epoch, _user.c.is_proven,
            _voter.c.id.label("voter_id"), _vote.c.state.label("first_state"), _vote.c.cast_at.label("first_at"),
            _vote.c.receipt.label("first_receipt"), ask_clock(dialect),
        )
        .select_from(asked)
        .join(_entry, _entry.c.id == asked.c.entry_id)
        .join(entrant, entrant.c.id == _entry.c.entrant_id)
        .join(_user, _user.c.id == asked.c.user_id)
        .outerjoin(_voter, and_(_voter.c.contest_id == _entry.c.contest_id, _voter.c.user_id == _user.c.id))
        .outerjoin(
            _vote,
            and_(
                _vote.c.contest_id == _voter.c.contest_id, _vote.c.voter_id == _voter.c.id,
                _vote.c.entry_id == asked.c.entry_id, _vote.c.period == asked.c.period,
            ),
        )
    )  # fmt: skip


def _build_slots(_dialect: str, asked: FromClause) -> Any:
    return select(asked.c.place, _vote.c.slot, _vote.c.cast_at).join_from(
        asked,
        _vote,
        and_(
            _vote.c.contest_id == asked.c.contest_id,
            _vote.c.voter_id == asked.c.voter_id,
            _vote.c.period == asked.c.period,
        ),
    )


def _build_claimed(_dialect: str, asked: FromClause) -> Any:
    is_another = and_(_vote.c.arrival_id == asked.c.arrival_id, _vote.c.voter_id != asked.c.voter_id)
    return select(asked.c.arrival_id).join_from(asked, _vote, is_another)


_PLACE = {"place": column("place", Integer)}
FACTS = PreparedRows(
    _PLACE | {name: _vote.c[name] for name in ("entry_id", "period")} | {"user_id": _user.c.id},
    _build_facts,
)
SLOTS = PreparedRows(
    _PLACE | {name: _vote.c[name] for name in ("contest_id", "voter_id", "period")}, _build_slots
)
CLAIMED = PreparedRows({name: _vote.c[name] for name in ("arrival_id", "voter_id")}, _build_claimed)
ADD_VOTERS = PreparedRows(
    {name: _voter.c[name] for name in VOTER_COLUMNS},
    lambda dialect, asked: insert_asked(insert_if_new(_voter, dialect), asked).returning(
        _voter.c.id, _voter.c.contest_id, _voter.c.user_id
    ),
)
ADD_VOTES = PreparedRows(
    {name: _vote.c[name] for name in VOTE_COLUMNS},
    lambda dialect, asked: insert_asked(insert_if_new(_vote, dialect), asked).returning(_vote.c.id),
)
