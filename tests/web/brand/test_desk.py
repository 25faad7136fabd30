"""The brand's desk: people, sites, the sponsor block, embeds with their figures."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from quilt.arrivals.models import Arrival, ArrivalStat
from quilt.database import db
from quilt.embeds.models import Embed, Membership, Placement, PlacementDay, PlacementEmbed, Site, Sponsor
from quilt.mail import MailMessage
from tests.embeds.brands import make_organisation, make_placement, make_site
from tests.factories import make_contest, make_entry, make_user, save
from tests.sessions import start_sessions

LINK = re.compile(r"http://localhost(/brand/invitations/\w+)")


@pytest.fixture(autouse=True)
def no_tokens(app, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)


@pytest.fixture
def owner(app):
    return make_user("owner@example.org", name="Olga")


@pytest.fixture
def brand(owner):
    return make_organisation(owner)


def sign_in(app, user):
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(start_sessions([user.id])[user.id])
    return client


@pytest.fixture
def desk(app, owner, brand):
    return sign_in(app, owner)


def test_a_brand_begins_with_a_name(app, owner):
    client = sign_in(app, owner)
    refused = client.post("/brand", data={"name": "x" * 90})
    assert refused.status_code == 422 and "x" * 90 in refused.text and "at most 80" in refused.text
    made = client.post("/brand", data={"name": " Acme & Daughters "})
    assert made.status_code == 303
    page = client.get(made.location)
    assert "Acme &amp; Daughters" in page.text and "No embed yet" in page.text
    assert page.headers["Cache-Control"] == "private, no-store"


def test_people_are_invited_by_letter_and_join_once(app, desk, brand):
    assert "Send the letter" in desk.get(f"/brand/{brand.id}").text
    desk.post(f"/brand/{brand.id}/people", data={"email": "Ed@Example.org", "role": "editor"})
    letter = db.session.query(MailMessage).one()
    path = LINK.search(letter.text)[1]
    assert letter.recipient == "Ed@example.org" and "an editor" in letter.text
    stranger, ed = make_user("other@example.org"), make_user("ed@example.org")
    assert "another address" in sign_in(app, stranger).get(path).text
    assert sign_in(app, stranger).post(path).status_code == 403
    client = sign_in(app, ed)
    assert "Join Acme" in client.get(path).text
    assert client.post(path).status_code == 303
    assert db.session.get(Membership, (brand.id, ed.id)).role == "editor"
    assert client.post(path).status_code == client.get(path).status_code == 410
    assert client.post("/brand/invitations/nonsense").status_code == 410


def test_an_editor_does_not_choose_people_and_a_viewer_changes_nothing(app, brand):
    editor, viewer = make_user(), make_user()
    for user, role in ((editor, "editor"), (viewer, "viewer")):
        save(Membership(organisation_id=brand.id, user_id=user.id, role=role, joined_at=brand.created_at))
    sites = f"/brand/{brand.id}/sites"
    assert (
        sign_in(app, editor)
        .post(f"/brand/{brand.id}/people", data={"email": "a@b.example", "role": "owner"})
        .status_code
        == 403
    )
    assert sign_in(app, editor).post(sites, data={"origins": "https://a.example"}).status_code == 303
    assert sign_in(app, viewer).post(sites, data={"origins": "https://b.example"}).status_code == 403
    assert sign_in(app, viewer).get(f"/brand/{brand.id}").status_code == 200
    assert db.session.query(Site).count() == 1


def test_somebody_stays_who_can_invite_others(desk, brand, owner):
    answer = desk.post(f"/brand/{brand.id}/people/{owner.id}", data={"action": "remove"})
    assert answer.status_code == 409 and "Somebody must stay" in answer.text
    assert db.session.get(Membership, (brand.id, owner.id)) is not None


def test_another_brands_desk_does_not_exist(app, desk, brand):
    other = make_organisation(make_user(), "Other")
    site, placement = make_site(other), make_placement(other, make_entry())
    for path in (f"/brand/{other.id}", f"/brand/{other.id}/report", f"/brand/{brand.id}/sites/{site.id}",
                 f"/brand/{brand.id}/embeds/{placement.id}", "/brand/999", f"/brand/{2**70}"):  # fmt: skip
        assert desk.get(path).status_code == 404, path
    assert desk.post(f"/brand/{brand.id}/embeds/{placement.id}", data={"action": "end"}).status_code == 404
    assert desk.post(f"/brand/{brand.id}/sites/{site.id}", data={"action": "remove"}).status_code == 404


@pytest.mark.parametrize("origins", ["*", "http://evil.example", "https://a.example; script-src *"])
def test_sites_that_are_none_keep_the_list_and_the_text(desk, brand, origins):
    make_site(brand)
    answer = desk.post(f"/brand/{brand.id}/sites", data={"origins": origins})
    assert (
        answer.status_code == 422
        and "Enter one https origin per line" in answer.text
        and origins in answer.text
    )
    assert db.session.query(Site).count() == 1


def test_our_own_machine_is_a_site_only_while_developing(app, settings, desk, brand):
    origins = {"origins": "http://127.0.0.1:8000"}
    app.extensions["quilt_settings"] = replace(settings, environment="demo")
    try:
        assert desk.post(f"/brand/{brand.id}/sites", data=origins).status_code == 422
    finally:
        app.extensions["quilt_settings"] = settings
    assert desk.post(f"/brand/{brand.id}/sites", data=origins).status_code == 303


def test_the_ways_to_verify_a_site_are_shown(desk, brand):
    made = desk.post(f"/brand/{brand.id}/sites", data={"origins": "https://blog.example.org"})
    page = desk.get(made.location)
    for words in (
        "_quilt.blog.example.org",
        "https://blog.example.org/.well-known/quilt-site.txt",
        "&lt;meta name=",
    ):
        assert words in page.text, words


def picture(kind="PNG", size=(900, 300), **options):
    file = io.BytesIO()
    Image.new("RGBA" if kind == "PNG" else "RGB", size).save(file, kind, **options)
    file.seek(0)
    return file


def test_the_sponsor_is_named_in_every_frame(client, desk, brand):
    placement = make_placement(brand, make_entry())
    path = f"/brand/{brand.id}/sponsor"
    refused = desk.post(path, data={"sponsor": "Thread Co", "disclosure": "", "url": "http://x"})
    assert refused.status_code == 422 and "Thread Co" in refused.text
    assert (
        desk.post(
            path, data={"sponsor": "Thread Co", "disclosure": "Supported by", "url": "javascript:1"}
        ).status_code
        == 422
    )
    desk.post(
        path, data={"sponsor": "Thread <Co>", "disclosure": "Supported by", "url": "https://thread.example/"}
    )
    frame = client.get(f"/embed/by/{placement.code}").text
    assert (
        "Supported by" in frame
        and "Thread &lt;Co&gt;" in frame
        and 'rel="sponsored nofollow noopener"' in frame
    )
    hidden = client.get(f"/embed/{placement.entry_id}?via={placement.code}&logos=hide").text
    assert "Supported by" in hidden and "Thread &lt;Co&gt;" in hidden
    desk.post(path, data={"action": "remove"})
    assert "Supported by" not in client.get(f"/embed/by/{placement.code}").text


def test_a_logo_is_drawn_anew(client, desk, brand, settings):
    placement = make_placement(brand, make_entry())
    desk.post(f"/brand/{brand.id}/sponsor", data={"sponsor": "Thread", "disclosure": "Ad"})
    path = f"/brand/{brand.id}/sponsor/logo"
    sent = picture(pnginfo=None)
    answer = desk.post(path, data={"logo": (sent, "../../evil.svg")}, content_type="multipart/form-data")
    assert answer.status_code == 303
    key = db.session.query(Sponsor).one().logo_key
    with client.get(f"/media/{key}") as shown:
        drawn = Image.open(io.BytesIO(shown.data))
        assert (drawn.format, drawn.size, drawn.mode) == ("PNG", (480, 160), "RGBA")
        assert shown.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert f"/media/{key}" in client.get(f"/embed/by/{placement.code}").text


@pytest.mark.parametrize(
    "data", [b"<svg onload=alert(1)>", b"GIF89a" + b"\0" * 50, b"", b"\x89PNG\r\n\x1a\nbroken"]
)
def test_what_is_no_picture_is_refused(desk, brand, data):
    desk.post(f"/brand/{brand.id}/sponsor", data={"sponsor": "Thread", "disclosure": "Ad"})
    answer = desk.post(
        f"/brand/{brand.id}/sponsor/logo",
        data={"logo": (io.BytesIO(data), "x.png")},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 422 and db.session.query(Sponsor).one().logo_key == ""


def test_a_frames_look_changes_from_the_desk(client, desk, brand):
    placement = make_placement(brand, make_entry())
    path = f"/brand/{brand.id}/embeds/{placement.id}"
    assert f"embed=&#34;{placement.code}&#34;" in desk.get(path).text
    desk.post(path, data={"label": "Footer", "theme": "dark", "lang": "fr"})
    assert '<html lang="fr" data-theme="dark">' in client.get(f"/embed/by/{placement.code}").text
    faint = desk.post(path, data={"label": "Footer", "accent": "#ffffff", "ground": "#fefefe"})
    assert faint.status_code == 422 and "to 1" in faint.text and "#ffffff" in faint.text
    assert desk.post(path, data={"label": " "}).status_code == 422
    desk.post(path, data={"action": "end"})
    assert client.get(f"/embed/by/{placement.code}").status_code == 404
    desk.post(path, data={"action": "restart"})
    assert client.get(f"/embed/by/{placement.code}").status_code == 200
    db.session.expire_all()
    assert db.session.get(Placement, placement.id).label == "Footer"


@pytest.fixture
def figures(brand):
    """A placement that was seen 200 times and through which six people came, who brought four more."""
    today = datetime.now(UTC)
    contest = make_contest(opens=today - timedelta(days=3), closes=today + timedelta(days=3))
    placement = make_placement(brand, make_entry(contest))
    save(
        PlacementDay(
            placement_id=placement.id,
            day=today.date(),
            path="/blog",
            seen_count=200,
            plays_count=9,
            opens_count=20,
        )
    )
    embed_id = db.session.query(PlacementEmbed.embed_id).scalar()
    for number in range(6):
        arrival = Arrival(entry_id=placement.entry_id, depth=1, code=f"visit{number:06}", embed_id=embed_id,
                          channel="embed", arrived_at=today)  # fmt: skip
        save(arrival)
        save(ArrivalStat(arrival_id=arrival.id, entry_id=placement.entry_id, subtree_size=5 if number == 0 else 1,
                         votes_subtree=1))  # fmt: skip
    other = save(Embed(entry_id=placement.entry_id, code="plain000001", created_at=today))
    save(
        Arrival(entry_id=placement.entry_id, depth=1, code="visitXXXXXX", embed_id=other.id, arrived_at=today)
    )
    return placement


def test_figures_are_compared_and_small_ones_hidden(desk, brand, figures):
    row = re.search(r"Home page</a>.*?</tr>", desk.get(f"/brand/{brand.id}").text, re.DOTALL)[0]
    assert re.findall(r'number">([^<]*)<', row) == ["200", "9", "20", "6", "3.0 %", "6", "0", "10"]
    page = desk.get(f"/brand/{brand.id}/embeds/{figures.id}").text
    assert "/blog" in page and "200" in page


def test_the_report_of_a_week_can_be_read(desk, brand, figures):
    today = datetime.now(UTC).date()
    assert "Home page" in desk.get(f"/brand/{brand.id}/report?week={today}").text
    assert desk.get(f"/brand/{brand.id}/report").status_code == 200
    for week, status in (
        ("31 Feb", 422),
        ("0000-01-01", 422),
        ("99999-01-01", 422),
        ("2999-01-01", 404),
        ("0001-01-01", 422),
    ):
        assert desk.get(f"/brand/{brand.id}/report?week={week}").status_code == status, week


def test_reports_can_be_switched_off(desk, brand, owner):
    desk.post(f"/brand/{brand.id}/reports", data={})
    assert db.session.get(Membership, (brand.id, owner.id)).has_reports is False
    desk.post(f"/brand/{brand.id}/reports", data={"has_reports": "y"})
    db.session.rollback()
    assert db.session.get(Membership, (brand.id, owner.id), populate_existing=True).has_reports is True
