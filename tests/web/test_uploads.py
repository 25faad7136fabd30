"""One limit for uploads, whether the request says its length or only turns out to be too long."""

import io
import secrets

import pytest

from quilt.web.uploads import FORM_ROOM, UploadTooLarge, receive_upload

MOST = 100_000
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="film.mp4"\r\n\r\n'


def receive(app, folder, size, **environ):
    body = HEAD + bytes(size) + b"\r\n--x--\r\n"
    request = {
        "method": "POST",
        "input_stream": io.BytesIO(body),
        "content_type": "multipart/form-data; boundary=x",
        "environ_overrides": environ or {"CONTENT_LENGTH": str(len(body))},
    }
    with app.test_request_context("/", **request):
        return receive_upload("file", folder, MOST, secrets.token_bytes)


@pytest.mark.parametrize("environ", [{}, {"wsgi.input_terminated": True}], ids=["said", "in-pieces"])
def test_the_limit_holds_for_every_body(app, tmp_path, monkeypatch, environ):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    taken = receive(app, tmp_path, MOST, **environ)
    assert taken.path.stat().st_size == MOST and list(tmp_path.iterdir()) == [taken.path]
    with pytest.raises(UploadTooLarge):
        receive(app, tmp_path, MOST + FORM_ROOM, **environ)
    assert list(tmp_path.iterdir()) == [taken.path], "nothing of it stays"
