import gzip


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
