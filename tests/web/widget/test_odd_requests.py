"""What scanners and broken clients send."""

import pytest

from quilt.media.storage import results_of
from tests.factories import make_entry

KEY = f"ab/ab{'7' * 30}.mp4"


@pytest.fixture
def film(settings):
    path = results_of(settings).path(KEY)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(1_000))
    yield f"/media/{KEY}"
    path.unlink()


@pytest.mark.parametrize(
    "spans", ["bytes=0-0," * 1_000, "bytes=0-0,5-6,7-8", "bytes=-0", "bytes=9999-", "bytes=5-1", "lines=1-2"]
)
def test_G17_a_thousand_ranges_are_one_answer(client, film, spans):
    with client.get(film, headers={"Range": spans}) as answer:
        assert answer.status_code in (200, 206, 416) and len(answer.data) <= 3_000
        assert not answer.headers["Content-Type"].startswith("multipart/")


def test_known_bytes_are_not_sent_again_however_many_tags_are_named(client):
    path = f"/widget/entries/{make_entry().id}.json"
    tag = client.get(path).headers["ETag"]
    storm = ", ".join([f'"{number}"' for number in range(2_000)] + [tag])
    for _ in range(20):
        assert client.get(path, headers={"If-None-Match": storm}).status_code == 304


@pytest.mark.parametrize("path", [
    "/.env", "/.git/config", "/static/../quilt/app.py", "/static/%2e%2e/pyproject.toml", "/static/..%2fpyproject.toml",
    "/static//etc/passwd", "/wsgi.py", "/var/quilt.db", "/widget/../../wsgi.py", "/widget/v1.999.js", "/widget/v1.0.js.map",
])  # fmt: skip
def test_G19_nothing_of_ours_lies_about(client, path):
    answer = client.get(path)
    assert answer.status_code == 404 and b"SECRET" not in answer.data


def test_trace_is_not_answered(client):
    assert client.open("/", method="TRACE").status_code == 405
