"""The entrant's links: made on a page of their own, seen by nobody else."""

import secrets

import pytest

from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.database import db
from quilt.shares.links import create_link, list_links
from quilt.web.clock import now
from tests.factories import make_entry, make_user
from tests.web.site.browsing import post, sign_in


@pytest.fixture
def entry(client):
    """A published entry, whose entrant is signed in."""
    entrant = make_user(name="Mateo")
    sign_in(client, entrant)
    return make_entry(entrant=entrant)


def arrive(entry, via):
    visit = Visit(entry.id, secrets.token_bytes(8), via=via)
    return record_arrival(visit, None, now=now(), entropy=secrets.token_bytes).code


def test_a_link_from_its_name_to_its_address_and_code(client, entry):
    path = f"/entries/{entry.id}/links"
    done = post(client, path, label="Mail to the clinic")
    code = next(link.code for link in list_links(entry.id) if link.label)
    assert (done.status_code, done.location) == (303, f"{path}#link-{code}")
    page = client.get(path)
    assert page.headers["Cache-Control"] == "private, no-store"
    assert "Your link is ready" in page.text and "Mail to the clinic" in page.text
    assert f'value="http://localhost/s/{code}"' in page.text and f"/s/{code}/qr.svg" in page.text
    assert f'value="http://localhost/s/own{entry.id:08}"' in page.text  # the plain one
    assert client.get(f"/s/{code}").status_code == 200
    assert client.get(f"/s/{code}/qr.png").status_code == 200


def test_people_are_told_from_five_on(client, entry):
    code = create_link(entry.id, "Poster", now=now(), entropy=secrets.token_bytes)
    own = arrive(entry, code)
    for _ in range(3):
        arrive(entry, code)
    fold_waiting(now())
    db.session.rollback()
    before = client.get(f"/entries/{entry.id}/links").text
    assert before.count("Fewer than five people so far.") == 2 and "4 people" not in before
    for _ in range(2):
        arrive(entry, own)
    fold_waiting(now())
    db.session.rollback()
    after = client.get(f"/entries/{entry.id}/links").text
    assert "6 people." in after and "4 people" not in after  # who were brought are fewer than five
    for _ in range(6):
        arrive(entry, arrive(entry, code))
    fold_waiting(now())
    db.session.rollback()
    assert (
        "10 people came by it, 18 with everybody they brought."
        in client.get(f"/entries/{entry.id}/links").text
    )


@pytest.mark.parametrize("label, words", [("", "Give the link a name"), ("x" * 61, "at most 60 characters")])
def test_a_refused_name_stands_in_the_form_again(client, entry, label, words):
    answer = post(client, f"/entries/{entry.id}/links", label=label)
    assert answer.status_code == 422 and words in answer.text and f'value="{label}"' in answer.text
    assert 'aria-invalid="true"' in answer.text and len(list_links(entry.id)) == 1


def test_a_label_of_html_is_text(client, entry):
    post(client, f"/entries/{entry.id}/links", label='"><script>alert(1)</script>')
    assert "<script>alert(1)" not in client.get(f"/entries/{entry.id}/links").text


@pytest.mark.parametrize("state", ["draft", "withdrawn", "removed"])
def test_an_entry_that_nobody_can_see_has_no_links(client, state):
    entrant = make_user()
    sign_in(client, entrant)
    entry = make_entry(entrant=entrant, state=state)
    assert client.get(f"/entries/{entry.id}/links").status_code == 404
    assert post(client, f"/entries/{entry.id}/links", label="Poster").status_code == 404


def test_nobody_else_sees_them(app, client, entry):
    other = app.test_client()
    assert other.get(f"/entries/{entry.id}/links").status_code == 302
    sign_in(other, make_user())
    assert other.get(f"/entries/{entry.id}/links").status_code == 404


def test_the_page_asks_the_database_as_often_for_three_links_as_for_one(client, entry, count_queries):
    counts = []
    for wanted in (1, 3):
        while len(list_links(entry.id)) < wanted + 1:
            create_link(
                entry.id, f"Place {len(list_links(entry.id))}", now=now(), entropy=secrets.token_bytes
            )
            db.session.rollback()
        client.get(f"/entries/{entry.id}/links")
        with count_queries() as queries:
            client.get(f"/entries/{entry.id}/links")
        counts.append(len(queries))
    assert counts[0] == counts[1] > 0


def test_one_s_own_page_leads_there(client, entry):
    assert f'href="/entries/{entry.id}/links"' in client.get("/me").text
