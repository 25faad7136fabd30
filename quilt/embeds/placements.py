"""Placements: made, changed, ended, and given a code for each entry that they show."""

import json
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from quilt.contests.models import Contest
from quilt.database import db, transaction
from quilt.embeds.looks import OF_ENTRY, Options, check_colours, say_options
from quilt.embeds.models import Embed, Placement, PlacementEmbed
from quilt.embeds.rules import MOST_LABEL, MOST_PLACEMENTS, BrandRefused, LimitReached, clean_name
from quilt.embeds.service import hold_organisation
from quilt.entries.models import Entry
from quilt.spread.codes import Entropy, new_code


class NothingToShow(BrandRefused):
    """No published entry or contest of that number."""


def create_placement(
    organisation_id: int,
    kind: str,
    target_id: int,
    label: str,
    options: Options,
    *,
    now: datetime,
    entropy: Entropy,
) -> Placement:
    """A new placement of an entry (kinds entry and vote) or a contest, with a code for each entry.

    Raises NameRefused, ColoursRefused, NothingToShow or LimitReached; nothing is kept then.
    """
    label = clean_name(label, MOST_LABEL, "label")
    check_colours(options)
    with transaction() as session:
        _check_room(session, organisation_id)
        contest_id, entry_id = _find_target(session, kind, target_id)
        placement = Placement(
            organisation_id=organisation_id, code=new_code(entropy), label=label, kind=kind, contest_id=contest_id,
            entry_id=entry_id, options=json.dumps(say_options(options)), created_at=now,
        )  # fmt: skip
        session.add(placement)
        session.flush()
        _give_codes(session, placement, now, entropy)
    return placement


def change_placement(placement: Placement, label: str, options: Options) -> Placement:
    """Another name or look. Raises NameRefused or ColoursRefused."""
    label = clean_name(label, MOST_LABEL, "label")
    check_colours(options)
    with transaction() as session:
        hold_organisation(session, placement.organisation_id).version += 1
        row = session.get_one(Placement, placement.id)
        row.label, row.options = label, json.dumps(say_options(options))
    return row


def end_placement(placement: Placement, now: datetime, *, is_ended: bool) -> Placement:
    """Stop showing it, or show it again; its figures stay."""
    with transaction() as session:
        hold_organisation(session, placement.organisation_id).version += 1
        row = session.get_one(Placement, placement.id)
        row.ended_at = now if is_ended else None
    return row


def fill_codes(now: datetime, entropy: Entropy) -> int:
    """Give contest placements a code for each entry that was published since; returns how many were given."""
    waiting = list(db.session.scalars(_LACKING))
    db.session.rollback()
    given = 0
    for placement_id in waiting:
        with transaction() as session:
            given += _give_codes(session, session.get_one(Placement, placement_id), now, entropy)
    return given


def _find_target(session: Session, kind: str, target_id: int) -> tuple[int, int | None]:
    if kind in OF_ENTRY:
        row = session.execute(
            select(Entry.contest_id, Entry.id)
            .join(Contest, Contest.id == Entry.contest_id)
            .where(Entry.id == target_id, Entry.state == "published", Contest.is_published)
        ).first()
        if row is None:
            raise NothingToShow("There is no such entry. Copy its number from its address.", "entry")
        return row.contest_id, row.id
    contest = session.get(Contest, target_id)
    if contest is None or not contest.is_published:
        raise NothingToShow("There is no such contest.", "contest")
    return contest.id, None


def _check_room(session: Session, organisation_id: int) -> None:
    hold_organisation(session, organisation_id)  # many at once are counted in turn
    count = session.scalar(
        select(func.count()).select_from(Placement).where(Placement.organisation_id == organisation_id)
    )
    if (count or 0) >= MOST_PLACEMENTS:
        raise LimitReached(f"An organisation can have {MOST_PLACEMENTS} embeds. Use one of those you have.")


def _give_codes(session: Session, placement: Placement, now: datetime, entropy: Entropy) -> int:
    """An embed for each published entry that has none yet; an entry's own placement has the placement's code."""
    lacking = select(Entry.id).where(
        Entry.contest_id == placement.contest_id,
        Entry.state == "published",
        ~exists().where(PlacementEmbed.placement_id == placement.id, PlacementEmbed.entry_id == Entry.id),
    )
    if placement.entry_id is not None:
        lacking = lacking.where(Entry.id == placement.entry_id)
    embeds = [
        Embed(
            entry_id=entry_id,
            code=placement.code if placement.entry_id is not None else new_code(entropy),
            created_at=now,
        )
        for entry_id in session.scalars(lacking)
    ]
    session.add_all(embeds)
    session.flush()
    session.add_all(
        PlacementEmbed(placement_id=placement.id, entry_id=embed.entry_id, embed_id=embed.id)
        for embed in embeds
    )
    return len(embeds)


_LACKING = (
    select(Placement.id)
    .where(
        Placement.entry_id.is_(None),
        Placement.ended_at.is_(None),
        exists().where(
            Entry.contest_id == Placement.contest_id,
            Entry.state == "published",
            ~exists().where(PlacementEmbed.placement_id == Placement.id, PlacementEmbed.entry_id == Entry.id),
        ),
    )
    .order_by(Placement.id)
)
