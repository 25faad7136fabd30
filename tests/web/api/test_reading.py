"""What everybody may read: the shapes that are promised, in pages, with tags, and nothing that is hidden."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from quilt.contests.models import Phase
from quilt.database import db, transaction
from quilt.embeds.models import Embed
from quilt.results.models import Result
from quilt.votes.models import EntryTally
from quilt.web.api.table import OPERATIONS, Operation
from quilt.web.clock import now
from tests.factories import make_contest, make_entry, save
from tests.web.api.seeds import Seed
from tests.web.api.shape_check import find_misfits

PUBLIC = [each for each in OPERATIONS.values() if each.is_public]
NEEDED = {"prove_leaf": "?leaf=0", "prove_growth": "?from=0"}


def path_of(each: Operation, seed: Seed) -> str:
    values = seed.values(each.name)
    path = each.path.replace("<int:entry_id>", str(values["entry_id"])).replace("<slug>", str(values["slug"]))
    return f"/api/v1{path}"


@pytest.mark.parametrize(
    "each", [each for each in PUBLIC if each.name != "prove_leaf"], ids=lambda each: each.name
)
def test_answers_have_the_promised_shape(client: FlaskClient, seed: Seed, each: Operation) -> None:
    answer = client.get(path_of(each, seed) + NEEDED.get(each.name, ""))
    assert answer.status_code == 200, answer.text
    assert find_misfits(answer.json, each.answer) == []
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    again = client.get(
        answer.request.full_path.rstrip("?"), headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")


def test_fields_keep_their_order(client: FlaskClient, seed: Seed) -> None:
    answer = client.get(f"/api/v1/entries/{seed.entry.id}")
    assert list(answer.json) == list(OPERATIONS["show_entry"].answer["properties"])


def test_what_waits_is_not_there(client: FlaskClient, seed: Seed) -> None:
    entries = client.get(f"/api/v1/contests/{seed.contest.slug}/entries")
    assert [entry["id"] for entry in entries.json["items"]] == [seed.entry.id]
    waiting = client.get(f"/api/v1/entries/{seed.entry.id + 1}")
    assert (waiting.status_code, waiting.json["code"]) == (404, "not_found")
    assert waiting.mimetype == "application/problem+json"


def test_hidden_contests_are_not_there(client: FlaskClient, seed: Seed) -> None:
    hidden = make_contest(is_published=False)
    entry = make_entry(hidden)
    for path in (f"contests/{hidden.slug}", f"contests/{hidden.slug}/standings", f"entries/{entry.id}/embed"):
        assert client.get(f"/api/v1/{path}").status_code == 404, path
    slugs = {contest["slug"] for contest in client.get("/api/v1/contests").json["items"]}
    assert slugs == {seed.contest.slug, seed.finished.slug}


def test_hidden_counts_are_not_told(client: FlaskClient, seed: Seed) -> None:
    set_votes(seed.entry.id, 40)
    path = f"/api/v1/contests/{seed.contest.slug}/standings"
    assert client.get(path).json["items"][0]["votes"] == 40
    with transaction() as session:
        session.execute(update(Phase).values(shows_counts=False))
    line = client.get(path).json["items"][0]
    assert (line["place"], line["votes"]) == (None, None)
    assert client.get(f"/api/v1/entries/{seed.entry.id}").json["votes"] is None
    assert client.get(f"/api/v1/entries/{seed.entry.id}/spread").json["shared_votes"] is None


def test_few_votes_are_told_when_voting_is_over(client: FlaskClient, seed: Seed) -> None:
    set_votes(seed.entry.id, 3)
    assert client.get(f"/api/v1/entries/{seed.entry.id}").json["votes"] is None
    with transaction() as session:
        session.execute(update(Phase).values(ends_at=now() - timedelta(minutes=1)))
    assert client.get(f"/api/v1/entries/{seed.entry.id}").json["votes"] == 3


def test_a_result_is_told_once_it_is_published(client: FlaskClient, seed: Seed) -> None:
    path = f"/api/v1/contests/{seed.finished.slug}/results"
    told = client.get(path).json
    assert (told["is_final"], told["ledger_size"], told["draw_value"]) == (True, 7, None)
    [place] = told["places"]
    assert (place["place"], place["title"], place["is_paid"], place["prize_state"], place["score"]) == (
        1, "The library bus", True, "paid", None,
    )  # fmt: skip
    with transaction() as session:
        session.execute(update(Result).values(state="proposed"))
    for slug in (seed.finished.slug, seed.contest.slug):
        hidden = client.get(f"/api/v1/contests/{slug}/results")
        assert (hidden.status_code, hidden.json["code"]) == (404, "no_result")


def test_an_entry_s_embed_brings_its_visitors_with_its_own_code(client: FlaskClient, seed: Seed) -> None:
    path = f"/api/v1/entries/{seed.entry.id}/embed"
    assert "via" not in client.get(path).json["html"]
    save(Embed(entry_id=seed.entry.id, code="Embed000001", created_at=now()))
    told = client.get(path).json
    assert told["code"] == "Embed000001" and f'entry="{seed.entry.id}" via="Embed000001"' in told["html"]
    assert told["frame_url"].endswith(f"/embed/{seed.entry.id}?via=Embed000001")
    assert client.get(told["frame_url"]).status_code == 200


@pytest.mark.parametrize("name", ["entries", "standings"])
def test_pages_go_on_where_the_last_one_ended(client: FlaskClient, seed: Seed, name: str) -> None:
    wanted = [seed.entry.id, *(make_entry(seed.contest).id for _ in range(4))]
    path = f"/api/v1/contests/{seed.contest.slug}/{name}"
    found, after = [], ""
    for _ in range(3):
        page = client.get(f"{path}?limit=2{after}").json
        found += [item["id"] for item in page["items"]]
        after = f"&after={page['next']}"
    assert found == wanted
    assert page["next"] is None


def test_places_go_on_over_hundreds(client: FlaskClient, seed: Seed) -> None:
    """Two blocks of a hundred, with equals across their border: as if all had been placed at once."""
    entries = [seed.entry.id, *(make_entry(seed.contest).id for _ in range(104))]
    for number, entry_id in enumerate(entries):
        set_votes(entry_id, 9 if number < 98 else 6)
    path = f"/api/v1/contests/{seed.contest.slug}/standings"
    found, after = [], ""
    while after is not None:
        page = client.get(f"{path}?limit=49{f'&after={after}' if after else ''}").json
        found += [(line["place"], line["id"]) for line in page["items"]]
        after = page["next"]
    assert found == [(1 if number < 98 else 99, entry_id) for number, entry_id in enumerate(entries)]


def test_contests_and_heads_come_in_pages(client: FlaskClient, seed: Seed) -> None:
    older = seed.finished.slug
    newer = make_contest().slug
    first = client.get("/api/v1/contests?limit=1").json
    second = client.get(f"/api/v1/contests?limit=1&after={first['next']}").json
    assert [page["items"][0]["slug"] for page in (first, second)] == [newer, older]
    heads = client.get(f"/api/v1/contests/{seed.contest.slug}/ledger/heads?limit=1").json
    assert heads["items"][0]["number"] == 0


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        pytest.param("limit=0", 422, "bad_field", id="G15-none"),
        pytest.param("limit=-1", 422, "bad_field", id="G15-less"),
        pytest.param("limit=1000000", 200, None, id="G15-many"),
        pytest.param("limit=1&limit=2", 422, "bad_field", id="G15-twice"),
        pytest.param("limit=1e3", 422, "bad_field", id="G15-float"),
        pytest.param("page=1", 422, "unknown_field", id="G15-page"),
        pytest.param("after=AAAAAAAAAAE", 400, "bad_cursor", id="G15-cursor"),
        pytest.param("after=%C3%A9", 400, "bad_cursor", id="G15-no-cursor"),
        pytest.param("fields=email,ip,password", 422, "unknown_field", id="G16"),
        pytest.param("access_token=quilt_x", 422, "unknown_field", id="G16-token"),
        pytest.param("callback=alert", 422, "unknown_field", id="G09-api"),
    ],
)
def test_odd_questions(client: FlaskClient, seed: Seed, query: str, status: int, code: str | None) -> None:
    answer = client.get(f"/api/v1/contests/{seed.contest.slug}/entries?{query}")
    assert (answer.status_code, answer.json.get("code")) == (status, code)


def test_a_cursor_fits_its_own_list_only(client: FlaskClient, seed: Seed) -> None:
    make_entry(seed.contest)
    path = f"/api/v1/contests/{seed.contest.slug}"
    after = client.get(f"{path}/entries?limit=1").json["next"]
    assert client.get(f"{path}/standings?after={after}").status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [("proof?leaf=1000", 404), ("proof?leaf=-1", 422), ("proof?leaf=1e3", 422), ("consistency?from=7", 404)],
)
def test_I12_proofs_that_there_are_not(client: FlaskClient, seed: Seed, path: str, status: int) -> None:
    answer = client.get(f"/api/v1/contests/{seed.contest.slug}/ledger/{path}")
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v1/nothing", "/api/v2/contests", "/api/v1/entries/x"]
)
def test_refusals_are_never_pages(client: FlaskClient, seed: Seed, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    wrong = client.delete("/api/v1/contests", headers={"Accept": "text/html"})
    assert (wrong.status_code, wrong.json["code"]) == (405, "method_not_allowed")


def set_votes(entry_id: int, votes: int) -> None:
    with transaction() as session:
        session.execute(update(EntryTally).where(EntryTally.entry_id == entry_id).values(standing=votes))
    db.session.rollback()
