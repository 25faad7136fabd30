import secrets

import pytest

from quilt.arrivals.queries import find_link
from quilt.database import db
from quilt.embeds.models import Embed
from quilt.embeds.queries import find_embed_code
from quilt.embeds.service import LabelTooLong, NotPublished, create_embed
from quilt.spread.attribution import LinkKind
from tests.conftest import NOW
from tests.factories import make_entry


def create(entry_id, label=""):
    return create_embed(entry_id, label, now=NOW, entropy=secrets.token_bytes)


def test_an_embed_has_a_code_that_leads_to_its_entry(app):
    entry = make_entry()
    code = create(entry.id, "  the   school's page ")
    embed = db.session.query(Embed).one()
    assert (embed.code, embed.label, embed.entry_id) == (code, "the school's page", entry.id)
    link = find_link(db.session.connection(), code)
    assert link.followed.kind is LinkKind.EMBED
    assert (link.followed.entry_id, link.embed_id) == (entry.id, embed.id)


def test_the_first_embed_is_the_one_that_the_share_page_offers(app):
    entry = make_entry()
    assert find_embed_code(entry.id) == ""
    codes = [create(entry.id) for _ in range(2)]
    assert len(set(codes)) == 2
    assert find_embed_code(entry.id) == codes[0]


@pytest.mark.parametrize("state", ["draft", "submitted", "rejected", "withdrawn", "removed", "disqualified"])
def test_only_a_published_entry_can_stand_elsewhere(app, state):
    entry = make_entry(state=state)
    with pytest.raises(NotPublished):
        create(entry.id)
    assert db.session.query(Embed).count() == 0


def test_refusals(app):
    with pytest.raises(NotPublished):
        create(77)
    with pytest.raises(LabelTooLong):
        create(make_entry().id, "x" * 61)
