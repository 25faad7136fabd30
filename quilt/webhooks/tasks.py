"""What workers do for webhooks again and again."""

from quilt.jobs.queue import Job, every
from quilt.webhooks.deliveries import make_deliveries
from quilt.webhooks.noticing import notice_events
from quilt.webhooks.sending import send_due


@every(seconds=60)
def notice(job: Job) -> None:
    """Write down what has happened, and whom it is told."""
    notice_events(job.now())
    make_deliveries(job.now())


@every(seconds=5)
def send(job: Job) -> None:
    """Send what is due."""
    send_due(job.settings, job.now)
