"""What workers do for webhooks again and again."""

from quilt.jobs.queue import Job, every
from quilt.webhooks.deliveries import forget_old, make_deliveries
from quilt.webhooks.noticing import MOST, notice_events, notice_votes
from quilt.webhooks.sending import send_due
from quilt.webhooks.watching import Watch

_watch = Watch()


@every(seconds=3)
def notice(job: Job) -> None:
    """Write down what has happened, and whom it is told; almost nothing where nothing has."""
    notice_news(job, _watch)


def notice_news(job: Job, watch: Watch) -> None:
    """The same for a worker that has seen at its last look what `watch` remembers."""
    if not watch.look(job.now()):
        return
    try:
        is_all = notice_events(job.now()) < MOST
        make_deliveries(job.now())
    except Exception:
        watch.forget()
        raise
    if not is_all:
        watch.forget()


@every(seconds=10)
def tell_votes(job: Job) -> None:
    """Write down whose votes have moved within the last ten seconds."""
    if notice_votes(job.now()):
        make_deliveries(job.now())


@every(seconds=2)
def send(job: Job) -> None:
    """Send what is due."""
    send_due(job.settings, job.now)


@every(seconds=3_600)
def forget(job: Job) -> None:
    """Delete events and deliveries that are older than a month."""
    while forget_old(job.now()) and not job.is_stopping():
        continue
