import pytest

from quilt.database import transaction
from quilt.entries.models import Entry
from quilt.media.models import Video
from quilt.media.storage import results_of
from tests.factories import make_entry, make_user
from tests.web.widget.test_embed import make_open_entry, set_figures


def ask(client, entry, query="", **headers):
    return client.get(f"/widget/entries/{entry.id}.json{query}", headers=headers)


def test_what_it_says(client):
    entry = make_open_entry(title="The library bus", slug="the-library-bus")
    assert ask(client, entry).json == {
        "id": entry.id,
        "title": "The library bus",
        "cause": "Pompe research",
        "contest": "Ten thousand for a cause",
        "url": f"http://localhost/entries/{entry.id}-the-library-bus",
        "embed_url": f"http://localhost/embed/{entry.id}",
        "poster_url": None,
        "duration_seconds": None,
        "votes": None,
        "reach": None,
        "may_vote": True,
    }


def test_figures_from_five_on_and_the_poster(client):
    entry = make_entry()
    set_figures(entry, votes=7, reach=4)
    with transaction() as session:
        session.get(Video, entry.video_id).poster_key = "ab/ab.jpg"
    answer = ask(client, entry).json
    assert (answer["votes"], answer["reach"]) == (7, None)
    assert answer["poster_url"] == "http://localhost/media/ab/ab.jpg"


def test_any_site_may_read_it_without_a_cookie(client):
    answer = ask(client, make_entry(), Cookie="quilt_session=nonsense", Origin="https://blog.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"] == "public, max-age=5"
    for absent in ("Set-Cookie", "Access-Control-Allow-Credentials"):
        assert absent not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_the_same_bytes_are_sent_once(client):
    entry = make_entry()
    first = ask(client, entry)
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = ask(client, entry, **{"If-None-Match": known})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag and again.headers["Access-Control-Allow-Origin"] == "*"
    with transaction() as session:
        row = session.get(Entry, entry.id)
        row.title, row.version = "Second steps", row.version + 1
    changed = ask(client, entry, **{"If-None-Match": tag})
    assert changed.status_code == 200 and changed.json["title"] == "Second steps"


def test_a_kept_answer_costs_one_look_at_the_version(client, count_queries):
    path = f"/widget/entries/{make_entry().id}.json"
    client.get(path)
    with count_queries() as queries:
        client.get(path)
    assert len(queries) == 2, queries  # the entry's head and its contest's phases


def test_G09_no_jsonp(client):
    entry = make_entry()
    answer = ask(client, entry, "?callback=alert")
    assert answer.mimetype == "application/json" and answer.data == ask(client, entry).data


@pytest.mark.parametrize("state", ["draft", "withdrawn", None])
def test_what_is_not_published_is_a_problem_in_json(client, state):
    make_user()
    path = f"/widget/entries/{make_entry(state=state).id if state else 999}.json"
    answer = client.get(path)
    assert answer.status_code == 404 and answer.mimetype == "application/problem+json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_other_sites_may_show_the_poster_and_no_video(client, settings):
    for key, policy in (
        ("ab/ab" + "1" * 30 + ".jpg", "cross-origin"),
        ("ab/ab" + "2" * 30 + ".mp4", "same-origin"),
    ):
        path = results_of(settings).path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        with client.get(f"/media/{key}") as answer:
            assert answer.headers["Cross-Origin-Resource-Policy"] == policy
        path.unlink()
