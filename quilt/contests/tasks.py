"""What workers do for contests again and again."""

from quilt.contests.freezing import freeze_due
from quilt.jobs.queue import Job, every


@every(seconds=2)
def freeze_what_opened(job: Job) -> None:
    """Fix the policy and the rules of every contest whose voting has begun."""
    freeze_due(job.now())
