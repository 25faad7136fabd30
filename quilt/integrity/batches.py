"""What workers do for the ledgers again and again: take in what was cast, by the verdict of the evidence rules."""

from quilt.integrity.verdicts import judge_batch
from quilt.jobs.queue import Job, every
from quilt.votes.schedule import close_due


@every(seconds=5)
def close_ledgers(job: Job) -> None:
    """Open ledgers, do the batches that are due, sign their heads. Two workers may do so at once."""
    close_due(job.settings, judge_batch, job.now, job.entropy)
