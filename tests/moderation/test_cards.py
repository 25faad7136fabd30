"""Cards say what is true, round, and only what the contest shows."""

import dataclasses
import secrets

import pytest

from quilt.arrivals.models import EntrySpread
from quilt.contests.models import Phase
from quilt.database import db
from quilt.entries.models import Entry
from quilt.jobs.queue import Job
from quilt.media.models import Video
from quilt.media.pictures import open_picture
from quilt.media.storage import results_of
from quilt.moderation.cards import find_card_facts, redraw_card, round_down, say_figures
from quilt.votes.models import EntryTally
from tests.conftest import NOW
from tests.factories import make_entry


@pytest.mark.parametrize(
    ("count", "said"), [(5, 5), (9, 5), (10, 10), (19, 10), (49, 20), (99, 50), (1240, 1000), (10**9, 10**9)]
)
def test_round_figures(count, said):
    assert round_down(count) == said


def test_what_a_card_says():
    assert say_figures(4, 4) == ""
    assert say_figures(412, 1240) == "200+ people voted · 1,000+ people reached"
    assert say_figures(0, 60) == "50+ people reached"


def test_a_card_gets_a_new_address_only_when_it_changes(app, settings, tmp_path):
    entry = make_entry()
    job = Job(dataclasses.replace(settings, data=tmp_path), lambda: NOW, secrets.token_bytes)
    storage = results_of(job.settings)
    assert redraw_card(job, entry.id, find_card_facts(entry.id, NOW)) is True
    first = db.session.get_one(Video, entry.video_id, populate_existing=True).card_key
    assert open_picture(storage.path(first)).size == (1200, 630)
    assert redraw_card(job, entry.id, find_card_facts(entry.id, NOW)) is False
    assert db.session.get_one(Entry, entry.id, populate_existing=True).version == 2
    db.session.merge(EntryTally(entry_id=entry.id, contest_id=entry.contest_id, standing=60))
    db.session.merge(EntrySpread(entry_id=entry.id, size=101))
    db.session.commit()
    facts = find_card_facts(entry.id, NOW)
    assert facts.line == "50+ people voted · 100+ people reached"
    assert redraw_card(job, entry.id, facts) is True
    second = db.session.get_one(Video, entry.video_id, populate_existing=True).card_key
    assert list(storage.list_keys()) == [second] != [first]


def test_counts_that_the_contest_hides_are_on_no_card(app):
    entry = make_entry()
    db.session.merge(EntryTally(entry_id=entry.id, contest_id=entry.contest_id, standing=60))
    db.session.query(Phase).update({"shows_counts": False})
    db.session.commit()
    assert find_card_facts(entry.id, NOW).line == ""
    assert find_card_facts(make_entry(state="submitted").id, NOW) is None
