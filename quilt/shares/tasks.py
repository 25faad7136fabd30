"""What the worker does for posts and connected accounts."""

from sqlalchemy import select

from quilt.contests.models import Contest
from quilt.contests.rules import is_over
from quilt.database import db
from quilt.jobs.queue import Job, every, task
from quilt.shares.connections import erase
from quilt.shares.key_returns import give_back
from quilt.shares.key_returns import list_due as list_due_keys
from quilt.shares.models_posting import Connection
from quilt.shares.posting import list_due, send_post


@task
def deliver(job: Job, post_id: int) -> None:
    """Send one post, or look for it."""
    send_post(post_id, job.settings, job.now())


@every(15)
def deliver_due(job: Job) -> None:
    """Send and look for what is due: what a lost call left, and what was put off."""
    for post_id in list_due(job.now()):
        if job.is_stopping():
            return
        send_post(post_id, job.settings, job.now())


@every(3600)
def end_connections(job: Job) -> None:
    """Give back and erase the connections whose contest is over."""
    rows = select(Connection.id, Connection.contest_id)
    for connection_id, contest_id in db.session.execute(rows).all():
        contest = db.session.get_one(Contest, contest_id)
        row = db.session.get(Connection, connection_id)
        if row is None or not is_over(contest.phases, job.now()):
            continue
        if job.is_stopping():
            return
        erase(connection_id, job.settings, job.now())


@every(60)
def return_keys(job: Job) -> None:
    """Give back the keys whose connection is gone here: of accounts that left, and what a network did not answer."""
    for key_id in list_due_keys(job.now()):
        if job.is_stopping():
            return
        give_back(key_id, job.settings, job.now())
