"""The share kit's pictures follow the entry, under addresses of their content."""

import dataclasses
import secrets

import pytest
from sqlalchemy import select

from quilt.arrivals.models import EntrySpread
from quilt.database import db
from quilt.jobs.queue import Job
from quilt.media.pictures import open_picture
from quilt.media.storage import results_of
from quilt.moderation.kit_pictures import list_kits, redraw_kit
from quilt.shares.kit import PICTURES, find_kit, open_kit
from tests.conftest import NOW
from tests.factories import make_entry


@pytest.fixture
def job(app, settings, tmp_path):
    return Job(dataclasses.replace(settings, data=tmp_path), lambda: NOW, secrets.token_bytes)


@pytest.fixture
def entry(app):
    made = make_entry()
    open_kit(made.id, now=NOW, entropy=secrets.token_bytes)
    return made


def test_pictures_are_drawn_once_and_again_when_the_figures_change(job, entry):
    storage = results_of(job.settings)
    assert list_kits() == [entry.id]
    assert redraw_kit(job, entry.id) == 4
    first = find_kit(entry.id).pictures
    assert set(first) == set(PICTURES) and len(list(storage.list_keys())) == 4
    assert open_picture(storage.path(first["story"])).size == (1080, 1920)
    assert storage.path(first["a4"]).read_bytes().startswith(b"%PDF")
    assert redraw_kit(job, entry.id) == 0
    db.session.merge(EntrySpread(entry_id=entry.id, size=101))
    db.session.commit()
    assert redraw_kit(job, entry.id) == 4
    second = find_kit(entry.id).pictures
    assert second["square"] != first["square"] and second["story"] != first["story"]
    assert second["a4"] == first["a4"], "a poster tells no figures: it hangs for weeks"
    assert set(storage.list_keys()) == set(second.values())


def test_an_entry_that_is_gone_is_not_drawn(job, entry):
    entry.state = "withdrawn"
    db.session.commit()
    assert redraw_kit(job, entry.id) == 0 and find_kit(entry.id).pictures == {}


def test_the_poster_s_code_is_its_own_link(job, entry):
    from quilt.arrivals.models import NamedLink
    from quilt.moderation.kit_pictures import _find_poster_code

    code = db.session.scalar(select(NamedLink.code).where(NamedLink.label == "Poster"))
    assert _find_poster_code(entry.id) == code
    db.session.query(NamedLink).filter_by(label="Poster").delete()
    db.session.commit()
    assert _find_poster_code(entry.id) == f"own{entry.id:08}"
