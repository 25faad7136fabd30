"""What workers do about mail."""

from quilt.jobs.queue import Job, every
from quilt.mail import deliver_due


@every(seconds=1)
def send_due_mail(job: Job) -> None:
    """Send what is due, in this thread alone: a mail server that stalls holds nothing else up."""
    deliver_due(job.now(), job.settings)
