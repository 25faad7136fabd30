"""One's own branch on /me and on the share sheet, and the choices about it."""

import re
import secrets

import pytest

from quilt.accounts.choices import LETTERS_OFF, choose
from quilt.accounts.models import User
from quilt.arrivals.exclusions import exclude_arrival
from quilt.arrivals.fold import fold_waiting
from quilt.arrivals.models import Arrival
from quilt.arrivals.nodes import Visit
from quilt.arrivals.service import record_arrival
from quilt.database import db
from quilt.signed_ids import make_token
from quilt.web.visitors import sign_code
from tests.arrivals.planting import plant
from tests.conftest import NOW
from tests.factories import make_contest, make_entry, make_user
from tests.journeys.test_branches import vote_as
from tests.web.site.browsing import hide_counts, make_open_contest, post, sign_in

#  the film ← 0 ← 1 (me) ← 2 … 7 directly, then a chain 8 ← 9 below 2
TREE = [-1, 0, *[1] * 6, 2, 8]
CHANNELS = ("mail", "wa")


def sign_codes(client, entry_id, code):
    """The cookie of whoever's own code this is."""
    secret = client.application.extensions["quilt_settings"].secret_key
    return f"{entry_id}.{code}.{sign_code(entry_id, code, secret)}"


def read_branches(text):
    """Each branch of a page: its figures and the steps of its way, as texts."""
    found = []
    for part in re.findall(r'<(?:li|section) class="branch".*?See the whole tree', text, re.DOTALL):
        figures = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", part))
        way = re.findall(r"<li[^>]*>(.*?)</li>", part.partition('<ol class="way"')[2], re.DOTALL)
        found.append((figures, [re.sub("<.*?>", "", step).strip() for step in way]))
    return found


@pytest.fixture
def me(client):
    user = make_user(name="Ana")
    sign_in(client, user)
    return user


def test_my_branch(client, me):
    entry = make_entry(make_open_contest(), title="The library bus")
    ids = plant(entry, TREE, voters=range(2, 8), channels=CHANNELS)
    vote_as(me, entry, ids[1])
    page = client.get("/me").text
    figures = {"people in all": "8", "by your own link": "6", "generations": "3", "votes by them": "6"}
    way = ["The film", "Generation 1, by e-mail", "You: generation 2, by WhatsApp"]
    assert read_branches(page) == [(figures, way)]
    assert "The library bus" in page and f'href="/entries/{entry.id}/share"' in page


def test_the_share_sheet_ends_with_the_same(client):
    entry = make_entry(make_open_contest())
    ids = plant(entry, TREE, channels=CHANNELS)
    code = f"Own{ids[1]:08}"
    db.session.get(Arrival, ids[1]).code = code
    db.session.commit()
    assert read_branches(client.get(f"/entries/{entry.id}/share").text) == []
    client.set_cookie("quilt_codes", sign_codes(client, entry.id, code))
    figures, way = read_branches(client.get(f"/entries/{entry.id}/share").text)[0]
    assert figures["people in all"] == "8" and figures["votes by them"] == "under 5" and len(way) == 3
    other = make_entry()
    client.set_cookie("quilt_codes", sign_codes(client, other.id, code))
    assert read_branches(client.get(f"/entries/{other.id}/share").text) == []


def test_figures_below_five_are_not_told(client, me):
    contest = make_open_contest()
    few, some = make_entry(contest, title="Few"), make_entry(contest, title="Some")
    vote_as(me, few, plant(few, [-1, 0, 0, 0, 0, -1])[0])
    vote_as(me, some, plant(some, [-1, 0, 1, 1, 1, 1], voters=(2, 3))[0])
    (some_figures, _), (few_figures, few_way) = read_branches(client.get("/me").text)
    assert some_figures == {"people in all": "5", "by your own link": "under 5", "generations": "2", "votes by them": "under 5"}  # fmt: skip
    assert few_figures == {} and len(few_way) == 2
    assert "Fewer than five people have come by your link so far." in client.get("/me").text


def test_a_way_is_not_told_where_fewer_than_five_have_come(client, me):
    entry = make_entry()
    vote_as(me, entry, plant(entry, [-1, 0, 1, 2])[2])
    assert read_branches(client.get("/me").text) == [({}, [])]


def test_a_far_way_is_told_by_its_end(client, me):
    entry = make_entry()
    vote_as(me, entry, plant(entry, range(-1, 2_000))[-1])
    _, way = read_branches(client.get("/me").text)[0]
    assert way[:3] == ["The film", "… and 1,993 more …", "Generation 1,994, by WhatsApp"]
    assert way[-1] == "You: generation 2,001, by WhatsApp" and len(way) == 10


def test_votes_are_hidden_where_the_contest_hides_them(client, me):
    contest = make_open_contest()
    entry = make_entry(contest)
    vote_as(me, entry, plant(entry, TREE, voters=range(2, 8))[1])
    hide_counts(contest)
    assert "votes by them" not in read_branches(client.get("/me").text)[0][0]


