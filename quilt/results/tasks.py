"""What workers do for results again and again."""

from sqlalchemy import select

from quilt.database import db
from quilt.jobs.queue import Job, every, task
from quilt.judging.models import SealedPanel
from quilt.results.queries import list_missing_points
from quilt.results.service import finish_results, take_in_points
from quilt.results.vote_tables import drop_old_votes, make_wanted
from quilt.votes.keys import get_signing_key
from quilt.votes.ledger_models import Ledger


@every(seconds=60)
def take_in_judges(job: Job) -> None:
    """Bring the points of closed panels into the ledger."""
    with_ledger = select(SealedPanel.contest_id).join(Ledger, Ledger.contest_id == SealedPanel.contest_id)
    for contest_id in db.session.scalars(with_ledger).all():
        if list_missing_points(db.session.connection(), contest_id):
            take_in_points(contest_id, get_signing_key(job.settings, job.entropy), job.now())


@every(seconds=300)
def make_results_final(job: Job) -> None:
    """Results become final when the time for appeals is over."""
    finish_results(job.now())


@task
def make_vote_tables(job: Job) -> None:
    """Write the tables of votes that somebody asked for."""
    make_wanted(job.settings, job.entropy)


@every(seconds=20)
def sweep_vote_tables(job: Job) -> None:
    """Write what was asked for and got lost on its way; delete what is older than three days."""
    make_wanted(job.settings, job.entropy)
    drop_old_votes(job.settings, job.now())
