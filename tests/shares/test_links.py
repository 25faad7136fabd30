"""Named links: made by the entrant, followed by people who become children of the entry under that name."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.models import Arrival, NamedLink
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.database import db
from quilt.shares.links import (
    MOST_LINKS,
    LabelMissing,
    LabelTaken,
    LabelTooLong,
    OwnLink,
    TooManyLinks,
    create_link,
    list_links,
)
from quilt.spread.codes import is_code
from tests.conftest import NOW
from tests.factories import make_entry, save


def make_link(entry, label):
    code = create_link(entry.id, label, now=NOW, entropy=secrets.token_bytes)
    db.session.rollback()
    return code


def arrive(entry, via, channel=""):
    visit = Visit(entry.id, secrets.token_bytes(8), via=via, channel=channel)
    node = record_arrival(visit, None, now=NOW, entropy=secrets.token_bytes)
    db.session.rollback()
    return node.code


def test_a_link_shows_its_own_people_and_those_they_brought(app):
    entry, other = make_entry(), make_entry()
    clinic, poster = make_link(entry, "Mail to the clinic"), make_link(entry, "Poster")
    make_link(other, "Mail to the clinic")
    first = arrive(entry, clinic, "wa")
    arrive(entry, clinic)
    arrive(entry, arrive(entry, first))
    arrive(entry, f"own{entry.id:08}")
    arrive(entry, "")
    fold_waiting(NOW)
    db.session.rollback()
    assert list_links(entry.id) == [
        OwnLink(f"own{entry.id:08}", "", people=1, through=1, votes=0),
        OwnLink(poster, "Poster", people=0, through=0, votes=0),
        OwnLink(clinic, "Mail to the clinic", people=2, through=4, votes=0),
    ]
    rows = db.session.execute(select(Arrival.depth, Arrival.channel).order_by(Arrival.id)).all()
    assert [tuple(row) for row in rows[:2]] == [(1, "mail-to-the-clin")] * 2
    assert len(list_links(other.id)) == 2


@pytest.mark.parametrize(
    "typed, label, channel",
    [
        ("  Mail\tto the\n clinic ", "Mail to the clinic", "mail-to-the-clin"),
        ("E-mail", "E-mail", "mail"),
        ("診療所へのメール", "診療所へのメール", ""),
        ("x" * 60, "x" * 60, "x" * 16),
        ("a\u202eb\x00c", "abc", "abc"),
        ("<b>Poster</b>", "<b>Poster</b>", "b-poster-b"),
    ],
)
def test_how_a_label_is_kept(app, typed, label, channel):
    code = make_link(make_entry(), typed)
    row = db.session.scalars(select(NamedLink).where(NamedLink.code == code)).one()
    assert is_code(code) and (row.label, row.channel) == (label, channel)


@pytest.mark.parametrize(
    "typed, refusal",
    [
        ("", LabelMissing),
        (" \u200b\u2060 ", LabelMissing),
        ("x" * 61, LabelTooLong),
        ("x" * 1_000_000, LabelTooLong),
        ("the clinic", LabelTaken),
        (" The  CLINIC", LabelTaken),
    ],
)
def test_labels_that_are_refused(app, typed, refusal):
    entry = make_entry()
    make_link(entry, "The clinic")
    with pytest.raises(refusal):
        make_link(entry, typed)
    db.session.rollback()
    assert [link.label for link in list_links(entry.id)] == ["", "The clinic"]


def test_fifty_links_are_enough(app):
    entry = make_entry()
    rows = [
        NamedLink(entry_id=entry.id, code=f"filler{number:05}", label=f"Place {number}", created_at=NOW)
        for number in range(MOST_LINKS - 1)
    ]
    save(*rows)
    make_link(entry, "The last one")
    with pytest.raises(TooManyLinks):
        make_link(entry, "One more")


def test_pressing_many_times_at_once_makes_one_link(app):
    entry_id = make_entry().id

    def press(_):
        with app.app_context():
            try:
                return create_link(entry_id, "Poster", now=NOW, entropy=secrets.token_bytes)
            except LabelTaken:
                return None

    with ThreadPoolExecutor(8) as pool:
        codes = [code for code in pool.map(press, range(16)) if code]
    db.session.rollback()
    assert [link.code for link in list_links(entry_id) if link.label] == codes and len(codes) == 1
