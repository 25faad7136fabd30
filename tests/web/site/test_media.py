"""Files as they are served: by range, with exact types, and never what was uploaded."""

import secrets

import pytest

from quilt.media.storage import OWN_BYTES, make_key, originals_of, results_of


@pytest.fixture
def stored(settings, tmp_path):
    def store(suffix, content, storage=None):
        source = tmp_path / "source"
        source.write_bytes(content)
        key = make_key(source, suffix, secrets.token_bytes(OWN_BYTES))
        (storage or results_of(settings)).save(key, source)
        return key

    return store


def test_a_video_comes_whole_and_by_range(client, stored):
    address = f"/media/{stored('mp4', bytes(range(256)) * 4)}"
    with client.get(address) as whole:
        assert (whole.status_code, whole.mimetype, len(whole.data)) == (200, "video/mp4", 1024)
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "immutable" in whole.headers["Cache-Control"] and "Set-Cookie" not in whole.headers
    with client.get(address, headers={"Range": "bytes=10-19"}) as part:
        assert (part.status_code, part.data) == (206, bytes(range(10, 20)))
        assert part.headers["Content-Range"] == "bytes 10-19/1024"
    for asked, status in (("Range", "bytes=5000-"), 416), (("If-None-Match", whole.headers["ETag"]), 304):
        with client.get(address, headers=dict([asked])) as answer:
            assert answer.status_code == status


def test_uploads_are_never_served(client, settings, stored):
    key = stored("upload", b"as it came", originals_of(settings))
    assert client.get(f"/media/{key}").status_code == 404
    served = stored("upload", b"in the wrong place")
    assert client.get(f"/media/{served}").status_code == 404


@pytest.mark.parametrize(
    "key",
    ["", "../quilt.db", "ab/../../quilt.db", "%2e%2e/quilt.db", "/etc/passwd", "ab/abc.mp4", "a" * 9000],
)
def test_other_names_are_no_files(client, key):
    assert client.get(f"/media/{key}").status_code in (404, 308)
