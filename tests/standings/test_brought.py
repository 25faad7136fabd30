"""What placements brought, counted while people arrive."""

from datetime import timedelta

import pytest
from sqlalchemy import event, insert

from quilt.arrivals.models import Arrival, ArrivalStat
from quilt.database import db
from quilt.embeds.models import PlacementEmbed
from quilt.shares.models import ShareAct
from quilt.standings.brought import build_report
from tests.conftest import NOW
from tests.embeds.brands import make_organisation, make_placement
from tests.factories import make_entry, make_user, save

TODAY = NOW.date()


@pytest.fixture
def placement(app):
    return make_placement(make_organisation(make_user()), make_entry())


def come(placement, code, shares=0):
    """Somebody comes by the placement, and presses share so often."""
    embed_id = db.session.query(PlacementEmbed.embed_id).scalar()
    arrival = save(
        Arrival(entry_id=placement.entry_id, depth=1, code=code, embed_id=embed_id, channel="embed", arrived_at=NOW)
    )  # fmt: skip
    for minute in range(shares):
        save(
            ShareAct(
                entry_id=placement.entry_id, arrival_id=arrival.id, channel="mail",
                shared_at=NOW + timedelta(minutes=minute),
            )
        )  # fmt: skip
    return arrival


def figures_of(placement, since=TODAY):
    line = build_report(placement.organisation_id, since, TODAY)[0]
    db.session.rollback()
    return line.sums


def test_visitors_who_share_are_counted_once_and_those_left_out_never(placement):
    come(placement, "one", shares=3)
    come(placement, "two")
    out = come(placement, "out", shares=1)
    save(ArrivalStat(arrival_id=out.id, entry_id=placement.entry_id, subtree_size=0))
    found = figures_of(placement)
    assert (found.visits, found.branch, found.shares) == (2, 2, 1)
    assert figures_of(placement, TODAY + timedelta(days=1)).visits == 0


def test_who_comes_and_shares_while_we_count_disturbs_nothing(placement):
    embed_id = db.session.query(PlacementEmbed.embed_id).scalar()
    entry_id = placement.entry_id
    db.session.rollback()
    came = []

    def arrive(connection, cursor, statement, *_):
        if came or "FROM placement_embed JOIN" not in statement:
            return
        came.append(statement)
        with db.engine.begin() as other:
            values = {
                "entry_id": entry_id,
                "depth": 1,
                "code": "late",
                "embed_id": embed_id,
                "arrived_at": NOW,
            }
            number = other.execute(insert(Arrival).values(values).returning(Arrival.id)).scalar_one()
            act = {"entry_id": entry_id, "arrival_id": number, "channel": "mail", "shared_at": NOW}
            other.execute(insert(ShareAct).values(act))

    event.listen(db.engine, "after_cursor_execute", arrive)
    try:
        found = figures_of(placement)
    finally:
        event.remove(db.engine, "after_cursor_execute", arrive)
    assert came and found.shares <= found.visits
    assert figures_of(placement).shares == figures_of(placement).visits == 1
