import gzip
import re

import pytest

from quilt.config import ROOT
from quilt.web.scripts import FOLDER, NEWEST, load_script

# What is out never changes: pages hold these values. A release that is made has a line here, for ever.
RELEASED = {"v1.0": "sha384-bE+kWVObRvFZh51BE8P2qgaJAbixUjLaFDJ/Q6cqx+yvByISPsyKO7oxtj6n/ZFB"}


def test_what_was_released_is_never_changed(client):
    found = {path.stem for path in FOLDER.glob("v1.*.js")}
    assert found == RELEASED.keys() and NEWEST in found
    assert {name: load_script(name).integrity for name in found} == RELEASED
    for name in found:
        answer = client.get(f"/widget/{name}.js")
        assert "immutable" in answer.headers["Cache-Control"] and answer.data == load_script(name).plain
    assert client.get("/widget/v1.js").data == load_script(NEWEST).plain
    assert RELEASED[NEWEST] in (ROOT / "docs" / "embed.md").read_text()
    assert RELEASED[NEWEST] in client.get("/brand/embeds/new").text


@pytest.mark.parametrize("path", ["/embed/999", "/embed/contests/no-such-one"])
def test_a_frame_is_light(client, path):
    """All that a frame needs but its story's own picture, as it travels."""
    frame = client.get(path).text
    parts = re.findall(r'(?:href|src)="(/widget/frame\.(?:css|js)\?v=\w+)"', frame)
    assert len(parts) == 2 and "/static/vendor" not in frame
    answers = [client.get(part, headers={"Accept-Encoding": "gzip"}) for part in [*parts, "/widget/v1.js"]]
    assert all(answer.headers["Content-Encoding"] == "gzip" for answer in answers)
    assert all(answer.headers["Access-Control-Allow-Origin"] == "*" for answer in answers)
    assert "max-age=31536000" in answers[0].headers["Cache-Control"]
    assert b"woff2" not in client.get(parts[0]).data, "it loads no font"
    assert len(frame.encode()) + sum(len(answer.data) for answer in answers) < 24_000


def test_the_loader_is_small_and_for_any_site(client):
    answer = client.get("/widget/v1.js")
    assert answer.mimetype == "text/javascript" and answer.status_code == 200
    assert len(gzip.compress(answer.data)) < 6_000
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "max-age=86400" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers


def test_it_travels_compressed_where_the_browser_can(client):
    plain = client.get("/widget/v1.js")
    small = client.get("/widget/v1.js", headers={"Accept-Encoding": "br, gzip"})
    assert small.headers["Content-Encoding"] == "gzip" and small.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(small.data) == plain.data
    assert small.headers["ETag"] != plain.headers["ETag"]
    again = client.get(
        "/widget/v1.js", headers={"Accept-Encoding": "gzip", "If-None-Match": small.headers["ETag"]}
    )
    assert again.status_code == 304


def test_it_keeps_to_old_browsers_and_strict_pages(client):
    source = client.get("/widget/v1.js").text
    assert not [
        word for word in ("innerHTML", "eval(", "document.write", "?.", "??", "cookie =") if word in source
    ]
