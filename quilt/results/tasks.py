"""What workers do for results again and again."""

from sqlalchemy import select

from quilt.database import db
from quilt.jobs.queue import Job, every, task
from quilt.judging.models import SealedPanel
from quilt.results.asking import answer_gate, list_waiting
from quilt.results.queries import list_missing_points
from quilt.results.service import finish_results, take_in_points
from quilt.results.vote_tables import drop_old_votes, make_wanted
from quilt.votes.keys import get_signing_key
from quilt.votes.ledger_models import Ledger


@task
def answer_gate_request(job: Job, contest_id: int) -> None:
    """Ask the gate of a contest, as somebody at the desk wished."""
    answer_gate(contest_id, job.settings, job.now)


@every(seconds=5)
def sweep_gate_requests(job: Job) -> None:
    """Tell the queue of every request that nobody works on."""
    for contest_id in list_waiting(job.now()):
        answer_gate_request.later(contest_id)


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
