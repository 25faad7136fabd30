"""What the worker does for entries that are live."""

from quilt.jobs.queue import Job, every, task
from quilt.moderation.cards import CardFacts, find_card_facts, list_live_ids, redraw_card
from quilt.moderation.kit_pictures import list_kits, redraw_kit

_drawn: dict[int, CardFacts] = {}  # what this worker knows to be drawn; after a restart it looks again


@task
def refresh_card(job: Job, entry_id: int) -> None:
    """Draw an entry's card if what it should say has changed."""
    facts = find_card_facts(entry_id, job.now())
    if facts is None or _drawn.get(entry_id) == facts:
        return
    redraw_card(job, entry_id, facts)
    _drawn[entry_id] = facts


@every(300)
def refresh_cards(job: Job) -> None:
    """Find the cards whose figures or poster have changed, one after another."""
    for entry_id in list_live_ids():
        if job.is_stopping():
            return
        refresh_card(job, entry_id)


@task
def refresh_kit(job: Job, entry_id: int) -> None:
    """Draw those pictures of an entry's share kit that do not show what it is now."""
    redraw_kit(job, entry_id)


@every(300)
def refresh_kits(job: Job) -> None:
    """Find the share kits whose pictures are out of date, one after another."""
    for entry_id in list_kits():
        if job.is_stopping():
            return
        redraw_kit(job, entry_id)
