"""What the worker does with videos.

What looks into films and draws pictures is loaded by the tasks that need it: every web process knows the
tasks, only the worker runs them.
"""

from quilt.jobs.queue import Job, every, task
from quilt.media.leases import claim_video, take_up_lost
from quilt.media.poster_wishes import claim_wish, take_up_wishes
from quilt.media.refused import clear_refused


@task
def process_video(job: Job, video_id: int) -> None:
    """Prepare an uploaded file, unless somebody else does or did."""
    from quilt.media.processing import process

    claim = claim_video(video_id, job.now())
    if claim is not None:
        process(job, claim)


@task
def refresh_poster(job: Job, video_id: int) -> None:
    """Cut the poster anew at the second that was chosen, unless it is there."""
    from quilt.media.processing import cut_new_poster

    wish = claim_wish(video_id, job.now())
    if wish is not None:
        cut_new_poster(job, wish)


@task
def fetch_link_facts(job: Job, video_id: int) -> None:
    """Learn the title of a linked video."""
    from quilt.media.facts import learn_facts

    learn_facts(job, video_id)


@every(5)
def sweep_videos(job: Job) -> None:
    """Tell the queue of every video and every poster that nobody works on."""
    for video_id in take_up_lost(job.now()):
        process_video.later(video_id)
    for video_id in take_up_wishes(job.now()):
        refresh_poster.later(video_id)


@every(3600)
def clear_unfinished(job: Job) -> None:
    """Throw away what broken uploads and killed workers left behind a day ago."""
    from quilt.media.processing import clear_leftovers

    clear_leftovers(job.settings, job.now())


@every(3600)
def clear_refused_files(job: Job) -> None:
    """Throw away the uploads that were no film a month ago."""
    clear_refused(job.settings, job.now())
