"""The entrant's share kit, and how a link looks elsewhere."""

import re
from urllib.parse import unquote

import pytest

from quilt.arrivals.models import EntryChannel
from quilt.database import db
from quilt.shares.funnel import count_people
from quilt.shares.kit import USES, find_kit
from quilt.shares.models_posting import KitPicture
from quilt.shares.networks import list_share_links
from tests.factories import make_entry, make_user
from tests.web.site.browsing import make_open_contest, open_page, post, sign_in


@pytest.fixture
def entry(client):
    entrant = make_user(name="Mateo")
    sign_in(client, entrant)
    return make_entry(make_open_contest(), entrant)


def test_from_the_button_to_the_letters(client, entry):
    path = f"/entries/{entry.id}/kit"
    assert "Make my kit" in client.get(path).text and find_kit(entry.id) is None
    assert post(client, path).location == path
    page = client.get(path)
    kit = find_kit(entry.id)
    assert page.headers["Cache-Control"] == "private, no-store" and "We are drawing them" in page.text
    for use in ("charity", "supporters", "press", "friends"):
        letter = re.search(rf'id="letter-{use}".*?</details>', page.text, re.DOTALL)[0]
        link = f"http://localhost/s/{kit.codes[use]}"
        assert letter.count(link) >= 2 and link in unquote(re.search(r'href="(mailto:[^"]+)"', letter)[1])
        assert "Pompe research" in letter
        assert not any(code in letter for key, code in kit.codes.items() if key != use)
    assert "\r\n" in unquote(re.search(r'href="(mailto:[^"]+)"', page.text)[1])
    assert len(set(kit.codes.values())) == len(USES)


def test_pictures_stand_there_once_they_are_drawn(client, entry):
    path = f"/entries/{entry.id}/kit"
    post(client, path)
    for kind in ("square", "story", "a4", "letter"):
        suffix = "jpg" if kind in ("square", "story") else "pdf"
        db.session.add(
            KitPicture(entry_id=entry.id, kind=kind, key=f"ab/ab{kind:0>30}.{suffix}", drawn_of="x")
        )
    db.session.commit()
    page = client.get(path).text
    assert "We are drawing" not in page and page.count("/media/ab/ab") == 6 and page.count("(PDF)") == 2


def test_proposed_words_stand_ready_for_others(client, entry):
    path, visitor = f"/entries/{entry.id}/kit", client.application.test_client()
    before = open_page(visitor, f"/entries/{entry.id}-{entry.slug}").text
    assert "watch it, and give it your vote." in before
    assert post(client, path, words="Help <us>\nwalk").status_code == 303
    after = open_page(visitor, f"/entries/{entry.id}-{entry.slug}").text
    assert 'data-share-text="Help &lt;us&gt; walk"' in after and "Help%20%3Cus%3E%20walk" in after
    post(client, path, words="")
    assert "watch it, and give it" in open_page(visitor, f"/entries/{entry.id}-{entry.slug}").text


def test_too_many_words_stay_in_the_form(client, entry):
    answer = post(client, f"/entries/{entry.id}/kit", words="word " * 60)
    assert (
        answer.status_code == 422
        and "Use at most 240 characters" in answer.text
        and "word word" in answer.text
    )


def test_how_the_link_looks(client, entry):
    page = client.get(f"/entries/{entry.id}/share-preview").text
    for name in ("Facebook", "WhatsApp", "LinkedIn", "Slack", "Mastodon", "Bluesky"):
        assert f"<h2>{name}</h2>" in page
    assert page.count("Mateo&#39;s first steps") >= 8 and "The picture is being drawn" in page


@pytest.mark.parametrize("path", ["kit", "share-preview"])
def test_nobody_else_sees_it(app, client, entry, path):
    other = app.test_client()
    assert other.get(f"/entries/{entry.id}/{path}").status_code == 302
    sign_in(other, make_user())
    assert other.get(f"/entries/{entry.id}/{path}").status_code == 404


def test_after_the_vote_the_strongest_ways_come_first(client, entry):
    db.session.add_all(
        EntryChannel(entry_id=entry.id, channel=channel, people_count=people, votes_count=0)
        for channel, people in (("mail", 30), ("tg", 9), ("wa", 2))
    )
    db.session.commit()
    assert count_people(entry.id) == {"mail": 30, "tg": 9, "wa": 2}
    page = render(strongest=["mail", "tg"])
    first, rest = page.split("<details", 1)
    assert re.findall(r'data-channel="(\w+)"', first) == ["mail", "tg"]
    assert first.index('id="copy-link"') < first.index('data-channel="mail"'), "the link to copy comes first"
    assert 'data-channel="wa"' in rest and 'data-channel="mail"' not in rest
    assert "<details" not in render(strongest=[])


def render(strongest):
    from flask import current_app

    networks = list(list_share_links("http://localhost", "s/abc", "Title", "Words"))
    macros = current_app.jinja_env.get_template("macros/share.html").module
    return str(macros.share_sheet("http://localhost/s/abc", networks, strongest=strongest))
