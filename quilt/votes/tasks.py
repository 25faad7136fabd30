"""What workers do around the casting of votes, again and again."""

from datetime import timedelta

from sqlalchemy import delete

from quilt.database import transaction
from quilt.jobs.queue import Job, every
from quilt.votes.casting_models import VoteKey
from quilt.votes.challenges import forget_used_challenges
from quilt.votes.privacy import forget_keys
from quilt.votes.shown import refresh_shown

KEEP_KEYS = timedelta(days=1)


@every(seconds=10)
def show_counts(job: Job) -> None:
    """Take the counts anew where the policy shows them by the hour or the day."""
    refresh_shown(job.now())


@every(seconds=3600)
def forget_spent(job: Job) -> None:
    """Forget the keys of requests after a day, challenges that are over, and the keys of contests long final."""
    with transaction() as session:
        session.execute(delete(VoteKey).where(VoteKey.used_at < job.now() - KEEP_KEYS))
    forget_used_challenges(job.now())
    forget_keys(job.now())
