from quilt.arrivals.queries import find_link
from quilt.database import db
from quilt.embeds.models import Embed
from quilt.embeds.queries import find_embed_code
from quilt.spread.attribution import LinkKind
from tests.conftest import NOW
from tests.factories import make_entry, save

CODES = ("Ab3dE6gH9jK", "Zb3dE6gH9jK")


def make_embed(entry_id, code=CODES[0]):
    return save(Embed(entry_id=entry_id, code=code, created_at=NOW))


def test_an_embed_has_a_code_that_leads_to_its_entry(app):
    entry = make_entry()
    embed = make_embed(entry.id)
    link = find_link(db.session.connection(), CODES[0])
    assert link.followed.kind is LinkKind.EMBED
    assert (link.followed.entry_id, link.embed_id) == (entry.id, embed.id)


def test_the_first_embed_is_the_one_that_the_share_page_offers(app):
    entry, other = make_entry(), make_entry()
    assert find_embed_code(entry.id) == ""
    for code in CODES:
        make_embed(entry.id, code)
    assert find_embed_code(entry.id) == CODES[0]
    assert find_embed_code(other.id) == ""
