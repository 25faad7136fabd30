"""What workers do for placements again and again."""

from quilt.embeds.placements import fill_codes
from quilt.jobs.queue import Job, every


@every(seconds=60)
def give_codes(job: Job) -> None:
    """Entries that were published since get a code for each placement of their contest."""
    fill_codes(job.now(), job.entropy)
