"""What workers do for panels again and again."""

from sqlalchemy import select

from quilt.contests.models import Contest
from quilt.contests.rules import is_voting_over
from quilt.database import db
from quilt.jobs.queue import Job, every
from quilt.judging.models import Judge, SealedPanel
from quilt.judging.service import remind_judges


@every(seconds=3_600)
def ask_for_missing_scores(job: Job) -> None:
    """Once voting is over, remind the judges of what is missing, once a day."""
    open_panels = select(Judge.contest_id).where(Judge.contest_id.not_in(select(SealedPanel.contest_id)))
    contests = db.session.scalars(select(Contest).where(Contest.id.in_(open_panels))).unique().all()
    for contest in contests:
        if is_voting_over(contest.phases, job.now()):
            remind_judges(contest.id, job.settings, job.now())
