"""What workers do for accounts again and again."""

from quilt.accounts.service import forget_old_codes
from quilt.jobs.queue import Job, every


@every(seconds=3600)
def forget_codes(job: Job) -> None:
    """Delete the codes that nobody can use any more."""
    forget_old_codes(job.now())
