"""What workers do for entries again and again."""

from quilt.entries.exposure import refresh_exposure_orders
from quilt.jobs.queue import Job, every


@every(seconds=60)
def refresh_orders(job: Job) -> None:
    """Put every gallery into its fair order soon after ten minutes have begun; stored once, however often asked."""
    refresh_exposure_orders(job.now())
