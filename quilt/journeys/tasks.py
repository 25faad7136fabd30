"""What workers do for the letters over time again and again."""

from quilt.jobs.queue import Job, every
from quilt.journeys.reports import send_reports
from quilt.journeys.service import tell_grown_branches
from quilt.journeys.witnesses import mail_heads


@every(seconds=120)
def tell_of_branches(job: Job) -> None:
    """Write to those whose branch has grown past a milestone."""
    tell_grown_branches(job.settings, job.now())


@every(seconds=600)
def tell_witnesses(job: Job) -> None:
    """Mail the day's tree heads to the entrants."""
    mail_heads(job.settings, job.now())


@every(seconds=3_600)
def tell_brands(job: Job) -> None:
    """Send brands the report of the week that has ended."""
    send_reports(job.settings, job.now())
