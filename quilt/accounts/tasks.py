"""What workers do for accounts."""

from quilt.accounts.exports import drop_old_exports, list_due_exports
from quilt.accounts.exports import make_export as make
from quilt.accounts.flows import forget_old_flows
from quilt.accounts.leaving import delete_due_accounts
from quilt.accounts.passkeys import forget_challenges
from quilt.accounts.pending import forget_old_acts
from quilt.accounts.service import forget_old_codes
from quilt.accounts.sessions import forget_dead_sessions
from quilt.jobs.queue import Job, every, task
from quilt.letters import composer


@task
def make_export(job: Job, export_id: int) -> None:
    """Make a copy of everything about one person, unless somebody else does or did."""
    make(export_id, settings=job.settings, compose=composer(job.settings), clock=job.now, entropy=job.entropy)


@every(seconds=20)
def sweep_exports(job: Job) -> None:
    """Tell the queue of every copy that nobody works on."""
    for export_id in list_due_exports(job.now()):
        make_export.later(export_id)


@every(seconds=3600)
def forget_codes(job: Job) -> None:
    """Delete what nobody can use any more: codes, unanswered challenges, sessions that are over."""
    forget_old_codes(job.now())
    forget_challenges(job.now())
    forget_dead_sessions(job.now())


@every(seconds=3600)
def let_people_go(job: Job) -> None:
    """Delete the accounts whose seven days are over, and the copies that were not taken for three."""
    drop_old_exports(job.settings, job.now())
    delete_due_accounts(job.settings, job.now())


@every(seconds=3600)
def forget_trips(job: Job) -> None:
    """Delete trips to a provider that nobody came back from, and acts that are done or waited for a day."""
    forget_old_flows(job.now())
    forget_old_acts(job.now())
