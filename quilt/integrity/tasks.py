"""What workers do for the evidence about votes again and again."""

from quilt.integrity.alerts import raise_alerts
from quilt.integrity.answers import mail_answers
from quilt.integrity.checks import mail_checks
from quilt.integrity.privacy import forget_evidence
from quilt.jobs.queue import Job, every


@every(seconds=60)
def look_for_bursts(job: Job) -> None:
    """Raise an alert where an entry gets far more votes than before."""
    raise_alerts(job.now())


@every(seconds=60)
def ask_held_voters(job: Job) -> None:
    """Write to the voters of held votes, once each."""
    mail_checks(job.settings, job.now())


@every(seconds=60)
def tell_appellants(job: Job) -> None:
    """Write to whoever made an appeal that was answered."""
    mail_answers(job.settings, job.now())


@every(seconds=3_600)
def forget_old_evidence(job: Job) -> None:
    """Empty what votes told of how they were cast, once nobody can appeal any more."""
    forget_evidence(job.now())
