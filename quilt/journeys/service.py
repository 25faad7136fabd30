"""Telling people that their branch has grown: one person, one letter, one transaction."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from quilt.accounts.choices import LETTERS_OFF
from quilt.accounts.models import User
from quilt.config import Settings
from quilt.database import insert_if_new, transaction
from quilt.journeys.models import BranchCheck, BranchMilestone
from quilt.journeys.queries import GrownBranch, MovedEntry, list_grown_branches, list_moved_entries
from quilt.journeys.rules import list_milestones
from quilt.letters import composer
from quilt.mail import put_in_outbox
from quilt.signed_ids import make_token
from quilt.standings.rules import LEAST_SHOWN

OFF_PATH = "/letters/off/"
MOST_ENTRIES = 50  # of one round; the next goes on
MOST_LETTERS = 500  # of one entry in one round


def tell_grown_branches(settings: Settings, now: datetime) -> int:
    """Write to everybody whose branch has passed a milestone since the last round; returns how many letters.

    Each milestone of a person's branch is told once for ever: a unique key decides, so any number of workers
    may do this at once. Whoever has switched the letters off passes it in silence.
    """
    letters = 0
    for entry in list_moved_entries(MOST_ENTRIES):
        grown = list_grown_branches(entry.id, MOST_LETTERS)
        letters += sum(_tell(entry, branch, settings, now) for branch in grown)
        if len(grown) < MOST_LETTERS:
            _note_check(entry)
    return letters


def _tell(entry: MovedEntry, branch: GrownBranch, settings: Settings, now: datetime) -> bool:
    """Note the milestones that were passed and write one letter; False where no letter is due."""
    with transaction() as session:
        user = session.get(User, branch.user_id)
        if user is None or not _note_milestones(session, entry, branch, now):
            return False
        if not user.has_branch_letters:
            return False
        off_url = f"{settings.base_url}{OFF_PATH}{make_token(user.id, settings.secret_key, LETTERS_OFF)}"
        letter = composer(settings)(
            "branch_grew", name=user.name, title=entry.title, people=branch.people,
            direct=branch.direct if branch.direct >= LEAST_SHOWN else None,
            branch_url=f"{settings.base_url}/me#branches", off_url=off_url,
        )  # fmt: skip
        put_in_outbox(session, letter, user.email, now, off_url=off_url)
    return True


def _note_milestones(session: Session, entry: MovedEntry, branch: GrownBranch, now: datetime) -> bool:
    """Whether the largest of the milestones is new; the smaller ones that were jumped over are noted with it."""
    table = BranchMilestone.__table__
    insert = insert_if_new(table, session.get_bind().dialect.name).returning(table.c.people)
    rows = [
        {"entry_id": entry.id, "user_id": branch.user_id, "people": people, "reached_at": now}
        for people in list_milestones(branch.people, branch.told)
    ]
    added = [session.execute(insert, row).scalar() for row in rows]
    return bool(rows) and added[-1] is not None


def _note_check(entry: MovedEntry) -> None:
    """This version was looked through; what was folded meanwhile has a later one."""
    with transaction() as session:
        row = {"entry_id": entry.id, "spread_version": entry.spread_version}
        session.execute(insert_if_new(BranchCheck.__table__, session.get_bind().dialect.name), row)
        session.execute(
            update(BranchCheck)
            .where(BranchCheck.entry_id == entry.id)
            .values(spread_version=entry.spread_version)
        )
