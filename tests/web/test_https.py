"""What a site on https adds to its cookies and headers."""

from tests.web.auth.provider_browser import open_app

HOME = "https://quilt.example"


def test_cookies_belong_to_this_host_alone_and_the_way_stays_encrypted(app, settings):
    with open_app(settings, base_url=HOME) as secure:
        answer = secure.test_client().get("/sign-in", base_url=HOME)
    (cookie,) = [cookie for cookie in answer.headers.getlist("Set-Cookie") if "quilt_session" in cookie]
    assert cookie.startswith("__Host-quilt_session=") and "Domain" not in cookie
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    plain = app.test_client().get("/sign-in")
    assert "__Host-" not in plain.headers["Set-Cookie"] and "Strict-Transport-Security" not in plain.headers