def test_a_branch_out_of_the_count_says_so(client, me):
    entry = make_entry()
    ids = plant(entry, TREE)
    vote_as(me, entry, ids[1])
    exclude_arrival(ids[0], make_user(role="moderator").id, "One hand.", now=NOW)
    page = client.get("/me").text
    assert "This branch is out of the count" in page and read_branches(page) == [({}, [])]


def test_invented_channels_are_not_repeated(client, me):
    entry = make_entry()
    vote_as(me, entry, plant(entry, TREE, channels=("shout-abuse",))[1])
    page = client.get("/me").text
    assert "shout" not in page and "You</b>: generation 2, by another link" in page


def test_others_branches_and_hidden_entries_stay_away(client, me):
    theirs, hidden = make_entry(), make_entry(state="withdrawn")
    vote_as(make_user(), theirs, plant(theirs, TREE)[0])
    vote_as(me, hidden, plant(hidden, TREE)[0])
    page = client.get("/me").text
    assert read_branches(page) == [] and "None yet. Vote for a story" in page


def test_as_many_queries_for_three_as_for_one(client, me, count_queries):
    counts = []
    for _ in range(2):
        entry = make_entry(make_contest())
        vote_as(me, entry, plant(entry, TREE)[1])
        with count_queries() as queries:
            assert read_branches(client.get("/me").text)
        counts.append(len(queries))
        entry = make_entry(make_contest())
        vote_as(me, entry, plant(entry, TREE)[1])
    assert counts[0] == counts[1] > 0


def test_choices_are_kept_as_they_are_ticked(client, me):
    assert (me.has_branch_letters, me.is_named_spreader) == (True, False)
    page = client.get("/me").text
    boxes = {
        re.search(r'name="(\w+)"', box)[1]: box
        for box in re.findall(r'<input[^>]*type="checkbox"[^>]*>', page)
    }
    ticked = {name: "checked" in box for name, box in boxes.items()}
    assert ticked == {"has_branch_letters": True, "is_named_spreader": False}
    assert post(client, "/me/choices", is_named_spreader="y").location == "/me"
    after = db.session.get(User, me.id, populate_existing=True)
    assert (after.has_branch_letters, after.is_named_spreader) == (False, True)


def list_names(client, entry):
    """Who the spread page says brought the most."""
    html = client.get(f"/entries/{entry.id}/spread").text
    table = re.search(
        r"The people through whom the most others came</caption>(.*?)</table>", html, re.DOTALL
    )[1]
    return re.findall(r'<th scope="row">([^<]*) <span', table)


def test_names_only_by_wish(client, me):
    entry = make_entry()
    ids = plant(entry, [-1, -1, -1, *[0] * 8, *[1] * 7, *[2] * 6])
    nameless, bob = make_user(name=""), make_user(name="Bob")
    for user, arrival_id in zip((me, nameless, bob), ids[:3], strict=True):
        vote_as(user, entry, arrival_id)
    fold_waiting(NOW)
    assert list_names(client, entry) == ["Someone in generation 1"] * 3
    for user in (me, nameless):
        choose(user.id, has_branch_letters=True, is_named_spreader=True)
    record_arrival(Visit(entry.id, b"newcomer"), None, now=NOW, entropy=secrets.token_bytes)
    fold_waiting(NOW)  # a page that is kept learns of it with the next one who comes, or within five minutes
    assert sorted(list_names(client, entry)) == ["Ana", "Someone in generation 1", "Someone in generation 1"]


def test_one_click_ends_the_letters_without_signing_in(client, app, settings):
    user, other = make_user(), make_user()
    path = f"/letters/off/{make_token(user.id, settings.secret_key, LETTERS_OFF)}"
    page = client.get(path)
    assert page.status_code == 200 and "Stop these letters" in page.text
    assert page.headers["Cache-Control"] == "private, no-store" and page.headers["X-Robots-Tag"] == "noindex"
    assert db.session.get(User, user.id, populate_existing=True).has_branch_letters, "a GET changes nothing"
    answer = client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200 and "No more of these letters" in answer.text
    assert "Set-Cookie" not in answer.headers
    wishes = [
        db.session.get(User, each.id, populate_existing=True).has_branch_letters for each in (user, other)
    ]
    assert wishes == [False, True]
    assert client.post(path).status_code == 200, "a second click is none the worse"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_or_cut_link_changes_nothing(client, app, settings, method):
    user = make_user()
    token = make_token(user.id, settings.secret_key, LETTERS_OFF)
    for wrong in (
        token[:-4],
        make_token(user.id, "another secret of the same length", LETTERS_OFF),
        "x" * 5_000,
    ):
        assert client.open(f"/letters/off/{wrong}", method=method).status_code == 404
    assert db.session.get(User, user.id, populate_existing=True).has_branch_letters


def test_an_account_that_is_gone_gets_no_letters(client, app, settings):
    answer = client.post(f"/letters/off/{make_token(10**9, settings.secret_key, LETTERS_OFF)}")
    assert answer.status_code == 404 and "That account is gone" in answer.text
