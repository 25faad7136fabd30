"""What workers do for arrivals again and again."""

from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.service import forget_old
from quilt.arrivals.timekeeping import refresh_due
from quilt.jobs.queue import Job, every


@every(seconds=1)
def fold_inbox(job: Job) -> None:
    """Take what has happened into the stored spread, so that pages are at most a few seconds behind."""
    fold_waiting(job.now())


@every(seconds=10)
def refresh_timings(job: Job) -> None:
    """Compute the times of what has spread further, each entry at most once a minute."""
    refresh_due(job.now(), job.is_stopping)


@every(seconds=600)
def forget(job: Job) -> None:
    """Delete pseudonym keys and spent nonces once their time is over."""
    forget_old(job.now())
